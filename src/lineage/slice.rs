//! The part of a project's lineage that lies upstream or downstream of some columns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{ColumnId, How, Lineage};

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To what columns are made of.
    Upstream,
    /// To what is made of them.
    Downstream,
}

/// One column is made of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What it is made of.
    pub from: ColumnId,
    /// The one that is made.
    pub to: ColumnId,
    /// How.
    pub how: How,
}

/// Some columns, and how they are made of each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// The columns.
    pub columns: BTreeSet<ColumnId>,
    /// Between them.
    pub edges: BTreeSet<Edge>,
}

impl Lineage {
    /// The columns by one step from this one, and how the one is made of the other.
    #[must_use]
    pub fn next(&self, column: &ColumnId, direction: Direction) -> BTreeMap<&ColumnId, How> {
        match direction {
            Direction::Upstream => {
                let values = self.column(column).map(|column| &column.values);
                values.into_iter().flatten().map(|(from, how)| (from, *how)).collect()
            }
            Direction::Downstream => self.made_of(column).collect(),
        }
    }

    /// All that lies in these directions of these columns, them included.
    #[must_use]
    pub fn slice(&self, starts: &[ColumnId], directions: &[Direction]) -> Slice {
        let mut slice = Slice { columns: starts.iter().cloned().collect(), edges: BTreeSet::new() };
        for direction in directions {
            let mut seen: BTreeSet<&ColumnId> = starts.iter().collect();
            let mut queue: VecDeque<&ColumnId> = starts.iter().collect();
            while let Some(column) = queue.pop_front() {
                for (next, how) in self.next(column, *direction) {
                    let (from, to) = match direction {
                        Direction::Upstream => (next, column),
                        Direction::Downstream => (column, next),
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
