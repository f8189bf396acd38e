//! A model's template with its names resolved.

use super::Context;
use crate::{
    diag::Diagnostic,
    jinja::{NodeContext, SpanMap},
    manifest::Model,
};

/// Rendered SQL and the way back to the user's file.
pub struct Written {
    /// The SQL.
    pub sql: String,
    /// From its bytes to the template's.
    pub map: SpanMap,
}

/// Renders a model.
///
/// # Errors
/// What the template engine or a name in it has against it.
pub fn model(model: &Model, context: &Context<'_>) -> Result<Written, Diagnostic> {
    let node = NodeContext {
        name: model.name.clone(),
        unique_id: model.id.to_string(),
        this: Some(model.relation.clone()),
        is_incremental: false,
        config: model.config.all.clone(),
        executing: true,
    };
    let rendered = context.jinja.render(&model.file, &node, context.manifest.lookup.clone())?;
    Ok(Written { sql: rendered.text, map: rendered.map })
}
