//! What would make a model's table another one: the statement as parsed (so comments, layout and keyword case do not
//! count) with the values rendered into it, and the settings that shape data. Descriptions and tags do not count.

use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use super::config::ModelConfig;

/// A fingerprint in hexadecimal, the same on every machine.
#[must_use]
pub fn fingerprint(canonical_sql: &str, config: &ModelConfig) -> String {
    let shaping = json!({
        "materialized": config.materialized.name(),
        "partition_by": config.partition_by,
        "target_file_size": config.target_file_size,
    });
    format!("{:032x}", xxh3_128(format!("{canonical_sql}\n{shaping}").as_bytes()))
}
