//! Strategies: how a node's table is brought up to date. Each node has one, resolved here and nowhere else;
//! the folder `run/build` has a file of the same name for each.
//!
//! - `rebuild`: all rows, from scratch
//! - `seed`: the rows of a CSV file of the project
//! - `append`, `replace_partitions`, `merge`: new rows, combined with existing ones
//! - `load_files`: the rows of new and changed files
//! - `microbatch`: the rows of some batches of time
//! - `snapshot`: the versions of changed rows
//!
//! `incremental` has what the strategies with new rows share: the SQL that selects them and the table's
//! columns after `schema_evolution`.

mod append;
mod incremental;
mod load_files;
mod merge;
mod microbatch;
mod rebuild;
mod replace_partitions;
mod schema_evolution;
mod seed;
mod snapshot;

pub use self::{
    incremental::NewRows,
    load_files::{ExistingFiles, FileLoad},
    merge::MergeQueries,
    microbatch::TimeBatches,
    snapshot::{ExistingVersions, SnapshotQueries, nullable},
};
use super::{NotCompiled, Work};
use crate::{
    engine::{Query, SchemaRef},
    manifest::{Materialized, Model},
};

/// The column with a row's file in queries over a table's rows.
pub const FILE: &str = "_headwater_file";

/// A way to bring a node's table up to date.
#[derive(Debug)]
pub enum Strategy {
    /// Computes all rows from scratch; a view does so whenever it is read.
    Rebuild,
    /// Reads all rows from a CSV file.
    Seed,
    /// Adds the new rows.
    Append(NewRows),
    /// Replaces the partitions that the new rows are in.
    ReplacePartitions(NewRows),
    /// Updates or replaces the existing rows that have the key of a new one.
    Merge(NewRows, Box<MergeQueries>),
    /// Loads each file of a source once, and again if it changes.
    LoadFiles(NewRows, Box<FileLoad>),
    /// Replaces the rows of some batches of time.
    Microbatch(NewRows, Box<TimeBatches>),
    /// Adds versions of rows that changed, and ends those that they follow.
    Snapshot(Box<SnapshotQueries>),
}

impl Strategy {
    /// Returns the query for new rows, which only incremental strategies have.
    #[must_use]
    pub fn new_rows(&self) -> Option<&NewRows> {
        match self {
            Self::Append(rows)
            | Self::ReplacePartitions(rows)
            | Self::Merge(rows, _)
            | Self::LoadFiles(rows, _)
            | Self::Microbatch(rows, _) => Some(rows),
            Self::Rebuild | Self::Seed | Self::Snapshot(_) => None,
        }
    }

    /// Returns whether a build keeps rows of an existing table.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        !matches!(self, Self::Rebuild | Self::Seed)
    }

    /// Returns the files to load, if it loads each file once.
    #[must_use]
    pub fn file_load(&self) -> Option<&FileLoad> {
        match self {
            Self::LoadFiles(_, load) => Some(load),
            _ => None,
        }
    }

    /// Returns the batches, if it is built in batches of time.
    #[must_use]
    pub fn time_batches(&self) -> Option<&TimeBatches> {
        match self {
            Self::Microbatch(_, batches) => Some(batches),
            _ => None,
        }
    }
}

/// The strategy of a table, with what it decides about the table.
pub(super) struct Resolved {
    pub(super) strategy: Strategy,
    /// The columns of the table after the build.
    pub(super) schema: SchemaRef,
    /// The reason for a full refresh, if the table exists and gets one.
    pub(super) refresh: Option<Refresh>,
}

/// The reason for a full refresh of an incremental model whose table exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// The command or the model's own setting requests it.
    Asked,
    /// The columns changed, and `on_schema_change` says to refresh.
    ColumnsChanged,
    /// The table was built with `--empty`.
    BuiltEmpty,
}

impl Work<'_> {
    /// Resolves a model's strategy and declares its table or view. `query` is that of a full refresh.
    pub(super) async fn resolve(&mut self, model: &Model, query: &Query) -> Result<Resolved, NotCompiled> {
        let resolved = match (model.config.materialized, &model.config.incremental) {
            (Materialized::View | Materialized::Ephemeral, _) => return self.view(model, query),
            (Materialized::Incremental, Some(settings)) => {
                let schema = self.table(model, query)?;
                self.incremental(model, settings, query, &schema).await?
            }
            (Materialized::Table | Materialized::Incremental, _) => {
                Resolved { strategy: Strategy::Rebuild, schema: self.table(model, query)?, refresh: None }
            }
        };
        self.declare(&model.id, &model.relation, resolved.schema.clone())?;
        Ok(resolved)
    }
}
