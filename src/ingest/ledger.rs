//! Ingestion ledger: the state of each file that was loaded into a table, itself a queryable table.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    engine::arrow::{
        array::{
            Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
            new_null_array,
        },
        compute::cast,
        datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType},
        error::ArrowError,
    },
    source::Deviation,
};

/// A file's state, for change detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// The size in bytes.
    pub size: u64,
    /// The time of the last modification, in microseconds since 1970.
    pub modified: i64,
    /// The object store's `ETag`, if it has one.
    pub etag: Option<String>,
}

/// The status of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStatus {
    /// Its rows are in the table.
    Loaded,
    /// It couldn't be read.
    SetAside,
    /// It changed after it was loaded, and the table has its old rows.
    Changed,
    /// It was deleted, and the table still has its rows.
    Vanished,
    /// It was deleted, and so were its rows.
    Removed,
}

impl FileStatus {
    const ALL: [Self; 5] = [Self::Loaded, Self::SetAside, Self::Changed, Self::Vanished, Self::Removed];

    /// Returns the name, as in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::SetAside => "set aside",
            Self::Changed => "changed",
            Self::Vanished => "vanished",
            Self::Removed => "removed",
        }
    }
}

/// The ledger's entry for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The state when it was loaded.
    pub state: FileState,
    pub status: FileStatus,
    /// The number of its rows in the table.
    pub rows: u64,
    /// The number of its rejected rows.
    pub rejected_rows: u64,
    /// A digest of all its rejects, or `None` if unknown.
    pub rejected_digest: Option<u64>,
    /// The reason, if the whole file was rejected.
    pub reason: Option<String>,
    /// The deviation of its columns from the declared ones.
    pub drift: Deviation,
    /// The number of the batch that loaded it.
    pub batch: u64,
    /// The time of loading, in microseconds since 1970.
    pub loaded_at: i64,
    /// The run that loaded it.
    pub run_id: String,
}

/// The entries of a table's files, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    pub files: BTreeMap<String, LedgerEntry>,
}

impl Ledger {
    /// Returns the number of the newest batch in the ledger.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.files.values().map(|entry| entry.batch).max().unwrap_or_default()
    }

    /// Returns the table's schema.
    #[must_use]
    pub fn schema() -> SchemaRef {
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        let columns = [
            ("file", DataType::Utf8),
            ("status", DataType::Utf8),
            ("rows", DataType::Int64),
            ("rejected_rows", DataType::Int64),
            ("reason", DataType::Utf8),
            ("drift", DataType::Utf8),
            ("size", DataType::Int64),
            ("modified_at", time()),
            ("etag", DataType::Utf8),
            ("batch", DataType::Int64),
            ("loaded_at", time()),
            ("run_id", DataType::Utf8),
            ("rejected_digest", DataType::Int64),
        ];
        let fields = columns.into_iter().map(|(name, kind)| Field::new(name, kind, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Converts to rows.
    ///
    /// # Errors
    /// Never, unless a number exceeds its column's range.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let text = |of: &dyn Fn(&LedgerEntry) -> Option<String>| -> ArrayRef {
            Arc::new(self.files.values().map(of).collect::<StringArray>())
        };
        let number = |of: &dyn Fn(&LedgerEntry) -> u64| -> ArrayRef {
            Arc::new(self.files.values().map(|entry| Some(of(entry).cast_signed())).collect::<Int64Array>())
        };
        let time = |of: &dyn Fn(&LedgerEntry) -> i64| -> ArrayRef {
            let times: TimestampMicrosecondArray = self.files.values().map(|entry| Some(of(entry))).collect();
            Arc::new(times.with_timezone("UTC"))
        };
        let names: StringArray = self.files.keys().map(Some).collect();
        let digests: Int64Array =
            self.files.values().map(|entry| entry.rejected_digest.map(u64::cast_signed)).collect();
        let columns = vec![
            Arc::new(names) as ArrayRef,
            text(&|entry| Some(entry.status.name().to_owned())),
            number(&|entry| entry.rows),
            number(&|entry| entry.rejected_rows),
            text(&|entry| entry.reason.clone()),
            text(&|entry| drift(&entry.drift)),
            number(&|entry| entry.state.size),
            time(&|entry| entry.state.modified),
            text(&|entry| entry.state.etag.clone()),
            number(&|entry| entry.batch),
            time(&|entry| entry.loaded_at),
            text(&|entry| Some(entry.run_id.clone())),
            Arc::new(digests),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }

    /// Converts from rows.
    ///
    /// # Errors
    /// If the rows aren't from a ledger.
    pub fn of_batch(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let schema = Self::schema();
        let columns = schema.fields().iter().map(|field| {
            match batch.column_by_name(field.name()) {
                Some(column) => cast(column, field.data_type()),
                // Ledgers from earlier versions lack this column.
                None if matches!(field.name().as_str(), "drift" | "rejected_digest") => {
                    Ok(new_null_array(field.data_type(), batch.num_rows()))
                }
                None => Err(ArrowError::SchemaError(format!("the ledger has no column {}", field.name()))),
            }
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let text = |at: usize, row: usize| {
            let texts = columns[at].as_string::<i32>();
            (!texts.is_null(row)).then(|| texts.value(row).to_owned())
        };
        let number =
            |at: usize, row: usize| columns[at].as_primitive::<Int64Type>().value(row).cast_unsigned();
        let time = |at: usize, row: usize| columns[at].as_primitive::<TimestampMicrosecondType>().value(row);
        let mut files = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let status = text(1, row).unwrap_or_default();
            let status = FileStatus::ALL.into_iter().find(|known| known.name() == status);
            let status = status.ok_or_else(|| {
                ArrowError::SchemaError("the ledger has a status that this version does not know".into())
            })?;
            let state = FileState { size: number(6, row), modified: time(7, row), etag: text(8, row) };
            let entry = LedgerEntry {
                state,
                status,
                rows: number(2, row),
                rejected_rows: number(3, row),
                rejected_digest: (!columns[12].is_null(row)).then(|| number(12, row)),
                reason: text(4, row),
                drift: text(5, row).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
                batch: number(9, row),
                loaded_at: time(10, row),
                run_id: text(11, row).unwrap_or_default(),
            };
            files.insert(text(0, row).unwrap_or_default(), entry);
        }
        Ok(Self { files })
    }
}

/// Returns the differences between columns as JSON, or `None` if there are none.
fn drift(deviation: &Deviation) -> Option<String> {
    if deviation.is_none() { None } else { serde_json::to_string(deviation).ok() }
}

/// Converts a time to the ledger's unit.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
