//! Fingerprints: detect changes that affect a model's table. They cover the parsed statement (so comments,
//! layout and keyword case don't matter) with the values rendered into it, and the settings that affect data.
//! Descriptions and tags don't matter.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::config::{Incremental, ModelConfig};
use crate::name::Relation;

/// The setting of a table that was built with `--empty`.
pub const EMPTY: &str = "--empty";

/// The prefix of the settings that say where a table reads deferred ones.
const PLACE: &str = "the place of ";

/// Returns the setting that says where another table is read, if it isn't read in the target's own lake.
#[must_use]
pub fn place_of(relation: &Relation) -> String {
    format!("{PLACE}{relation}")
}

/// Everything that affects a table's data, equal on all machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// A hexadecimal digest of the statement, and of the views inlined into it.
    pub statement: String,
    /// The settings that affect data, by name, without defaults. Long values are stored as digests.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

impl Fingerprint {
    /// Computes the fingerprint of a statement with these settings. `beside` has the other parts that affect
    /// the table (its constraints, its rules, how its sources are read), by their names for users.
    #[must_use]
    pub fn new(
        statement: &str,
        config: &ModelConfig,
        beside: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let mut settings = BTreeMap::from([("materialized".to_owned(), config.materialized.name().into())]);
        if !config.partition_by.is_empty() {
            settings.insert("partition_by".into(), json!(config.partition_by));
        }
        if let Some(size) = config.target_file_size {
            settings.insert("target_file_size".into(), size.into());
        }
        let incremental = config.incremental.iter().flat_map(Incremental::shaping);
        settings.extend(incremental.map(|(key, value)| (key.to_owned(), value)));
        settings.extend(beside.into_iter().map(|(key, value)| (key, digest(&value.to_string()).into())));
        Self { statement: digest(statement), settings }
    }

    /// Returns whether the table was built with `--empty`.
    #[must_use]
    pub fn is_empty_build(&self) -> bool {
        self.settings.contains_key(EMPTY)
    }

    /// Returns whether all tables are read at the same places. If not, their version numbers can't be
    /// compared.
    #[must_use]
    pub fn reads_same_places(&self, other: &Self) -> bool {
        let places =
            |one: &Self| one.settings.clone().into_iter().filter(|(key, _)| key.starts_with(PLACE)).collect();
        let (own, others): (BTreeMap<_, _>, BTreeMap<_, _>) = (places(self), places(other));
        own == others
    }

    /// Returns the name of the first setting that differs between the two fingerprints.
    #[must_use]
    pub fn differing_setting(&self, other: &Self) -> Option<String> {
        let keys: BTreeSet<&String> = self.settings.keys().chain(other.settings.keys()).collect();
        keys.into_iter().find(|key| self.settings.get(*key) != other.settings.get(*key)).cloned()
    }
}

/// Returns a 128-bit digest of a text, in hexadecimal.
#[must_use]
pub fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
