//! Row buffer: collects rows from one or more files into a record batch.
//!
//! A row is appended cell by cell before it is known to be valid, and a file row by row before it is known to
//! be intact. Bad rows are only marked, and filtered out when the batch is built. They are rare, so valid
//! rows cost nothing extra.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayBuilder, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions,
            StringViewArray, StringViewBuilder, UInt32Array,
        },
        compute::{filter_record_batch, take},
        datatypes::{DataType, SchemaRef},
    },
    error::DataFusionError,
};

use super::{
    cell::CellToken,
    column::DeclaredColumn,
    guess::Notation,
    hive::Folders,
    kind::ColumnKind,
    spec::{DateUnit, RESCUED, SOURCE_FILE, SOURCE_ROW},
};

/// The declared columns of a scan, and those that the query needs.
#[derive(Debug, Clone)]
pub(crate) struct ScanShape {
    /// The schema of the batches.
    pub(crate) schema: SchemaRef,
    /// The origin of each column of the batches.
    origins: Vec<ValueOrigin>,
    /// The declared columns, without those that the reader supplies.
    pub(crate) names: Arc<[String]>,
    kinds: Vec<ColumnKind>,
    /// True if the types were inferred from files.
    is_inferred: bool,
    /// True if the values of undeclared columns are kept.
    pub(crate) rescues: bool,
    types: Vec<DataType>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ValueOrigin {
    Column(usize),
    File,
    Row,
    Rescued,
}

impl ScanShape {
    /// Creates the shape of a query on `declared` that needs the columns at `projection`, or all of them.
    /// With `rescues`, values of undeclared columns go to `_rescued`.
    pub(crate) fn new(
        declared: &SchemaRef,
        projection: Option<&Vec<usize>>,
        rescues: bool,
    ) -> Result<Self, DataFusionError> {
        let (mut origins, mut names, mut kinds, mut types) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for field in declared.fields() {
            origins.push(match field.name().as_str() {
                SOURCE_FILE => ValueOrigin::File,
                SOURCE_ROW => ValueOrigin::Row,
                RESCUED if rescues => ValueOrigin::Rescued,
                name => {
                    names.push(name.to_owned());
                    types.push(field.data_type().clone());
                    kinds.push(ColumnKind::from_arrow(field.data_type()).ok_or_else(|| {
                        DataFusionError::Plan(format!(
                            "column `{name}`: no source can read {}",
                            field.data_type()
                        ))
                    })?);
                    ValueOrigin::Column(names.len() - 1)
                }
            });
        }
        let (schema, origins) = match projection {
            None => (Arc::clone(declared), origins),
            Some(wanted) => {
                (Arc::new(declared.project(wanted)?), wanted.iter().map(|&column| origins[column]).collect())
            }
        };
        let rescues = origins.contains(&ValueOrigin::Rescued);
        Ok(Self { schema, origins, names: names.into(), kinds, is_inferred: false, types, rescues })
    }

    /// Sets whether the types were inferred from files.
    pub(crate) fn inferred(self, is_inferred: bool) -> Self {
        Self { is_inferred, ..self }
    }

    /// Returns the kinds of the declared columns.
    pub(crate) fn kinds(&self) -> Arc<[ColumnKind]> {
        self.kinds.clone().into()
    }
}

/// The rows read so far.
pub(crate) struct SourceRows {
    shape: ScanShape,
    columns: Vec<DeclaredColumn>,
    /// The number of rows, including bad ones.
    length: usize,
    /// The indexes of bad rows, in order.
    bad: Vec<usize>,
    runs: Vec<RowRun>,
    /// The partition values from the current file's path.
    folders: Folders,
    /// The current row's values of undeclared columns, as an unclosed JSON object.
    rescuing: String,
    /// The rows with values of undeclared columns, and these values.
    rescued: Vec<(usize, String)>,
}

/// A run of consecutive rows from one file.
struct RowRun {
    file: Arc<str>,
    /// The number of the first row in the file, from 1. SQLite's rows each have their own number.
    first: i64,
    /// The index of the first row in this buffer.
    start: usize,
}

impl SourceRows {
    /// Creates an empty buffer for values in the given notation.
    pub(crate) fn new(shape: ScanShape, unit: DateUnit, written: Notation) -> Self {
        let kept = |at: usize| shape.origins.contains(&ValueOrigin::Column(at));
        let columns = shape.kinds.iter().zip(&shape.types).enumerate();
        let columns = columns.map(|(at, (kind, data_type))| {
            let mut column = DeclaredColumn::new(data_type, *kind, unit, kept(at));
            if shape.is_inferred {
                column.hold(written);
            }
            column
        });
        let columns = columns.collect();
        Self {
            shape,
            columns,
            length: 0,
            bad: Vec::new(),
            runs: Vec::new(),
            folders: Folders::default(),
            rescuing: String::new(),
            rescued: Vec::new(),
        }
    }

    /// Returns the kind of a column.
    pub(crate) fn kind(&self, column: usize) -> ColumnKind {
        self.columns[column].kind()
    }

    /// Returns the kind of a column, and whether it was inferred from files.
    pub(crate) fn wanted(&self, column: usize) -> (ColumnKind, bool) {
        (self.kind(column), self.shape.is_inferred)
    }

    /// Starts a run: the next rows are from `file`, numbered from `first` (from 1), with its path's partition
    /// values.
    pub(crate) fn begin(&mut self, file: &Arc<str>, first: i64, folders: &Folders) {
        self.level();
        self.folders = folders.clone();
        self.runs.push(RowRun { file: Arc::clone(file), first, start: self.length });
    }

    /// Returns the number of rows, including bad ones.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Returns the number of valid rows.
    pub(crate) fn good(&self) -> usize {
        self.length - self.bad.len()
    }

    /// Appends a cell to the current row. Returns false if it doesn't fit; then the row must be ended as a
    /// bad one.
    pub(crate) fn append(&mut self, column: usize, token: CellToken<'_>) -> bool {
        self.columns[column].append(token)
    }

    /// Keeps the current row's value of an undeclared column. Key and value are JSON.
    pub(crate) fn rescue(&mut self, key: &str, value: &str) {
        self.rescuing.push_str(if self.rescuing.is_empty() { "{" } else { "," });
        self.rescuing.extend([key, ":", value]);
    }

    /// Ends the current row. Missing cells are null.
    pub(crate) fn end_row(&mut self, good: bool) {
        for (column, token) in self.folders.values() {
            self.columns[column].append_judged(token);
        }
        if !self.rescuing.is_empty() {
            self.rescuing.push('}');
            self.rescued.push((self.length, std::mem::take(&mut self.rescuing)));
        }
        if !good {
            self.bad.push(self.length);
        }
        self.length += 1;
        if !good {
            self.level();
        }
    }

    /// Pads all columns to the number of rows. Columns that a file lacks entirely may lag until the file
    /// ends. After a row that lacks a column other rows have, call this immediately.
    pub(crate) fn level(&mut self) {
        for column in &mut self.columns {
            column.pad(self.length);
        }
    }

    /// Marks all rows from `start` on as bad, including an unfinished one, because their file is damaged.
    pub(crate) fn discard(&mut self, start: usize) {
        self.end_row(false);
        self.bad.truncate(self.bad.partition_point(|row| *row < start));
        self.bad.extend(start..self.length);
    }

    /// Takes all rows as one batch, without the bad ones.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, DataFusionError> {
        self.level();
        let finished: Vec<Option<ArrayRef>> = self.columns.iter_mut().map(DeclaredColumn::finish).collect();
        let origins = self.shape.origins.clone();
        let arrays = origins.iter().map(|origin| match origin {
            ValueOrigin::Column(at) => finished[*at]
                .clone()
                .ok_or_else(|| DataFusionError::Internal(format!("column {at} was not kept"))),
            ValueOrigin::File => self.files(),
            ValueOrigin::Row => Ok(Arc::new(self.numbers()) as ArrayRef),
            ValueOrigin::Rescued => Ok(Arc::new(self.rescued()) as ArrayRef),
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.length));
        let mut batch = RecordBatch::try_new_with_options(Arc::clone(&self.shape.schema), arrays, &options)?;
        if !self.bad.is_empty() {
            let mut good = vec![true; self.length];
            self.bad.iter().for_each(|row| good[*row] = false);
            batch = filter_record_batch(&batch, &BooleanArray::from(good))?;
        }
        self.length = 0;
        self.bad.clear();
        self.runs.clear();
        self.rescued.clear();
        Ok(batch)
    }

    /// Returns the file-name column. Each name is stored once and shared.
    fn files(&self) -> Result<ArrayRef, DataFusionError> {
        let names = StringViewArray::from_iter_values(self.runs.iter().map(|run| &run.file));
        let mut keys: Vec<u32> = Vec::with_capacity(self.length);
        for (key, (_, length)) in self.lengths().enumerate() {
            let key = u32::try_from(key).map_err(|error| DataFusionError::External(Box::new(error)))?;
            keys.extend(std::iter::repeat_n(key, length));
        }
        Ok(take(&names as &dyn Array, &UInt32Array::from(keys), None)?)
    }

    fn rescued(&self) -> StringViewArray {
        let mut texts = StringViewBuilder::with_capacity(self.length);
        for (row, text) in &self.rescued {
            (texts.len()..*row).for_each(|_| texts.append_null());
            texts.append_value(text);
        }
        (texts.len()..self.length).for_each(|_| texts.append_null());
        texts.finish()
    }

    fn numbers(&self) -> Int64Array {
        self.lengths().flat_map(|(run, length)| (run.first..).take(length)).collect::<Vec<i64>>().into()
    }

    fn lengths(&self) -> impl Iterator<Item = (&RowRun, usize)> {
        let ends = self.runs.iter().skip(1).map(|run| run.start).chain([self.length]);
        self.runs.iter().zip(ends).map(|(run, end)| (run, end - run.start))
    }
}

/// Splits `batch` into slices of about `size` rows, none much smaller than the others.
pub(crate) fn pieces(batch: &RecordBatch, size: usize) -> impl Iterator<Item = RecordBatch> + '_ {
    let rows = batch.num_rows();
    let count = (rows + size / 2).checked_div(size).unwrap_or(1).max(1);
    let length = rows.div_ceil(count).max(1);
    (0..rows).step_by(length).map(move |start| batch.slice(start, length.min(rows - start)))
}
