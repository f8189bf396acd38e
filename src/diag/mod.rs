//! Diagnostics: errors and warnings about the user's files, worded to help fix them.
//!
//! - [`Diagnostic`]: one error or warning, with a code, a message, locations and hints
//! - [`near`]: similar names, for "did you mean"
//! - [`render`]: terminal output
//! - [`yaml`]: errors of the YAML parser in words
//!
//! Diagnostics are collected and all shown; nothing here knows the domain or prints.

pub mod near;
pub mod render;
pub mod yaml;

use crate::text::Span;

/// The severity of a diagnostic: an error stops the command before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Shown; the command continues.
    Warning,
    /// The command can't continue.
    Error,
}

/// A location with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The location.
    pub span: Span,
    /// The text next to the underlined code; may be empty.
    pub message: String,
}

/// An error or a warning. Built fluently: `Diagnostic::error("unknown-ref", "…").at(span, "…").hint("…")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable kebab-case name for the kind of diagnostic, for searching and for tests.
    pub code: &'static str,
    pub severity: Severity,
    /// One sentence, without the location.
    pub message: String,
    /// The locations; the first is the primary one.
    pub labels: Vec<Label>,
    /// Facts that help to understand the problem.
    pub notes: Vec<String>,
    /// Suggestions for fixing it.
    pub hints: Vec<String>,
}

/// A single diagnostic, where several may be returned.
impl From<Diagnostic> for Vec<Diagnostic> {
    fn from(found: Diagnostic) -> Self {
        vec![found]
    }
}

impl Diagnostic {
    /// Creates an error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Creates a warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Returns whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: clipped(message.into()),
            labels: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a location; the first one added is the primary one.
    #[must_use]
    pub fn at(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: clipped(message.into()) });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(clipped(note.into()));
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(clipped(hint.into()));
        self
    }

    /// Adds the hint "did you mean …?" if any of `names` is similar to `wanted`.
    #[must_use]
    pub fn near<'a>(self, wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match near::question(wanted, names) {
            Some(question) => self.hint(question),
            None => self,
        }
    }
}

/// The maximum number of characters and lines of a text: what a file quotes may be of any length.
const MOST_CHARACTERS: usize = 8_000;
const MOST_LINES: usize = 200;

fn clipped(text: String) -> String {
    let line = text.match_indices('\n').nth(MOST_LINES - 1).map(|(at, _)| at);
    let end = text.char_indices().nth(MOST_CHARACTERS).map(|(at, _)| at);
    match line.into_iter().chain(end).min() {
        Some(end) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the text of findings: each with its position, notes and hints.
pub fn described(findings: &[Diagnostic]) -> String {
    let text = |found: &Diagnostic| {
        let place = found.labels.first().map(|label| {
            let (line, column) = label.span.line_column();
            format!(" ({}:{line}:{column})", label.span.source.path())
        });
        let more = found.notes.iter().map(|note| format!("\n  note: {note}"));
        let hints = found.hints.iter().map(|hint| format!("\n  help: {hint}"));
        format!("{}{}{}", found.message, place.unwrap_or_default(), more.chain(hints).collect::<String>())
    };
    findings.iter().map(text).collect::<Vec<_>>().join("\n")
}
