//! Constraints that Delta enforces on every writer of a table: NOT NULL columns and check constraints.
//!
//! A table property lists the check constraints that are ours, so that undeclared ones are dropped and those
//! of others stay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::arrow::datatypes::{Field, Schema};

/// The constraints enforced on every writer of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The NOT NULL columns; only top-level ones.
    pub not_null: BTreeSet<String>,
    /// The check constraints by name, as SQL conditions that every row satisfies. Whoever declares them must
    /// check for violations.
    pub checks: BTreeMap<String, String>,
}

/// The prefix of check constraints among a table's properties.
const CHECK: &str = "delta.constraints.";
/// The property that lists our check constraints.
const OURS: &str = "headwater.constraints";

impl Constraints {
    /// Returns the table's schema with these NOT NULL constraints, as for its log.
    pub(super) fn bind(&self, schema: &Schema) -> Schema {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(!self.not_null.contains(field.name())))
            .collect();
        Schema::new(fields)
    }

    /// Returns a table's properties with our check constraints replaced by those declared now.
    pub(super) fn properties(&self, before: &HashMap<String, String>) -> HashMap<String, String> {
        let ours = ours(before);
        let mut properties: HashMap<String, String> = before
            .iter()
            .filter(|(key, _)| {
                key.as_str() != OURS && !key.strip_prefix(CHECK).is_some_and(|name| ours.contains(name))
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        properties.extend(self.checks.iter().map(|(name, check)| (format!("{CHECK}{name}"), check.clone())));
        if !self.checks.is_empty() {
            let names: Vec<&str> = self.checks.keys().map(String::as_str).collect();
            properties.insert(OURS.to_owned(), names.join(","));
        }
        properties
    }

    /// Returns a check constraint of another writer, whose violations we don't check for.
    pub(super) fn foreign(&self, properties: &HashMap<String, String>) -> Option<String> {
        let ours = ours(properties);
        let mut foreign: Vec<&String> = properties
            .iter()
            .filter(|(key, value)| {
                key.strip_prefix(CHECK)
                    .is_some_and(|name| !ours.contains(name) && self.checks.get(name) != Some(value))
            })
            .map(|(key, _)| key)
            .collect();
        foreign.sort();
        foreign.first().map(|key| (*key).clone())
    }
}

fn ours(properties: &HashMap<String, String>) -> BTreeSet<&str> {
    properties.get(OURS).into_iter().flat_map(|names| names.split(',')).collect()
}
