//! A template's file in its rewritten form, and errors of `MiniJinja` that lie in it.

use std::ops::Range;

use minijinja::{Error, ErrorKind};

use super::{
    operand::MOST_OPERATORS,
    rewrite::{Rewritten, TemplateRole, rewrite},
};
use crate::{
    diag::Diagnostic,
    text::{Source, Span},
};

/// A template and its rewritten form.
#[derive(Debug, Clone)]
pub(super) struct TemplateFile {
    pub(super) source: Source,
    pub(super) rewritten: Rewritten,
}

impl TemplateFile {
    pub(super) fn new(source: &Source, number: usize, role: TemplateRole) -> Self {
        Self { source: source.clone(), rewritten: rewrite(source.text(), number, role) }
    }

    /// Checks that the template compiles in reasonable time.
    pub(super) fn check(&self) -> Result<(), Diagnostic> {
        let Some(place) = self.rewritten.excess_operator else { return Ok(()) };
        let message = format!("this expression has more than {MOST_OPERATORS} operators");
        let error = Diagnostic::error("jinja-limit", message);
        let hint = "collect the parts in a list, and use `| join('')` or `| sum`, or write them as text of the template";
        Err(error.at(self.source.span(place..place + 1), "").hint(hint))
    }

    /// Maps a range of the compiled text to the user's file.
    pub(super) fn span(&self, compiled: Range<usize>) -> Span {
        self.source.span(self.rewritten.stitched.original(compiled))
    }
}

/// Explains why a template can't be compiled.
pub(super) fn compile_error(error: &Error, file: &TemplateFile) -> Diagnostic {
    let finding = Diagnostic::error(code(error.kind()), message(error));
    finding.at(place(error, file), "")
}

/// Returns the code of a kind of error.
pub(super) fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => "jinja-syntax",
        ErrorKind::UndefinedError => "undefined-variable",
        ErrorKind::UnknownFunction => "unknown-macro",
        ErrorKind::UnknownFilter => "unknown-filter",
        ErrorKind::UnknownTest => "unknown-test",
        ErrorKind::UnknownMethod => "unknown-method",
        ErrorKind::TooManyArguments | ErrorKind::MissingArgument => "jinja-arguments",
        _ => "jinja-error",
    }
}

/// Returns an error's message without its position.
pub(super) fn message(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::InvalidOperation | ErrorKind::UnknownFilter | ErrorKind::UnknownTest, Some(detail)) => {
            detail.to_owned()
        }
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

/// Returns the position of an error in the user's file.
pub(super) fn place(error: &Error, file: &TemplateFile) -> Span {
    if let Some(range) = error.range() {
        return file.span(range);
    }
    let start = file.source.offset(error.line().unwrap_or(1), 1);
    let length = file.source.text()[start..].find('\n').unwrap_or(file.source.text().len() - start);
    file.source.span(start..start + length)
}
