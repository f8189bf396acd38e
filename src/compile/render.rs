//! Rendering of templates, with names resolved.

use super::Context;
use crate::{
    diag::Diagnostic,
    jinja::{ChangesCall, NodeContext, SpanMap},
    manifest::{DataTest, Model},
};

/// Rendered SQL with its mapping to the user's file.
pub struct Written {
    /// The SQL.
    pub sql: String,
    /// The mapping from its bytes to the template's.
    pub map: SpanMap,
    /// The change relations that it reads.
    pub changes: Vec<ChangesCall>,
}

/// Renders a model.
///
/// # Errors
/// Template errors and unresolved names.
pub fn model(model: &Model, context: &Context<'_>) -> Result<Written, Diagnostic> {
    rendered(model, false, context)
}

/// Renders an incremental model with `is_incremental()` true.
///
/// # Errors
/// As for [`model`].
pub fn increment(model: &Model, context: &Context<'_>) -> Result<Written, Diagnostic> {
    rendered(model, true, context)
}

fn rendered(model: &Model, is_incremental: bool, context: &Context<'_>) -> Result<Written, Diagnostic> {
    let node = NodeContext {
        is_incremental,
        name: model.name.clone(),
        unique_id: model.id.to_string(),
        this: Some(model.relation.clone()),
        config: model.config.all.clone(),
        executing: true,
        ..NodeContext::default()
    };
    let rendered = context.jinja.render(&model.file, &node, context.manifest.lookup.clone())?;
    Ok(Written { sql: rendered.text, map: rendered.map, changes: rendered.captures.changes })
}

/// Renders a data test.
///
/// # Errors
/// Template errors and unresolved names; for a generic test, located at its declaration.
pub fn data_test(test: &DataTest, context: &Context<'_>) -> Result<Written, Diagnostic> {
    let node = NodeContext {
        name: test.name.clone(),
        unique_id: test.id.to_string(),
        this: Some(test.audit.clone()),
        config: test.config.all.clone(),
        executing: true,
        ..NodeContext::default()
    };
    let rendered = context.jinja.render(&test.template, &node, context.manifest.lookup.clone());
    let rendered = rendered.map_err(|found| test.in_users_terms(found))?;
    Ok(Written { sql: rendered.text, map: rendered.map, changes: rendered.captures.changes })
}
