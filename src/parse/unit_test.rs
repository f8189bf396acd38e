//! Inputs of unit tests: each is a call of `ref` or `source`, or `this`.

use super::placeholder::captures;
use crate::{
    diag::Diagnostic,
    jinja::{Jinja, RefCall, SourceCall},
    name::NodeId,
    project::{RowsDecl, UnitTestDecl},
    text::Spanned,
};

/// A unit test whose inputs are known by name.
#[derive(Debug, Clone)]
pub struct ParsedUnitTest {
    /// The unit test's id.
    pub id: NodeId,
    /// The unit test as declared.
    pub declared: UnitTestDecl,
    /// The inputs and fixtures of its `given:` items, in order.
    pub given: Vec<(Spanned<Input>, RowsDecl)>,
}

/// The relation that a fixture replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A model.
    Ref(RefCall),
    /// A source table.
    Source(SourceCall),
    /// The model's own table.
    This,
}

pub(super) fn parse(
    declared: &UnitTestDecl,
    project: &str,
    jinja: &Jinja,
) -> Result<ParsedUnitTest, Diagnostic> {
    let id = NodeId::unit_test(project, &declared.model.value, &declared.name.value);
    let given = declared
        .given
        .iter()
        .map(|given| Ok((input(&given.input, &id, jinja)?, given.rows.clone())))
        .collect::<Result<_, Diagnostic>>()?;
    Ok(ParsedUnitTest { id, declared: declared.clone(), given })
}

fn input(written: &Spanned<String>, id: &NodeId, jinja: &Jinja) -> Result<Spanned<Input>, Diagnostic> {
    let text = written.value.trim();
    let found = |input| Ok(Spanned::new(input, written.span.clone()));
    if text == "this" {
        return found(Input::This);
    }
    let expression = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(text, str::trim);
    let template = written.span.source.with_text(format!("{{{{ {expression} }}}}"));
    let captures = captures(jinja, &template, "unit test", id, None).map_err(|mut found| {
        for label in found.labels.iter_mut().filter(|label| label.span.source == template) {
            label.span = written.span.clone();
        }
        found
    })?;
    let mut calls =
        captures.refs.into_iter().map(Input::Ref).chain(captures.sources.into_iter().map(Input::Source));
    match (calls.next(), calls.next()) {
        (Some(one), None) => found(one),
        _ => Err(Diagnostic::error("invalid-input", format!("`{text}` is no input of a model"))
            .at(written.span.clone(), "")
            .hint("write ref('model'), source('source', 'table') or this")),
    }
}
