//! How an incremental model takes new rows in, checked like everything else before anything is written: the SQL that
//! gives the new rows, the columns that its table will have, and what becomes of the rows that are there.
//!
//! What new rows do to a table by key is SQL of its own, over two relations: `old`, the table's rows in the files that
//! they reach, and `new`. In conditions that users write they are `DBT_INTERNAL_DEST` and `DBT_INTERNAL_SOURCE`, as in
//! dbt.

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
        exact::Destination,
    },
    manifest::{Incremental, Model, OnSchemaChange, Strategy, Updates},
    name::Relation,
};

/// How new rows are taken in.
#[derive(Debug)]
pub struct Increment {
    /// The SQL that gives the new rows, rendered.
    pub sql: String,
    /// The same, planned: it has the table's columns.
    pub query: Query,
    /// What they do to those that are there.
    pub taken: Taken,
}

/// What new rows do to a table's.
#[derive(Debug)]
pub enum Taken {
    /// They come beside them.
    Beside,
    /// They replace the partitions that they are in.
    Partitions,
    /// They change or replace those of the same key.
    ByKey(Box<ByKey>),
    /// They are what the files hold that are new, or others than they were.
    ByFile(Box<ByFile>),
    /// They are batches of time, in the place of the rows of the same time.
    ByTime(Box<ByTime>),
}

/// The queries that take rows in by key.
#[derive(Debug)]
pub struct ByKey {
    /// What the queries call the table's rows.
    pub old: Relation,
    /// What they call those of the table with their files, in the column [`FILE`].
    pub old_files: Relation,
    /// What they call the new rows.
    pub new: Relation,
    /// The columns of the key.
    pub key: Vec<String>,
    /// The files of the table that hold a row which a new one reaches.
    pub reached: Query,
    /// What becomes of each row of these files and of each new one: the table's columns and `engine::change::CHANGE`.
    pub outcome: Query,
    /// Keys that more than one new row has, and how many have it; none if that is allowed.
    pub repeated: Option<Query>,
}

/// The column of a table's files.
pub const FILE: &str = "_headwater_file";

/// Why an incremental model is built from nothing although its table is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// The command or its own setting asks for it.
    Asked,
    /// Its columns are others, and it says that this is to be done then.
    ColumnsChanged,
}

impl Work<'_> {
    /// How an incremental model, whose SQL and query from nothing are `made` and `query` with the columns `full`, takes new rows in; the columns of its table
    /// after this run; and whether it is built from nothing although there is a table.
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
        // What stands there is what the SQL will read of its own table.
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

    /// Whether an incremental model is to be built from nothing. One of which some batches are made again keeps the others.
    pub(super) fn is_refreshed(&self, model: &Model, settings: &Incremental) -> bool {
        let wanted = self.context.wanted;
        settings.full_refresh.unwrap_or(wanted.full_refresh) && !wanted.again.contains_key(&model.id)
    }

    /// The rows that the model's SQL gives when it takes new ones into a table of these columns: the SQL, the same planned,
    /// and the columns they make.
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

    /// Checks each condition that the user wrote on its own, so that a complaint names it.
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
        // What goes is chosen by its key before there is a new row beside it.
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

    /// Plans SQL of ours.
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

/// What the three relations of a change are called.
struct Sides {
    old: Relation,
    files: Relation,
    new: Relation,
}

/// What a new row does to a column of one that is there. Its key is the same anyway.
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

/// Another type of a column that the table can't take.
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

/// The table and the cure that an error about a value names.
fn destination(model: &Model) -> Destination {
    Destination {
        table: model.relation.to_string(),
        cure: format!(
            "cast it in {}, set `on_schema_change: full_refresh`, or rebuild the table once: --full-refresh",
            model.file.path()
        ),
    }
}

/// The columns that the settings name are the table's.
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
