//! Files of compiled SQL: gives each test a file of its own. dbt names the file of a generic test after its
//! shortened name, which another test of the properties file may have: `accepted_values` of `a b` and of
//! `a_b` have one name, and so do a snapshot and a test that is called like it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::folder;
use crate::{
    manifest::{DataTest, node::Node},
    name::NodeId,
};

/// Adds their hash to the file names of tests that would share a file with another node, or that can't be
/// the name of a file.
pub(super) fn give_each_its_own(nodes: &mut BTreeMap<NodeId, Node>) {
    let mut files: BTreeMap<String, u32> = BTreeMap::new();
    for path in nodes.values().filter_map(path) {
        *files.entry(folded(&path)).or_default() += 1;
    }
    let taken: BTreeSet<String> =
        files.into_iter().filter(|(_, nodes)| *nodes > 1).map(|(path, _)| path).collect();
    for node in nodes.values_mut() {
        if let Node::Test(test) = node
            && test.generic.is_some()
            && (taken.contains(&folded(&test.compiled_path()))
                || folder::unusable(&test.short_name).is_some())
        {
            test.file_stem = with_hash(test);
        }
    }
}

/// Returns the path of a node's compiled SQL, if it has one.
fn path(node: &Node) -> Option<PathBuf> {
    match node {
        Node::Model(model) => Some(model.compiled_path()),
        Node::Snapshot(snapshot) => Some(snapshot.compiled_path()),
        Node::Test(test) => Some(test.compiled_path()),
        Node::Source(_) | Node::Seed(_) | Node::UnitTest(_) | Node::Exposure(_) => None,
    }
}

/// Folds a path in the way of file systems that ignore case.
fn folded(path: &std::path::Path) -> String {
    folder::folded(&path.to_string_lossy())
}

/// Returns a test's short name, without what leads to another folder, and the hash of its id.
fn with_hash(test: &DataTest) -> String {
    let id = test.id.to_string();
    let hash = id.rsplit('.').next().unwrap_or_default();
    let name = test.short_name.replace(|sign: char| "/\\%".contains(sign) || sign.is_control(), "_");
    format!("{name}.{hash}")
}
