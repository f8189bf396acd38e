//! What a run would do, and why: inert data that `plan` prints and `run` executes. No I/O.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::name::{NodeId, Relation};

/// The steps of one invocation in an order that respects the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What will be done; a step's parents that are in the plan stand before it.
    pub steps: Vec<Step>,
}

/// One node and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which node.
    pub node: NodeId,
    /// Where its table lies.
    pub relation: Relation,
    /// What is done.
    pub action: Action,
    /// Why it is done.
    pub reason: Reason,
    /// The steps of this plan that must end well before this one starts.
    pub after: Arc<[NodeId]>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Write a new version of the model's Delta table.
    Table,
    /// Check that the view's SQL plans; nothing is written.
    View,
}

impl Action {
    /// dbt's word for what the step makes: the materialization.
    #[must_use]
    pub fn materialization(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
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
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstBuild => f.write_str("first build"),
            Self::SqlChanged => f.write_str("SQL changed"),
            Self::ConfigChanged => f.write_str("configuration changed"),
            Self::ModifiedOutside { version } => write!(f, "version {version} was written by somebody else"),
            Self::Selected => f.write_str("selected"),
        }
    }
}
