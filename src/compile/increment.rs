//! Incremental models: the SQL that selects new rows, the table's columns after schema evolution, and the
//! strategy that combines new rows with existing ones. All of it is checked before anything is written.
//!
//! Changes by key are SQL over two relations: `old`, the table's rows in the files that the new rows touch,
//! and `new`. User-written conditions call them `DBT_INTERNAL_DEST` and `DBT_INTERNAL_SOURCE`, as in dbt.

mod by_file;
mod by_time;
mod columns;
mod sql;

use std::sync::Arc;

pub(super) use self::sql::quoted;
pub use self::{
    by_file::{ByFile, Standing},
    by_time::ByTime,
};
use self::{
    columns::{Evolved, evolved},
    sql::{Column, DEST, From, SOURCE, Sql, Then},
};
use super::{
    Work,
    check::{Origin, complaint},
    render,
};
use crate::{
    diag::Diagnostic,
    engine::{
        Query, SchemaRef,
        arrow::datatypes::{DataType, Field, Schema},
        exact_cast::Destination,
    },
    manifest::{Incremental, Model, OnSchemaChange, Strategy, Updates},
    name::Relation,
};

/// A compiled incremental update.
#[derive(Debug)]
pub struct Increment {
    /// The rendered SQL that selects the new rows.
    pub sql: String,
    /// The same SQL, planned, with the table's columns.
    pub query: Query,
    /// The strategy.
    pub taken: Taken,
}

/// The strategy that combines new rows with a table's.
#[derive(Debug)]
pub enum Taken {
    /// Appends them.
    Beside,
    /// Replaces the partitions they are in.
    Partitions,
    /// Updates or replaces existing rows with the same key.
    ByKey(Box<ByKey>),
    /// Loads the rows of new or changed files.
    ByFile(Box<ByFile>),
    /// Replaces the existing rows of the same batches of time.
    ByTime(Box<ByTime>),
}

/// The queries for changes by key.
#[derive(Debug)]
pub struct ByKey {
    /// The relation of the table's rows in the queries.
    pub old: Relation,
    /// The relation of the table's rows with their files, in the column [`FILE`].
    pub old_files: Relation,
    /// The relation of the new rows.
    pub new: Relation,
    /// The key columns.
    pub key: Vec<String>,
    /// The table's files that hold a row matched by a new one.
    pub reached: Query,
    /// The result for each row of these files and each new row: the table's columns and
    /// `engine::change::CHANGE`.
    pub outcome: Query,
    /// Keys shared by more than one new row, with their number of rows, or `None` if duplicates are allowed.
    pub repeated: Option<Query>,
}

/// The column with a row's file.
pub const FILE: &str = "_headwater_file";

/// The reason for a full refresh of an incremental model whose table exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// The command or the model's own setting requests it.
    Asked,
    /// The columns changed, and `on_schema_change` says to refresh.
    ColumnsChanged,
}

impl Work<'_> {
    /// Compiles the incremental update of a model. `made` and `query` are the SQL and plan of a full refresh,
    /// with the columns `full`. Returns the update, the columns of the table after this run, and the reason
    /// for a full refresh if an existing table needs one.
    pub(super) async fn increment(
        &self,
        model: &Model,
        settings: &Incremental,
        (made, query): (&str, &Query),
        full: &SchemaRef,
    ) -> Result<(Increment, SchemaRef, Option<Refresh>), Vec<Diagnostic>> {
        if settings.strategy == Strategy::ByFile {
            return self.by_file(model, settings, made, query, full).await;
        }
        let stored = self.context.stored.get(&model.relation);
        let asked = self.is_refreshed(model, settings);
        let mut refresh = (asked && stored.is_some()).then_some(Refresh::Asked);
        // The SQL reads the existing table as `this`.
        let mut this = stored.filter(|_| refresh.is_none()).unwrap_or(full).clone();
        let whole = query;
        let (mut sql, mut query, mut columns) = self.new_rows(model, &this).await?;
        let table = match evolved(&this, &columns, settings.on_schema_change) {
            Evolved::Table(table) => table,
            Evolved::FromNothing => {
                refresh = Some(Refresh::ColumnsChanged);
                this = Arc::clone(full);
                (sql, query, columns) = self.new_rows(model, &this).await?;
                Arc::clone(full)
            }
            Evolved::No(difference) => return Err(vec![unfit(model, settings, &difference)]),
            Evolved::Retyped(difference) => return Err(vec![retyped(model, settings, &difference)]),
        };
        known_columns(model, settings, &table)?;
        let has = |name: &str| columns.field_with_name(name).is_ok();
        let query = query.as_columns_of(&table, &destination(model)).map_err(|error| engine_error(&error))?;
        let taken = match settings.strategy {
            Strategy::Append | Strategy::ByFile => Taken::Beside,
            Strategy::Microbatch => match &settings.batches {
                Some(batches) => {
                    Taken::ByTime(Box::new(self.by_time(model, batches, (whole, &query), &table)?))
                }
                None => return Err(Vec::new()),
            },
            Strategy::InsertOverwrite => Taken::Partitions,
            Strategy::Merge | Strategy::DeleteInsert => {
                Taken::ByKey(Box::new(self.by_key(model, settings, &this, &table, &has).await?))
            }
        };
        Ok((Increment { sql, query, taken }, table, refresh))
    }

    /// Returns true if an incremental model gets a full refresh. A model whose failed batches are retried
    /// keeps its other batches.
    pub(super) fn is_refreshed(&self, model: &Model, settings: &Incremental) -> bool {
        let wanted = self.context.wanted;
        settings.full_refresh.unwrap_or(wanted.full_refresh) && !wanted.again.contains_key(&model.id)
    }

    /// Compiles the model's SQL for new rows, given a table with the columns `this`. Returns the SQL, its
    /// plan, and the columns of the result.
    async fn new_rows(
        &self,
        model: &Model,
        this: &SchemaRef,
    ) -> Result<(String, Query, SchemaRef), Vec<Diagnostic>> {
        self.redeclare(&model.relation, this)?;
        let mut allowed = self.allowed(&model.id)?;
        allowed.insert(model.relation.clone());
        let written = render::increment(model, self.context).map_err(|found| vec![found])?;
        self.declare_changes(model, &written.changes)?;
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let planned = self.context.engine.plan(&written.sql).await;
        let query = planned.map_err(|error| vec![origin.sql_error(&error, &written.map)])?;
        origin.references(&query, &allowed)?;
        let columns = super::check::table(&query, model)?;
        Ok((written.sql, query, columns))
    }

    async fn by_key(
        &self,
        model: &Model,
        settings: &Incremental,
        old: &SchemaRef,
        table: &SchemaRef,
        in_new: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<ByKey, Vec<Diagnostic>> {
        let side = |side: &str| Relation::new(format!("_headwater_{side}"), model.relation.to_string());
        let by_key = Sides { old: side("old"), files: side("files"), new: side("new") };
        let with_file = {
            let file = Arc::new(Field::new(FILE, DataType::Utf8, true));
            Arc::new(Schema::new(old.fields().iter().cloned().chain([file]).collect::<Vec<_>>()))
        };
        self.redeclare(&by_key.old, old)?;
        self.redeclare(&by_key.files, &with_file)?;
        self.redeclare(&by_key.new, table)?;
        self.conditions(model, settings, &by_key).await?;
        let columns: Vec<Column> = table
            .fields()
            .iter()
            .map(|field| {
                let from = match (old.field_with_name(field.name()).is_ok(), in_new(field.name())) {
                    (true, true) => From::Both,
                    (true, false) => From::Old,
                    (false, _) => From::New,
                };
                Column { name: quoted(field.name()), from, then: then(settings, field) }
            })
            .collect();
        let sql = Sql { settings, sides: &by_key, columns };
        let merges = settings.strategy == Strategy::Merge;
        let outcome = if merges { sql.merge() } else { sql.delete_and_insert() };
        let repeated = if merges { Some(self.generated(&sql.repeated()).await?) } else { None };
        Ok(ByKey {
            reached: self.generated(&sql.reached()).await?,
            outcome: self.generated(&outcome).await?,
            repeated,
            key: settings.unique_key.clone(),
            old: by_key.old,
            old_files: by_key.files,
            new: by_key.new,
        })
    }

    /// Checks each user-written condition separately, so that errors name it.
    async fn conditions(
        &self,
        model: &Model,
        settings: &Incremental,
        sides: &Sides,
    ) -> Result<(), Vec<Diagnostic>> {
        let predicates = settings.predicates.iter().map(|text| ("incremental_predicates", text));
        let deletes = settings.delete_condition.iter().map(|text| ("merge_delete_condition", text));
        let mut findings = Vec::new();
        let (old, new) = (sides.old.quoted(), sides.new.quoted());
        // Except in a merge, rows are deleted by key before any new row is joined.
        let both =
            if settings.strategy == Strategy::Merge { format!(", {new} as {SOURCE}") } else { String::new() };
        for (key, text) in predicates.chain(deletes) {
            let sql = format!("select 1 from {old} as {DEST}{both} where ({text}\n)");
            if let Err(error) = self.context.engine.plan(&sql).await {
                findings.push(complaint(&error, Some(key), model.file.span(0..0)));
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// Plans generated SQL.
    pub(super) async fn generated(&self, sql: &str) -> Result<Query, Vec<Diagnostic>> {
        let planned = self.context.engine.plan(sql).await;
        planned.map_err(|error| vec![Diagnostic::error("engine", error.message).note(sql.to_owned())])
    }

    pub(super) fn redeclare(&self, relation: &Relation, schema: &SchemaRef) -> Result<(), Vec<Diagnostic>> {
        self.context.engine.declare_table(relation, Arc::clone(schema)).map_err(|error| engine_error(&error))
    }
}

fn engine_error(error: &crate::engine::EngineError) -> Vec<Diagnostic> {
    vec![Diagnostic::error("engine", error.strip_backtrace())]
}

/// The names of the three relations of a change.
struct Sides {
    old: Relation,
    files: Relation,
    new: Relation,
}

/// Returns the effect of a new row on a column of an existing one. Key columns are equal anyway.
fn then(settings: &Incremental, field: &Field) -> Then {
    let among = |columns: &[String]| columns.iter().any(|column| column == field.name());
    let updates = match &settings.updates {
        Updates::All => true,
        Updates::Only(columns) => among(columns),
        Updates::Except(columns) => !among(columns),
    };
    match (updates && !among(&settings.unique_key), field.data_type().is_nested()) {
        (false, _) => Then::Keep,
        (true, false) => Then::Update,
        (true, true) => Then::Replace,
    }
}

fn unfit(model: &Model, settings: &Incremental, difference: &str) -> Diagnostic {
    let message = format!("the columns of `{}` are not those of its table: {difference}", model.name);
    let policy = settings.on_schema_change;
    let note = match policy {
        OnSchemaChange::Ignore => {
            "`on_schema_change: ignore` leaves new columns out; it can't do without old ones"
        }
        _ => "`on_schema_change: fail` asks for this",
    };
    Diagnostic::error("schema-changed", message)
        .at(model.file.span(0..0), "this model")
        .note(note)
        .hint("set `on_schema_change` to append_new_columns, sync_all_columns or full_refresh, or build it from nothing once: --full-refresh")
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
fn destination(model: &Model) -> Destination {
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
