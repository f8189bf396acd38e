//! What shapes a model.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Layer, Reader, incremental::Incremental, merged};
use crate::{diag::Diagnostic, text::Spanned};

/// What a model becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Materialized {
    /// A Delta table, made anew each time.
    Table,
    /// A Delta table that new rows are taken into.
    Incremental,
    /// A named query, planned into whoever reads it.
    View,
    /// The same, for the project's inside only.
    Ephemeral,
}

impl Materialized {
    const NAMES: [&'static str; 4] = ["table", "incremental", "view", "ephemeral"];
    /// dbt's materializations that this version does not build.
    const DBT_ONLY: [&'static str; 1] = ["materialized_view"];

    /// dbt's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Incremental => "incremental",
            Self::View => "view",
            Self::Ephemeral => "ephemeral",
        }
    }

    /// Whether it is a table of its own.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Incremental)
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
    pub schema: Option<Spanned<String>>,
    /// The table's name, if it is not the file's.
    pub alias: Option<Spanned<String>>,
    /// Tags for selection.
    pub tags: BTreeSet<String>,
    /// Columns whose values become folders.
    pub partition_by: Vec<String>,
    /// Bytes a data file should have.
    pub target_file_size: Option<u64>,
    /// How it takes new rows in, if it does.
    pub incremental: Option<Incremental>,
    /// Whether the same inputs may give other rows, whatever the SQL says.
    pub volatile: Option<bool>,
    /// The column that tells when a row's event was, by which models in batches read it.
    pub event_time: Option<String>,
    /// Whether its columns must be those its properties declare, and its constraints bind every writer.
    pub contract: bool,
    /// Every setting, resolved, for templates and artifacts.
    pub all: Map<String, Value>,
}

impl ModelConfig {
    /// The settings from all layers, weakest first, and what is wrong with them. `reads_files`: whether all that the model
    /// reads is one source of files.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>, reads_files: bool) -> (Self, Vec<Diagnostic>) {
        let merged = merged(layers);
        let mut reader = Reader::new(&merged);
        let materialized = materialized(&mut reader);
        let config = Self {
            materialized,
            incremental: (materialized == Materialized::Incremental)
                .then(|| Incremental::read(&mut reader, reads_files)),
            enabled: reader.bool("enabled").unwrap_or(true),
            schema: reader.name("schema"),
            alias: reader.name("alias"),
            tags: reader.list("tags").into_iter().collect(),
            partition_by: reader.list("partition_by"),
            target_file_size: reader.size("target_file_size"),
            volatile: reader.bool("volatile"),
            event_time: reader.text("event_time"),
            contract: contract(&mut reader),
            all: reader.all(),
        };
        let findings = reader.findings;
        (config, findings)
    }
}

/// `contract: {enforced: true}`.
fn contract(reader: &mut Reader<'_>) -> bool {
    let Some(setting) = reader.settings.get("contract") else { return false };
    match setting.value.get("enforced") {
        Some(Value::Bool(enforced)) => *enforced,
        None if setting.value.is_null() || setting.value.is_object() => false,
        _ => reader.mistyped("contract", "a mapping such as {enforced: true}").unwrap_or_default(),
    }
}

fn materialized(reader: &mut Reader<'_>) -> Materialized {
    let Some(name) = reader.text("materialized") else { return Materialized::Table };
    match name.as_str() {
        "table" => Materialized::Table,
        "incremental" => Materialized::Incremental,
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
            reader.finding("materialized", message, |found| {
                found.near(other, names).note(format!("available: {}", names.join(", ")))
            });
            Materialized::Table
        }
    }
}
