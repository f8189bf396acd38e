//! The log entry of a write: metadata and protocol changes, removed files, and added files.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deltalake::{
    DeltaTableError,
    kernel::{
        Action, Add, DataType, EagerSnapshot, Metadata, Protocol, Remove, StructField, StructType,
        Transaction,
        engine::arrow_conversion::TryIntoKernel,
        new_metadata,
        scalars::ScalarExt,
        transaction::{CommitBuilder, CommitProperties, TableReference},
    },
    logstore::LogStoreRef,
    protocol::{DeltaOperation, SaveMode},
    table::state::DeltaTableState,
};
use serde_json::{Value, json};

use super::{
    base::path_in,
    commit_info::KEY,
    constraint::Constraints,
    deletion_vector::live_rows,
    error::UnsupportedTable,
    protocol::unwritable,
    provenance::Provenance,
    schema::has_naive_timestamps,
    write::Replaces,
    written_paths::{decoded, written_paths},
};
use crate::engine::arrow::datatypes::Schema;

/// The target definition of a table.
pub(super) struct TableDefinition<'a> {
    pub(super) schema: &'a Schema,
    pub(super) partition_by: &'a [String],
    pub(super) description: Option<&'a str>,
    pub(super) constraints: &'a Constraints,
    /// The application id and transaction version of this commit.
    pub(super) transaction: Option<(&'a str, u64)>,
}

/// Returns the reason if the table has requirements for writers that a write outside of deltalake's
/// operations would violate.
pub(super) fn unsupported(
    base: &EagerSnapshot,
    constraints: &Constraints,
    replaces: &Replaces,
) -> Option<UnsupportedTable> {
    let properties = base.metadata().configuration();
    if let Some(reason) = unwritable(base.protocol(), &base.schema(), properties) {
        return Some(reason);
    }
    if let Some(key) = constraints.foreign(properties) {
        return Some(UnsupportedTable::ForeignConstraint(key));
    }
    let append_only = properties.get("delta.appendOnly").is_some_and(|value| value == "true");
    (append_only && !matches!(replaces, Replaces::Nothing { .. })).then_some(UnsupportedTable::AppendOnly)
}

/// The files that a write removes from a table.
pub(super) struct Replaced {
    pub(super) mode: SaveMode,
    pub(super) files: Vec<Remove>,
    /// Their paths as the log has them.
    pub(super) paths: Vec<String>,
    /// Their number of rows.
    pub(super) rows: u64,
    /// The number of rows in the files that stay.
    pub(super) rows_kept: u64,
}

/// Returns the files of `base` that the new files replace. `base` is `None` if there is no table yet.
pub(super) fn replaced(
    base: Option<&EagerSnapshot>,
    replaces: &Replaces,
    new: &[Add],
) -> Result<Replaced, DeltaTableError> {
    let mode = match replaces {
        Replaces::Nothing { .. } => SaveMode::Append,
        _ => SaveMode::Overwrite,
    };
    let mut out = Replaced { mode, files: Vec::new(), paths: Vec::new(), rows: 0, rows_kept: 0 };
    let Some(base) = base else { return Ok(out) };
    let root = base.table_configuration().table_root().to_string();
    let files: BTreeSet<String> = match replaces {
        Replaces::Files { files, .. } => files.iter().map(|file| path_in(&root, file)).collect(),
        _ => BTreeSet::new(),
    };
    let partitions: BTreeSet<_> = match replaces {
        Replaces::Partitions { .. } => {
            new.iter().map(|file| partition(&file.partition_values, base)).collect::<BTreeSet<_>>()
        }
        _ => BTreeSet::new(),
    };
    let mut found = 0;
    let written = written_paths(base)?;
    for (at, file) in base.try_log_data()?.iter().enumerate() {
        let goes = match replaces {
            Replaces::Everything => true,
            Replaces::Nothing { .. } => false,
            Replaces::Files { .. } => files.contains(&*file.path()),
            Replaces::Partitions { .. } => {
                partitions.contains(&partition(&file.partition_values_map(), base))
            }
        };
        let rows = live_rows(&file).unwrap_or_default();
        if goes {
            found += 1;
            out.rows += rows;
            let path = written.get(at).filter(|written| decoded(written) == *file.path());
            let unknown = || DeltaTableError::generic("the paths of files can't be told");
            out.paths.push(path.ok_or_else(unknown)?.clone());
            out.files.push(file.remove_action(true));
        } else {
            out.rows_kept += rows;
        }
    }
    if found < files.len() {
        return Err(DeltaTableError::generic("a file that is to be replaced is not in the table"));
    }
    Ok(out)
}

/// Normalises a file's partition values, since writers format them differently: `1.5` or `1.50`, with or
/// without a `T` before the time.
fn partition(
    values: &HashMap<String, Option<String>>,
    base: &EagerSnapshot,
) -> BTreeMap<String, Option<String>> {
    let schema = base.schema();
    let one_form = |(column, value): (&String, &Option<String>)| {
        let data_type = schema.field(column).map(StructField::data_type);
        let typed = match (value, data_type) {
            // In Delta, an empty string is NULL.
            (Some(text), _) if text.is_empty() => None,
            (Some(text), Some(DataType::Primitive(primitive))) => {
                let parsed = primitive.parse_scalar(text).map(|scalar| scalar.serialize());
                Some(parsed.unwrap_or_else(|_| text.clone()))
            }
            (value, _) => value.clone(),
        };
        (column.clone(), typed)
    };
    values.iter().map(one_form).collect()
}

/// Commits `new` in place of `old` on top of `base`, and never rebases onto another writer's commit: a write
/// that didn't see that commit's rows would delete or duplicate them.
pub(super) async fn commit(
    base: Option<&EagerSnapshot>,
    log_store: LogStoreRef,
    definition: &TableDefinition<'_>,
    old: Replaced,
    new: Vec<Add>,
    provenance: &Provenance,
) -> Result<(u64, DeltaTableState), DeltaTableError> {
    let mut actions = Vec::new();
    actions.extend(protocol(base, definition)?.map(Action::Protocol));
    actions.extend(metadata(base, definition)?.map(Action::Metadata));
    actions.extend(old.files.into_iter().map(Action::Remove));
    actions.extend(new.into_iter().map(Action::Add));
    let partition_by = (!definition.partition_by.is_empty()).then(|| definition.partition_by.to_vec());
    let operation = DeltaOperation::Write { mode: old.mode, partition_by, predicate: None };
    let transactions =
        definition.transaction.map(|(app, number)| Transaction::new(app, number.cast_signed()));
    let properties = CommitProperties::default()
        .with_application_transactions(transactions.into_iter().collect())
        .with_metadata([(KEY.to_owned(), serde_json::to_value(provenance)?)])
        .with_max_retries(0)
        .with_create_checkpoint(false)
        .with_cleanup_expired_logs(Some(false));
    let commit = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(base.map(|base| base as &dyn TableReference), log_store, operation)
        .await?;
    Ok((commit.version(), commit.snapshot()))
}

/// Returns the table's new metadata, or `None` if it doesn't change.
fn metadata(
    base: Option<&EagerSnapshot>,
    definition: &TableDefinition<'_>,
) -> Result<Option<Metadata>, DeltaTableError> {
    let schema = definition.constraints.bind(definition.schema);
    let kernel: StructType = (&schema).try_into_kernel()?;
    let properties = match base {
        Some(base) => definition.constraints.properties(base.metadata().configuration()),
        None => definition.constraints.properties(&HashMap::new()),
    };
    let fresh = new_metadata(&kernel, definition.partition_by, properties.clone())?;
    let Some(base) = base else { return with_description(&fresh, definition).map(Some) };
    let old = base.metadata();
    if base.arrow_schema().fields() == schema.fields()
        && old.partition_columns() == definition.partition_by
        && old.description() == definition.description
        && *old.configuration() == properties
    {
        return Ok(None);
    }
    // Keep the old identity and settings, with the new columns.
    let mut value = serde_json::to_value(old)?;
    let columns = serde_json::to_value(&fresh)?;
    for key in ["schemaString", "partitionColumns", "configuration"] {
        value[key] = columns[key].clone();
    }
    with_description(&serde_json::from_value(value)?, definition).map(Some)
}

fn with_description(
    metadata: &Metadata,
    definition: &TableDefinition<'_>,
) -> Result<Metadata, DeltaTableError> {
    let mut value = serde_json::to_value(metadata)?;
    value["description"] = json!(definition.description);
    Ok(serde_json::from_value(value)?)
}

/// Returns the new protocol requirements, or `None` if they don't change. Only timestamps without a time zone
/// need a reader feature that not every reader has; check constraints need a writer feature.
fn protocol(
    base: Option<&EagerSnapshot>,
    definition: &TableDefinition<'_>,
) -> Result<Option<Protocol>, DeltaTableError> {
    let naive = has_naive_timestamps(definition.schema.fields());
    let checks = !definition.constraints.checks.is_empty();
    let old = match base {
        Some(base) => serde_json::to_value(base.protocol())?,
        None => json!({ "minReaderVersion": 1, "minWriterVersion": 2 }),
    };
    let names = |key: &str| -> BTreeSet<String> {
        let listed = old[key].as_array().into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (mut readers, mut writers) = (names("readerFeatures"), names("writerFeatures"));
    let version = old["minWriterVersion"].as_u64().unwrap_or_default();
    // A numbered version implies features, which must be listed once any feature is.
    if base.is_some() && version < NAMED {
        let implied = LEGACY.iter().filter(|(since, _)| *since <= version);
        writers.extend(implied.map(|(_, feature)| (*feature).to_owned()));
    }
    let known = (!naive || readers.contains(NAIVE)) && (!checks || writers.contains(CHECKS));
    if known {
        return if base.is_some() { Ok(None) } else { Ok(Some(serde_json::from_value(old)?)) };
    }
    if version < NAMED && !naive {
        let raised =
            json!({ "minReaderVersion": old["minReaderVersion"], "minWriterVersion": version.max(3) });
        return Ok(Some(serde_json::from_value(raised)?));
    }
    if naive {
        readers.insert(NAIVE.to_owned());
        writers.insert(NAIVE.to_owned());
    }
    if checks {
        writers.insert(CHECKS.to_owned());
    }
    let reader = if readers.is_empty() { old["minReaderVersion"].clone() } else { json!(3) };
    let mut value =
        json!({ "minReaderVersion": reader, "minWriterVersion": NAMED, "writerFeatures": writers });
    if reader == 3 {
        value["readerFeatures"] = json!(readers);
    }
    Ok(Some(serde_json::from_value(value)?))
}

/// The table feature of timestamps without a time zone.
const NAIVE: &str = "timestampNtz";
/// The table feature of check constraints.
const CHECKS: &str = "checkConstraints";
/// The writer version with named features.
const NAMED: u64 = 7;

/// The first writer version that implies each feature.
const LEGACY: &[(u64, &str)] = &[
    (2, "appendOnly"),
    (2, "invariants"),
    (3, "checkConstraints"),
    (4, "changeDataFeed"),
    (4, "generatedColumns"),
    (5, "columnMapping"),
    (6, "identityColumns"),
];
