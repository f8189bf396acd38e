//! One criterion as written: `@`, `2+`, `method:`, the value, `+3`.

use std::ops::Range;

use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// One criterion, its method not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    /// All of it.
    pub(super) span: Span,
    /// Which of the matched nodes' relatives come along.
    pub(super) reach: Reach,
    /// What stands before the colon, if there is one.
    pub(super) method: Option<Spanned<String>>,
    /// What is looked for; never empty.
    pub(super) value: Spanned<String>,
}

/// Which relatives of the matched nodes are chosen with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// `2+x+`: those above and those below, each if asked for.
    Lines { parents: Option<Depth>, children: Option<Depth> },
    /// `@x`: those below, and whatever is needed to build them and the matched nodes.
    Around,
}

/// How far a line of relatives is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// To its end.
    Unlimited,
    /// So many steps.
    Steps(usize),
}

impl Depth {
    /// The number of steps, if there is a limit.
    pub(super) fn limit(self) -> Option<usize> {
        match self {
            Self::Unlimited => None,
            Self::Steps(steps) => Some(steps),
        }
    }

    /// From the digits beside a `+`.
    fn of(digits: &str) -> Self {
        match digits {
            "" => Self::Unlimited,
            // Digits fail to be a number only by being too many, and no graph is that deep.
            digits => Self::Steps(digits.parse().unwrap_or(usize::MAX)),
        }
    }
}

impl Criterion {
    /// Reads a range of the source: a non-empty word without a blank or comma.
    pub(super) fn parse(source: &Source, range: Range<usize>) -> Result<Self, Diagnostic> {
        let span = source.span(range);
        let (at, rest) = match span.text().strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, span.text()),
        };
        let (parents, rest) = split_parents(rest);
        let (method, rest) = split_method(rest);
        let (value, children) = split_children(rest);

        // Everything before the value is of known length, counted from either end.
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
            (false, children) => Reach::Lines { parents, children },
            // The ancestors that `@+x` asks for are in `@x` already.
            (true, None) => Reach::Around,
            (true, Some(_)) => return Err(at_and_plus(source.span(value.span.end..span.end), &span)),
        };
        Ok(Self { span, reach, method, value })
    }
}

/// `2+x` to its depth and `x`.
fn split_parents(text: &str) -> (Option<Depth>, &str) {
    match text.split_once('+') {
        Some((digits, rest)) if is_digits(digits) => (Some(Depth::of(digits)), rest),
        _ => (None, text),
    }
}

/// `tag:x` to `tag` and `x`.
fn split_method(text: &str) -> (Option<&str>, &str) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    match text.split_once(':') {
        Some((method, rest)) if !method.is_empty() && method.chars().all(is_word) => (Some(method), rest),
        _ => (None, text),
    }
}

/// `x+2` to `x` and its depth.
fn split_children(text: &str) -> (&str, Option<Depth>) {
    match text.rsplit_once('+') {
        Some((value, digits)) if is_digits(digits) => (value, Some(Depth::of(digits))),
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
            .at(span.clone(), "a name must stand beside this")
            .hint("write it without a blank between: `+name`, `name+`, `@name`"),
    }
}

fn at_and_plus(plus: Span, whole: &Span) -> Diagnostic {
    let name = whole.source.span(whole.start + "@".len()..plus.start);
    Diagnostic::error("at-and-plus", format!("`{}` has both `@` and a `+` after it", whole.text()))
        .at(plus, "the descendants are in `@` already")
        .hint(format!("write `@{}`", name.text()))
}
