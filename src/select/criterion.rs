//! Selection criteria as written: `@`, `2+`, `method:`, the value, `+3`.

use std::ops::Range;

use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// A parsed criterion whose method isn't looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    /// The span of the criterion.
    pub(super) span: Span,
    /// The relatives to select along with the matching nodes.
    pub(super) reach: GraphOperators,
    /// The method before the colon, if there is one.
    pub(super) method: Option<Spanned<String>>,
    /// The value; never empty.
    pub(super) value: Spanned<String>,
}

/// The relatives to select along with the matching nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GraphOperators {
    /// `2+x+`: upstream and downstream nodes, each if requested.
    Lines { parents: Option<OperatorDepth>, children: Option<OperatorDepth> },
    /// `@x`: downstream nodes, and everything needed to build them and the matching nodes.
    Around,
}

/// The maximum distance of relatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperatorDepth {
    /// No limit.
    Unlimited,
    /// A number of steps.
    Steps(usize),
}

impl OperatorDepth {
    /// Returns the number of steps, or `None` if there is no limit.
    pub(super) fn limit(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::Steps(steps) => Some(steps),
        }
    }

    /// Parses the digits next to a `+`.
    fn of(digits: &str) -> Self {
        match digits {
            "" => Self::Unlimited,
            // Parsing fails only on overflow, and no graph is that deep.
            digits => Self::Steps(digits.parse().unwrap_or(usize::MAX)),
        }
    }
}

impl Criterion {
    /// Parses a range of the source: a non-empty word without spaces or commas.
    pub(super) fn parse(source: &Source, range: Range<usize>) -> Result<Self, Diagnostic> {
        let span = source.span(range);
        let (at, rest) = match span.text().strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, span.text()),
        };
        let (parents, rest) = split_parents(rest);
        let (method, rest) = split_method(rest);
        let (value, children) = split_children(rest);

        // The parts before the value have known lengths, whichever end they are counted from.
        let start = span.end - rest.len();
        let method = method.map(|method| {
            let end = start - ":".len();
            Spanned::new(method.to_owned(), source.span(end - method.len()..end))
        });
        if value.is_empty() {
            return Err(nothing_named(&span, method.as_ref()));
        }
        let value = Spanned::new(value.to_owned(), source.span(start..start + value.len()));
        let reach = match (at, children) {
            (false, children) => GraphOperators::Lines { parents, children },
            // `@x` already includes the ancestors that `@+x` asks for.
            (true, None) => GraphOperators::Around,
            (true, Some(_)) => return Err(at_and_plus(source.span(value.span.end..span.end), &span)),
        };
        Ok(Self { span, reach, method, value })
    }
}

/// Splits `2+x` into its depth and `x`.
fn split_parents(text: &str) -> (Option<OperatorDepth>, &str) {
    match text.split_once('+') {
        Some((digits, rest)) if is_digits(digits) => (Some(OperatorDepth::of(digits)), rest),
        _ => (None, text),
    }
}

/// Splits `tag:x` into `tag` and `x`.
fn split_method(text: &str) -> (Option<&str>, &str) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    match text.split_once(':') {
        Some((method, rest)) if !method.is_empty() && method.chars().all(is_word) => (Some(method), rest),
        _ => (None, text),
    }
}

/// Splits `x+2` into `x` and its depth.
fn split_children(text: &str) -> (&str, Option<OperatorDepth>) {
    match text.rsplit_once('+') {
        Some((value, digits)) if is_digits(digits) => (value, Some(OperatorDepth::of(digits))),
        _ => (text, None),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn nothing_named(span: &Span, method: Option<&Spanned<String>>) -> Diagnostic {
    let error = Diagnostic::error("empty-criterion", format!("`{}` names nothing", span.text()));
    match method {
        Some(method) => error.at(span.clone(), format!("a value must follow `{}:`", method.value)),
        None => error
            .at(span.clone(), "expected a name next to this")
            .hint("write it without a space: `+name`, `name+`, `@name`"),
    }
}

fn at_and_plus(plus: Span, whole: &Span) -> Diagnostic {
    let name = whole.source.span(whole.start + "@".len()..plus.start);
    Diagnostic::error("at-and-plus", format!("`{}` has both `@` and a `+` after it", whole.text()))
        .at(plus, "the descendants are in `@` already")
        .hint(format!("write `@{}`", name.text()))
}
