//! What stands between `{% macro` and `%}`.

use std::ops::Range;

use super::lexer::{Tag, Token, TokenKind};

/// The name under which a template keeps a macro; the user's name is bound to a callable of ours, which knows
/// dbt's calling rules. No underscore in front: `MiniJinja` does not export such names.
pub(super) fn hidden_name(name: &str) -> String {
    format!("headwater_macro_{name}")
}

/// A macro's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) name_range: Range<usize>,
    pub(super) parameters: Vec<Parameter>,
    /// Whether the body asks for surplus arguments (`varargs`, `kwargs`) or the `caller`.
    pub(super) uses: Uses,
    /// Whether it is declared in a model or inside another macro, and so is known only there.
    pub(super) local: bool,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// Where its default stands.
    pub(super) default: Option<Range<usize>>,
}

/// Which of Jinja's implicit names a macro's body mentions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) varargs: bool,
    pub(super) kwargs: bool,
    pub(super) caller: bool,
}

impl Uses {
    /// Those mentioned in some tags.
    pub(super) fn of<'t>(text: &str, tags: impl IntoIterator<Item = &'t Tag>) -> Self {
        let mut uses = Self::default();
        for token in tags.into_iter().flat_map(|tag| &tag.tokens) {
            match &text[token.range.clone()] {
                "varargs" => uses.varargs = true,
                "kwargs" => uses.kwargs = true,
                "caller" => uses.caller = true,
                _ => {}
            }
        }
        uses
    }
}

impl Header {
    /// Reads the header of a `macro`, `test` or `materialization` tag; `None` if it is none, or not well formed
    /// (which `MiniJinja` then explains).
    pub(super) fn read(text: &str, tag: &Tag) -> Option<Self> {
        let word = |token: &Token| &text[token.range.clone()];
        let name = tag.tokens.get(1).filter(|name| name.kind == TokenKind::Word)?;
        let (full_name, parameters) = match tag.keyword(text)? {
            "macro" => (word(name).to_owned(), parameters(text, tag.tokens.get(2..)?)?),
            "test" | "data_test" => (format!("test_{}", word(name)), parameters(text, tag.tokens.get(2..)?)?),
            "materialization" => {
                let adapter = tag.tokens.iter().find(|token| token.kind == TokenKind::Text);
                let adapter = adapter.map_or("default", |token| super::lexer::unquoted(word(token)));
                (format!("materialization_{}_{adapter}", word(name)), Vec::new())
            }
            _ => return None,
        };
        let (name_range, uses) = (name.range.clone(), Uses::default());
        Some(Self { name: full_name, name_range, parameters, uses, local: false })
    }

    /// The names the hidden macro takes, in order.
    pub(super) fn native_parameters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let implicit = [(self.takes_varargs(), "varargs"), (self.takes_kwargs(), "kwargs")];
        names.extend(implicit.into_iter().filter_map(|(takes, name)| takes.then_some(name)));
        names
    }

    pub(super) fn takes_varargs(&self) -> bool {
        self.uses.varargs && !self.has("varargs")
    }

    pub(super) fn takes_kwargs(&self) -> bool {
        self.uses.kwargs && !self.has("kwargs")
    }

    pub(super) fn takes_caller(&self) -> bool {
        self.uses.caller && !self.has("caller")
    }

    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
    }
}

/// `(a, b=1)`, with the parentheses.
fn parameters(text: &str, tokens: &[Token]) -> Option<Vec<Parameter>> {
    let (open, rest) = tokens.split_first()?;
    let (close, inside) = rest.split_last()?;
    if !open.is(b'(') || !close.is(b')') {
        return None;
    }
    let mut parameters = Vec::new();
    for part in split_at_commas(inside) {
        parameters.push(parameter(text, part)?);
    }
    Some(parameters)
}

fn parameter(text: &str, tokens: &[Token]) -> Option<Parameter> {
    let (name, rest) = tokens.split_first()?;
    if name.kind != TokenKind::Word {
        return None;
    }
    let default = match rest {
        [] => None,
        [equals, first, ..] if equals.is(b'=') => Some(first.range.start..rest.last()?.range.end),
        _ => return None,
    };
    Some(Parameter { name: text[name.range.clone()].to_owned(), default })
}

/// Splits at the commas outside brackets; a trailing comma adds no part.
fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    let mut parts: Vec<&[Token]> = tokens
        .split(|token| {
            match token.kind {
                TokenKind::Sign(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Sign(b')' | b']' | b'}') => depth -= 1,
                _ => {}
            }
            depth == 0 && token.is(b',')
        })
        .collect();
    if parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{super::lexer::tags, *};

    fn check(text: &str, expect: Option<&str>) {
        let header = Header::read(text, &tags(text)[0]).map(|header| {
            let parameters = header.parameters.iter().map(|parameter| match &parameter.default {
                Some(default) => format!("{}={}", parameter.name, &text[default.clone()]),
                None => parameter.name.clone(),
            });
            format!("{}({})", header.name, parameters.collect::<Vec<_>>().join(";"))
        });
        assert_eq!(header.as_deref(), expect);
    }

    #[test]
    fn headers_are_read_with_their_defaults() {
        check("{% macro f() %}", Some("f()"));
        check("{%- macro f(a, b=a, c=[1, f(2, 3)],) -%}", Some("f(a;b=a;c=[1, f(2, 3)])"));
        check("{% test unique(model, column_name) %}", Some("test_unique(model;column_name)"));
        check("{% materialization table, adapter='x' %}", Some("materialization_table_x()"));
        check("{% materialization table, default %}", Some("materialization_table_default()"));
        check("{% set f = 1 %}", None);
        check("{% macro f(1) %}", None);
    }
}
