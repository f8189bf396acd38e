//! Models: renders and plans the SQL, resolves the strategy, and computes the fingerprint.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    CompiledModel, NotCompiled, Work,
    check::Origin,
    contract,
    render::{self, Written},
    strategy::{Resolved, Strategy},
};
use crate::{
    manifest::{Model, fingerprint::Fingerprint},
    name::{NodeId, Relation},
};

impl Work<'_> {
    /// Compiles a model.
    ///
    /// # Errors
    /// All errors in its SQL and settings.
    pub(super) async fn model(&mut self, model: &Model) -> Result<(), NotCompiled> {
        let allowed = self.allowed(&model.id)?;
        let Written { sql, map, changes } =
            render::model(model, self.context).map_err(|found| vec![found])?;
        self.declare_changes(model, &changes)?;
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let query =
            self.context.engine.plan(&sql).await.map_err(|error| vec![origin.sql_error(&error, &map)])?;
        origin.references(&query, &allowed)?;
        let Resolved { strategy, schema, refresh } = self.resolve(model, (&sql, &query)).await?;
        let (constraints, checks) = self.contract(model, &schema).await?;
        let rules = self.rules(model).await?;
        let mut statement = self.statement(&model.id, query.canonical());
        let mut volatile = model.volatile || query.is_volatile();
        match (&strategy, strategy.new_rows()) {
            // Its times refer to when a row was loaded, so existing rows stay correct.
            (Strategy::LoadFiles(..), _) => volatile = false,
            (_, Some(rows)) => {
                statement.push('\n');
                statement.push_str(rows.query.canonical());
                volatile |= rows.query.is_volatile();
            }
            (_, None) => {}
        }
        // A template that uses the current time renders different SQL each time, which changes the
        // fingerprint.
        volatile = model.config.volatile.unwrap_or(volatile);
        let mut compiled = CompiledModel {
            sql,
            query,
            schema,
            strategy,
            refresh,
            fingerprint: Fingerprint::default(),
            volatile,
            rules,
            constraints,
            checks,
        };
        let reading = self.reading(&compiled.reads(&model.relation));
        let meaning = self.context.engine.semantics();
        let meaning = meaning.map(|version| ("what SQL means (dialect)".to_owned(), version.into()));
        let beside = contract::shaping(&compiled.constraints, &compiled.rules)
            .into_iter()
            .chain(reading)
            .chain(meaning);
        compiled.fingerprint = Fingerprint::new(&statement, &model.config, beside);
        self.compiled.models.insert(model.id.clone(), compiled);
        Ok(())
    }

    /// Returns a model's statement with those of its views, which are planned into it but only named in it.
    pub(super) fn statement(&self, id: &NodeId, canonical: &str) -> String {
        let parents = self.context.manifest.graph.parents(id);
        let views =
            parents.into_iter().filter_map(|parent| self.views.get(parent).map(|view| (parent, view)));
        let views: Vec<String> = views.map(|(parent, view)| format!("\n{parent} is {view}")).collect();
        format!("{canonical}{}", views.concat())
    }

    /// Returns the read settings of the file sources among these relations.
    pub(super) fn reading(&self, relations: &BTreeSet<Relation>) -> Vec<(String, Value)> {
        let manifest = self.context.manifest;
        let files = relations.iter().filter(|relation| manifest.is_file_source(relation));
        let nodes = files.filter_map(|relation| manifest.at(relation));
        let specs = nodes.filter_map(|node| self.compiled.sources.get(node.id()));
        specs.map(|spec| (format!("source {}", spec.name), spec.describe().into())).collect()
    }
}
