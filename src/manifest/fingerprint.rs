//! What would make a model's table another one: the statement as parsed (so comments, layout and keyword case do not
//! count) with the values rendered into it, and the settings that shape data. Descriptions and tags do not count.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::config::{Incremental, ModelConfig};

/// What shapes a table, the same on every machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// A digest of the statement, and of the views that are planned into it, in hexadecimal.
    pub statement: String,
    /// Each setting that shapes data, by its name; those that have their default are left out. What is long stands
    /// as a digest.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

impl Fingerprint {
    /// The fingerprint of a statement under these settings. `beside` is what else shapes the table (its constraints,
    /// its rules, how its sources are read), by what people call it.
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

    /// The first setting that differs from another fingerprint's, by name.
    #[must_use]
    pub fn differing_setting(&self, other: &Self) -> Option<String> {
        let keys: BTreeSet<&String> = self.settings.keys().chain(other.settings.keys()).collect();
        keys.into_iter().find(|key| self.settings.get(*key) != other.settings.get(*key)).cloned()
    }
}

/// 128 bits of a text's digest in hexadecimal.
#[must_use]
pub fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
