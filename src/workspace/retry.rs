//! Retrying: the last command again, for nodes that failed, were withheld or never ran.

use std::{collections::BTreeSet, path::Path};

use super::error::WorkspaceError;
use crate::{
    manifest::{Manifest, Node},
    name::NodeId,
    report::LastRun,
};

/// Reads the results of the last run in a folder for artifacts.
///
/// # Errors
/// If there are none, or they can't be read.
pub fn last_run(target_path: &Path) -> Result<LastRun, WorkspaceError> {
    let path = target_path.join("run_results.json");
    let last = LastRun::read(&path).map_err(|error| {
        let message = format!("can't read the results of the last run, {}: {error}", path.display());
        let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let cure = "run the command itself again";
        WorkspaceError::hinted(
            message,
            if is_file { cure.to_owned() } else { format!("remove it, and {cure}") },
        )
    })?;
    last.ok_or_else(|| {
        let message = format!("there is no last run to retry: {} doesn't exist", path.display());
        WorkspaceError::hinted(message, "headwater build")
    })
}

/// The nodes to retry.
pub(super) struct Retried {
    /// The unfinished nodes, and the selected tests on them.
    pub(super) nodes: BTreeSet<NodeId>,
    /// The unfinished nodes that the project has no more.
    pub(super) gone: BTreeSet<NodeId>,
}

/// Returns the nodes to retry: the unfinished ones, and the `selected` tests on them. A version is published
/// if all its tests pass, not only those that failed last time.
pub(super) fn retried(last: &LastRun, selected: BTreeSet<NodeId>, manifest: &Manifest) -> Retried {
    let unfinished = last.unfinished();
    let is_test_of_unfinished = |id: &NodeId| {
        matches!(manifest.nodes.get(id), Some(Node::Test(_) | Node::UnitTest(_)))
            && manifest.graph.parents(id).into_iter().any(|parent| unfinished.contains(parent))
    };
    let tests: Vec<NodeId> = selected.into_iter().filter(is_test_of_unfinished).collect();
    let (mut nodes, gone): (BTreeSet<NodeId>, BTreeSet<NodeId>) =
        unfinished.into_iter().partition(|id| manifest.nodes.contains_key(id));
    nodes.extend(tests);
    Retried { nodes, gone }
}
