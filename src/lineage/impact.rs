//! Impact analysis: what changing some columns would affect. That is, the values derived from them, the rows
//! they decide about, the tests that depend on either, and the exposures that read them.

use std::collections::{BTreeMap, BTreeSet};

use super::project::{ColumnId, ColumnUses, Lineage};
use crate::{
    engine::analyze::lineage::{ColumnUse, Derivation},
    manifest::Manifest,
    name::NodeId,
};

/// The effects on one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeImpact {
    /// The columns derived from a change, and how they are derived from the previous column.
    pub values: BTreeMap<String, Derivation>,
    /// The columns whose values a change decides about.
    pub conditions: BTreeMap<String, BTreeSet<ColumnUse>>,
    /// The uses of changed columns that decide about the node's rows: rows may change, appear or disappear.
    pub rows: BTreeSet<ColumnUse>,
    /// The upstream nodes whose rows change.
    pub after: BTreeSet<NodeId>,
}

/// All effects of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// The affected nodes, without the changed ones.
    pub nodes: BTreeMap<NodeId, NodeImpact>,
    /// The affected data tests and unit tests.
    pub tests: BTreeSet<NodeId>,
    /// The exposures that read an affected or a changed node.
    pub exposures: BTreeSet<NodeId>,
}

impl NodeImpact {
    /// Returns the number of affected columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.values.keys().chain(self.conditions.keys()).collect::<BTreeSet<_>>().len()
    }

    /// Returns whether the node's rows may change.
    #[must_use]
    pub fn changes_rows(&self) -> bool {
        !self.rows.is_empty() || !self.after.is_empty()
    }
}

impl Lineage {
    /// Returns the effects of changing the values of these columns.
    #[must_use]
    pub fn impact(&self, changed: &[ColumnId], manifest: &Manifest) -> Impact {
        let mut columns: BTreeSet<ColumnId> = changed.iter().cloned().collect();
        let mut rows: BTreeSet<NodeId> = BTreeSet::new();
        let mut impact = Impact::default();
        for id in manifest.graph.sorted() {
            let Some(node) = self.nodes.get(id) else { continue };
            let mut effects = NodeImpact::default();
            for column in &node.columns {
                let made = column.values.iter().filter(|(from, _)| columns.contains(*from));
                if let Some(how) = made.map(|(_, how)| *how).max() {
                    effects.values.insert(column.name.clone(), how);
                }
                let kinds = kinds(&column.uses, &columns);
                if !kinds.is_empty() {
                    effects.conditions.insert(column.name.clone(), kinds);
                }
            }
            effects.rows = kinds(&node.rows, &columns);
            effects.after = manifest
                .graph
                .parents(id)
                .into_iter()
                .filter(|parent| rows.contains(*parent))
                .cloned()
                .collect();
            let names = effects.values.keys().chain(effects.conditions.keys());
            columns.extend(names.map(|name| ColumnId { node: id.clone(), column: name.clone() }));
            if effects.changes_rows() {
                rows.insert(id.clone());
            }
            if effects != NodeImpact::default() {
                impact.nodes.insert(id.clone(), effects);
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

/// Returns the uses of changed columns.
fn kinds(uses: &ColumnUses, changed: &BTreeSet<ColumnId>) -> BTreeSet<ColumnUse> {
    uses.iter()
        .filter(|(column, _)| changed.contains(*column))
        .flat_map(|(_, kinds)| kinds)
        .copied()
        .collect()
}
