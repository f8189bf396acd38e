//! The assembly of a site: its inputs, with the indexes by which nodes and columns refer to each other.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    inputs::SiteInputs,
    site::{SiteResult, SiteUse},
};
use crate::{
    lineage::{ColumnId, ColumnUses},
    name::NodeId,
    report::LastRun,
};

/// Indexes used throughout assembly.
pub(super) struct Assembly<'a> {
    pub(super) inputs: &'a SiteInputs<'a>,
    /// The index of each node.
    places: BTreeMap<&'a NodeId, usize>,
    /// The index of each column within its node.
    columns: BTreeMap<&'a NodeId, BTreeMap<&'a str, usize>>,
    pub(super) statuses: BTreeMap<NodeId, String>,
    pub(super) results: BTreeMap<&'a NodeId, SiteResult>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(inputs: &'a SiteInputs<'a>) -> Self {
        let places = inputs.manifest.nodes.keys().enumerate().map(|(at, id)| (id, at)).collect();
        let columns = inputs.lineage.nodes.iter().map(|(id, node)| {
            (id, node.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect())
        });
        let results = inputs.last_run.into_iter().flat_map(LastRun::results).map(|ended| {
            let well = ["success", "pass", "reused", "no-op"].contains(&ended.status.as_str());
            let shown = SiteResult {
                status: ended.status.clone(),
                failures: ended.failures,
                seconds: Some(ended.execution_time).filter(|seconds| *seconds > 0.0),
                message: ended.message.clone().filter(|_| !well),
            };
            (&ended.unique_id, shown)
        });
        Self {
            inputs,
            places,
            columns: columns.collect(),
            statuses: inputs.last_run.map(LastRun::statuses).unwrap_or_default(),
            results: results.collect(),
        }
    }

    /// Returns a node's index.
    pub(super) fn place(&self, id: &NodeId) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub(super) fn column(&self, id: &ColumnId) -> Option<(usize, usize)> {
        Some((self.place(&id.node)?, *self.columns.get(&id.node)?.get(id.column.as_str())?))
    }

    pub(super) fn uses(&self, uses: &ColumnUses) -> Vec<SiteUse> {
        let found = uses.iter().filter_map(|(id, kinds)| {
            let (node, column) = self.column(id)?;
            Some((node, column, kinds.iter().map(|kind| kind.word()).collect()))
        });
        found.collect()
    }
}

/// Formats a timestamp for the page.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
