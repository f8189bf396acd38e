//! Lineage slices: the part of a project's lineage upstream or downstream of some columns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::project::{ColumnId, Lineage};
use crate::engine::analyze::lineage::Derivation;

/// A direction in the lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineageDirection {
    /// To the columns that a column is derived from.
    Upstream,
    /// To the columns that are derived from it.
    Downstream,
}

/// A derivation of one column from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The column that is read.
    pub from: ColumnId,
    /// The column that is derived.
    pub to: ColumnId,
    /// Its derivation.
    pub how: Derivation,
}

/// A set of columns and the derivations between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    pub columns: BTreeSet<ColumnId>,
    /// The derivations between them.
    pub edges: BTreeSet<Edge>,
}

impl Lineage {
    /// Returns the columns one step away from this one, and how one is derived from the other.
    #[must_use]
    pub fn next(&self, column: &ColumnId, direction: LineageDirection) -> BTreeMap<&ColumnId, Derivation> {
        match direction {
            LineageDirection::Upstream => {
                let values = self.column(column).map(|column| &column.values);
                values.into_iter().flatten().map(|(from, how)| (from, *how)).collect()
            }
            LineageDirection::Downstream => self.made_of(column).collect(),
        }
    }

    /// Returns these columns and everything in these directions from them.
    #[must_use]
    pub fn slice(&self, starts: &[ColumnId], directions: &[LineageDirection]) -> Slice {
        let mut slice = Slice { columns: starts.iter().cloned().collect(), edges: BTreeSet::new() };
        for direction in directions {
            let mut seen: BTreeSet<&ColumnId> = starts.iter().collect();
            let mut queue: VecDeque<&ColumnId> = starts.iter().collect();
            while let Some(column) = queue.pop_front() {
                for (next, how) in self.next(column, *direction) {
                    let (from, to) = match direction {
                        LineageDirection::Upstream => (next, column),
                        LineageDirection::Downstream => (column, next),
                    };
                    slice.edges.insert(Edge { from: from.clone(), to: to.clone(), how });
                    if seen.insert(next) {
                        queue.push_back(next);
                    }
                }
            }
            slice.columns.extend(seen.into_iter().cloned());
        }
        slice
    }
}
