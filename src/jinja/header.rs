//! Macro headers: the text between `{% macro` and `%}`.

use std::ops::Range;

use super::lexer::{Tag, TemplateToken, TokenKind};

/// Returns the internal name under which a template declares a macro. The original name is bound to a
/// callable of ours that implements dbt's calling rules. The name has no leading underscore, since
/// `MiniJinja` doesn't export such names.
pub(super) fn hidden_name(name: &str) -> String {
    format!("headwater_macro_{name}")
}

/// A macro's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MacroHeader {
    pub(super) name: String,
    /// The range of the name.
    pub(super) name_range: Range<usize>,
    pub(super) parameters: Vec<Parameter>,
    /// Which of `varargs`, `kwargs` and `caller` the body uses.
    pub(super) uses: ImplicitNames,
    /// Whether the macro is declared in a model or inside another macro, and is therefore visible only there.
    pub(super) local: bool,
}

/// A macro parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// The range of the default.
    pub(super) default: Option<Range<usize>>,
}

/// Jinja's implicit names that a macro's body uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ImplicitNames {
    pub(super) varargs: bool,
    pub(super) kwargs: bool,
    pub(super) caller: bool,
}

impl ImplicitNames {
    /// Returns the names used in these tags.
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

impl MacroHeader {
    /// Parses the header of a `macro`, `test` or `materialization` tag. Returns `None` for other tags and for
    /// malformed headers, which `MiniJinja` then reports.
    pub(super) fn read(text: &str, tag: &Tag) -> Option<Self> {
        let word = |token: &TemplateToken| &text[token.range.clone()];
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
        let (name_range, uses) = (name.range.clone(), ImplicitNames::default());
        Some(Self { name: full_name, name_range, parameters, uses, local: false })
    }

    /// Returns the hidden macro's parameter names, in order.
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

/// Parses a parameter list such as `(a, b=1)`, including the parentheses.
fn parameters(text: &str, tokens: &[TemplateToken]) -> Option<Vec<Parameter>> {
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

fn parameter(text: &str, tokens: &[TemplateToken]) -> Option<Parameter> {
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

/// Splits at commas outside brackets; a trailing comma adds no part.
fn split_at_commas(tokens: &[TemplateToken]) -> Vec<&[TemplateToken]> {
    let mut depth = 0_i32;
    let mut parts: Vec<&[TemplateToken]> = tokens
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
        let header = MacroHeader::read(text, &tags(text)[0]).map(|header| {
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
