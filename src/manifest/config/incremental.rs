//! Incremental models: how they merge new rows. The settings are dbt's, except for `merge_delete_condition`,
//! `on_sql_change` and `on_schema_change: full_refresh`, which are ours.

use serde_json::{Value, json};

use super::{
    microbatch::{self, FOLLOW, Follow, Microbatch},
    reader::{SettingsReader, named},
};

/// The settings of an incremental model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// The strategy for combining new rows with existing ones.
    pub strategy: IncrementalStrategy,
    /// The columns that identify a row.
    pub unique_key: Vec<String>,
    /// The columns of an existing row that a merge updates.
    pub updates: Updates,
    /// Conditions that limit the existing rows to consider, over `DBT_INTERNAL_DEST` and
    /// `DBT_INTERNAL_SOURCE`.
    pub predicates: Vec<String>,
    /// The condition under which a new row deletes its match instead of updating it, over the same two
    /// aliases.
    pub delete_condition: Option<String>,
    /// The policy if the model's columns differ from the table's.
    pub on_schema_change: OnSchemaChange,
    /// The policy if the SQL, or a setting that affects rows, has changed.
    pub on_sql_change: Follow,
    /// The policy for files that change or disappear after they were loaded, if the model loads files.
    pub files: FilePolicy,
    /// True to always do a full refresh; false to never do one, whatever the command says.
    pub full_refresh: Option<bool>,
}

/// The strategy for combining new rows with existing ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncrementalStrategy {
    /// New rows are added, and nothing is replaced.
    Append,
    /// A new row updates the existing row with the same key.
    Merge,
    /// New rows replace all existing rows with the same keys.
    DeleteInsert,
    /// New rows replace all existing rows of the same partitions.
    InsertOverwrite,
    /// Each file of a source is loaded once. If it changes, its new rows replace its old ones.
    ByFile,
    /// The rows of a batch window replace all existing rows of that window.
    Microbatch(Microbatch),
}

impl IncrementalStrategy {
    /// Returns dbt's name; for files, ours.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    fn kind(&self) -> StrategyName {
        match self {
            Self::Append => StrategyName::Append,
            Self::Merge => StrategyName::Merge,
            Self::DeleteInsert => StrategyName::DeleteInsert,
            Self::InsertOverwrite => StrategyName::InsertOverwrite,
            Self::ByFile => StrategyName::ByFile,
            Self::Microbatch(_) => StrategyName::Microbatch,
        }
    }
}

/// The value of `incremental_strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StrategyName {
    Append,
    Merge,
    DeleteInsert,
    InsertOverwrite,
    ByFile,
    Microbatch,
}

impl StrategyName {
    const ALL: [Self; 6] = [
        Self::Append,
        Self::Merge,
        Self::DeleteInsert,
        Self::InsertOverwrite,
        Self::ByFile,
        Self::Microbatch,
    ];

    fn name(self) -> &'static str {
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

/// The policy for files that change or disappear after they were loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilePolicy {
    /// The policy for a changed file.
    pub on_change: OnChange,
    /// The policy for a deleted file.
    pub on_delete: OnDelete,
}

/// The policy for a file that changed after it was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnChange {
    /// It is loaded again, and its new rows replace its old ones.
    #[default]
    Reload,
    /// Its rows stay unchanged.
    Ignore,
    /// The build fails.
    Fail,
}

/// The policy for the rows of a deleted file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The rows are kept.
    #[default]
    Keep,
    /// The rows are deleted.
    Remove,
}

const ON_CHANGE: [(&str, OnChange); 3] =
    [("reload", OnChange::Reload), ("ignore", OnChange::Ignore), ("fail", OnChange::Fail)];
const ON_DELETE: [(&str, OnDelete); 2] = [("keep", OnDelete::Keep), ("remove", OnDelete::Remove)];

/// The columns that a merge updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updates {
    /// All columns.
    All,
    /// Only these columns.
    Only(Vec<String>),
    /// All columns except these.
    Except(Vec<String>),
}

/// The policy if a model's columns differ from its table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSchemaChange {
    /// New columns aren't added to the table.
    Ignore,
    /// The build fails.
    Fail,
    /// New columns are added. Dropped ones stay, and are NULL in new rows.
    AppendNewColumns,
    /// New columns are added, and dropped ones are removed.
    SyncAllColumns,
    /// The table is rebuilt by a full refresh.
    FullRefresh,
}

impl OnSchemaChange {
    const ALL: [Self; 5] =
        [Self::Ignore, Self::Fail, Self::AppendNewColumns, Self::SyncAllColumns, Self::FullRefresh];

    /// Returns dbt's name.
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

/// Returns whether the settings enforce a contract.
fn enforces_contract(reader: &SettingsReader<'_>) -> bool {
    let contract = reader.settings.get("contract").and_then(|setting| setting.value.get("enforced"));
    contract == Some(&Value::Bool(true))
}

impl Incremental {
    /// Reads the settings. The default strategy is `merge` if there is a key, `by_file` if the model reads
    /// only files, and `append` otherwise. Reports invalid settings; returns `None` if the strategy lacks
    /// required ones.
    pub(super) fn read(reader: &mut SettingsReader<'_>, reads_files: bool) -> Option<Self> {
        let unique_key = reader.list("unique_key");
        let usual = match (unique_key.is_empty(), reads_files) {
            (false, _) => StrategyName::Merge,
            (true, true) => StrategyName::ByFile,
            (true, false) => StrategyName::Append,
        };
        let strategy = named(reader, "incremental_strategy", &StrategyName::ALL.map(|it| (it.name(), it)));
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
        let kind = strategy.unwrap_or(usual);
        let microbatch = (kind == StrategyName::Microbatch).then(|| Microbatch::read(reader));
        let predicates = reader.list("incremental_predicates");
        let delete_condition = reader.text("merge_delete_condition");
        let on_sql_change = named(reader, "on_sql_change", &FOLLOW).unwrap_or_default();
        let files = FilePolicy {
            on_change: named(reader, "on_change", &ON_CHANGE).unwrap_or_default(),
            on_delete: named(reader, "on_delete", &ON_DELETE).unwrap_or_default(),
        };
        let full_refresh = reader.bool("full_refresh");
        check_strategy(kind, unique_key.is_empty(), reader);
        let usual = if has_contract { OnSchemaChange::Fail } else { OnSchemaChange::Ignore };
        Some(Self {
            strategy: match (kind, microbatch.flatten()) {
                (StrategyName::Append, _) => IncrementalStrategy::Append,
                (StrategyName::Merge, _) => IncrementalStrategy::Merge,
                (StrategyName::DeleteInsert, _) => IncrementalStrategy::DeleteInsert,
                (StrategyName::InsertOverwrite, _) => IncrementalStrategy::InsertOverwrite,
                (StrategyName::ByFile, _) => IncrementalStrategy::ByFile,
                (StrategyName::Microbatch, settings) => IncrementalStrategy::Microbatch(settings?),
            },
            unique_key,
            updates,
            predicates,
            delete_condition,
            on_schema_change: schema.unwrap_or(usual),
            on_sql_change,
            files,
            full_refresh,
        })
    }

    /// Returns the settings that affect the table, by name.
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
        let batches = match &self.strategy {
            IncrementalStrategy::Microbatch(settings) => settings.shaping(),
            _ => Vec::new(),
        };
        settings.into_iter().chain(batches).filter(|(_, value)| is_set(value)).collect()
    }
}

/// Reports settings that lack others they need, or that the strategy doesn't have.
fn check_strategy(strategy: StrategyName, has_no_key: bool, reader: &mut SettingsReader<'_>) {
    let by_key = matches!(strategy, StrategyName::Merge | StrategyName::DeleteInsert);
    if by_key && has_no_key {
        let message =
            format!("the strategy `{}` needs a `unique_key`, which identifies its rows", strategy.name());
        reader.finding("incremental_strategy", message, |found| found);
    }
    let has_partitions = reader.settings.contains_key("partition_by");
    if strategy == StrategyName::InsertOverwrite && !has_partitions {
        let message =
            "the strategy `insert_overwrite` needs `partition_by`: it replaces whole partitions".to_owned();
        reader.finding("incremental_strategy", message, |found| {
            found.hint("to replace the whole table each time, write materialized='table'")
        });
    }
    let merges = ["merge_update_columns", "merge_exclude_columns", "merge_delete_condition"];
    let keyed = merges.into_iter().map(|key| (key, strategy == StrategyName::Merge));
    let by_file = ["on_change", "on_delete"].map(|key| (key, strategy == StrategyName::ByFile));
    let by_time = microbatch::KEYS.map(|key| (key, strategy == StrategyName::Microbatch));
    let known = keyed.chain([("incremental_predicates", by_key)]).chain(by_file).chain(by_time);
    for (key, fits) in known {
        if !fits && reader.settings.get(key).is_some_and(|setting| !setting.value.is_null()) {
            let message = format!("`{key}` has no meaning for the strategy `{}`", strategy.name());
            reader.finding(key, message, |found| found);
        }
    }
}
