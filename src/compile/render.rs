//! Rendering of templates, with names resolved and queries answered.

use std::collections::BTreeSet;

use super::{Context, NotCompiled, Work, lake_queries::Asker};
use crate::{
    diag::Diagnostic,
    jinja::{ChangesCall, NodeContext, Rendered, SpanMap},
    manifest::{DataTest, Model},
    name::Relation,
};

/// Rendered SQL with its mapping to the user's file.
pub(super) struct Written {
    pub(super) sql: String,
    /// The mapping from its bytes to the template's.
    pub(super) map: SpanMap,
    /// The change relations that it reads.
    pub(super) changes: Vec<ChangesCall>,
    /// The tables of other nodes that its template looked up in the lake, which it may read.
    pub(super) found: BTreeSet<Relation>,
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
        let asker = Asker { id: &model.id, file: &model.file, reads_own: false };
        let rendered = self.rendered(asker, &node, names).await?;
        self.reads_no_broken_parent(&model.id, &rendered.text)?;
        let found = self.declare_found(asker, &rendered.captures.found)?;
        Ok(Written { sql: rendered.text, map: rendered.map, changes: rendered.captures.changes, found })
    }

    /// Declares the tables of other nodes that a template looked up in the lake. It doesn't depend on these
    /// nodes, so it reads what is there, as in dbt.
    fn declare_found(
        &self,
        asker: Asker<'_>,
        found: &[Relation],
    ) -> Result<BTreeSet<Relation>, Vec<Diagnostic>> {
        let Context { manifest, engine, stored, .. } = self.context;
        let mut declared = BTreeSet::new();
        for relation in found {
            let Some(node) = manifest.at(relation).filter(|node| node.id() != asker.id) else { continue };
            let Some(schema) = stored.get(relation) else { continue };
            if !manifest.graph.ancestors(asker.id, None).contains(node.id()) {
                if !engine.knows(relation) {
                    self.redeclare(relation, schema)?;
                }
                declared.insert(relation.clone());
            }
        }
        Ok(declared)
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
        let asker = Asker { id: &test.id, file: &test.template, reads_own: false };
        let names = self.context.manifest.lookup.clone();
        let rendered = if asks {
            self.rendered(asker, &node, names).await
        } else {
            self.rendered_without_queries(asker, &node, names)
        };
        let rendered = rendered.map_err(|error| error.map(|found| test.in_users_terms(found)))?;
        let Rendered { text: sql, map, captures } = rendered;
        Ok(Written { sql, map, changes: captures.changes, found: BTreeSet::new() })
    }
}
