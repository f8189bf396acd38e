//! Changes between two manifests, by dbt's rules for `state:modified`.
//!
//! Entries are compared as `manifest.json` holds them, so the earlier one may be dbt's. Macros that come with
//! dbt, its adapters and Headwater aren't compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::select::NodeChange;

/// The sections of a manifest that hold selectable nodes.
const SECTIONS: [&str; 4] = ["nodes", "sources", "exposures", "unit_tests"];

/// Settings whose changes don't count: they are parts of other comparisons, or only describe.
const UNCOUNTED: [&str; 5] = ["alias", "schema", "database", "tags", "group"];

/// The settings of a data test whose changes count.
const JUDGING: [&str; 8] =
    ["severity", "where", "limit", "fail_calc", "warn_if", "error_if", "store_failures", "store_failures_as"];

/// An entry compared with the earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedEntry {
    /// True if there is no earlier entry.
    pub is_new: bool,
    pub changes: BTreeSet<NodeChange>,
}

/// Compares all selectable nodes of a manifest with an earlier manifest, by ID.
#[must_use]
pub fn compare<'m>(earlier: &Value, manifest: &'m Value) -> BTreeMap<&'m str, ComparedEntry> {
    let macros = ChangedMacros::new(earlier, manifest);
    let sections = SECTIONS.iter().filter_map(|section| Some((*section, manifest[*section].as_object()?)));
    let entries = sections.flat_map(|(section, entries)| {
        entries.iter().map(move |(id, entry)| (id, earlier[section].get(id), entry))
    });
    let compared = entries.map(|(id, earlier, entry)| {
        let mut changes = changes(earlier, entry);
        if macros.are_called_by(entry) {
            changes.extend([NodeChange::Macros, NodeChange::Contents]);
        }
        (id.as_str(), ComparedEntry { is_new: earlier.is_none(), changes })
    });
    compared.collect()
}

/// Returns whether two entries are the same in some respect.
type IsSame = fn(&Value, &Value) -> bool;

/// Returns the changes of an entry, apart from those of macros.
fn changes(earlier: Option<&Value>, entry: &Value) -> BTreeSet<NodeChange> {
    use NodeChange::{Body, Configs, Contents, Contract, PersistedDescriptions, Relation};
    let kind = entry["resource_type"].as_str().unwrap_or_default();
    let checks: &[(NodeChange, IsSame)] = match kind {
        "source" => &[(Configs, has_same_config), (Relation, is_same_source_table)],
        "exposure" => &[(Configs, has_same_config)],
        "unit_test" => &[],
        "test" => &[
            (Body, has_same_body),
            (Configs, has_same_judgement),
            (PersistedDescriptions, has_same_persisted_descriptions),
            (Relation, has_same_place),
            (Contract, has_same_contract),
        ],
        _ => &[
            (Body, has_same_body),
            (Configs, has_same_config),
            (PersistedDescriptions, has_same_persisted_descriptions),
            (Relation, has_same_place),
            (Contract, has_same_contract),
        ],
    };
    let is_changed = |is_same: IsSame| earlier.is_none_or(|old| !is_same(old, entry));
    let mut changes: BTreeSet<NodeChange> =
        checks.iter().filter(|(_, is_same)| is_changed(*is_same)).map(|(change, _)| *change).collect();
    let is_generic = entry.get("test_metadata").is_some_and(|metadata| !metadata.is_null());
    let other_keys: &[&str] = match kind {
        "source" => &["fqn", "quoting", "freshness", "loaded_at_field", "external"],
        "exposure" => &["fqn", "type", "owner", "maturity", "url", "description", "label"],
        "unit_test" => &["model", "given", "expect", "overrides"],
        "model" => &["fqn", "latest_version", "access", "deprecation_date"],
        _ => &["fqn"],
    };
    let contents = match earlier {
        // As in dbt, new sources and exposures aren't modified.
        None => !matches!(kind, "source" | "exposure"),
        Some(old) => {
            let counts = |change: &NodeChange| !is_generic || *change == Configs;
            changes.iter().any(counts)
                || other_keys.iter().any(|key| is_other(old, entry, key))
                || (kind == "exposure" && nodes_read(old) != nodes_read(entry))
        }
    };
    changes.extend(contents.then_some(Contents));
    changes
}

/// Returns whether a key has another value. What is null or empty is the same as what is missing.
fn is_other(old: &Value, new: &Value, key: &str) -> bool {
    pruned(&old[key]) != pruned(&new[key])
}

/// Returns a value without null and empty parts; `None` if nothing is left.
fn pruned(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(entries) => {
            let entries = entries.iter().filter_map(|(key, value)| Some((key.clone(), pruned(value)?)));
            let entries: Map<String, Value> = entries.collect();
            (!entries.is_empty()).then(|| entries.into())
        }
        Value::Array(items) if items.is_empty() => None,
        other => Some(other.clone()),
    }
}

fn has_same_body(old: &Value, new: &Value) -> bool {
    let key = if new["resource_type"] == "seed" { "checksum" } else { "raw_code" };
    !is_other(old, new, key)
}

/// Returns whether a setting changed, both as configured and as it came out. As configured, dbt has the text
/// of expressions in `config(…)`, where Headwater has their values.
fn is_other_setting(old: &Value, new: &Value, key: &str) -> bool {
    let setting = |entry: &Value, of: &str| {
        // The key of hooks has two spellings.
        let spellings = [key.replace("-hook", "_hook"), key.replace("_hook", "-hook")];
        spellings.iter().find_map(|key| pruned(&entry[of][key.as_str()]))
    };
    ["unrendered_config", "config"].into_iter().all(|of| setting(old, of) != setting(new, of))
}

fn has_same_config(old: &Value, new: &Value) -> bool {
    let keys = [old, new].into_iter().filter_map(|entry| entry["unrendered_config"].as_object());
    let mut keys = keys.flat_map(Map::keys).filter(|key| !UNCOUNTED.contains(&key.as_str()));
    !keys.any(|key| is_other_setting(old, new, key))
}

fn has_same_judgement(old: &Value, new: &Value) -> bool {
    !JUDGING.iter().any(|key| is_other_setting(old, new, key))
}

fn has_same_place(old: &Value, new: &Value) -> bool {
    !["database", "schema", "alias"].iter().any(|key| is_other_setting(old, new, key))
}

/// Compares the places of sources as they are written, since a target's own database and schema differ.
fn is_same_source_table(old: &Value, new: &Value) -> bool {
    !["unrendered_database", "unrendered_schema", "identifier"].iter().any(|key| is_other(old, new, key))
}

fn has_same_persisted_descriptions(old: &Value, new: &Value) -> bool {
    let persists = |what: &str| new["config"]["persist_docs"][what].as_bool().unwrap_or_default();
    let columns = |entry: &Value| -> BTreeMap<String, Value> {
        let columns = entry["columns"].as_object().into_iter().flatten();
        columns.map(|(name, column)| (name.clone(), column["description"].clone())).collect()
    };
    let is_changed = persists("relation") && is_other(old, new, "description");
    !is_changed && (!persists("columns") || columns(old) == columns(new))
}

/// Returns whether an enforced contract is the same: the types and constraints of the columns and the table.
fn has_same_contract(old: &Value, new: &Value) -> bool {
    let is_enforced = |entry: &Value| entry["contract"]["enforced"].as_bool().unwrap_or_default();
    let columns = |entry: &Value| -> BTreeMap<String, (Value, Value)> {
        let columns = entry["columns"].as_object().into_iter().flatten();
        let typed = columns.map(|(name, column)| {
            (name.clone(), (column["data_type"].clone(), column["constraints"].clone()))
        });
        typed.collect()
    };
    match (is_enforced(old), is_enforced(new)) {
        (false, false) => true,
        (true, true) => columns(old) == columns(new) && !is_other(old, new, "constraints"),
        _ => false,
    }
}

fn nodes_read(exposure: &Value) -> BTreeSet<&str> {
    texts(&exposure["depends_on"]["nodes"]).collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The macros that changed.
struct ChangedMacros<'m> {
    macros: &'m Value,
    changed: BTreeSet<&'m str>,
}

impl<'m> ChangedMacros<'m> {
    fn new(earlier: &Value, manifest: &'m Value) -> Self {
        let macros = &manifest["macros"];
        let entries = macros.as_object().into_iter().flatten();
        let changed = entries
            .filter(|(id, entry)| {
                let package = entry["package_name"].as_str().unwrap_or_default();
                let is_built_in = package == "dbt" || package.starts_with("dbt_duckdb");
                let old = earlier["macros"].get(id.as_str());
                let text = |entry: &Value| entry["macro_sql"].as_str().map(|text| text.trim().to_owned());
                !is_built_in && old.is_none_or(|old| text(old) != text(entry))
            })
            .map(|(id, _)| id.as_str())
            .collect();
        Self { macros, changed }
    }

    /// Returns whether a node or macro calls a changed macro, directly or not.
    fn are_called_by(&self, entry: &'m Value) -> bool {
        if self.changed.is_empty() {
            return false;
        }
        let mut pending: Vec<&'m str> = texts(&entry["depends_on"]["macros"]).collect();
        let mut seen: BTreeSet<&'m str> = BTreeSet::new();
        while let Some(id) = pending.pop() {
            if self.changed.contains(id) {
                return true;
            }
            if seen.insert(id) {
                pending.extend(texts(&self.macros[id]["depends_on"]["macros"]));
            }
        }
        false
    }
}
