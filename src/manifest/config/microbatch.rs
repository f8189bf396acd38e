//! Microbatch models, built one batch window at a time. The settings are dbt's; `on_lookup_change` is ours.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::reader::{SettingsReader, named};
use crate::interval::{BatchSize, instant};

/// The settings of the `microbatch` strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Microbatch {
    /// The model's event-time column, which assigns each row to a batch.
    pub event_time: String,
    /// The length of a batch.
    pub batch_size: BatchSize,
    /// The start of the first batch, or any time within it.
    pub begin: DateTime<Utc>,
    /// The number of batches before the newest that are rebuilt when the changed ones are unknown.
    pub lookback: u32,
    /// True if batches may run concurrently. `None` means yes.
    pub concurrent: Option<bool>,
    /// The policy for a change of an input without `event_time`, which every batch reads completely.
    pub on_lookup_change: Follow,
}

/// The policy for existing rows when the inputs or SQL behind all of them change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follow {
    /// Existing rows stay unchanged, and new ones use the new state.
    #[default]
    Ignore,
    /// All rows are rebuilt by a full refresh.
    FullRefresh,
}

pub(super) const FOLLOW: [(&str, Follow); 2] =
    [("ignore", Follow::Ignore), ("full_refresh", Follow::FullRefresh)];

/// The settings that only this strategy has.
pub(super) const KEYS: [&str; 5] =
    ["batch_size", "begin", "lookback", "concurrent_batches", "on_lookup_change"];

impl Microbatch {
    /// Reads the settings. Reports a required one that is missing or invalid, and returns `None`.
    pub(super) fn read(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let event_time = needed(reader, "event_time", "the column with the time of a row's event");
        let size = needed(reader, "batch_size", "one of hour, day, month, year");
        let size =
            size.and_then(|_| named(reader, "batch_size", &BatchSize::ALL.map(|size| (size.name(), size))));
        let begin = needed(reader, "begin", "the time of the first batch, such as 2021-01-01");
        let begin = begin.and_then(|text| match instant(&text) {
            Ok(begin) => Some(begin),
            Err(wrong) => {
                reader.finding("begin", format!("`begin`: {wrong}"), |found| found);
                None
            }
        });
        let lookback = match reader.settings.get("lookback").map(|setting| &setting.value) {
            None | Some(Value::Null) => Some(1),
            Some(value) => value
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .or_else(|| reader.mistyped("lookback", "a number of batches")),
        };
        let concurrent = reader.bool("concurrent_batches");
        let on_lookup_change = named(reader, "on_lookup_change", &FOLLOW).unwrap_or_default();
        Some(Self {
            event_time: event_time?,
            batch_size: size?,
            begin: begin?,
            lookback: lookback?,
            concurrent,
            on_lookup_change,
        })
    }

    /// Returns the settings that affect the table, by name.
    pub(super) fn shaping(&self) -> Vec<(&'static str, Value)> {
        vec![("event_time", json!(self.event_time)), ("batch_size", self.batch_size.name().into())]
    }
}

fn needed(reader: &mut SettingsReader<'_>, key: &str, what: &str) -> Option<String> {
    let set = reader.settings.get(key).is_some_and(|setting| !setting.value.is_null());
    if !set {
        let message = format!("the strategy `microbatch` needs `{key}`: {what}");
        reader.finding("incremental_strategy", message, |found| found);
        return None;
    }
    reader.text(key)
}
