//! Intermediate lineage of a node's columns on the way from the tables to the query.

use std::{collections::BTreeMap, iter};

use datafusion::{arrow::datatypes::Fields, common::DFSchema, logical_expr::LogicalPlan, prelude::Column};

use super::{ColumnLineage, ColumnOrigin, ColumnUse, ColumnUses, Derivation};
use crate::name::Relation;

/// The lineage of one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ValueLineage {
    pub(super) values: BTreeMap<ColumnOrigin, Derivation>,
    pub(super) uses: ColumnUses,
}

/// The lineage of a node's columns and rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trace {
    pub(super) columns: Vec<ValueLineage>,
    pub(super) rows: ColumnUses,
}

/// The columns that expressions may refer to: those of a node's inputs and of the enclosing queries.
pub(super) struct ColumnScope<'a> {
    inputs: Vec<(&'a DFSchema, &'a [ValueLineage])>,
    pub(super) outer: Option<&'a ColumnScope<'a>>,
}

impl ValueLineage {
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
    pub(super) fn at_least(mut self, how: Derivation) -> Self {
        for known in self.values.values_mut() {
            *known = (*known).max(how);
        }
        self
    }

    /// Turns the values into uses.
    pub(super) fn used_for(self, used_for: ColumnUse) -> ColumnUses {
        let mut uses = self.uses;
        for origin in self.values.into_keys() {
            uses.entry(origin).or_default().insert(used_for);
        }
        uses
    }

    /// Returns the lineage as that of a query's column.
    pub(super) fn named(self, name: &str) -> ColumnLineage {
        let values = self.values.into_iter().map(|(origin, how)| {
            let renamed = how == Derivation::Copied && origin.column != name;
            (origin, if renamed { Derivation::Renamed } else { how })
        });
        ColumnLineage { name: name.to_owned(), values: values.collect(), uses: self.uses }
    }
}

impl Trace {
    /// Returns the trace of a relation's own columns.
    pub(super) fn of_relation(relation: &Relation, fields: &Fields) -> Self {
        let origin = |name: &String| ColumnOrigin { relation: relation.clone(), column: name.clone() };
        let column = |name| ValueLineage {
            values: BTreeMap::from([(origin(name), Derivation::Copied)]),
            ..ValueLineage::default()
        };
        Self { columns: fields.iter().map(|field| column(field.name())).collect(), rows: ColumnUses::new() }
    }

    /// Returns the trace of columns without an origin.
    pub(super) fn from_nowhere(columns: usize) -> Self {
        Self { columns: vec![ValueLineage::default(); columns], rows: ColumnUses::new() }
    }

    /// Merges another trace, column by column.
    pub(super) fn and(&mut self, other: Self) {
        for (own, other) in self.columns.iter_mut().zip(other.columns) {
            own.and(other);
        }
        add_uses(&mut self.rows, other.rows);
    }
}

impl<'a> ColumnScope<'a> {
    /// Creates a scope for one input and its lineage.
    pub(super) fn new(
        input: &'a LogicalPlan,
        known: &'a [ValueLineage],
        outer: Option<&'a ColumnScope<'a>>,
    ) -> Self {
        Self { inputs: vec![(input.schema().as_ref(), known)], outer }
    }

    /// Adds another input.
    pub(super) fn and(mut self, input: &'a LogicalPlan, known: &'a [ValueLineage]) -> Self {
        self.inputs.push((input.schema().as_ref(), known));
        self
    }

    /// Returns the lineage of an input's column.
    pub(super) fn column(&self, column: &Column) -> Option<ValueLineage> {
        let found = |(schema, known): &(&DFSchema, &[ValueLineage])| {
            schema.maybe_index_of_column(column).and_then(|at| known.get(at).cloned())
        };
        self.inputs.iter().find_map(found)
    }

    /// Returns the lineage of a column of the nearest enclosing query that has it.
    pub(super) fn outer_column(&self, column: &Column) -> Option<ValueLineage> {
        iter::successors(self.outer, |scope| scope.outer).find_map(|scope| scope.column(column))
    }
}

/// Merges values; of two derivations, the greater one stays.
pub(super) fn add_values(
    to: &mut BTreeMap<ColumnOrigin, Derivation>,
    more: BTreeMap<ColumnOrigin, Derivation>,
) {
    for (origin, how) in more {
        let known = to.entry(origin).or_insert(how);
        *known = (*known).max(how);
    }
}

/// Merges uses.
pub(super) fn add_uses(to: &mut ColumnUses, more: ColumnUses) {
    for (origin, kinds) in more {
        to.entry(origin).or_default().extend(kinds);
    }
}
