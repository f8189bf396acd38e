//! The columns that inference finds.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;

/// The result of inference.
#[derive(Debug, Clone, Default)]
pub struct InferredColumns {
    /// The columns in order of appearance.
    pub columns: Vec<InferredColumn>,
    /// The number of rows read.
    pub rows: u64,
    /// The number of files read.
    pub files: u64,
    /// The files that can't be read, with the reasons.
    pub broken: Vec<(Arc<str>, String)>,
    /// True if some files, or parts of some files, weren't read.
    pub is_sample: bool,
}

/// An inferred column.
#[derive(Debug, Clone)]
pub struct InferredColumn {
    /// The name as written in the first file.
    pub name: String,
    /// The narrowest type that holds all values.
    pub data_type: DataType,
    /// The number of rows without a value.
    pub nulls: u64,
    /// The approximate number of distinct values; 0 unless requested.
    pub distinct: u64,
    /// A few values, if requested.
    pub examples: Vec<String>,
}
