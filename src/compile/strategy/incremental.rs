//! Incremental models: the SQL that selects new rows, the table's columns after schema evolution, and the
//! strategy that combines new rows with existing ones. All of it is checked before anything is written.

use std::sync::Arc;

use super::{
    Refresh, Resolved, Strategy, append, replace_partitions,
    schema_evolution::{Evolved, evolved},
};
use crate::{
    compile::{NotCompiled, Work, check::Origin},
    diag::Diagnostic,
    engine::{EngineError, Query, SchemaRef, plan::exact_cast::Destination},
    manifest::{Incremental, IncrementalStrategy, Model, OnSchemaChange, Updates},
    name::Relation,
};

/// The new rows of an incremental model.
#[derive(Debug)]
pub struct NewRows {
    /// The SQL that selects them, planned, with the table's columns.
    pub query: Query,
}

impl Work<'_> {
    /// Resolves the strategy of an incremental model. `query` is that of a full refresh, with the columns
    /// `full`.
    pub(super) async fn incremental(
        &self,
        model: &Model,
        settings: &Incremental,
        query: &Query,
        full: &SchemaRef,
    ) -> Result<Resolved, NotCompiled> {
        if settings.strategy == IncrementalStrategy::ByFile {
            return self.load_files(model, settings, query, full).await;
        }
        let stored = self.context.stored.get(&model.relation);
        let mut refresh = stored.and_then(|_| self.refresh(model, settings));
        // The SQL reads the existing table as `this`.
        let mut this = stored.filter(|_| refresh.is_none()).unwrap_or(full).clone();
        let (mut rows, mut columns) = self.new_rows(model, &this).await?;
        let schema = match evolved(&this, &columns, settings.on_schema_change) {
            Evolved::Table(table) => table,
            Evolved::FromNothing => {
                refresh = Some(Refresh::ColumnsChanged);
                this = Arc::clone(full);
                (rows, columns) = self.new_rows(model, &this).await?;
                Arc::clone(full)
            }
            Evolved::No(difference) => {
                return Err(NotCompiled::OtherColumns(Box::new(unfit(model, settings, &difference))));
            }
            Evolved::Retyped(difference) => {
                return Err(NotCompiled::OtherColumns(Box::new(retyped(model, settings, &difference))));
            }
        };
        known_columns(model, settings, &schema)?;
        rows.query =
            rows.query.as_columns_of(&schema, &destination(model)).map_err(|error| engine_error(&error))?;
        let strategy = match &settings.strategy {
            IncrementalStrategy::Append | IncrementalStrategy::ByFile => append::strategy(rows),
            IncrementalStrategy::InsertOverwrite => replace_partitions::strategy(rows),
            IncrementalStrategy::Microbatch(batches) => {
                let batches = self.time_batches(model, batches, (query, &rows.query), &schema)?;
                Strategy::Microbatch(rows, Box::new(batches))
            }
            IncrementalStrategy::Merge | IncrementalStrategy::DeleteInsert => {
                let queries = self.merge(model, settings, (&this, &columns), &schema).await?;
                Strategy::Merge(rows, Box::new(queries))
            }
        };
        Ok(Resolved { strategy, schema, refresh })
    }

    /// Returns why an existing table gets a full refresh, whatever its columns. A model whose failed batches
    /// are retried keeps its other batches. A table that was built with `--empty` has no rows to keep.
    pub(super) fn refresh(&self, model: &Model, settings: &Incremental) -> Option<Refresh> {
        let wanted = self.context.wanted;
        if wanted.built_empty.contains(&model.relation) {
            return Some(Refresh::BuiltEmpty);
        }
        let asked = settings.full_refresh.unwrap_or(wanted.full_refresh);
        (asked && !wanted.again.contains_key(&model.id)).then_some(Refresh::Asked)
    }

    /// Compiles the model's SQL for new rows, given a table with the columns `this`. Returns also the columns
    /// of the result.
    async fn new_rows(&self, model: &Model, this: &SchemaRef) -> Result<(NewRows, SchemaRef), NotCompiled> {
        self.redeclare(&model.relation, this)?;
        let mut allowed = self.allowed(&model.id)?;
        allowed.insert(model.relation.clone());
        let mut written = self.written_model(model, true).await?;
        allowed.append(&mut written.found);
        self.declare_changes(model, &written.changes)?;
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let planned = self.context.engine.plan(&written.sql).await;
        let query = planned.map_err(|error| vec![origin.sql_error(&error, &written.map)])?;
        origin.references(&query, &allowed)?;
        let columns = crate::compile::check::table(&query, model)?;
        Ok((NewRows { query }, columns))
    }

    /// Plans generated SQL.
    pub(in crate::compile) async fn generated(&self, sql: &str) -> Result<Query, Vec<Diagnostic>> {
        let planned = self.context.engine.plan(sql).await;
        planned.map_err(|error| vec![Diagnostic::error("engine", error.message).note(sql.to_owned())])
    }

    pub(in crate::compile) fn redeclare(
        &self,
        relation: &Relation,
        schema: &SchemaRef,
    ) -> Result<(), Vec<Diagnostic>> {
        self.context.engine.declare_table(relation, Arc::clone(schema)).map_err(|error| engine_error(&error))
    }
}

pub(super) fn engine_error(error: &EngineError) -> Vec<Diagnostic> {
    vec![Diagnostic::error("engine", error.strip_backtrace())]
}

fn unfit(model: &Model, settings: &Incremental, difference: &str) -> Diagnostic {
    let message = format!("the columns of `{}` are not those of its table: {difference}", model.name);
    let policy = settings.on_schema_change;
    let note = match policy {
        OnSchemaChange::Ignore => "`on_schema_change: ignore` ignores new columns, but not missing ones",
        _ => "`on_schema_change: fail` forbids that",
    };
    Diagnostic::error("schema-changed", message)
        .at(model.file.span(0..0), "this model")
        .note(note)
        .hint("set `on_schema_change` to append_new_columns, sync_all_columns or full_refresh, or build it from scratch once: --full-refresh")
}

/// The error about a column's new type that the table can't hold.
fn retyped(model: &Model, settings: &Incremental, difference: &str) -> Diagnostic {
    let message = format!("the columns of `{}` are not those of its table: {difference}", model.name);
    let note = match settings.on_schema_change {
        OnSchemaChange::SyncAllColumns => {
            "`on_schema_change: sync_all_columns` adds and removes columns; it doesn't change their types"
        }
        _ => "no value of the new type can be stored in the table's",
    };
    Diagnostic::error("schema-changed", message)
        .at(model.file.span(0..0), "this model")
        .note(note)
        .hint("cast the column in the model, set `on_schema_change: full_refresh`, or rebuild the table once: --full-refresh")
}

/// The table and the fix, for errors about a value.
pub(super) fn destination(model: &Model) -> Destination {
    Destination {
        table: model.relation.to_string(),
        cure: format!(
            "cast it in {}, set `on_schema_change: full_refresh`, or rebuild the table once: --full-refresh",
            model.file.path()
        ),
    }
}

/// Checks that the table has all columns named in the settings.
fn known_columns(model: &Model, settings: &Incremental, table: &SchemaRef) -> Result<(), Vec<Diagnostic>> {
    let updated = match &settings.updates {
        Updates::All => Vec::new(),
        Updates::Only(columns) => columns.iter().map(|column| ("merge_update_columns", column)).collect(),
        Updates::Except(columns) => columns.iter().map(|column| ("merge_exclude_columns", column)).collect(),
    };
    let keys = settings.unique_key.iter().map(|column| ("unique_key", column));
    let names: Vec<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
    let findings: Vec<Diagnostic> = keys
        .chain(updated)
        .filter(|(_, column)| !names.contains(&column.as_str()))
        .map(|(key, column)| {
            let message = format!("`{key}` names `{column}`, which `{}` does not have", model.name);
            Diagnostic::error("unknown-column", message)
                .at(model.file.span(0..0), "this model")
                .near(column, names.iter().copied())
                .note(format!("its columns: {}", names.join(", ")))
        })
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}
