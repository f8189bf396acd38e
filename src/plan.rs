//! What a run would do, and why: inert data that `plan` prints and `run` executes. No I/O.
//!
//! A plan is made of jobs, a job of steps. A job is about one node, and what judges that node belongs to its job: a
//! model's job builds the table where nobody sees it, lets the model's tests judge it there, and only then publishes.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    interval::Intervals,
    name::{NodeId, Relation},
};

/// The jobs of one invocation in an order that respects the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What will be done; a job stands after those it waits for.
    pub jobs: Vec<Job>,
}

/// What is done about one node, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The node it is about; not always a step itself: tests may run over a table that this run does not build.
    pub node: NodeId,
    /// What is done: what makes the node first, then what judges it.
    pub steps: Vec<Arc<Step>>,
    /// The jobs of this plan that must end well before this one starts.
    pub after: Arc<[NodeId]>,
    /// The jobs of this plan that must have ended, well or not, before this one starts: one of its tests reads what
    /// they make.
    pub behind: Arc<[NodeId]>,
}

/// One thing that is done, and told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which node.
    pub node: NodeId,
    /// What lines call it: a table's place, a test's name.
    pub name: String,
    /// The table it makes, if any.
    pub relation: Option<Relation>,
    /// What is done.
    pub action: Action,
    /// Why it is done.
    pub reason: Reason,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Write a new version of the model's Delta table.
    Table,
    /// Take new rows into the model's Delta table, or make it if it is not there.
    Incremental,
    /// Check that the view's SQL plans; nothing is written.
    View,
    /// Write a new version of the seed's Delta table.
    Seed,
    /// Keep the versions of rows that are others than before.
    Snapshot,
    /// Look for rows that should not be.
    Test,
    /// Run a model's SQL over a few rows written by hand.
    UnitTest,
    /// Ask a source when it was last loaded.
    Freshness,
}

impl Action {
    /// dbt's word for what the step makes: the materialization.
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

    /// Whether the step writes a table of its own.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Incremental | Self::Seed | Self::Snapshot)
    }

    /// Whether the step judges what others make.
    #[must_use]
    pub fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::UnitTest)
    }
}

/// Why a step is in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// The table is not there yet.
    FirstBuild,
    /// The table is not there any more: others were made from it.
    TableMissing,
    /// The model's SQL is not the one that made the published version.
    SqlChanged,
    /// A setting that shapes the data changed.
    ConfigChanged {
        /// Its name.
        key: String,
    },
    /// A table that it reads has another version than the one it was made from, or is built before it.
    UpstreamChanged {
        /// The node that makes that table.
        node: NodeId,
    },
    /// Files or a database that it reads are not what it was made from.
    SourceAdvanced {
        /// The source.
        node: NodeId,
        /// How many files it was.
        was: u64,
        /// How many files it is.
        files: u64,
    },
    /// The seed's file does not hold what its table was made from.
    FileChanged,
    /// Another writer committed the newest rows.
    ModifiedOutside {
        /// The version that they came with.
        version: u64,
    },
    /// The same inputs may give other rows: the SQL asks for the time or for chance.
    Volatile,
    /// Batches of it are not done: their time has come, or they failed.
    BatchesDue {
        /// How many.
        batches: usize,
        /// The first of them.
        first: String,
    },
    /// The command asks for the batches of this time.
    Backfill {
        /// Which.
        time: Intervals,
    },
    /// It was asked for, whatever stands there.
    Forced,
    /// The incremental model is built from nothing.
    FullRefresh {
        /// Because its columns are others, and not because that was asked for.
        columns_changed: bool,
    },
    /// The node was selected, and is looked at whenever it is.
    Selected,
    /// The test must pass before its model's new version is published.
    Gates {
        /// The model.
        node: NodeId,
    },
    /// What stands there is what it would come to, or has passed the test: nothing is done.
    UpToDate,
    /// The test has judged just these rows, and warned: that is said again, and nothing is done.
    Warned {
        /// What it found.
        failures: u64,
    },
    /// There is a table, and nobody can read it.
    Damaged {
        /// Whether its files are moved aside, so that it is built anew.
        set_aside: bool,
    },
    /// A source that it reads can't be read now, so that it can't be checked: it fails, and what doesn't need it goes on.
    Unreadable {
        /// The source.
        node: NodeId,
    },
}

impl Reason {
    /// Whether it is done whatever stands there.
    #[must_use]
    pub fn is_demanded(&self) -> bool {
        matches!(self, Self::Forced | Self::FullRefresh { .. } | Self::Backfill { .. })
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self, Self::UpToDate | Self::Warned { .. })
    }
}

impl Plan {
    /// Every step, in the order of the jobs.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<Step>> {
        self.jobs.iter().flat_map(|job| &job.steps)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |node: &NodeId| node.as_str().splitn(3, '.').last().unwrap_or_default().to_owned();
        match self {
            Self::FirstBuild => f.write_str("first build"),
            Self::Damaged { set_aside: true } => f.write_str("its table can't be read: files moved aside"),
            Self::Damaged { set_aside: false } => f.write_str("its table can't be read"),
            Self::Unreadable { node } => write!(f, "{} can't be read", name(node)),
            Self::TableMissing => f.write_str("its table is gone"),
            Self::SqlChanged => f.write_str("SQL changed"),
            Self::ConfigChanged { key } => write!(f, "{key} changed"),
            Self::UpstreamChanged { node } => write!(f, "{} changed", name(node)),
            Self::SourceAdvanced { node, was, files } if was == files => write!(f, "{} changed", name(node)),
            Self::SourceAdvanced { node, was, files } => {
                let plural = if *files == 1 { "" } else { "s" };
                write!(f, "{} has {files} file{plural}, had {was}", name(node))
            }
            Self::FileChanged => f.write_str("its file changed"),
            Self::ModifiedOutside { version } => write!(f, "version {version} was written by somebody else"),
            Self::Volatile => f.write_str("asks for the time or for chance"),
            Self::BatchesDue { batches: 1, first } => write!(f, "the batch {first} is due"),
            Self::BatchesDue { batches, first } => write!(f, "{batches} batches are due, from {first}"),
            Self::Backfill { time } => write!(f, "backfill of {time}"),
            Self::Forced => f.write_str("forced"),
            Self::FullRefresh { columns_changed: false } => f.write_str("full refresh"),
            Self::FullRefresh { columns_changed: true } => f.write_str("full refresh: its columns changed"),
            Self::Selected => f.write_str("selected"),
            Self::Gates { node } => write!(f, "gates {}", name(node)),
            Self::UpToDate => f.write_str("up to date"),
            Self::Warned { failures } => write!(f, "found {failures} in the same rows before"),
        }
    }
}
