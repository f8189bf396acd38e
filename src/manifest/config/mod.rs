//! Configuration of models, seeds, snapshots and tests, merged from all layers. Settings in a file override
//! its YAML properties, which override the tree in `project.yml`, where a deeper folder overrides a shallower
//! one. Tags accumulate and `meta` merges; everything else is replaced.
//!
//! - [`model`][]: models
//! - [`incremental`]: incremental models
//! - [`microbatch`]: models built in batches
//! - [`seed`]: reading a seed's file
//! - [`snapshot`]: how snapshots detect new versions of a row
//! - [`test`]: when a data test fails

pub mod incremental;
pub mod microbatch;
pub mod model;
pub mod seed;
pub mod snapshot;
pub mod test;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::{
    incremental::{FilePolicy, Incremental, OnChange, OnDelete, OnSchemaChange, Strategy, Updates},
    microbatch::{Follow, Microbatch},
    model::{Materialized, ModelConfig},
    seed::SeedConfig,
    snapshot::{HardDeletes, MetaColumns, SnapshotConfig, SnapshotStrategy},
    test::{Condition, OnViolation, TestConfig, TestSeverity},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// A setting with its span.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// The span.
    pub span: Span,
}

/// One layer of settings.
pub type Layer = BTreeMap<String, Setting>;

/// Returns the tags of a layer.
pub(super) fn tags(layer: &Layer) -> BTreeSet<String> {
    let listed = layer.get("tags").map(|setting| as_list(&setting.value)).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Merges all layers, weakest first.
fn merged(layers: Vec<Layer>) -> Layer {
    let mut merged = Layer::new();
    for (key, setting) in layers.into_iter().flatten() {
        merge(&mut merged, key, setting);
    }
    merged
}

fn merge(into: &mut Layer, key: String, setting: Setting) {
    match into.get_mut(&key) {
        Some(below) if key == "tags" => {
            let mut all = as_list(&below.value);
            all.extend(as_list(&setting.value));
            *below = Setting { value: Value::Array(all), span: setting.span };
        }
        Some(Setting { value: Value::Object(below), .. }) if key == "meta" && setting.value.is_object() => {
            if let Value::Object(above) = setting.value {
                below.extend(above);
            }
        }
        _ => {
            into.insert(key, setting);
        }
    }
}

fn as_list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// Typed access to merged settings. Values of the wrong type become diagnostics.
struct Reader<'a> {
    settings: &'a Layer,
    findings: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(settings: &'a Layer) -> Self {
        Self { settings, findings: Vec::new() }
    }

    /// Returns all settings, for templates and artifacts.
    fn all(&self) -> serde_json::Map<String, Value> {
        self.settings.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect()
    }

    fn bool(&mut self, key: &str) -> Option<bool> {
        match &self.settings.get(key)?.value {
            Value::Bool(value) => Some(*value),
            Value::Null => None,
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => self.mistyped(key, "true or false"),
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match &self.settings.get(key)?.value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            Value::Number(number) => Some(number.to_string()),
            _ => self.mistyped(key, "text"),
        }
    }

    /// Returns a text with its span. An empty text counts as not set, as in dbt.
    fn name(&mut self, key: &str) -> Option<Spanned<String>> {
        let name = self.text(key).filter(|name| !name.is_empty())?;
        Some(Spanned::new(name, self.settings.get(key)?.span.clone()))
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        let Some(setting) = self.settings.get(key) else { return Vec::new() };
        let items: Option<Vec<String>> =
            as_list(&setting.value).iter().map(|item| item.as_str().map(str::to_string)).collect();
        items.or_else(|| self.mistyped(key, "a name or a list of names")).unwrap_or_default()
    }

    fn size(&mut self, key: &str) -> Option<u64> {
        match self.settings.get(key)?.value.as_u64() {
            Some(0) | None => self.mistyped(key, "a number of bytes above 0"),
            size => size,
        }
    }

    fn mistyped<T>(&mut self, key: &str, wanted: &str) -> Option<T> {
        self.finding(key, format!("`{key}` takes {wanted}"), |found| found);
        None
    }

    fn finding(&mut self, key: &str, message: String, more: impl FnOnce(Diagnostic) -> Diagnostic) {
        let mut found = Diagnostic::error("invalid-config", message);
        if let Some(setting) = self.settings.get(key) {
            found = found.at(setting.span.clone(), "");
        }
        self.findings.push(more(found));
    }
}
