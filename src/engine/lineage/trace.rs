//! Intermediate lineage of a node's columns on the way from the tables to the query.

use std::{collections::BTreeMap, iter};

use datafusion::{arrow::datatypes::Fields, common::DFSchema, logical_expr::LogicalPlan, prelude::Column};

use super::{ColumnLineage, How, Origin, Use, Uses};
use crate::name::Relation;

/// The lineage of one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values {
    pub(super) values: BTreeMap<Origin, How>,
    pub(super) uses: Uses,
}

/// The lineage of a node's columns and rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trace {
    pub(super) columns: Vec<Values>,
    pub(super) rows: Uses,
}

/// The columns that expressions may refer to: those of a node's inputs and of the enclosing queries.
pub(super) struct Scope<'a> {
    inputs: Vec<(&'a DFSchema, &'a [Values])>,
    pub(super) outer: Option<&'a Scope<'a>>,
}

impl Values {
    /// Merges the lineage of another part of an expression.
    pub(super) fn and(&mut self, other: Self) {
        add_values(&mut self.values, other.values);
        add_uses(&mut self.uses, other.uses);
    }

    /// Returns the lineage merged with that of another part.
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.and(other);
        self
    }

    /// Raises each derivation to at least `how`.
    pub(super) fn at_least(mut self, how: How) -> Self {
        for known in self.values.values_mut() {
            *known = (*known).max(how);
        }
        self
    }

    /// Turns the values into uses.
    pub(super) fn used_for(self, used_for: Use) -> Uses {
        let mut uses = self.uses;
        for origin in self.values.into_keys() {
            uses.entry(origin).or_default().insert(used_for);
        }
        uses
    }

    /// Returns the lineage as that of a query's column.
    pub(super) fn named(self, name: &str) -> ColumnLineage {
        let values = self.values.into_iter().map(|(origin, how)| {
            let renamed = how == How::Copied && origin.column != name;
            (origin, if renamed { How::Renamed } else { how })
        });
        ColumnLineage { name: name.to_owned(), values: values.collect(), uses: self.uses }
    }
}

impl Trace {
    /// Returns the trace of a relation's own columns.
    pub(super) fn of_relation(relation: &Relation, fields: &Fields) -> Self {
        let origin = |name: &String| Origin { relation: relation.clone(), column: name.clone() };
        let column =
            |name| Values { values: BTreeMap::from([(origin(name), How::Copied)]), ..Values::default() };
        Self { columns: fields.iter().map(|field| column(field.name())).collect(), rows: Uses::new() }
    }

    /// Returns the trace of columns without an origin.
    pub(super) fn from_nowhere(columns: usize) -> Self {
        Self { columns: vec![Values::default(); columns], rows: Uses::new() }
    }

    /// Merges another trace, column by column.
    pub(super) fn and(&mut self, other: Self) {
        for (own, other) in self.columns.iter_mut().zip(other.columns) {
            own.and(other);
        }
        add_uses(&mut self.rows, other.rows);
    }
}

impl<'a> Scope<'a> {
    /// Creates a scope for one input and its lineage.
    pub(super) fn new(input: &'a LogicalPlan, known: &'a [Values], outer: Option<&'a Scope<'a>>) -> Self {
        Self { inputs: vec![(input.schema().as_ref(), known)], outer }
    }

    /// Adds another input.
    pub(super) fn and(mut self, input: &'a LogicalPlan, known: &'a [Values]) -> Self {
        self.inputs.push((input.schema().as_ref(), known));
        self
    }

    /// Returns the lineage of an input's column.
    pub(super) fn column(&self, column: &Column) -> Option<Values> {
        let found = |(schema, known): &(&DFSchema, &[Values])| {
            schema.maybe_index_of_column(column).and_then(|at| known.get(at).cloned())
        };
        self.inputs.iter().find_map(found)
    }

    /// Returns the lineage of a column of the nearest enclosing query that has it.
    pub(super) fn outer_column(&self, column: &Column) -> Option<Values> {
        iter::successors(self.outer, |scope| scope.outer).find_map(|scope| scope.column(column))
    }
}

/// Merges values; of two derivations, the greater one stays.
pub(super) fn add_values(to: &mut BTreeMap<Origin, How>, more: BTreeMap<Origin, How>) {
    for (origin, how) in more {
        let known = to.entry(origin).or_insert(how);
        *known = (*known).max(how);
    }
}

/// Merges uses.
pub(super) fn add_uses(to: &mut Uses, more: Uses) {
    for (origin, kinds) in more {
        to.entry(origin).or_default().extend(kinds);
    }
}
