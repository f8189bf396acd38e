//! What a run would do, and why: inert data that `plan` prints and `run` executes. No I/O.
//!
//! A plan is made of jobs, a job of steps. A job is about one node, and what judges that node belongs to its job: a
//! model's job builds the table where nobody sees it, lets the model's tests judge it there, and only then publishes.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::name::{NodeId, Relation};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Write a new version of the model's Delta table.
    Table,
    /// Check that the view's SQL plans; nothing is written.
    View,
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
            Self::View => "view",
            Self::Test => "test",
            Self::UnitTest => "unit",
            Self::Freshness => "freshness",
        }
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
    /// The model's SQL is not the one that made the published version.
    SqlChanged,
    /// A setting that shapes the data changed.
    ConfigChanged,
    /// Another writer committed the newest version.
    ModifiedOutside {
        /// That version.
        version: u64,
    },
    /// The node was selected, and every selected node is built.
    Selected,
    /// The test must pass before its model's new version is published.
    Gates {
        /// The model.
        node: NodeId,
    },
}

impl Plan {
    /// Every step, in the order of the jobs.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<Step>> {
        self.jobs.iter().flat_map(|job| &job.steps)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstBuild => f.write_str("first build"),
            Self::SqlChanged => f.write_str("SQL changed"),
            Self::ConfigChanged => f.write_str("configuration changed"),
            Self::ModifiedOutside { version } => write!(f, "version {version} was written by somebody else"),
            Self::Selected => f.write_str("selected"),
            Self::Gates { node } => {
                write!(f, "gates {}", node.as_str().splitn(3, '.').last().unwrap_or_default())
            }
        }
    }
}
