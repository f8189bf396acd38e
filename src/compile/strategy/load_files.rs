//! Models that load each file of a source exactly once. Rows of changed or removed files are found by their
//! file, so the table has the column `_source_file`, and each row must be made from one row of one file.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    FILE, NewRows, Resolved, Strategy,
    incremental::{destination, engine_error},
};
use crate::{
    compile::{NotCompiled, Work},
    diag::Diagnostic,
    engine::{
        Query, SchemaRef,
        arrow::datatypes::{DataType, Field, Schema},
        rows::changes::{CHANGE, DELETED, KEPT},
    },
    manifest::{FilePolicy, Incremental, Model},
    name::{NodeId, Relation, quoted},
    source::{SOURCE_FILE, SourceSpec},
};

/// A table loaded file by file.
#[derive(Debug)]
pub struct FileLoad {
    /// The source of the files.
    pub source: NodeId,
    /// The source, as the engine reads it.
    pub spec: SourceSpec,
    /// The source's relation in queries.
    pub reads: Relation,
    /// The policy for changed and removed files.
    pub policy: FilePolicy,
    /// The queries over existing rows, or `None` if there is no table or it doesn't record each row's file.
    pub existing: Option<ExistingFiles>,
}

/// The queries that find the rows of given files. `listed` has the files' names in its column `_source_file`.
#[derive(Debug)]
pub struct ExistingFiles {
    /// The relation of the table's rows in the queries.
    pub old: Relation,
    /// The relation of the table's rows with their files, in the column [`FILE`].
    pub old_files: Relation,
    /// The relation of the file names.
    pub listed: Relation,
    /// The table's files that hold a row of a listed file.
    pub reached: Query,
    /// The table's rows, with those of listed files marked as deleted: the new table's columns and
    /// `engine::change::CHANGE`.
    pub without_listed: Query,
    /// The table's rows, with all except those of listed files marked as deleted.
    pub listed_only: Query,
}

impl Work<'_> {
    /// Resolves the strategy of a model that loads files. `table` has the columns of its query.
    pub(super) async fn load_files(
        &self,
        model: &Model,
        settings: &Incremental,
        query: &Query,
        table: &SchemaRef,
    ) -> Result<Resolved, NotCompiled> {
        let (source, reads) = self.files_of(model, query)?;
        if table.field_with_name(SOURCE_FILE).is_err() {
            let message = format!("`{}` loads files, but doesn't select `_source_file`", model.name);
            return Err(vec![
                Diagnostic::error("incremental-files", message)
                    .at(model.file.span(0..0), "this model")
                    .hint("select `_source_file`, and declare it among the source's columns")
                    .note("a changed file replaces the rows that it had"),
            ]
            .into());
        }
        let stored = self.context.stored.get(&model.relation);
        let refresh = stored.and_then(|_| self.refresh(model, settings));
        let existing = match stored.filter(|stored| stored.field_with_name(SOURCE_FILE).is_ok()) {
            Some(stored) => Some(self.existing_files(model, stored, table).await?),
            None => None,
        };
        let spec = self.compiled.sources.get(&source).cloned().ok_or(NotCompiled::BrokenInput)?;
        let load = FileLoad { source, spec, reads, policy: settings.files, existing };
        let query = query.as_columns_of(table, &destination(model)).map_err(|error| engine_error(&error))?;
        let rows = NewRows { query };
        let strategy = Strategy::LoadFiles(rows, Box::new(load));
        Ok(Resolved { strategy, schema: Arc::clone(table), refresh })
    }

    /// Returns the one file source that a model reads row by row.
    fn files_of(&self, model: &Model, query: &Query) -> Result<(NodeId, Relation), Vec<Diagnostic>> {
        let refused = |why: String| {
            let message = format!("`{}` can't be loaded file by file: {why}", model.name);
            vec![
                Diagnostic::error("incremental-files", message)
                    .at(model.file.span(0..0), "this model")
                    .hint("load the files unchanged in a separate model, and read that one; or choose another `incremental_strategy`"),
            ]
        };
        let relations = query.relations();
        let manifest = self.context.manifest;
        let source_of = |relation: &Relation| {
            let source = manifest.source(manifest.at(relation)?.id())?;
            source.has_files().then(|| (source.id.clone(), relation.clone()))
        };
        let mut read = relations.iter().filter_map(source_of);
        let (Some(source), None) = (read.next(), read.next()) else {
            return Err(refused("it must read one source of files".to_owned()));
        };
        if let Some(other) = relations.iter().find(|other| **other != source.1) {
            return Err(refused(format!("it reads {other} too")));
        }
        match query.gathers() {
            Some(what) => Err(refused(format!("its SQL has {what}, so a row may come from several files"))),
            None => Ok(source),
        }
    }

    /// Plans the queries over existing rows.
    async fn existing_files(
        &self,
        model: &Model,
        stored: &SchemaRef,
        table: &SchemaRef,
    ) -> Result<ExistingFiles, Vec<Diagnostic>> {
        let side = |side: &str| Relation::new(format!("_headwater_{side}"), model.relation.to_string());
        let (old, old_files, listed) = (side("old"), side("files"), side("listed"));
        let names: BTreeSet<&str> = stored.fields().iter().map(|field| field.name().as_str()).collect();
        // With the types that the table will have.
        let common = table.fields().iter().filter(|field| names.contains(field.name().as_str())).cloned();
        self.redeclare(&old, &Arc::new(Schema::new(common.collect::<Vec<_>>())))?;
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        self.redeclare(&old_files, &Arc::new(Schema::new(vec![text(SOURCE_FILE), text(FILE)])))?;
        self.redeclare(&listed, &Arc::new(Schema::new(vec![text(SOURCE_FILE)])))?;
        let columns = table.fields().iter().map(|field| {
            let name = quoted(field.name());
            if names.contains(field.name().as_str()) {
                format!("d.{name}")
            } else {
                format!("null as {name}")
            }
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let (d, l) = (old.quoted(), listed.quoted());
        let outcome = |listed: i64, other: i64| {
            format!(
                "select {columns}, case when l.__listed then {listed} else {other} end as {CHANGE} from {d} as d \
                 left join (select {SOURCE_FILE}, true as __listed from {l}) as l on d.{SOURCE_FILE} = l.{SOURCE_FILE}"
            )
        };
        let reached = format!(
            "select distinct d.{FILE} from {} as d left semi join {l} as l on d.{SOURCE_FILE} = l.{SOURCE_FILE}",
            old_files.quoted(),
        );
        Ok(ExistingFiles {
            reached: self.generated(&reached).await?,
            without_listed: self.generated(&outcome(DELETED, KEPT)).await?,
            listed_only: self.generated(&outcome(KEPT, DELETED)).await?,
            old,
            old_files,
            listed,
        })
    }
}
