//! Snapshot configuration: how a snapshot detects new versions of a row. The settings are dbt's.

use serde_json::{Value, json};

use super::{
    layer::{Layer, merged},
    model::ModelConfig,
    reader::{SettingsReader, named},
};
use crate::diag::Diagnostic;

/// The configuration of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// The strategy for detecting a new version of a row.
    pub strategy: SnapshotStrategy,
    /// The columns that identify a row.
    pub unique_key: Vec<String>,
    /// The column with a row's modification time. Always set for the timestamp strategy.
    pub updated_at: Option<String>,
    /// The policy for deleted rows.
    pub hard_deletes: HardDeletes,
    /// The SQL expression for the end of a row's current version, or `None` for NULL.
    pub valid_to_current: Option<String>,
    /// The names of the added columns.
    pub meta: MetaColumns,
}

/// The strategy for detecting a new version of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotStrategy {
    /// By a later time in a column.
    Timestamp,
    /// By a changed value in one of these columns, or in any column if `None`.
    Check(Option<Vec<String>>),
}

/// The policy for deleted rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HardDeletes {
    /// Nothing happens: the current version stays current.
    #[default]
    Ignore,
    /// The current version ends.
    Invalidate,
    /// The current version ends, and a new one records the deletion.
    NewRecord,
}

impl HardDeletes {
    const ALL: [(&'static str, Self); 3] =
        [("ignore", Self::Ignore), ("invalidate", Self::Invalidate), ("new_record", Self::NewRecord)];

    /// Returns dbt's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// The names of the columns that a snapshot adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaColumns {
    /// The unique id of a version.
    pub scd_id: String,
    /// The time at which the version was created.
    pub updated_at: String,
    /// The start of the version's validity.
    pub valid_from: String,
    /// The end of the version's validity. For the current version NULL, or the value of
    /// `dbt_valid_to_current`.
    pub valid_to: String,
    /// The deletion marker of a version; only for `new_record`.
    pub is_deleted: String,
}

impl MetaColumns {
    /// dbt's names for the columns.
    const NAMES: [&'static str; 5] =
        ["dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_is_deleted"];

    fn read(reader: &mut SettingsReader<'_>) -> Self {
        const KEY: &str = "snapshot_meta_column_names";
        let mut names = Self::NAMES.map(str::to_owned);
        let declared = match reader.settings.get(KEY).map(|setting| &setting.value) {
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(Value::Object(declared)) => declared.clone(),
            Some(_) => {
                let wanted = "a mapping such as {dbt_valid_from: start_date}";
                reader.mistyped(KEY, wanted).unwrap_or_default()
            }
        };
        for (column, name) in &declared {
            let at = Self::NAMES.iter().position(|known| known == column);
            match (at, name) {
                (Some(at), Value::String(name)) => names[at].clone_from(name),
                (Some(_), Value::Null) => {}
                (Some(_), _) => {
                    reader.finding(KEY, format!("`{column}` takes a column's name"), |found| found);
                }
                (None, _) => reader.finding(KEY, format!("a snapshot adds no column `{column}`"), |found| {
                    found.near(column, Self::NAMES).note(format!("it adds {}", Self::NAMES.join(", ")))
                }),
            }
        }
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        if let Some((_, name)) = twice {
            reader.finding(KEY, format!("two columns would be called `{name}`"), |found| found);
        }
        let [scd_id, updated_at, valid_from, valid_to, is_deleted] = names;
        Self { scd_id, updated_at, valid_from, valid_to, is_deleted }
    }
}

impl SnapshotConfig {
    /// Merges all layers, weakest first. Returns the table's configuration, the snapshot's configuration, and
    /// the diagnostics.
    #[must_use]
    pub fn resolve(layers: Vec<Layer>) -> (ModelConfig, Self, Vec<Diagnostic>) {
        let mut merged = merged(layers);
        // A snapshot has no materialization, as in dbt.
        merged.remove("materialized");
        // The names before dbt 1.9. They win, as in dbt.
        for (old, new) in [("target_schema", "schema"), ("target_database", "database")] {
            if let Some(setting) = merged.get(old).cloned() {
                merged.insert(new.to_owned(), setting);
            }
        }
        let mut reader = SettingsReader::new(&merged);
        let config = Self::read(&mut reader);
        let mut findings = reader.findings;
        let (model, more) = ModelConfig::resolve(vec![merged], false);
        findings.extend(more);
        if !model.enabled {
            findings.clear();
        }
        (model, config, findings)
    }

    fn read(reader: &mut SettingsReader<'_>) -> Self {
        let updated_at = reader.text("updated_at");
        let config = Self {
            strategy: strategy(reader),
            unique_key: reader.list("unique_key"),
            updated_at,
            hard_deletes: hard_deletes(reader),
            valid_to_current: reader.text("dbt_valid_to_current"),
            meta: MetaColumns::read(reader),
        };
        if config.unique_key.is_empty() {
            let message = "a snapshot needs a `unique_key`, which identifies its rows".to_owned();
            reader.finding("unique_key", message, |found| {
                found.hint("name a column, or a list of columns, that no two rows share")
            });
        }
        if config.strategy == SnapshotStrategy::Timestamp && config.updated_at.is_none() {
            let message = "the strategy `timestamp` needs `updated_at`: the column of the time at which a row was changed".to_owned();
            reader.finding("strategy", message, |found| {
                found.hint("without such a column, write strategy='check' and check_cols='all'")
            });
        }
        if config.strategy == SnapshotStrategy::Timestamp && reader.settings.contains_key("check_cols") {
            let message = "`check_cols` has no meaning for the strategy `timestamp`".to_owned();
            reader.finding("check_cols", message, |found| found);
        }
        config
    }

    /// Returns whether deleted rows matter.
    #[must_use]
    pub fn sees_deletes(&self) -> bool {
        self.hard_deletes != HardDeletes::Ignore
    }

    /// Returns the settings that affect the table, by name.
    #[must_use]
    pub fn shaping(&self) -> Vec<(String, Value)> {
        let (strategy, check) = match &self.strategy {
            SnapshotStrategy::Timestamp => ("timestamp", Value::Null),
            SnapshotStrategy::Check(None) => ("check", "all".into()),
            SnapshotStrategy::Check(Some(columns)) => ("check", json!(columns)),
        };
        let settings = [
            ("strategy", strategy.into()),
            ("unique_key", json!(self.unique_key)),
            ("updated_at", json!(self.updated_at)),
            ("check_cols", check),
            ("hard_deletes", self.hard_deletes.name().into()),
            ("dbt_valid_to_current", json!(self.valid_to_current)),
        ];
        let set = settings.into_iter().filter(|(_, value)| !value.is_null());
        set.map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn strategy(reader: &mut SettingsReader<'_>) -> SnapshotStrategy {
    let strategy = named(reader, "strategy", &[("timestamp", false), ("check", true)]);
    if strategy.is_none() && !reader.settings.contains_key("strategy") {
        let message = "a snapshot needs a `strategy`, which decides when a row has a new version".to_owned();
        reader.finding("strategy", message, |found| {
            found.hint(
                "`timestamp` compares the column `updated_at`; `check` compares the columns `check_cols`",
            )
        });
    }
    if strategy != Some(true) {
        return if strategy.is_some() { SnapshotStrategy::Timestamp } else { SnapshotStrategy::Check(None) };
    }
    let columns = reader.list("check_cols");
    match &columns[..] {
        [] => {
            let message = "the strategy `check` needs `check_cols`: a list of columns, or 'all'".to_owned();
            reader.finding("strategy", message, |found| found);
            SnapshotStrategy::Check(None)
        }
        [all] if all == "all" => SnapshotStrategy::Check(None),
        _ => SnapshotStrategy::Check(Some(columns)),
    }
}

/// Reads `hard_deletes`, or its name before dbt 1.9.
fn hard_deletes(reader: &mut SettingsReader<'_>) -> HardDeletes {
    const OLD: &str = "invalidate_hard_deletes";
    let old = reader.bool(OLD);
    if old.is_some() && reader.settings.contains_key("hard_deletes") {
        reader.finding(OLD, format!("`{OLD}` and `hard_deletes` can't both be set"), |found| {
            found.hint("`hard_deletes: invalidate` is the same as `invalidate_hard_deletes: true`")
        });
    }
    let usual = if old == Some(true) { HardDeletes::Invalidate } else { HardDeletes::Ignore };
    named(reader, "hard_deletes", &HardDeletes::ALL).unwrap_or(usual)
}
