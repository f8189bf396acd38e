//! Seed configuration: how a seed's file is read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    layer::{Layer, merged},
    model::ModelConfig,
    reader::SettingsReader,
};
use crate::{diag::Diagnostic, text::Span};

/// dbt's default texts that mean NULL.
const NULLS: [&str; 2] = ["", "null"];

/// The configuration of how a seed's file is read.
#[derive(Debug, Clone)]
pub struct SeedConfig {
    /// The SQL types of columns by name. The others are inferred from all of their values.
    pub column_types: BTreeMap<String, String>,
    /// The span of `column_types`.
    pub column_types_at: Option<Span>,
    /// The separator between two values.
    pub delimiter: u8,
    /// The quote around values that contain delimiters or line ends.
    pub quote: u8,
    /// True to keep column names as in the header. Otherwise they are in lower case, like unquoted names in
    /// SQL.
    pub quote_columns: bool,
    /// The texts that are NULL, in any case.
    pub null_values: Vec<String>,
}

impl SeedConfig {
    /// Merges all layers, weakest first. Returns the table's configuration, the file's configuration, and the
    /// diagnostics.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>) -> (ModelConfig, Self, Vec<Diagnostic>) {
        let mut merged = merged(layers);
        // A seed has no materialization, as in dbt.
        merged.remove("materialized");
        let mut reader = SettingsReader::new(&merged);
        let config = Self {
            column_types: column_types(&mut reader),
            column_types_at: merged.get("column_types").map(|setting| setting.span.clone()),
            delimiter: letter(&mut reader, "delimiter").unwrap_or(b','),
            quote: letter(&mut reader, "quote").unwrap_or(b'"'),
            quote_columns: reader.bool("quote_columns").unwrap_or(false),
            null_values: null_values(&mut reader),
        };
        if config.delimiter == config.quote {
            let message = "`delimiter` and `quote` have to be two different characters".to_owned();
            reader.finding("delimiter", message, |found| found);
        }
        let mut findings = reader.findings;
        let (model, more) = ModelConfig::resolve(vec![merged], false);
        findings.extend(more);
        (model, config, findings)
    }

    /// Returns the settings that differ from their defaults, by name, except for types, whose spelling
    /// doesn't matter.
    #[must_use]
    pub fn changed(&self) -> BTreeMap<String, Value> {
        let text = |byte: u8| Value::from(char::from(byte).to_string());
        let settings = [
            ("delimiter", self.delimiter != b',', text(self.delimiter)),
            ("quote", self.quote != b'"', text(self.quote)),
            ("quote_columns", self.quote_columns, Value::Bool(self.quote_columns)),
            ("null_values", self.null_values != NULLS, self.null_values.clone().into()),
        ];
        let changed = settings.into_iter().filter(|(_, changed, _)| *changed);
        changed.map(|(name, _, value)| (name.to_owned(), value)).collect()
    }
}

fn column_types(reader: &mut SettingsReader<'_>) -> BTreeMap<String, String> {
    let entries = match reader.settings.get("column_types").map(|setting| &setting.value) {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(entries)) => entries,
        Some(_) => return wrong_types(reader),
    };
    let types: Option<BTreeMap<String, String>> =
        entries.iter().map(|(name, of)| Some((name.clone(), of.as_str()?.to_owned()))).collect();
    types.unwrap_or_else(|| wrong_types(reader))
}

fn wrong_types(reader: &mut SettingsReader<'_>) -> BTreeMap<String, String> {
    reader
        .mistyped("column_types", "a mapping of columns to types, such as {zip: varchar}")
        .unwrap_or_default()
}

/// Reads a single character. A tab may be written as `\t` in any kind of quotes.
fn letter(reader: &mut SettingsReader<'_>, key: &str) -> Option<u8> {
    let text = match &reader.settings.get(key)?.value {
        Value::Null => return None,
        Value::String(text) => text.as_str(),
        _ => "",
    };
    match text.as_bytes() {
        br"\t" => Some(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => Some(*byte),
        _ => reader.mistyped(key, r#"a single ASCII character, such as ";" or "\t""#),
    }
}

fn null_values(reader: &mut SettingsReader<'_>) -> Vec<String> {
    let default = || NULLS.map(str::to_owned).to_vec();
    let items = match reader.settings.get("null_values").map(|setting| &setting.value) {
        None | Some(Value::Null) => return default(),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Value::String(text) => Some(text.trim().to_lowercase()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        })
        .collect();
    texts.or_else(|| reader.mistyped("null_values", "a text or a list of texts")).unwrap_or_else(default)
}
