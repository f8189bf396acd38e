//! The location and drift policy of a source table.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    diag::Diagnostic,
    jinja::Jinja,
    manifest::source::External,
    name::Relation,
    project::{ConfigPatch, DriftDecl, ExternalDecl, ExternalLocation, SourceDecl, SourceTableDecl, Yaml},
    secret::{has_credentials, hide_credentials},
};

/// Renders a table's location. Returns `None` for a table in the lake.
///
/// # Errors
/// If the location can't be rendered, or holds a secret.
pub(super) fn external(
    source: &SourceDecl,
    table: &SourceTableDecl,
    relation: &Relation,
    jinja: &Jinja,
) -> Result<Option<External>, Diagnostic> {
    if let Some(declared) = &table.external {
        let location = jinja.render_value(&declared.location.value, &declared.location.span)?;
        return without_credentials(location, declared.clone()).map(Some);
    }
    let settings = Settings { source, table };
    let Some(written) = settings.get("external_location") else { return Ok(None) };
    let Some(text) = written.as_str() else {
        let problem = Diagnostic::error("external-location", "`external_location` must be text");
        return Err(problem.at(written.span.clone(), ""));
    };
    let location = ExternalLocation {
        text: jinja.render_value(text, &written.span)?,
        formatter: settings.get("formatter").and_then(Yaml::as_str).unwrap_or("newstyle"),
        values: settings.values(relation),
        span: written.span.clone(),
    };
    let declared = location.declared()?;
    without_credentials(declared.location.value.clone(), declared).map(Some)
}

fn without_credentials(location: String, declared: ExternalDecl) -> Result<External, Diagnostic> {
    if has_credentials(&location) {
        hide_credentials(&location);
        return Err(Diagnostic::error(
            "credentials-in-location",
            "a location can't hold a password, token or signature",
        )
        .at(declared.location.span.clone(), "everyone who reads the documentation, lineage or logs sees it")
        .hint("give credentials as `storage_options` of the target"));
    }
    Ok(External { location, declared })
}

/// The settings that dbt-duckdb finds in `config:` and `meta:` of a table and its source.
struct Settings<'a> {
    source: &'a SourceDecl,
    table: &'a SourceTableDecl,
}

impl<'a> Settings<'a> {
    fn get(&self, key: &str) -> Option<&'a Yaml> {
        let configured = |config: &'a ConfigPatch| config.entries.get(key);
        let meta = |meta: &'a Option<Yaml>| meta.as_ref().and_then(|meta| meta.get(key));
        configured(&self.table.config)
            .or_else(|| configured(&self.source.config))
            .or_else(|| meta(&self.table.meta))
            .or_else(|| meta(&self.source.meta))
    }

    /// Returns the values that a location may name.
    fn values(&self, relation: &Relation) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for meta in [&self.source.meta, &self.table.meta].into_iter().flatten() {
            values.extend(texts(meta.to_json()));
        }
        for config in [&self.source.config, &self.table.config] {
            values.extend(config.entries.iter().filter_map(|(key, value)| one(key, &value.to_json())));
        }
        for (key, value) in [
            ("name", self.table.name.value.as_str()),
            ("identifier", &relation.name),
            ("schema", &relation.schema),
        ] {
            // A value of the user's own wins, as in dbt-duckdb.
            values.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        values
    }
}

fn texts(values: Value) -> Vec<(String, String)> {
    let Value::Object(values) = values else { return Vec::new() };
    values.iter().filter_map(|(key, value)| one(key, value)).collect()
}

fn one(key: &str, value: &Value) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    (key != "external_location").then(|| (key.to_owned(), text))
}

/// Returns a table's drift policy. Settings next to its location win over the table's, and these over its
/// source's.
pub(super) fn drift(source: &SourceDecl, table: &SourceTableDecl) -> DriftDecl {
    let external = table.external.as_ref().map(|external| external.drift.clone()).unwrap_or_default();
    external.or(&table.drift).or(&source.drift)
}
