//! A model's settings: `{{ config(...) }}` in the file wins over its YAML properties, which win over the tree in
//! `project.yml`, where a deeper folder wins over a shallower one. Tags add up and `meta` merges; all else is
//! replaced.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{diag::Diagnostic, text::Span};

/// What a model becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Materialized {
    /// A Delta table.
    Table,
    /// A named query, planned into whoever reads it.
    View,
    /// The same, for the project's inside only.
    Ephemeral,
}

impl Materialized {
    const NAMES: [&'static str; 3] = ["table", "view", "ephemeral"];
    /// dbt's materializations that this version does not build.
    const DBT_ONLY: [&'static str; 2] = ["incremental", "materialized_view"];

    /// dbt's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// The settings that shape a model.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// What it becomes; a table unless said otherwise.
    pub materialized: Materialized,
    /// A disabled model is as if it were not there.
    pub enabled: bool,
    /// The folder under the lake's root, if set.
    pub schema: Option<String>,
    /// The table's name, if it is not the file's.
    pub alias: Option<String>,
    /// Tags for selection.
    pub tags: BTreeSet<String>,
    /// Columns whose values become folders.
    pub partition_by: Vec<String>,
    /// Bytes a data file should have.
    pub target_file_size: Option<u64>,
    /// Every setting, resolved, for templates and artifacts.
    pub all: Map<String, Value>,
}

/// A setting and where it was made.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its value.
    pub value: Value,
    /// Its place.
    pub span: Span,
}

/// One layer of settings.
pub type Layer = BTreeMap<String, Setting>;

impl ModelConfig {
    /// The settings from all layers, weakest first, and what is wrong with them.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>) -> (Self, Vec<Diagnostic>) {
        let mut merged = Layer::new();
        for (key, setting) in layers.into_iter().flatten() {
            merge(&mut merged, key, setting);
        }
        let mut reader = Reader { settings: &merged, findings: Vec::new() };
        let config = Self {
            materialized: reader.materialized(),
            enabled: reader.bool("enabled").unwrap_or(true),
            schema: reader.text("schema"),
            alias: reader.text("alias"),
            tags: reader.list("tags").into_iter().collect(),
            partition_by: reader.list("partition_by"),
            target_file_size: reader.size("target_file_size"),
            all: merged.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect(),
        };
        let findings = reader.findings;
        (config, findings)
    }
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

struct Reader<'a> {
    settings: &'a Layer,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn materialized(&mut self) -> Materialized {
        let Some(name) = self.text("materialized") else { return Materialized::Table };
        match name.as_str() {
            "table" => Materialized::Table,
            "view" => Materialized::View,
            "ephemeral" => Materialized::Ephemeral,
            other => {
                let known = Materialized::DBT_ONLY.contains(&other);
                let message = if known {
                    format!("the materialization `{other}` is not available in this version")
                } else {
                    format!("there is no materialization `{other}`")
                };
                let names = Materialized::NAMES;
                self.finding("materialized", message, |found| {
                    found.near(other, names).note(format!("available: {}", names.join(", ")))
                });
                Materialized::Table
            }
        }
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
