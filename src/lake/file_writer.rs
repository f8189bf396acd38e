//! Writes one data file, or several once it is large enough, with statistics that don't mislead readers.
//!
//! The Delta log records the minimum and maximum of a file's columns, and readers skip files by them.
//! delta-rs (deltalake-core 1.1.3, `writer/stats.rs`) takes them from the Parquet footer, which is wrong in
//! two cases:
//! - Parquet ignores NaN, which is greater than every number in SQL: `x > 5` would lose the row. So columns
//!   of a file with a NaN get no minimum and maximum.
//! - Decimals become 64-bit floats: they are rounded from 16 digits on, and integers are cut off at 2^63. So
//!   values that a float can't represent exactly are left out. Remove this when delta-rs writes exact
//!   decimals.

use deltalake::{DeltaTableError, datafile::writer::DeltaWriter, kernel::Add};
use serde_json::{Map, Value};

use super::file_settings::FileSettings;
use crate::engine::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Fields, Float32Type, Float64Type},
};

/// See the module documentation.
pub(super) struct FileWriter {
    writer: DeltaWriter,
    floats: Vec<FloatColumn>,
    decimals: Vec<(ColumnPath, i8)>,
}

/// The path to a column, or to a field nested in structs.
type ColumnPath = Vec<String>;

struct FloatColumn {
    path: ColumnPath,
    has_nan: bool,
}

impl FileWriter {
    pub(super) fn new(files: &FileSettings) -> Self {
        let (mut floats, mut decimals) = (Vec::new(), Vec::new());
        leaves(files.schema.fields(), &ColumnPath::new(), &mut |path, data_type| match data_type {
            DataType::Float32 | DataType::Float64 => {
                floats.push(FloatColumn { path: path.clone(), has_nan: false });
            }
            DataType::Decimal128(precision, scale) if *precision > EXACT_DIGITS => {
                decimals.push((path.clone(), *scale));
            }
            _ => {}
        });
        Self { writer: DeltaWriter::new(files.store.clone(), files.config.clone()), floats, decimals }
    }

    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<(), DeltaTableError> {
        for column in self.floats.iter_mut().filter(|column| !column.has_nan) {
            column.has_nan = has_nan(batch, &column.path);
        }
        self.writer.write(batch).await
    }

    /// Closes the writer and returns the files.
    pub(super) async fn close(self) -> Result<Vec<Add>, DeltaTableError> {
        let mut files = self.writer.close().await?;
        let nan: Vec<&ColumnPath> =
            self.floats.iter().filter(|column| column.has_nan).map(|column| &column.path).collect();
        if nan.is_empty() && self.decimals.is_empty() {
            return Ok(files);
        }
        for file in &mut files {
            let Some(text) = &file.stats else { continue };
            let mut stats: Value = serde_json::from_str(text)?;
            for path in &nan {
                forget(&mut stats, path);
            }
            for (path, scale) in &self.decimals {
                let bounds = BOUNDS.iter().filter_map(|bound| at(stats.get(*bound)?, path));
                if !bounds.into_iter().all(|value| is_exact(value, *scale)) {
                    forget(&mut stats, path);
                }
            }
            file.stats = Some(stats.to_string());
        }
        Ok(files)
    }

    /// Aborts incomplete files. Completed ones are deleted by the caller, who knows their names.
    pub(super) async fn abort(self) {
        let _ = self.writer.abort().await;
    }
}

/// Writes batches of one partition value to new files.
pub(super) async fn write(
    files: &FileSettings,
    batches: &[RecordBatch],
) -> Result<Vec<Add>, DeltaTableError> {
    let mut writer = FileWriter::new(files);
    for batch in batches {
        if let Err(error) = writer.write(batch).await {
            // Keep the first error, which has the cause.
            writer.abort().await;
            return Err(error);
        }
    }
    writer.close().await
}

/// The keys of minimum and maximum values in the statistics.
const BOUNDS: [&str; 2] = ["minValues", "maxValues"];

/// The number of decimal digits that a 64-bit float represents exactly.
const EXACT_DIGITS: u8 = 15;

/// Calls `f` with each leaf: columns that aren't structs, and such fields of structs.
fn leaves(fields: &Fields, parent: &ColumnPath, f: &mut impl FnMut(&ColumnPath, &DataType)) {
    for field in fields {
        let mut path = parent.clone();
        path.push(field.name().clone());
        match field.data_type() {
            DataType::Struct(children) => leaves(children, &path, f),
            leaf => f(&path, leaf),
        }
    }
}

fn has_nan(batch: &RecordBatch, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let mut values = batch.column_by_name(first);
    for name in rest {
        values = values.and_then(|values| values.as_struct_opt()?.column_by_name(name));
    }
    values.is_some_and(is_nan_among)
}

/// Returns whether these numbers contain a NaN. One that is masked by NULL may count.
fn is_nan_among(values: &ArrayRef) -> bool {
    match values.data_type() {
        DataType::Float32 => values.as_primitive::<Float32Type>().values().iter().any(|value| value.is_nan()),
        DataType::Float64 => values.as_primitive::<Float64Type>().values().iter().any(|value| value.is_nan()),
        _ => false,
    }
}

/// Returns true if a statistic is exactly the decimal and not a rounded value.
fn is_exact(value: &Value, scale: i8) -> bool {
    let limit = 10_f64.powi(i32::from(EXACT_DIGITS) - i32::from(scale));
    value.is_null() || value.as_f64().is_some_and(|value| value.abs() < limit)
}

fn at<'a>(values: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(values, |values, name| values.get(name))
}

/// Removes the minimum and maximum of a column.
fn forget(stats: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    for bound in BOUNDS {
        let values = stats.get_mut(bound);
        let values = parents.iter().fold(values, |values, name| values?.get_mut(name));
        if let Some(values) = values.and_then(Value::as_object_mut) {
            Map::remove(values, last);
        }
    }
}
