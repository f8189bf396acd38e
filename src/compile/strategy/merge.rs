//! The strategies `merge` and `delete+insert`: new rows update or replace the existing rows with their key.
//!
//! A change is SQL over two relations: `old`, the table's rows in the files that the new rows touch, and
//! `new`. User-written conditions call them `DBT_INTERNAL_DEST` and `DBT_INTERNAL_SOURCE`, as in dbt.

mod sql;

use std::sync::Arc;

use self::sql::{Column, DEST, From, SOURCE, Sql, Then};
use super::FILE;
use crate::{
    compile::{Work, check::complaint},
    diag::Diagnostic,
    engine::{
        Query, SchemaRef,
        arrow::datatypes::{DataType, Field, Schema},
    },
    manifest::{Incremental, IncrementalStrategy, Model, Updates},
    name::{Relation, quoted},
};

/// The queries of a merge.
#[derive(Debug)]
pub struct MergeQueries {
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

impl Work<'_> {
    /// Plans the queries of a change by key. `old` has the table's columns, `new` those of the new rows.
    pub(super) async fn merge(
        &self,
        model: &Model,
        settings: &Incremental,
        (old, new): (&SchemaRef, &SchemaRef),
        table: &SchemaRef,
    ) -> Result<MergeQueries, Vec<Diagnostic>> {
        let side = |side: &str| Relation::new(format!("_headwater_{side}"), model.relation.to_string());
        let sides = Sides { old: side("old"), files: side("files"), new: side("new") };
        let with_file = {
            let file = Arc::new(Field::new(FILE, DataType::Utf8, true));
            Arc::new(Schema::new(old.fields().iter().cloned().chain([file]).collect::<Vec<_>>()))
        };
        self.redeclare(&sides.old, old)?;
        self.redeclare(&sides.files, &with_file)?;
        self.redeclare(&sides.new, table)?;
        self.conditions(model, settings, &sides).await?;
        let has = |schema: &SchemaRef, field: &Field| schema.field_with_name(field.name()).is_ok();
        let columns: Vec<Column> = table
            .fields()
            .iter()
            .map(|field| {
                let from = match (has(old, field), has(new, field)) {
                    (true, true) => From::Both,
                    (true, false) => From::Old,
                    (false, _) => From::New,
                };
                Column { name: quoted(field.name()), from, then: then(settings, field) }
            })
            .collect();
        let sql = Sql { settings, sides: &sides, columns };
        let merges = settings.strategy == IncrementalStrategy::Merge;
        let outcome = if merges { sql.merge() } else { sql.delete_and_insert() };
        let repeated = if merges { Some(self.generated(&sql.repeated()).await?) } else { None };
        Ok(MergeQueries {
            reached: self.generated(&sql.reached()).await?,
            outcome: self.generated(&outcome).await?,
            repeated,
            key: settings.unique_key.clone(),
            old: sides.old,
            old_files: sides.files,
            new: sides.new,
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
        let both = if settings.strategy == IncrementalStrategy::Merge {
            format!(", {new} as {SOURCE}")
        } else {
            String::new()
        };
        for (key, text) in predicates.chain(deletes) {
            let sql = format!("select 1 from {old} as {DEST}{both} where ({text}\n)");
            if let Err(error) = self.context.engine.plan(&sql).await {
                findings.push(complaint(&error, Some(key), model.file.span(0..0)));
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
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
