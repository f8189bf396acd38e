//! Model configuration.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    hook::Hooks,
    incremental::Incremental,
    layer::{Layer, merged},
    reader::SettingsReader,
};
use crate::{diag::Diagnostic, project::StaticAnalysis, text::Spanned};

/// The materialization of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Materialized {
    /// A Delta table, rebuilt completely each time.
    Table,
    /// A Delta table to which new rows are added.
    Incremental,
    /// A named query, inlined into the plans of its readers.
    View,
    /// Like a view, but only visible inside the project.
    Ephemeral,
}

impl Materialized {
    const NAMES: [&'static str; 4] = ["table", "incremental", "view", "ephemeral"];
    /// dbt's materializations that this version doesn't support.
    const DBT_ONLY: [&'static str; 1] = ["materialized_view"];

    /// Returns dbt's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Incremental => "incremental",
            Self::View => "view",
            Self::Ephemeral => "ephemeral",
        }
    }

    /// Returns whether it has its own table.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Incremental)
    }
}

/// The configuration of a model.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The materialization; by default a table.
    pub materialized: Materialized,
    /// False to exclude the model from the project.
    pub enabled: bool,
    /// The folder under the lake's root, if set.
    pub schema: Option<Spanned<String>>,
    /// The table's name, if it differs from the file's.
    pub alias: Option<Spanned<String>>,
    /// The tags, for selection.
    pub tags: BTreeSet<String>,
    /// The partition columns.
    pub partition_by: Vec<String>,
    /// The target size of a data file, in bytes.
    pub target_file_size: Option<u64>,
    /// The incremental settings, if the model is incremental.
    pub incremental: Option<Incremental>,
    /// True if the same inputs may yield different rows, false if not, whatever the SQL suggests.
    pub volatile: Option<bool>,
    /// The event-time column, by which microbatch models filter this model.
    pub event_time: Option<String>,
    /// True if the columns must match the declared ones, and the constraints bind every writer.
    pub contract: bool,
    /// The mode of static analysis, if set: the consequence of an error in it.
    pub static_analysis: Option<StaticAnalysis>,
    /// The SQL that runs before and after it is built.
    pub hooks: Hooks,
    /// All settings, resolved, for templates and artifacts.
    pub all: Map<String, Value>,
}

impl ModelConfig {
    /// Merges all layers, weakest first, and returns the configuration with its diagnostics. `reads_files`:
    /// whether the model's only input is a source of files.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>, reads_files: bool) -> (Self, Vec<Diagnostic>) {
        let mut wrong = Vec::new();
        let hooks = Hooks::of(&layers, &mut wrong);
        let merged = merged(layers);
        let mut reader = SettingsReader::new(&merged);
        let materialized = materialized(&mut reader);
        let config = Self {
            materialized,
            incremental: (materialized == Materialized::Incremental)
                .then(|| Incremental::read(&mut reader, reads_files))
                .flatten(),
            enabled: reader.bool("enabled").unwrap_or(true),
            schema: reader.name("schema"),
            alias: reader.name("alias"),
            tags: reader.list("tags").into_iter().collect(),
            partition_by: reader.list("partition_by"),
            target_file_size: reader.size("target_file_size"),
            volatile: reader.bool("volatile"),
            event_time: reader.text("event_time"),
            contract: contract(&mut reader),
            static_analysis: reader.static_analysis(),
            hooks,
            all: reader.all(),
        };
        wrong.extend(reader.findings);
        (config, wrong)
    }
}

/// Reads `contract: {enforced: true}`.
fn contract(reader: &mut SettingsReader<'_>) -> bool {
    let Some(setting) = reader.settings.get("contract") else { return false };
    match setting.value.get("enforced") {
        Some(Value::Bool(enforced)) => *enforced,
        None if setting.value.is_null() || setting.value.is_object() => false,
        _ => reader.mistyped("contract", "a mapping such as {enforced: true}").unwrap_or_default(),
    }
}

fn materialized(reader: &mut SettingsReader<'_>) -> Materialized {
    let Some(name) = reader.text("materialized") else { return Materialized::Table };
    match name.as_str() {
        "table" => Materialized::Table,
        "incremental" => Materialized::Incremental,
        "view" => Materialized::View,
        "ephemeral" => Materialized::Ephemeral,
        // dbt-duckdb's, whose readers read the file.
        "external" => {
            let message = "an `external` model is a Delta table here: no file is written to `location`";
            let mut found = Diagnostic::warning("external-model", message);
            if let Some(setting) = reader.settings.get("materialized") {
                found = found.at(setting.span.clone(), "");
            }
            let hint = "set `materialized: table`; DuckDB reads Delta tables by `delta_scan('…')`";
            reader.findings.push(found.hint(hint));
            Materialized::Table
        }
        other => {
            let known = Materialized::DBT_ONLY.contains(&other);
            let message = if known {
                format!("the materialization `{other}` is not available in this version")
            } else {
                format!("there is no materialization `{other}`")
            };
            let names = Materialized::NAMES;
            reader.finding("materialized", message, |found| {
                found.near(other, names).note(format!("available: {}", names.join(", ")))
            });
            Materialized::Table
        }
    }
}
