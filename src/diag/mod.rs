//! What is wrong with the user's files, said so that they can mend it.
//!
//! - [`Diagnostic`]: one finding, with a code, a message, places and hints
//! - [`near`]: near names, for "did you mean"
//! - [`render`]: a finding as a terminal shows it
//!
//! Findings are collected and all shown; nothing here knows the domain or prints.

pub mod near;
pub mod render;

use crate::text::Span;

/// How bad a finding is: an error stops the command before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Shown; the command goes on.
    Warning,
    /// The command can't go on.
    Error,
}

/// A place with what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to write beside the underlined text; may be empty.
    pub message: String,
}

/// One finding. Built fluently: `Diagnostic::error("unknown-ref", "…").at(span, "…").hint("…")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable kebab-case name of the kind of finding, for searching and for tests.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, without the place.
    pub message: String,
    /// The places; the first is the primary one.
    pub labels: Vec<Label>,
    /// Facts that help understanding.
    pub notes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a place; the first one added is the primary.
    #[must_use]
    pub fn at(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds an advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds "did you mean …?" if any of `names` is near `wanted`.
    #[must_use]
    pub fn near<'a>(self, wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match near::question(wanted, names) {
            Some(question) => self.hint(question),
            None => self,
        }
    }
}
