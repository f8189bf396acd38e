//! What is known of a node's columns on the way from the tables to the query.

use std::{collections::BTreeMap, iter};

use datafusion::{arrow::datatypes::Fields, common::DFSchema, logical_expr::LogicalPlan, prelude::Column};

use super::{ColumnLineage, How, Origin, Use, Uses};
use crate::name::Relation;

/// What one column is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values {
    pub(super) values: BTreeMap<Origin, How>,
    pub(super) uses: Uses,
}

/// What a node's columns are made of, and what decides about its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trace {
    pub(super) columns: Vec<Values>,
    pub(super) rows: Uses,
}

/// What expressions may refer to: the columns of a node's inputs, and of the queries around it.
pub(super) struct Scope<'a> {
    inputs: Vec<(&'a DFSchema, &'a [Values])>,
    pub(super) outer: Option<&'a Scope<'a>>,
}

impl Values {
    /// These and those of another part of an expression.
    pub(super) fn and(&mut self, other: Self) {
        add_values(&mut self.values, other.values);
        add_uses(&mut self.uses, other.uses);
    }

    /// These and those of another part, as one.
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.and(other);
        self
    }

    /// The same, made in this way or one that counts more.
    pub(super) fn at_least(mut self, how: How) -> Self {
        for known in self.values.values_mut() {
            *known = (*known).max(how);
        }
        self
    }

    /// The same as no values, but as what decides about something.
    pub(super) fn used_for(self, used_for: Use) -> Uses {
        let mut uses = self.uses;
        for origin in self.values.into_keys() {
            uses.entry(origin).or_default().insert(used_for);
        }
        uses
    }

    /// The same as a column of the query's.
    pub(super) fn named(self, name: &str) -> ColumnLineage {
        let values = self.values.into_iter().map(|(origin, how)| {
            let renamed = how == How::Copied && origin.column != name;
            (origin, if renamed { How::Renamed } else { how })
        });
        ColumnLineage { name: name.to_owned(), values: values.collect(), uses: self.uses }
    }
}

impl Trace {
    /// A relation's columns are made of themselves.
    pub(super) fn of_relation(relation: &Relation, fields: &Fields) -> Self {
        let origin = |name: &String| Origin { relation: relation.clone(), column: name.clone() };
        let column =
            |name| Values { values: BTreeMap::from([(origin(name), How::Copied)]), ..Values::default() };
        Self { columns: fields.iter().map(|field| column(field.name())).collect(), rows: Uses::new() }
    }

    /// So many columns that no relation has a part in.
    pub(super) fn from_nowhere(columns: usize) -> Self {
        Self { columns: vec![Values::default(); columns], rows: Uses::new() }
    }

    /// These rows and others, column by column.
    pub(super) fn and(&mut self, other: Self) {
        for (own, other) in self.columns.iter_mut().zip(other.columns) {
            own.and(other);
        }
        add_uses(&mut self.rows, other.rows);
    }
}

impl<'a> Scope<'a> {
    /// The columns of one input, of which this is known.
    pub(super) fn new(input: &'a LogicalPlan, known: &'a [Values], outer: Option<&'a Scope<'a>>) -> Self {
        Self { inputs: vec![(input.schema().as_ref(), known)], outer }
    }

    /// And of another.
    pub(super) fn and(mut self, input: &'a LogicalPlan, known: &'a [Values]) -> Self {
        self.inputs.push((input.schema().as_ref(), known));
        self
    }

    /// What a column of the inputs is made of.
    pub(super) fn column(&self, column: &Column) -> Option<Values> {
        let found = |(schema, known): &(&DFSchema, &[Values])| {
            schema.maybe_index_of_column(column).and_then(|at| known.get(at).cloned())
        };
        self.inputs.iter().find_map(found)
    }

    /// What a column of one of the queries around is made of, the nearest first.
    pub(super) fn outer_column(&self, column: &Column) -> Option<Values> {
        iter::successors(self.outer, |scope| scope.outer).find_map(|scope| scope.column(column))
    }
}

/// Adds what a value is made of; of two ways the one that counts more stays.
pub(super) fn add_values(to: &mut BTreeMap<Origin, How>, more: BTreeMap<Origin, How>) {
    for (origin, how) in more {
        let known = to.entry(origin).or_insert(how);
        *known = (*known).max(how);
    }
}

/// Adds what columns are used for.
pub(super) fn add_uses(to: &mut Uses, more: Uses) {
    for (origin, kinds) in more {
        to.entry(origin).or_default().extend(kinds);
    }
}
