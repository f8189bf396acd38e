//! Placeholders for relations: renders a template to learn what it calls, before any name is resolved.

use std::sync::Arc;

use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja, NameResolver, NodeContext},
    name::{NodeId, Relation},
    text::Source,
};

/// Renders a template and returns its captures.
pub(super) fn captures(
    jinja: &Jinja,
    template: &Source,
    name: &str,
    id: &NodeId,
    this: Option<Relation>,
) -> Result<Captures, Diagnostic> {
    jinja.render(template, &context(name, id, this), Arc::new(Anything)).map(|rendered| rendered.captures)
}

/// Returns the context of a node during the parse phase.
pub(super) fn context(name: &str, id: &NodeId, this: Option<Relation>) -> NodeContext {
    NodeContext { name: name.to_owned(), unique_id: id.to_string(), this, ..NodeContext::default() }
}

/// A resolver that returns a placeholder for every name; names are resolved later.
pub(super) struct Anything;

impl NameResolver for Anything {
    fn reference(&self, _: &str, package: Option<&str>, name: &str) -> Result<Relation, String> {
        Ok(Relation::new(package.unwrap_or("ref"), name))
    }

    fn source(&self, _: &str, source: &str, table: &str) -> Result<Relation, String> {
        Ok(Relation::new(source, table))
    }
}
