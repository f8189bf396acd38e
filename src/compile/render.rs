//! Rendering of templates, with names resolved and queries answered.

use super::{NotCompiled, Work, lake_queries::Asker};
use crate::{
    jinja::{ChangesCall, NodeContext, SpanMap},
    manifest::{DataTest, Model},
};

/// Rendered SQL with its mapping to the user's file.
pub(super) struct Written {
    pub(super) sql: String,
    /// The mapping from its bytes to the template's.
    pub(super) map: SpanMap,
    /// The change relations that it reads.
    pub(super) changes: Vec<ChangesCall>,
}

/// Returns what a model's template sees.
pub(super) fn context(model: &Model, is_incremental: bool) -> NodeContext {
    NodeContext {
        is_incremental,
        name: model.name.clone(),
        unique_id: model.id.to_string(),
        this: Some(model.relation.clone()),
        config: model.config.all.clone(),
        executing: true,
        ..NodeContext::default()
    }
}

impl Work<'_> {
    /// Renders a model.
    ///
    /// # Errors
    /// Template errors and unresolved names.
    pub(super) async fn written_model(
        &self,
        model: &Model,
        is_incremental: bool,
    ) -> Result<Written, NotCompiled> {
        let node = context(model, is_incremental);
        let names = self.context.manifest.lookup.clone();
        let rendered = self.rendered(Asker { id: &model.id, file: &model.file }, &node, names).await?;
        Ok(Written { sql: rendered.text, map: rendered.map, changes: rendered.captures.changes })
    }

    /// Renders a data test, which may run queries if `asks` is set.
    ///
    /// # Errors
    /// Template errors and unresolved names; for a generic test, located at its declaration.
    pub(super) async fn written_test(&self, test: &DataTest, asks: bool) -> Result<Written, NotCompiled> {
        let node = NodeContext {
            name: test.name.clone(),
            unique_id: test.id.to_string(),
            this: Some(test.audit.clone()),
            config: test.config.all.clone(),
            executing: true,
            ..NodeContext::default()
        };
        let asker = Asker { id: &test.id, file: &test.template };
        let names = self.context.manifest.lookup.clone();
        let rendered = if asks {
            self.rendered(asker, &node, names).await
        } else {
            self.rendered_without_queries(asker, &node, names)
        };
        let rendered = rendered.map_err(|error| error.map(|found| test.in_users_terms(found)))?;
        Ok(Written { sql: rendered.text, map: rendered.map, changes: rendered.captures.changes })
    }
}
