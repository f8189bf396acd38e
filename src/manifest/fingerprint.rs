//! What would make a model's table another one: the statement as parsed (so comments, layout and keyword case do not
//! count) with the values rendered into it, and the settings that shape data. Descriptions and tags do not count.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::config::ModelConfig;

/// A fingerprint, the same on every machine: a digest of the statement and, behind a dot, one of the settings, both in
/// hexadecimal. `beside` is what else shapes the table (its constraints, its rules), null if nothing does.
#[must_use]
pub fn fingerprint(canonical_sql: &str, config: &ModelConfig, beside: &Value) -> String {
    let mut shaping = json!({
        "materialized": config.materialized.name(),
        "partition_by": config.partition_by,
        "target_file_size": config.target_file_size,
    });
    if !beside.is_null() {
        shaping["beside"] = beside.clone();
    }
    let digest = |text: &str| xxh3_128(text.as_bytes());
    format!("{:032x}.{:032x}", digest(canonical_sql), digest(&shaping.to_string()))
}

/// Whether two fingerprints are of the same statement, whatever the settings.
#[must_use]
pub fn same_statement(one: &str, other: &str) -> bool {
    one.split('.').next() == other.split('.').next()
}
