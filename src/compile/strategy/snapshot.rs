//! Snapshots: plans the query for the current rows and the queries that update the row versions kept in the
//! table. All of it is checked before anything is written.
//!
//! Each run computes the current rows once, as versions that start now. Rows that differ from the newest
//! version of their key, and deleted keys, are the changes. A change ends an existing version, starts a new
//! one, or does both.

mod sql;

use std::{collections::BTreeSet, sync::Arc};

use self::sql::Sql;
use super::{FILE, Strategy};
use crate::{
    compile::{
        CompiledHooks, CompiledModel, NotCompiled, Work,
        check::{self, Origin, complaint},
        contract,
        inputs::input_nodes,
    },
    diag::Diagnostic,
    engine::{
        Query, SchemaRef,
        arrow::datatypes::{DataType, Field, Schema, TimeUnit},
        exec::binding::same_types,
        plan::exact_cast::{Destination, can_hold, wider},
        types::type_name,
    },
    manifest::{HardDeletes, Model, Snapshot, SnapshotStrategy, fingerprint::Fingerprint},
    name::Relation,
};

/// The queries of a snapshot.
#[derive(Debug)]
pub struct SnapshotQueries {
    /// The relation of the run's timestamp in the queries: one row with one column.
    pub moment: Relation,
    /// That column.
    pub at: SchemaRef,
    /// The relation of the current rows.
    pub new: Relation,
    /// The current rows as versions that start now, with the table's columns.
    pub arrived: Query,
    /// The key columns.
    pub key: Vec<String>,
    /// Keys with NULLs or with more than one row, and their number of rows.
    pub repeated: Query,
    /// The queries for an existing table, if there is one.
    pub existing: Option<ExistingVersions>,
}

/// The queries of a snapshot whose table exists.
#[derive(Debug)]
pub struct ExistingVersions {
    /// The relation of the table's rows with their files, in the column [`FILE`].
    pub old_files: Relation,
    /// The relation of the rows in files that hold an ending version.
    pub old: Relation,
    /// The relation of the changes.
    pub changes: Relation,
    /// The versions that end and start.
    pub changed: Query,
    /// The columns of that query.
    pub columns: SchemaRef,
    /// The files that hold an ending version.
    pub reached: Query,
    /// The result for each row of these files, and each starting version: the table's columns and
    /// `engine::change::CHANGE`.
    pub outcome: Query,
    /// The newest times that the clock gave versions, in one row. `None` if all versions start at times of
    /// the rows.
    pub newest: Option<Query>,
    /// True if a column's type changes, so that all files are rewritten.
    pub retypes: bool,
}

impl Work<'_> {
    /// Compiles a snapshot.
    ///
    /// # Errors
    /// All errors in its query, and in what its settings say about its columns.
    pub(in crate::compile) async fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), NotCompiled> {
        let compiled = self.compiled_snapshot(snapshot).await;
        let compiled = compiled.map_err(|error| error.map(|found| snapshot.in_users_terms(found)))?;
        self.compiled.models.insert(snapshot.model.id.clone(), compiled);
        Ok(())
    }

    async fn compiled_snapshot(&mut self, snapshot: &Snapshot) -> Result<CompiledModel, NotCompiled> {
        let model = &snapshot.model;
        let mut allowed = self.allowed(&model.id)?;
        let mut written = self.written_model(model, false).await?;
        allowed.append(&mut written.found);
        let origin = Origin { id: &model.id, file: &model.file, manifest: self.context.manifest };
        let planned = self.context.engine.plan(&written.sql).await;
        let query = planned.map_err(|error| vec![origin.sql_error(&error, &written.map)])?;
        origin.references(&query, &allowed)?;
        check::rejects(&query, model, self.context.manifest)?;
        let source = check::table(&query, model)?;
        known_columns(snapshot, &source)?;
        let moment = moment(snapshot, &source)?;
        let schema = self.versions(snapshot, &source, &moment)?;
        let queries = self.queries(snapshot, &query, (&source, &schema), moment).await?;
        self.declare(&model.id, &model.relation, schema.clone())?;
        let hooks = self.hooks(model, &schema, false, None).await?;
        let (constraints, checks) = self.contract(model, &schema).await?;
        if let Some(test) =
            self.context.manifest.tests_of(&model.id).find(|test| test.config.on_violation.is_some())
        {
            return Err(vec![no_rule(&test.name, model).at(test.declared.clone(), "this test")].into());
        }
        let statement = self.statement(&model.id, query.canonical());
        let statement = format!("{statement}{}", hooks.fingerprint());
        let shaping = contract::shaping(&constraints, &[]);
        let inputs = input_nodes(
            std::iter::once(&query).chain(hooks.queries()),
            Some(&model.relation),
            self.context.manifest,
        );
        let reading = self.reading(&inputs);
        let command = self.of_command(&inputs);
        let beside = shaping.into_iter().chain(reading).chain(snapshot.config.shaping()).chain(command);
        Ok(CompiledModel {
            fingerprint: Fingerprint::new(&statement, &model.config, beside),
            volatile: model.volatile || query.is_volatile(),
            sql: written.sql.trim().to_owned(),
            query,
            inputs,
            schema,
            strategy: Strategy::Snapshot(Box::new(queries)),
            refresh: None,
            rules: Vec::new(),
            constraints,
            checks,
            hooks,
            new_rows_hooks: CompiledHooks::default(),
        })
    }

    /// Returns the table's columns: the existing ones, new ones of the query, and the snapshot's metadata
    /// columns. Numbers and times that change their type get a type that holds both, since history can't be
    /// rebuilt from scratch.
    fn versions(
        &self,
        snapshot: &Snapshot,
        source: &SchemaRef,
        moment: &SchemaRef,
    ) -> Result<SchemaRef, NotCompiled> {
        let added = meta_columns(snapshot, moment.field(0).data_type());
        let Some(stored) = self.context.stored.get(&snapshot.model.relation) else {
            let fields = source.fields().iter().cloned().chain(added.into_iter().map(Arc::new));
            return Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())));
        };
        let missing = |field: &&Field| stored.field_with_name(field.name()).is_err();
        let is_deleted = snapshot.config.meta.is_deleted.as_str();
        let lacking: Vec<&str> = added
            .iter()
            .filter(missing)
            .map(|field| field.name().as_str())
            .filter(|name| *name != is_deleted)
            .collect();
        if !lacking.is_empty() {
            return Err(NotCompiled::OtherColumns(Box::new(no_snapshot(snapshot, &lacking))));
        }
        let columns: Vec<_> =
            source.fields().iter().cloned().chain(added.into_iter().map(Arc::new)).collect();
        let mut unheld = Vec::new();
        let kept = stored.fields().iter().map(|old| {
            let Some(new) = columns.iter().find(|field| field.name() == old.name()) else {
                return Arc::clone(old);
            };
            if let Some(wider) = wider(old.data_type(), new.data_type()) {
                return Arc::new(old.as_ref().clone().with_data_type(wider));
            }
            if !can_hold(new.data_type(), old.data_type()) {
                let (is, was) = (type_name(new.data_type()), type_name(old.data_type()));
                unheld.push(format!("`{}` is {is}, was {was}", new.name()));
            }
            Arc::clone(old)
        });
        let kept: Vec<_> = kept.collect();
        if !unheld.is_empty() {
            return Err(NotCompiled::OtherColumns(Box::new(retyped(snapshot, &unheld))));
        }
        let news = columns.iter().filter(|field| missing(&field.as_ref())).cloned();
        Ok(Arc::new(Schema::new(kept.into_iter().chain(news).collect::<Vec<_>>())))
    }

    async fn queries(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        (source, table): (&SchemaRef, &SchemaRef),
        at: SchemaRef,
    ) -> Result<SnapshotQueries, Vec<Diagnostic>> {
        let model = &snapshot.model;
        let side = |side: &str| Relation::new(format!("_headwater_{side}"), model.relation.to_string());
        let (now, moment, new) = (side("source"), side("moment"), side("new"));
        let engine = self.context.engine;
        let failed =
            |error: crate::engine::EngineError| vec![Diagnostic::error("engine", error.strip_backtrace())];
        engine.declare_view(&now, query).map_err(failed)?;
        self.redeclare(&moment, &at)?;
        self.redeclare(&new, table)?;
        let sql =
            Sql { config: &snapshot.config, source, table, stored: self.context.stored.get(&model.relation) };
        if let Some(open) = &snapshot.config.valid_to_current
            && let Err(error) = engine.plan(&format!("select ({open}\n) as open")).await
        {
            return Err(vec![complaint(&error, Some("dbt_valid_to_current"), snapshot.declared.clone())]);
        }
        let arrived = self.generated(&sql.arrived(&now, &moment)).await?;
        let existing = match sql.stored {
            Some(stored) => Some(
                self.existing_versions(
                    &sql,
                    stored,
                    [side("files"), side("old"), side("changes")],
                    (&new, &moment),
                )
                .await?,
            ),
            None => None,
        };
        Ok(SnapshotQueries {
            arrived: arrived.as_columns_of(table, &destination(model)).map_err(failed)?,
            key: snapshot.config.unique_key.clone(),
            repeated: self.generated(&sql.repeated(&new)).await?,
            moment,
            at,
            new,
            existing,
        })
    }

    async fn existing_versions(
        &self,
        sql: &Sql<'_>,
        stored: &SchemaRef,
        [old_files, old, changes]: [Relation; 3],
        (new, moment): (&Relation, &Relation),
    ) -> Result<ExistingVersions, Vec<Diagnostic>> {
        // With the types that the table will have, so that versions compare as stored.
        let kept = sql.table.fields().iter().filter(|field| stored.field_with_name(field.name()).is_ok());
        let before = Arc::new(Schema::new(kept.cloned().collect::<Vec<_>>()));
        let with_file =
            before.fields().iter().cloned().chain([Arc::new(Field::new(FILE, DataType::Utf8, true))]);
        self.redeclare(&old_files, &Arc::new(Schema::new(with_file.collect::<Vec<_>>())))?;
        self.redeclare(&old, &before)?;
        let newest = match sql.newest(&old_files) {
            Some(newest) => Some(self.generated(&newest).await?),
            None => None,
        };
        let query = self.generated(&sql.changed(&old_files, new, moment)).await?;
        let columns = nullable(&query.schema());
        self.redeclare(&changes, &columns)?;
        Ok(ExistingVersions {
            newest,
            reached: self.generated(&sql.reached(&changes)).await?,
            outcome: self.generated(&sql.outcome(&old, &changes)).await?,
            retypes: !same_types(&before, stored),
            changed: query,
            columns,
            old_files,
            old,
            changes,
        })
    }
}

/// Makes all columns nullable, because rows may contain NULLs although their plan says otherwise.
#[must_use]
pub fn nullable(columns: &SchemaRef) -> SchemaRef {
    let columns = columns.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

/// Returns the metadata columns of a snapshot. `time` is the type of its times.
fn meta_columns(snapshot: &Snapshot, time: &DataType) -> Vec<Field> {
    let meta = &snapshot.config.meta;
    let column = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), true);
    let mut columns = vec![
        column(&meta.scd_id, &DataType::Utf8),
        column(&meta.updated_at, time),
        column(&meta.valid_from, time),
        column(&meta.valid_to, time),
    ];
    if snapshot.config.hard_deletes == HardDeletes::NewRecord {
        columns.push(column(&meta.is_deleted, &DataType::Utf8));
    }
    columns
}

/// Returns the column of the run's timestamp, in the type of the snapshot's times: that of its `updated_at`
/// column, if there is one.
fn moment(snapshot: &Snapshot, source: &SchemaRef) -> Result<SchemaRef, Vec<Diagnostic>> {
    let own = snapshot.config.updated_at.as_ref().and_then(|name| source.field_with_name(name).ok());
    let time = match own.map(Field::data_type) {
        None => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Some(time @ (DataType::Timestamp(..) | DataType::Date32)) => time.clone(),
        Some(other) => {
            let name = own.map_or("", |field| field.name());
            let message = format!(
                "`updated_at` of `{}` is the column `{name}`, which is {} and no time",
                snapshot.model.name,
                type_name(other),
            );
            let found =
                Diagnostic::error("snapshot-time", message).at(snapshot.declared.clone(), "this snapshot");
            return Err(vec![
                found.hint(format!("select it as a time, in a model if need be: cast({name} as timestamp)")),
            ]);
        }
    };
    Ok(Arc::new(Schema::new(vec![Field::new(sql::AT, time, false)])))
}

/// Checks that the query has the columns that the settings name, and none of the metadata columns.
fn known_columns(snapshot: &Snapshot, source: &SchemaRef) -> Result<(), Vec<Diagnostic>> {
    let config = &snapshot.config;
    let names: Vec<&str> = source.fields().iter().map(|field| field.name().as_str()).collect();
    let keys = config.unique_key.iter().map(|column| ("unique_key", column));
    let updated_at = config.updated_at.iter().map(|column| ("updated_at", column));
    let checked = match &config.strategy {
        SnapshotStrategy::Check(Some(columns)) => columns.as_slice(),
        _ => &[],
    };
    let checked = checked.iter().map(|column| ("check_cols", column));
    let wanted = keys.chain(updated_at).chain(checked);
    let unknown = wanted.filter(|(_, column)| !names.contains(&column.as_str())).map(|(key, column)| {
        let message = format!("`{key}` names `{column}`, which `{}` does not have", snapshot.model.name);
        Diagnostic::error("unknown-column", message)
            .at(snapshot.declared.clone(), "this snapshot")
            .near(column, names.iter().copied())
            .note(format!("its columns: {}", names.join(", ")))
    });
    let time = DataType::Date32;
    let meta: BTreeSet<String> =
        meta_columns(snapshot, &time).iter().map(|field| field.name().clone()).collect();
    let taken = names.iter().filter(|name| meta.contains(**name)).map(|name| {
        let message =
            format!("`{}` selects a column `{name}`, which a snapshot adds itself", snapshot.model.name);
        Diagnostic::error("duplicate-column", message)
            .at(snapshot.declared.clone(), "this snapshot")
            .hint("leave it out, or give the snapshot's another name with `snapshot_meta_column_names`")
    });
    let findings: Vec<Diagnostic> = unknown.chain(taken).collect();
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn no_snapshot(snapshot: &Snapshot, lacking: &[&str]) -> Diagnostic {
    let relation = &snapshot.model.relation;
    let message =
        format!("the table {relation} exists but isn't a snapshot: it has no column {}", lacking.join(", "));
    Diagnostic::error("no-snapshot", message)
        .at(snapshot.declared.clone(), "this snapshot")
        .note("a snapshot continues from the versions in its table, and never replaces the table")
        .hint("give the snapshot another `alias` or `schema`, or its columns the names that the table has (`snapshot_meta_column_names`)")
}

/// The error about a column's new type that the table can't hold.
fn retyped(snapshot: &Snapshot, unheld: &[String]) -> Diagnostic {
    let name = &snapshot.model.name;
    let message = format!("the columns of `{name}` are not those of its table: {}", unheld.join("; "));
    Diagnostic::error("schema-changed", message)
        .at(snapshot.declared.clone(), "this snapshot")
        .note(
            "no value of the new type can be stored in the table's, and a snapshot keeps the versions it has",
        )
        .hint("cast the column to the table's type, or select it under another name")
}

/// The table and the fix, for errors about a value.
fn destination(model: &Model) -> Destination {
    Destination {
        table: model.relation.to_string(),
        cure: format!(
            "cast it to the table's type for {}, or select it there under another name: a snapshot keeps the versions \
             it has",
            model.file.path()
        ),
    }
}

fn no_rule(test: &str, model: &Model) -> Diagnostic {
    let message = format!(
        "the test `{test}` can't take rows out of the snapshot `{}`: they would look as if they had been deleted",
        model.name
    );
    Diagnostic::error("snapshot-rule", message)
        .hint("set `on_violation` on a test of the model that the snapshot reads")
}
