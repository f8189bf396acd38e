//! Inputs of the site: everything that is known about a project and its tables.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    compile::Compiled,
    ingest::Ledger,
    lake::{PastVersion, TableStatistics},
    lineage::Lineage,
    manifest::Manifest,
    name::NodeId,
    report::{LastAge, LastRun},
    run::version_history::VersionCause,
};

/// Everything known about a project and its tables.
pub struct SiteInputs<'a> {
    /// The project's manifest.
    pub manifest: &'a Manifest,
    /// The variables and their values.
    pub vars: &'a Map<String, Value>,
    /// The name of the target whose tables are described.
    pub target: &'a str,
    /// The SQL and columns of every node.
    pub compiled: &'a Compiled,
    /// The column lineage.
    pub lineage: &'a Lineage,
    /// The sizes of the tables that exist.
    pub facts: &'a BTreeMap<NodeId, TableStatistics>,
    /// The newest versions of each table, newest first, with their causes.
    pub history: &'a BTreeMap<NodeId, Vec<(PastVersion, VersionCause)>>,
    /// The files that each table was loaded from.
    pub ledgers: &'a BTreeMap<NodeId, Ledger>,
    /// The results of the last run.
    pub last_run: Option<&'a LastRun>,
    /// The source ages found by the last freshness check.
    pub ages: &'a BTreeMap<NodeId, LastAge>,
    /// The time at which the page is generated.
    pub generated_at: DateTime<Utc>,
}
