//! Models: renders and plans the SQL, resolves the strategy, and computes the fingerprint.

use serde_json::Value;

use super::{
    CompiledModel, InputForm, InputNodes, NotCompiled, Work,
    changes::useless_changes,
    check::Origin,
    contract,
    hooks::CompiledHooks,
    inputs::input_nodes,
    render::Written,
    strategy::{Resolved, Strategy},
};
use crate::{
    engine::{Query, SchemaRef},
    manifest::{
        Model,
        fingerprint::{EMPTY, Fingerprint, place_of},
    },
    name::NodeId,
};

impl Work<'_> {
    /// Compiles a model.
    ///
    /// # Errors
    /// All errors in its SQL and settings.
    pub(super) async fn model(&mut self, model: &Model) -> Result<(), NotCompiled> {
        let mut allowed = self.allowed(&model.id)?;
        let Written { sql, map, changes, found } = self.written_model(model, false).await?;
        allowed.extend(found);
        self.declare_changes(model, &changes)?;
        self.compiled.warnings.extend(useless_changes(model, &changes));
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let query =
            self.context.engine.plan(&sql).await.map_err(|error| vec![origin.sql_error(&error, &map)])?;
        origin.references(&query, &allowed)?;
        let own_order = query.schema();
        let query = self.in_contract_order(model, query)?;
        let order = contract_order(&own_order, &query.schema());
        let own = query.canonical().to_owned();
        let Resolved { strategy, schema, refresh } = self.resolve(model, &query).await?;
        let (query, hooks, new_rows_hooks) = self.both_hooks(model, query, &schema, &strategy).await?;
        let (constraints, checks) = self.contract(model, &schema).await?;
        let rules = self.rules(model).await?;
        let mut statement = self.statement(&model.id, &own);
        statement.push_str(&hooks.fingerprint());
        statement.push_str(&new_rows_hooks.fingerprint());
        let hook_queries = || hooks.queries().chain(new_rows_hooks.queries());
        let mut volatile = model.volatile || query.is_volatile() || hook_queries().any(Query::is_volatile);
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
        let queries = std::iter::once(&query).chain(strategy.new_rows().map(|rows| &rows.query));
        let queries = queries.chain(hook_queries());
        let inputs = input_nodes(queries, Some(&model.relation), self.context.manifest);
        let reading = self.reading(&inputs);
        let command = self.of_command(&inputs);
        let mut compiled = CompiledModel {
            sql,
            query,
            inputs,
            schema,
            strategy,
            refresh,
            fingerprint: Fingerprint::default(),
            volatile,
            rules,
            constraints,
            checks,
            hooks,
            new_rows_hooks,
        };
        let meaning = self.context.engine.semantics();
        let meaning = meaning.map(|version| ("what SQL means (dialect)".to_owned(), version.into()));
        let beside = contract::shaping(&compiled.constraints, &compiled.rules)
            .into_iter()
            .chain(order)
            .chain(reading)
            .chain(meaning)
            .chain(command);
        compiled.fingerprint = Fingerprint::new(&statement, &model.config, beside);
        self.compiled.models.insert(model.id.clone(), compiled);
        Ok(())
    }

    /// Returns a model's query with what its hooks change if it is always rebuilt, and its hooks for builds
    /// from scratch and for new rows.
    async fn both_hooks(
        &mut self,
        model: &Model,
        query: Query,
        schema: &SchemaRef,
        strategy: &Strategy,
    ) -> Result<(Query, CompiledHooks, CompiledHooks), NotCompiled> {
        if let Some(staged) = self.context.queries.staged.as_ref().filter(|_| self.is_staged(model)) {
            let hooks = self.hooks(model, schema, staged.adds_rows, None).await?;
            return Ok((query, hooks, CompiledHooks::default()));
        }
        let (query, hooks) = match strategy {
            Strategy::Rebuild if model.config.materialized.is_table() => {
                self.rebuilt_with_hooks(model, query, schema).await?
            }
            _ => (query, self.hooks(model, schema, false, None).await?),
        };
        let new_rows_hooks = match strategy.new_rows() {
            Some(_) => self.hooks(model, schema, true, None).await?,
            None => CompiledHooks::default(),
        };
        Ok((query, hooks, new_rows_hooks))
    }

    /// Returns a model's statement with those of its views, which are planned into it but only named in it.
    pub(super) fn statement(&self, id: &NodeId, canonical: &str) -> String {
        let parents = self.context.manifest.graph.parents(id);
        let views =
            parents.into_iter().filter_map(|parent| self.views.get(parent).map(|view| (parent, view)));
        let views: Vec<String> = views.map(|(parent, view)| format!("\n{parent} is {view}")).collect();
        format!("{canonical}{}", views.concat())
    }

    /// Returns the read settings of the file sources among these inputs.
    pub(super) fn reading(&self, inputs: &InputNodes) -> Vec<(String, Value)> {
        let files = inputs.values().filter(|input| input.form == InputForm::Source);
        let specs = files.filter_map(|input| self.compiled.sources.get(&input.id));
        specs.map(|spec| (format!("source {}", spec.name), spec.describe().into())).collect()
    }

    /// Returns how the command's options change the rows of a table with these inputs: `--empty` reads no
    /// rows, and `--defer` reads other tables.
    pub(super) fn of_command(&self, inputs: &InputNodes) -> Vec<(String, Value)> {
        let wanted = self.context.wanted;
        let deferred = inputs.keys().filter_map(|relation| {
            Some((place_of(relation), wanted.deferred.get(relation)?.as_str().into()))
        });
        deferred.chain(wanted.empty.then(|| (EMPTY.to_owned(), true.into()))).collect()
    }
}

/// Returns what a contract adds to a fingerprint if it changes the order of the query's columns.
fn contract_order(own: &SchemaRef, ordered: &SchemaRef) -> Option<(String, Value)> {
    let names = |schema: &SchemaRef| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    let names = [names(own), names(ordered)];
    (names[0] != names[1]).then(|| ("order of columns".to_owned(), names[1].clone().into()))
}
