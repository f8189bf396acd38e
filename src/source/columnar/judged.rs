//! Validated rows of Parquet and Avro files: checks them value by value, and rejects those that don't fit the
//! declared types.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, RecordBatch, RecordBatchOptions,
            StringViewBuilder, new_null_array,
        },
        compute::{CastOptions, cast, cast_with_options, filter_record_batch},
        datatypes::{DataType, SchemaRef, TimeUnit, TimestampMicrosecondType},
        util::display::FormatOptions,
    },
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{ExecutionPlan, stream::RecordBatchReceiverStream, streaming::PartitionStream},
};
use futures::StreamExt;

use super::{
    reading::ColumnReading,
    value::{json, token},
};
use crate::source::{
    column::DeclaredColumn,
    excerpt::excerpt,
    instant,
    intake::Intake,
    kind::ColumnKind,
    reporting::{Report, Where},
    spec::DateUnit,
};

/// A column of the source, and where its values come from.
#[derive(Debug, Clone)]
pub(super) struct WantedColumn {
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// The column's index in the scan, and how to read its values. `None` if the files lack it.
    pub(super) from: Option<(usize, ColumnReading)>,
    /// True if the query needs it.
    pub(super) is_kept: bool,
}

/// The state shared by all partitions of a scan of files with one schema.
#[derive(Debug)]
pub(super) struct ValidatedScan {
    /// The schema of the output batches.
    pub(super) schema: SchemaRef,
    pub(super) scan: Arc<dyn ExecutionPlan>,
    /// The columns in schema order. Those that are only validated come last.
    pub(super) columns: Vec<WantedColumn>,
    /// The index of the file-name column in the scan.
    pub(super) file: usize,
    /// The undeclared columns, whose values go to `_rescued`: name, index in the scan, and whether it is a
    /// UUID.
    pub(super) rescue: Vec<(String, usize, bool)>,
    pub(super) report: Report,
    pub(super) intake: Arc<Intake>,
    /// The number of partitions before this scan's first one.
    pub(super) first: usize,
    /// The unit of timestamps stored as plain numbers.
    pub(super) unit: DateUnit,
}

/// A partition of the scan.
#[derive(Debug)]
pub(super) struct ValidatedPartition {
    pub(super) judged: Arc<ValidatedScan>,
    pub(super) at: usize,
}

impl PartitionStream for ValidatedPartition {
    fn schema(&self) -> &SchemaRef {
        &self.judged.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(self.schema()), 2);
        let (judged, at, to) = (Arc::clone(&self.judged), self.at, builder.tx());
        builder.spawn(async move {
            let mut input = judged.scan.execute(at, context)?;
            let mut rows = HashMap::new();
            let mut piece = 0_u64;
            while let Some(batch) = input.next().await {
                let (batch, judged) = (batch?, Arc::clone(&judged));
                // Rejects may block until their consumer catches up, and must not block a thread of the async
                // runtime.
                let work = tokio::task::spawn_blocking(move || {
                    let batch = judged.batch(&batch, &mut rows, (at, piece));
                    (batch, rows)
                });
                let (batch, seen) = work.await.map_err(|error| DataFusionError::External(Box::new(error)))?;
                (rows, piece) = (seen, piece + 1);
                if to.send(Ok(batch?)).await.is_err() {
                    return Ok(());
                }
            }
            judged.intake.finish(judged.first + at)
        });
        builder.build()
    }
}

/// A row that doesn't fit, with the offending column.
struct Bad {
    row: usize,
    column: usize,
}

impl ValidatedScan {
    /// Returns the valid rows of a batch. `rows` counts the rows of each file.
    fn batch(
        &self,
        batch: &RecordBatch,
        rows: &mut HashMap<String, u64>,
        piece: (usize, u64),
    ) -> Result<RecordBatch, DataFusionError> {
        let mut bad: Vec<Option<usize>> = vec![None; batch.num_rows()];
        let mut arrays = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            let array = match &column.from {
                None => new_null_array(&column.data_type, batch.num_rows()),
                Some((from, reading)) => self.read(batch.column(*from), column, reading, at, &mut bad)?,
            };
            if column.is_kept {
                arrays.push(array);
            }
        }
        if self.schema.fields().len() > arrays.len() {
            arrays.push(self.rescued(batch)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let read = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        let faults = bad.iter().enumerate().filter_map(|(row, column)| Some(Bad { row, column: (*column)? }));
        self.count(batch, faults, rows, piece)?;
        if bad.iter().all(Option::is_none) {
            return Ok(read);
        }
        let good: BooleanArray = bad.iter().map(|bad| Some(bad.is_none())).collect();
        Ok(filter_record_batch(&read, &good)?)
    }

    /// Reads a column's values, and marks the rows whose values don't fit.
    fn read(
        &self,
        array: &ArrayRef,
        column: &WantedColumn,
        reading: &ColumnReading,
        at: usize,
        bad: &mut [Option<usize>],
    ) -> Result<ArrayRef, DataFusionError> {
        let mut fault = |row: usize| {
            bad[row].get_or_insert(at);
        };
        let kind = match reading {
            ColumnReading::Same => return Ok(Arc::clone(array)),
            ColumnReading::Uuid => return uuids(array),
            ColumnReading::Cast => return Ok(cast(array, &column.data_type)?),
            ColumnReading::Bounded => {
                outside(array)?.into_iter().for_each(&mut fault);
                return Ok(Arc::clone(array));
            }
            ColumnReading::Judge(kind) => *kind,
        };
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => cast(array, values)?,
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)
                if matches!(kind, ColumnKind::Date | ColumnKind::Timestamp { .. }) =>
            {
                return instants(array, kind, &column.data_type, fault);
            }
            _ => Arc::clone(array),
        };
        let mut judge = DeclaredColumn::new(&column.data_type, kind, self.unit, true);
        let mut text = String::new();
        for row in 0..array.len() {
            if !judge.append(token(&array, row, kind, &mut text)?) {
                fault(row);
                judge.pad(row + 1);
            }
        }
        judge.finish().ok_or_else(|| DataFusionError::Internal(format!("{} was not kept", column.name)))
    }

    /// Returns the values of undeclared columns as JSON.
    fn rescued(&self, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        let mut texts = StringViewBuilder::new();
        for row in 0..batch.num_rows() {
            let mut object = serde_json::Map::new();
            for (name, from, is_uuid) in &self.rescue {
                let array = batch.column(*from).slice(row, 1);
                let array = if *is_uuid { uuids(&array)? } else { array };
                if !array.is_null(0) {
                    object.insert(name.clone(), json(&array, 0)?);
                }
            }
            if object.is_empty() {
                texts.append_null();
            } else {
                texts.append_value(serde_json::Value::Object(object).to_string());
            }
        }
        Ok(Arc::new(texts.finish()))
    }

    /// Counts the rows of each file, and rejects the bad ones.
    fn count(
        &self,
        batch: &RecordBatch,
        faults: impl Iterator<Item = Bad>,
        rows: &mut HashMap<String, u64>,
        (partition, piece): (usize, u64),
    ) -> Result<(), DataFusionError> {
        let names = cast(batch.column(self.file), &DataType::Utf8View)?;
        let names = names.as_string_view();
        let mut faults = faults.peekable();
        let mut start = 0;
        while start < batch.num_rows() {
            let name = names.value(start);
            let end =
                (start..batch.num_rows()).find(|row| names.value(*row) != name).unwrap_or(batch.num_rows());
            let before = rows.get(name).copied().unwrap_or_default();
            let file: Arc<str> = name.into();
            let key = (self.first + partition) as u64 * (1 << 40) + piece;
            let mut claimed = None;
            let mut rejected = 0;
            while let Some(Bad { row, column }) = faults.next_if(|bad| bad.row < end) {
                rejected += 1;
                let (reason, raw) = (self.reason(batch, row, column)?, self.raw(batch, row));
                let number = before + (row - start) as u64 + 1;
                self.intake.sample(&file, || format!("{file}:{number}: {reason}"));
                if *claimed.get_or_insert_with(|| self.report.begin(&file, key)) {
                    let place = Where { row: Some(number), offset: None };
                    self.report.set_aside(&file, place, reason, raw)?;
                }
            }
            let count = (end - start) as u64;
            rows.insert(name.to_owned(), before + count);
            self.intake.rows(&file, count, rejected);
            start = end;
        }
        Ok(())
    }

    fn reason(&self, batch: &RecordBatch, row: usize, column: usize) -> Result<String, DataFusionError> {
        let WantedColumn { name, data_type, from, .. } = &self.columns[column];
        let value = match from {
            Some((from, _)) => json(&batch.column(*from).slice(row, 1), 0)?.to_string(),
            None => "null".to_owned(),
        };
        let value = excerpt(value.as_bytes(), 80);
        Ok(match ColumnKind::from_arrow(data_type) {
            Some(kind @ (ColumnKind::Date | ColumnKind::Timestamp { .. }))
                if batch_is_instant(batch, from.as_ref()) =>
            {
                format!("{name}: {value} is not {kind}, or outside the years 1 to 9999")
            }
            Some(kind) => format!("{name}: {value} is not {kind}"),
            None => format!("{name}: {value} is outside the years 1 to 9999"),
        })
    }

    /// Returns the scanned values of a row.
    #[expect(clippy::unused_self, reason = "read beside what uses it")]
    fn raw(&self, batch: &RecordBatch, row: usize) -> String {
        let mut object = serde_json::Map::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            if field.name().contains('/') {
                continue;
            }
            let value = json(&array.slice(row, 1), 0).unwrap_or_default();
            object.insert(field.name().clone(), value);
        }
        excerpt(serde_json::Value::Object(object).to_string().as_bytes(), 1024)
    }
}

fn batch_is_instant(batch: &RecordBatch, from: Option<&(usize, ColumnReading)>) -> bool {
    from.is_some_and(|(from, _)| batch.column(*from).data_type().is_temporal())
}

/// Returns the rows whose instant is outside the calendar.
fn outside(array: &ArrayRef) -> Result<Vec<usize>, DataFusionError> {
    let micros = micros(array)?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    let is_outside = |row: &usize| {
        !array.is_null(*row)
            && (micros.is_null(*row) || instant::within_calendar(micros.value(*row)).is_none())
    };
    Ok((0..array.len()).filter(is_outside).collect())
}

/// Converts to microseconds since 1970. Values out of range become null.
fn micros(array: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    Ok(cast_with_options(array, &DataType::Timestamp(TimeUnit::Microsecond, zone), &options)?)
}

/// Casts between dates and timestamps.
fn instants(
    array: &ArrayRef,
    kind: ColumnKind,
    to: &DataType,
    mut fault: impl FnMut(usize),
) -> Result<ArrayRef, DataFusionError> {
    let counted = micros(array)?;
    let counted = counted.as_primitive::<TimestampMicrosecondType>();
    let mut good = BooleanBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        let fits = array.is_null(row)
            || (!counted.is_null(row)
                && instant::within_calendar(counted.value(row)).is_some()
                && (kind != ColumnKind::Date || instant::date_of_micros(counted.value(row)).is_some()));
        if !fits {
            fault(row);
        }
        good.append_value(fits);
    }
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    let array = datafusion::arrow::compute::nullif(array, &datafusion::arrow::compute::not(&good.finish())?)?;
    Ok(cast_with_options(&array, to, &options)?)
}

/// Formats UUIDs as text.
fn uuids(array: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
    let bytes = array.as_fixed_size_binary_opt();
    let bytes = bytes.ok_or_else(|| DataFusionError::Internal(format!("{} as UUIDs", array.data_type())))?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for bytes in bytes {
        match bytes.and_then(|bytes| uuid::Uuid::from_slice(bytes).ok()) {
            Some(uuid) => texts.append_value(uuid.hyphenated().to_string()),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}
