//! SQLite sources: a table or view of a database, opened read-only. Declared types override SQLite's loose
//! ones.
//!
//! The query's filters run inside SQLite if they mean the same there ([`filter`]), and if no row can be
//! rejected or rejects aren't wanted, because a row that SQLite filters out can't be validated. No `LIMIT` is
//! sent: the reader stops once it has enough valid rows.

mod catalog;
mod connection;
mod fault;
mod filter;
mod read;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    error::DataFusionError,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{ExecutionPlan, streaming::StreamingTableExec},
};

use self::catalog::TableMetadata;
use super::{
    drift::Drift,
    files, local_files,
    reporting::Report,
    rows::ScanShape,
    spec::{DateUnit, SourceSpec},
    unreadable::UnreadableSource,
};
use crate::local_file;

/// The table of an SQLite source.
#[derive(Debug)]
pub(super) struct SqliteTable {
    path: PathBuf,
    /// The file's name, as in `_source_file`.
    file: Arc<str>,
    schema: SchemaRef,
    found: Arc<TableMetadata>,
    unit: DateUnit,
    drift: Arc<Drift>,
    report: Report,
}

impl SqliteTable {
    /// Opens the database and reads the table's metadata. Errors suggest similar names.
    pub(super) fn open(
        spec: &SourceSpec,
        table: &str,
        unit: DateUnit,
        report: Report,
    ) -> Result<Self, DataFusionError> {
        let plan = |message: String| DataFusionError::Plan(format!("{}: {message}", spec.name));
        if files::is_url(&spec.location) {
            return Err(plan(format!("`{}`: an SQLite database has to be a local file", spec.location)));
        }
        let path = spec.base.join(&spec.location);
        if !path.exists() && !local_file::is_link(&path) {
            let (location, base) = (&spec.location, spec.base.display());
            return Err(plan(format!("no database `{location}` under {base}")));
        }
        check(&path).map_err(|(problem, help)| {
            let (name, location) = (&spec.name, &spec.location);
            UnreadableSource::error(format!("{name}: `{location}` {problem}\n  hint: {help}"))
        })?;
        let (schema, found) = catalog::look(&path, table, spec)?;
        let file = local_files::name(&path, &spec.base).into();
        Ok(Self {
            path,
            file,
            schema,
            found: Arc::new(found),
            unit,
            drift: Arc::new(spec.drift.clone()),
            report,
        })
    }

    /// Returns whether filters may run inside SQLite.
    fn pushes(&self) -> bool {
        !self.report.judges_all() || self.found.columns.iter().all(|column| column.safe)
    }
}

/// Checks that a file is at a path, since SQLite would block at a pipe. Returns what else is there, and what
/// to do.
fn check(path: &Path) -> Result<(), (String, &'static str)> {
    let metadata = fs::metadata(path).map_err(|error| local_file::problem(path, &error))?;
    let kind = if metadata.is_dir() { Some("a folder") } else { local_file::irregular(&metadata) };
    match kind {
        Some(kind) => Err((format!("is {kind}, not a database"), "set `location` to the database's file")),
        None => Ok(()),
    }
}

#[async_trait]
impl TableProvider for SqliteTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let pushed =
            |filter: &&Expr| self.pushes() && filter::translate(filter, &self.found.columns).is_some();
        Ok(filters
            .iter()
            .map(|filter| {
                if pushed(filter) {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let shape = ScanShape::new(&self.schema, projection, self.drift.is_rescuing())?;
        let TableMetadata { notes, deviation, .. } = self.found.as_ref();
        self.report.note(notes, std::iter::once((Arc::clone(&self.file), deviation.clone())));
        let schema = Arc::clone(&shape.schema);
        let filters = filters.iter().map(|filter| {
            filter::translate(filter, &self.found.columns)
                .ok_or_else(|| DataFusionError::Internal(format!("{filter} was not offered to SQLite")))
        });
        let query = read::TableQuery {
            path: self.path.clone(),
            file: Arc::clone(&self.file),
            found: Arc::clone(&self.found),
            filters: filters.collect::<Result<Vec<_>, _>>()?,
            shape,
            unit: self.unit,
            drift: Arc::clone(&self.drift),
            report: self.report.clone(),
            batch: session.config().batch_size(),
            limit,
        };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(query)], None, None, false, limit)?))
    }
}
