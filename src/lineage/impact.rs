//! What a change of some columns would touch: values that are made of them, rows that they decide about, the tests whose
//! verdicts depend on either, and the exposures that read them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ColumnId, How, Lineage, Use};
use crate::{manifest::Manifest, name::NodeId};

/// What is touched of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Its columns that are made of what changes, and how, as far as the column before knows.
    pub values: BTreeMap<String, How>,
    /// Its columns that what changes decides about.
    pub conditions: BTreeMap<String, BTreeSet<Use>>,
    /// What its rows use of what changes: they may be others, more or fewer.
    pub rows: BTreeSet<Use>,
    /// The nodes whose rows change, of which its own are made.
    pub after: BTreeSet<NodeId>,
}

/// All that is touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// The nodes, those that changed not among them.
    pub nodes: BTreeMap<NodeId, Touched>,
    /// The data tests and unit tests.
    pub tests: BTreeSet<NodeId>,
    /// The exposures that read any of the nodes, or what changed itself.
    pub exposures: BTreeSet<NodeId>,
}

impl Touched {
    /// How many of its columns are touched.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.values.keys().chain(self.conditions.keys()).collect::<BTreeSet<_>>().len()
    }

    /// Whether other rows may come of it.
    #[must_use]
    pub fn changes_rows(&self) -> bool {
        !self.rows.is_empty() || !self.after.is_empty()
    }
}

impl Lineage {
    /// What a change of the values of these columns would touch.
    #[must_use]
    pub fn impact(&self, changed: &[ColumnId], manifest: &Manifest) -> Impact {
        let mut columns: BTreeSet<ColumnId> = changed.iter().cloned().collect();
        let mut rows: BTreeSet<NodeId> = BTreeSet::new();
        let mut impact = Impact::default();
        for id in manifest.graph.sorted() {
            let Some(node) = self.nodes.get(id) else { continue };
            let mut touched = Touched::default();
            for column in &node.columns {
                let made = column.values.iter().filter(|(from, _)| columns.contains(*from));
                if let Some(how) = made.map(|(_, how)| *how).max() {
                    touched.values.insert(column.name.clone(), how);
                }
                let kinds = kinds(&column.uses, &columns);
                if !kinds.is_empty() {
                    touched.conditions.insert(column.name.clone(), kinds);
                }
            }
            touched.rows = kinds(&node.rows, &columns);
            touched.after = manifest
                .graph
                .parents(id)
                .into_iter()
                .filter(|parent| rows.contains(*parent))
                .cloned()
                .collect();
            let names = touched.values.keys().chain(touched.conditions.keys());
            columns.extend(names.map(|name| ColumnId { node: id.clone(), column: name.clone() }));
            if touched.changes_rows() {
                rows.insert(id.clone());
            }
            if touched != Touched::default() {
                impact.nodes.insert(id.clone(), touched);
            }
        }
        let changed: BTreeSet<&NodeId> = changed.iter().map(|column| &column.node).collect();
        let of_rows =
            |id: &NodeId| manifest.graph.parents(id).into_iter().any(|parent| rows.contains(parent));
        let tests = self
            .tests
            .iter()
            .filter(|(id, reads)| reads.iter().any(|column| columns.contains(column)) || of_rows(id));
        impact.tests = tests.map(|(id, _)| id.clone()).collect();
        let is_touched = |id: &NodeId| impact.nodes.contains_key(id) || changed.contains(id);
        let unit_tests = manifest.nodes.keys().filter_map(|id| manifest.unit_test(id));
        let unit_tests = unit_tests.filter(|test| is_touched(&test.model)).map(|test| test.id.clone());
        let exposures = manifest.nodes.keys().filter(|id| manifest.exposure(id).is_some());
        let reads = |id: &&NodeId| manifest.graph.parents(id).into_iter().any(is_touched);
        let exposures = exposures.filter(reads).cloned().collect();
        impact.tests.extend(unit_tests.collect::<Vec<_>>());
        impact.exposures = exposures;
        impact
    }
}

/// What these uses are of, of the columns that change.
fn kinds(uses: &super::Uses, changed: &BTreeSet<ColumnId>) -> BTreeSet<Use> {
    uses.iter()
        .filter(|(column, _)| changed.contains(*column))
        .flat_map(|(_, kinds)| kinds)
        .copied()
        .collect()
}
