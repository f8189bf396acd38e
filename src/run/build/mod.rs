//! Builds: from a strategy and the state of a table to a candidate for its next version.
//!
//! ```text
//! strategy ──▶ Draft ──▶ produce ──▶ Candidate ──▶ audit ──▶ publish or abort
//!              rows       rules,       staged
//!              to write   companions
//! ```
//!
//! - [`context`]: what a build starts from
//! - [`draft`]: the rows to write, and the one place that writes them
//! - [`mod@candidate`]: a staged version with its companion tables
//! - [`rebuild`], [`append`], [`replace_partitions`], [`merge`], [`load_files`], [`microbatch`],
//!   [`snapshot`]: a file for each strategy; seeds are rebuilt
//! - [`hooks`]: what a model's hooks change in a staged version
//! - [`new_rows`], [`changes`]: the new rows of an incremental model, and the change feeds that they come
//!   from
//!
//! Start at [`candidate()`].

mod append;
pub(super) mod candidate;
mod changes;
pub(super) mod context;
mod draft;
pub(super) mod hooks;
mod load_files;
mod merge;
mod microbatch;
mod new_rows;
mod rebuild;
mod replace_partitions;
mod snapshot;

pub(super) use self::{candidate::Candidate, context::Build};
use super::step_error::StepError;
use crate::compile::Strategy;

/// Stages the next version of a table, as its strategy says.
pub(super) async fn candidate(build: &Build<'_>) -> Result<Candidate, StepError> {
    match &build.compiled.strategy {
        Strategy::Rebuild | Strategy::Seed => rebuild::candidate(build).await,
        Strategy::Append(rows) => append::candidate(build, rows).await,
        Strategy::ReplacePartitions(rows) => replace_partitions::candidate(build, rows).await,
        Strategy::Merge(rows, queries) => merge::candidate(build, rows, queries).await,
        Strategy::LoadFiles(rows, load) => load_files::candidate(build, rows, load).await,
        Strategy::Microbatch(rows, batches) => microbatch::candidate(build, rows, batches).await,
        Strategy::Snapshot(queries) => snapshot::candidate(build, queries).await,
    }
}
