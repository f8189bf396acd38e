//! Plans: the steps of a run and the reasons for them. Immutable data that `plan` prints and `run` executes.
//! No I/O.
//!
//! A plan consists of jobs, a job of steps. A job is about one node and includes its tests: a model's job
//! builds the table without publishing it, runs the model's tests on it, and publishes only if they pass.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    interval::Intervals,
    name::{NodeId, Relation},
};

/// The jobs of one invocation in an order that respects the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The jobs; each comes after those it waits for.
    pub jobs: Vec<Job>,
}

/// All steps for one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The node. It may have no step of its own: tests may run on a table that this run doesn't build.
    pub node: NodeId,
    /// The steps: first the build of the node, then its tests.
    pub steps: Vec<Arc<Step>>,
    /// The jobs of this plan that must succeed before this one starts.
    pub after: Arc<[NodeId]>,
    /// The jobs of this plan that must end before this one starts, successful or not, because one of its
    /// tests reads their tables.
    pub behind: Arc<[NodeId]>,
}

/// One unit of work, with its own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub node: NodeId,
    /// The display name: a table's relation or a test's name.
    pub name: String,
    /// The table that it builds, if any.
    pub relation: Option<Relation>,
    pub action: Action,
    pub reason: Reason,
}

/// The action of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Write a new version of the model's Delta table.
    Table,
    /// Add new rows to the model's Delta table, or create the table.
    Incremental,
    /// Check that the view's SQL plans; nothing is written.
    View,
    /// Write a new version of the seed's Delta table.
    Seed,
    /// Add new versions of changed rows to the snapshot.
    Snapshot,
    /// Look for violating rows.
    Test,
    /// Run a model's SQL on fixture rows.
    UnitTest,
    /// Check when a source was last loaded.
    Freshness,
}

impl Action {
    /// Returns dbt's materialization.
    #[must_use]
    pub fn materialization(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Incremental => "incremental",
            Self::View => "view",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Test => "test",
            Self::UnitTest => "unit",
            Self::Freshness => "freshness",
        }
    }

    /// Returns true if the step writes a table.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Incremental | Self::Seed | Self::Snapshot)
    }

    /// Returns true if the step is a test.
    #[must_use]
    pub fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::UnitTest)
    }
}

/// The reason for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The table doesn't exist yet.
    FirstBuild,
    /// The table no longer exists, although others were built from it.
    TableMissing,
    /// The model's SQL differs from that of the published version.
    SqlChanged,
    /// A setting that shapes the data changed.
    ConfigChanged {
        /// The setting's name.
        key: String,
    },
    /// An upstream table has a different version from the recorded one, or is built earlier in this run.
    UpstreamChanged {
        /// The node that builds that table.
        node: NodeId,
    },
    /// The files or database that it reads have changed.
    SourceAdvanced {
        /// The source.
        node: NodeId,
        /// The number of files before.
        was: u64,
        /// The number of files now.
        files: u64,
    },
    /// The seed's file differs from the one that was loaded.
    FileChanged,
    /// Another writer committed the newest rows.
    ModifiedOutside {
        /// The version of that commit.
        version: u64,
    },
    /// The same inputs may give different rows: the SQL uses `now()` or `random()`.
    Volatile,
    /// Batches aren't done yet: they are due, or they failed.
    BatchesDue {
        /// The number of batches.
        batches: usize,
        /// The label of the first batch.
        first: String,
    },
    /// The command requests the batches of this time range.
    Backfill {
        /// The time range.
        time: Intervals,
    },
    /// The command requests a rebuild, even if the table is up to date.
    Forced,
    /// The model gets a full refresh.
    FullRefresh {
        /// Whether the reason is a change of columns rather than a request.
        columns_changed: bool,
    },
    /// The node was selected and runs whenever it is.
    Selected,
    /// The test must pass before its model's new version is published.
    Gates {
        /// The model.
        node: NodeId,
    },
    /// The table is up to date or has passed the test: nothing is done.
    UpToDate,
    /// The test has already warned about the current rows: the warning is repeated, and nothing is done.
    Warned {
        /// The number of failures.
        failures: u64,
    },
    /// The table exists but can't be read.
    Damaged {
        /// Whether its files are moved away, so that it is rebuilt.
        set_aside: bool,
    },
    /// Its template queries a table, or it reads a model whose template does: it is compiled after that table
    /// is built, and only then known to be up to date or not.
    CompiledLater {
        /// The node that builds the table.
        node: NodeId,
    },
    /// A source can't be read now, so the node can't be checked: it fails, and unaffected nodes go on.
    Unreadable {
        /// The source.
        node: NodeId,
    },
    /// A query of a node's template failed: the node fails, and unaffected nodes go on.
    QueryFailed {
        /// The node.
        node: NodeId,
    },
    /// A node has errors and its static analysis isn't strict: it fails, and unaffected nodes go on.
    Invalid {
        /// The node.
        node: NodeId,
    },
    /// The columns of a model's table aren't the model's: the model fails, and unaffected nodes go on.
    ColumnsDiffer {
        /// The model.
        node: NodeId,
    },
}

impl Reason {
    /// Returns true if the step runs even if the table is up to date.
    #[must_use]
    pub fn is_demanded(&self) -> bool {
        matches!(self, Self::Forced | Self::FullRefresh { .. } | Self::Backfill { .. })
    }

    /// Returns true if nothing of an existing table is kept.
    #[must_use]
    pub fn is_from_scratch(&self) -> bool {
        matches!(self, Self::FullRefresh { .. } | Self::Damaged { set_aside: true })
    }

    /// Returns true if the step can only fail, since its node couldn't be checked.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::ColumnsDiffer { .. }
                | Self::QueryFailed { .. }
                | Self::Invalid { .. }
        )
    }

    /// Returns true if there is nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self, Self::UpToDate | Self::Warned { .. })
    }
}

impl Plan {
    /// Iterates over all steps, in the order of the jobs.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<Step>> {
        self.jobs.iter().flat_map(|job| &job.steps)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstBuild => f.write_str("first build"),
            Self::Damaged { set_aside: true } => f.write_str("its table can't be read: files moved aside"),
            Self::Damaged { set_aside: false } => f.write_str("its table can't be read"),
            Self::Unreadable { node } => write!(f, "{} can't be read", node.name()),
            Self::CompiledLater { node } => write!(f, "compiled after {} is built", node.name()),
            Self::ColumnsDiffer { node } => write!(f, "the table of {} has other columns", node.name()),
            Self::QueryFailed { node } => write!(f, "a query of {}'s template failed", node.name()),
            Self::Invalid { node } => write!(f, "{} has errors", node.name()),
            Self::TableMissing => f.write_str("table was dropped"),
            Self::SqlChanged => f.write_str("SQL changed"),
            Self::ConfigChanged { key } => write!(f, "{key} changed"),
            Self::UpstreamChanged { node } => write!(f, "{} changed", node.name()),
            Self::SourceAdvanced { node, was, files } if was == files => write!(f, "{} changed", node.name()),
            Self::SourceAdvanced { node, was, files } => {
                let plural = if *files == 1 { "" } else { "s" };
                write!(f, "{} has {files} file{plural}, had {was}", node.name())
            }
            Self::FileChanged => f.write_str("its file changed"),
            Self::ModifiedOutside { version } => write!(f, "version {version} was written by another writer"),
            Self::Volatile => f.write_str("uses now() or random()"),
            Self::BatchesDue { batches: 1, first } => write!(f, "the batch {first} is due"),
            Self::BatchesDue { batches, first } => write!(f, "{batches} batches are due, from {first}"),
            Self::Backfill { time } => write!(f, "backfill of {time}"),
            Self::Forced => f.write_str("forced"),
            Self::FullRefresh { columns_changed: false } => f.write_str("full refresh"),
            Self::FullRefresh { columns_changed: true } => f.write_str("full refresh: its columns changed"),
            Self::Selected => f.write_str("selected"),
            Self::Gates { node } => write!(f, "gates {}", node.name()),
            Self::UpToDate => f.write_str("up to date"),
            Self::Warned { failures } => write!(f, "found {failures} in the same rows before"),
        }
    }
}
