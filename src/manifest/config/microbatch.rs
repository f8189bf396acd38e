//! How a model is built batch by batch of time. The settings are dbt's; `on_lookup_change` is ours.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Reader, incremental::named};
use crate::interval::{BatchSize, instant};

/// The settings of the strategy `microbatch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Microbatch {
    /// The column of the model that tells which batch a row belongs to.
    pub event_time: String,
    /// How long a batch is.
    pub batch_size: BatchSize,
    /// The first batch is the one in which this lies.
    pub begin: DateTime<Utc>,
    /// How many batches before the newest are built again when it can't be told which ones changed.
    pub lookback: u32,
    /// Whether batches may run side by side; without it they do.
    pub concurrent: Option<bool>,
    /// What is done when an input without `event_time`, which every batch reads whole, changed.
    pub on_lookup_change: Follow,
}

/// What is done about rows that are there already when what they were all made with changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follow {
    /// They stay as they are; those to come are made with what is there now.
    #[default]
    Ignore,
    /// All are made anew.
    FullRefresh,
}

pub(super) const FOLLOW: [(&str, Follow); 2] =
    [("ignore", Follow::Ignore), ("full_refresh", Follow::FullRefresh)];

/// The settings that mean something for this strategy alone.
pub(super) const KEYS: [&str; 5] =
    ["batch_size", "begin", "lookback", "concurrent_batches", "on_lookup_change"];

impl Microbatch {
    /// The settings as they were made; none if one that is needed is missing or wrong, which is said.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let event_time = needed(reader, "event_time", "the column that tells when a row's event was");
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

    /// The settings that shape the table, by their names.
    pub(super) fn shaping(&self) -> Vec<(&'static str, Value)> {
        vec![("event_time", json!(self.event_time)), ("batch_size", self.batch_size.name().into())]
    }
}

fn needed(reader: &mut Reader<'_>, key: &str, what: &str) -> Option<String> {
    let set = reader.settings.get(key).is_some_and(|setting| !setting.value.is_null());
    if !set {
        let message = format!("the strategy `microbatch` needs `{key}`: {what}");
        reader.finding("incremental_strategy", message, |found| found);
        return None;
    }
    reader.text(key)
}
