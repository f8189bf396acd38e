//! Node configurations with all of dbt's keys, and dbt's defaults for unset ones.

use serde_json::{Map, Value, json};

/// Keys that dbt spells differently in the manifest.
const ELSEWHERE: [&str; 2] = ["pre_hook", "post_hook"];

/// The keys common to all nodes.
fn common() -> Value {
    json!({
        "enabled": true,
        "alias": null,
        "schema": null,
        "database": null,
        "tags": [],
        "meta": {},
        "group": null,
        "static_analysis": null,
    })
}

/// The additional keys of models, seeds and snapshots.
fn built(materialized: &str) -> Value {
    json!({
        "materialized": materialized,
        "incremental_strategy": null,
        "batch_size": null,
        "lookback": 1,
        "begin": null,
        "persist_docs": {},
        "post-hook": [],
        "pre-hook": [],
        "quoting": {},
        "column_types": {},
        "full_refresh": null,
        "unique_key": null,
        "on_schema_change": "ignore",
        "on_configuration_change": "apply",
        "grants": {},
        "packages": [],
        "docs": { "show": true, "node_color": null },
        "contract": { "enforced": false, "alias_types": true },
        "event_time": null,
        "concurrent_batches": null,
    })
}

/// The configuration of a model.
pub(super) fn model(materialized: &str, set: &Map<String, Value>) -> Value {
    let more = json!({
        "access": "protected",
        "freshness": null,
        "on_error": null,
        "latest_version_pointer": { "enabled": null, "alias": null },
    });
    overlaid([common(), built(materialized), more], set)
}

/// The configuration of a seed.
pub(super) fn seed(set: &Map<String, Value>) -> Value {
    let more = json!({ "delimiter": ",", "quote_columns": null });
    overlaid([common(), built("seed"), more], set)
}

/// The configuration of a snapshot.
pub(super) fn snapshot(set: &Map<String, Value>) -> Value {
    let more = json!({
        "strategy": null,
        "target_schema": null,
        "target_database": null,
        "updated_at": null,
        "check_cols": null,
        "snapshot_meta_column_names": {
            "dbt_valid_to": null,
            "dbt_valid_from": null,
            "dbt_scd_id": null,
            "dbt_updated_at": null,
            "dbt_is_deleted": null,
        },
        "dbt_valid_to_current": null,
    });
    overlaid([common(), built("snapshot"), more], set)
}

/// The configuration of a data test.
pub(super) fn data_test(set: &Map<String, Value>) -> Value {
    let more = json!({
        "materialized": "test",
        "severity": "ERROR",
        "store_failures": null,
        "store_failures_as": null,
        "sql_header": null,
        "where": null,
        "limit": null,
        "fail_calc": "count(*)",
        "warn_if": "!= 0",
        "error_if": "!= 0",
    });
    overlaid([common(), more], set)
}

/// The configuration of a unit test.
pub(super) fn unit_test(set: &Map<String, Value>) -> Value {
    overlaid([json!({ "tags": [], "meta": {}, "enabled": true, "static_analysis": null })], set)
}

/// The configuration of an exposure.
pub(super) fn exposure(set: &Map<String, Value>) -> Value {
    overlaid([json!({ "enabled": true, "tags": [], "meta": {} })], set)
}

/// Returns hooks as dbt writes them.
fn hooks(value: &Value) -> Vec<Value> {
    let items = match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let hook = |item: Value| {
        let sql = item.get("sql").cloned().unwrap_or_else(|| item.clone());
        let transaction = item.get("transaction").cloned().unwrap_or(Value::Bool(true));
        json!({ "sql": sql, "transaction": transaction, "index": null })
    };
    items.into_iter().map(hook).collect()
}

/// Overlays the configured settings on the defaults. A null setting counts as unset.
fn overlaid<const N: usize>(defaults: [Value; N], set: &Map<String, Value>) -> Value {
    let mut config = super::node::joined(defaults);
    for (key, shown) in ELSEWHERE.into_iter().zip(["pre-hook", "post-hook"]) {
        if let (Some(Value::Array(hooks)), Some(value)) = (config.get_mut(shown), set.get(key)) {
            *hooks = self::hooks(value);
        }
    }
    let made = set.iter().filter(|(key, value)| !value.is_null() && !ELSEWHERE.contains(&key.as_str()));
    for (key, value) in made {
        // The defaults for the node's kind already have the final value.
        if key == "materialized" {
            continue;
        }
        match (config.get_mut(key.as_str()), value) {
            (Some(Value::Object(below)), Value::Object(above)) => below.extend(above.clone()),
            (Some(below @ Value::Array(_)), Value::String(_)) => *below = json!([value]),
            _ => config[key.as_str()] = value.clone(),
        }
    }
    config
}
