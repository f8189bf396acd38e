//! What every writer of a table is bound to, as far as Delta can say it: columns without NULL, and conditions on rows.
//!
//! Which of a table's conditions are ours stands in a property of the table, so that those no longer declared are taken
//! away and those of others are left alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::arrow::datatypes::{Field, Schema};

/// What every writer of a table is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The columns that may not be NULL. Those at the top of the table only.
    pub not_null: BTreeSet<String>,
    /// Conditions that hold of each row, as SQL, by name. Whoever declares them looks for rows that break them.
    pub checks: BTreeMap<String, String>,
}

/// The prefix of a condition's name among a table's properties.
const CHECK: &str = "delta.constraints.";
/// The property that lists our conditions.
const OURS: &str = "headwater.constraints";

impl Constraints {
    /// The table's columns as its log has them.
    pub(super) fn bind(&self, schema: &Schema) -> Schema {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(!self.not_null.contains(field.name())))
            .collect();
        Schema::new(fields)
    }

    /// A table's properties, our conditions in it those that are declared now.
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

    /// A condition of somebody else's, which is not looked for.
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
