//! How an incremental model takes new rows in. The settings are dbt's; `merge_delete_condition`, `on_sql_change` and
//! `on_schema_change: full_refresh` are ours.

use serde_json::{Value, json};

use super::{
    Reader,
    microbatch::{self, FOLLOW, Follow, Microbatch},
};

/// The settings of an incremental model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// How rows that are there already give way to new ones.
    pub strategy: Strategy,
    /// The columns that tell which row is which.
    pub unique_key: Vec<String>,
    /// The columns that a merge changes of a row that is there.
    pub updates: Updates,
    /// Conditions under which a row that is there counts, over `DBT_INTERNAL_DEST` and `DBT_INTERNAL_SOURCE`.
    pub predicates: Vec<String>,
    /// Which new rows delete what they match instead of changing it, over the same two.
    pub delete_condition: Option<String>,
    /// What is done if the model has other columns than its table.
    pub on_schema_change: OnSchemaChange,
    /// What is done when the SQL, or a setting that shapes rows, changed.
    pub on_sql_change: Follow,
    /// What is done about files that change or go after they were loaded, if it loads files.
    pub files: FilePolicy,
    /// How its batches are made, if it is built batch by batch.
    pub batches: Option<Microbatch>,
    /// Whether it is always built from nothing (`true`), or never, whatever the command says (`false`).
    pub full_refresh: Option<bool>,
}

/// How rows that are there already give way to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// They don't: new rows come beside them.
    Append,
    /// A row is changed by the new one of the same key.
    Merge,
    /// All rows of a key go when new ones of that key come.
    DeleteInsert,
    /// All rows of a partition go when new ones of that partition come.
    InsertOverwrite,
    /// Each file of a source is loaded once; if it changes, its rows take the place of those it had.
    ByFile,
    /// All rows of a stretch of time go when that is built again.
    Microbatch,
}

impl Strategy {
    const ALL: [Self; 6] = [
        Self::Append,
        Self::Merge,
        Self::DeleteInsert,
        Self::InsertOverwrite,
        Self::ByFile,
        Self::Microbatch,
    ];

    /// dbt's word for it; ours, for files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Merge => "merge",
            Self::DeleteInsert => "delete+insert",
            Self::InsertOverwrite => "insert_overwrite",
            Self::ByFile => "by_file",
            Self::Microbatch => "microbatch",
        }
    }
}

/// What is done about files that are no longer as they were loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilePolicy {
    /// If a file changed.
    pub on_change: OnChange,
    /// If a file is gone.
    pub on_delete: OnDelete,
}

/// What is done about a file that changed after it was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnChange {
    /// It is loaded again, in the place of its rows.
    #[default]
    Reload,
    /// Its rows stay as they are.
    Ignore,
    /// Nothing is built.
    Fail,
}

/// What is done about the rows of a file that is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// They stay.
    #[default]
    Keep,
    /// They go.
    Remove,
}

const ON_CHANGE: [(&str, OnChange); 3] =
    [("reload", OnChange::Reload), ("ignore", OnChange::Ignore), ("fail", OnChange::Fail)];
const ON_DELETE: [(&str, OnDelete); 2] = [("keep", OnDelete::Keep), ("remove", OnDelete::Remove)];

/// The columns that a merge changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updates {
    /// All of them.
    All,
    /// These.
    Only(Vec<String>),
    /// All but these.
    Except(Vec<String>),
}

/// What is done if a model's columns are no longer its table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSchemaChange {
    /// New columns are left out of the table.
    Ignore,
    /// Nothing is built.
    Fail,
    /// New columns are added; those that are gone stay, without values in new rows.
    AppendNewColumns,
    /// New columns are added, and those that are gone go.
    SyncAllColumns,
    /// The table is built from nothing.
    FullRefresh,
}

impl OnSchemaChange {
    const ALL: [Self; 5] =
        [Self::Ignore, Self::Fail, Self::AppendNewColumns, Self::SyncAllColumns, Self::FullRefresh];

    /// dbt's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Fail => "fail",
            Self::AppendNewColumns => "append_new_columns",
            Self::SyncAllColumns => "sync_all_columns",
            Self::FullRefresh => "full_refresh",
        }
    }
}

/// Whether the settings promise columns.
fn enforces_contract(reader: &Reader<'_>) -> bool {
    let contract = reader.settings.get("contract").and_then(|setting| setting.value.get("enforced"));
    contract == Some(&Value::Bool(true))
}

impl Incremental {
    /// The settings as they were made; without a strategy it is `merge` if there is a key, `by_file` if all that is read
    /// is files, else `append`.
    pub(super) fn read(reader: &mut Reader<'_>, reads_files: bool) -> Self {
        let unique_key = reader.list("unique_key");
        let usual = match (unique_key.is_empty(), reads_files) {
            (false, _) => Strategy::Merge,
            (true, true) => Strategy::ByFile,
            (true, false) => Strategy::Append,
        };
        let strategy = named(reader, "incremental_strategy", &Strategy::ALL.map(|it| (it.name(), it)));
        let schema = named(reader, "on_schema_change", &OnSchemaChange::ALL.map(|it| (it.name(), it)));
        let has_contract = enforces_contract(reader);
        if let Some(policy @ (OnSchemaChange::Ignore | OnSchemaChange::SyncAllColumns)) = schema
            && has_contract
        {
            let message = format!(
                "a model with an enforced contract can't have `on_schema_change: {}`: its table would lack columns that the contract promises, or lose some",
                policy.name()
            );
            reader.finding("on_schema_change", message, |found| {
                found.hint("set it to fail (the default of such models) or append_new_columns")
            });
        }
        let (only, except) = (reader.list("merge_update_columns"), reader.list("merge_exclude_columns"));
        let updates = match (only.is_empty(), except.is_empty()) {
            (true, true) => Updates::All,
            (false, true) => Updates::Only(only),
            (true, false) => Updates::Except(except),
            (false, false) => {
                let message =
                    "`merge_update_columns` and `merge_exclude_columns` can't both be set".to_owned();
                reader.finding("merge_exclude_columns", message, |found| found);
                Updates::All
            }
        };
        let strategy = strategy.unwrap_or(usual);
        let is_by_time = strategy == Strategy::Microbatch;
        let incremental = Self {
            batches: if is_by_time { Microbatch::read(reader) } else { None },
            strategy,
            unique_key,
            updates,
            predicates: reader.list("incremental_predicates"),
            delete_condition: reader.text("merge_delete_condition"),
            on_schema_change: schema.unwrap_or(if has_contract {
                OnSchemaChange::Fail
            } else {
                OnSchemaChange::Ignore
            }),
            on_sql_change: named(reader, "on_sql_change", &FOLLOW).unwrap_or_default(),
            files: FilePolicy {
                on_change: named(reader, "on_change", &ON_CHANGE).unwrap_or_default(),
                on_delete: named(reader, "on_delete", &ON_DELETE).unwrap_or_default(),
            },
            full_refresh: reader.bool("full_refresh"),
        };
        incremental.check(reader);
        incremental
    }

    /// Settings that need others.
    fn check(&self, reader: &mut Reader<'_>) {
        let strategy = self.strategy;
        let by_key = matches!(strategy, Strategy::Merge | Strategy::DeleteInsert);
        if by_key && self.unique_key.is_empty() {
            let message =
                format!("the strategy `{}` needs a `unique_key`: which row is which?", strategy.name());
            reader.finding("incremental_strategy", message, |found| found);
        }
        let has_partitions = reader.settings.contains_key("partition_by");
        if strategy == Strategy::InsertOverwrite && !has_partitions {
            let message =
                "the strategy `insert_overwrite` needs `partition_by`: it replaces whole partitions"
                    .to_owned();
            reader.finding("incremental_strategy", message, |found| {
                found.hint("to replace the whole table each time, write materialized='table'")
            });
        }
        let merges = ["merge_update_columns", "merge_exclude_columns", "merge_delete_condition"];
        let keyed = merges.into_iter().map(|key| (key, strategy == Strategy::Merge));
        let by_file = ["on_change", "on_delete"].map(|key| (key, strategy == Strategy::ByFile));
        let by_time = microbatch::KEYS.map(|key| (key, strategy == Strategy::Microbatch));
        let known = keyed.chain([("incremental_predicates", by_key)]).chain(by_file).chain(by_time);
        for (key, fits) in known {
            if !fits && reader.settings.get(key).is_some_and(|setting| !setting.value.is_null()) {
                let message = format!("`{key}` has no meaning for the strategy `{}`", strategy.name());
                reader.finding(key, message, |found| found);
            }
        }
    }

    /// The settings that shape the table, by their names.
    pub(in crate::manifest) fn shaping(&self) -> Vec<(&'static str, Value)> {
        let updates = match &self.updates {
            Updates::All => Value::Null,
            Updates::Only(columns) => json!({ "only": columns }),
            Updates::Except(columns) => json!({ "except": columns }),
        };
        let settings = [
            ("incremental_strategy", self.strategy.name().into()),
            ("unique_key", json!(self.unique_key)),
            ("merge_update_columns", updates),
            ("incremental_predicates", json!(self.predicates)),
            ("merge_delete_condition", json!(self.delete_condition)),
        ];
        let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
        let batches = self.batches.iter().flat_map(Microbatch::shaping);
        settings.into_iter().chain(batches).filter(|(_, value)| is_set(value)).collect()
    }
}

/// The thing that a setting names.
pub(super) fn named<T: Copy>(reader: &mut Reader<'_>, key: &str, things: &[(&'static str, T)]) -> Option<T> {
    let text = reader.text(key)?.to_lowercase();
    if let Some((_, thing)) = things.iter().find(|(name, _)| *name == text) {
        return Some(*thing);
    }
    let names: Vec<&str> = things.iter().map(|(name, _)| *name).collect();
    let message = format!("`{key}` is one of {}, not `{text}`", names.join(", "));
    reader.finding(key, message, |found| found.near(&text, names.iter().copied()));
    None
}
