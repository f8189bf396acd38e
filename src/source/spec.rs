//! The resolved declaration of a source: no YAML, no spans.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    error::DataFusionError,
};

use super::{decode::TextOptions, drift::Drift, kind::ColumnKind, names};

/// The column with the name of each row's file.
pub(crate) const SOURCE_FILE: &str = "_source_file";
/// The column with each row's number in its file, from 1.
pub(crate) const SOURCE_ROW: &str = "_source_row";

/// The column with the values of undeclared columns, under `on_new_column: rescue`.
pub(crate) const RESCUED: &str = "_rescued";

/// A source table, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// The name in messages, such as `files.readings`.
    pub name: String,
    /// The format of its files.
    pub format: SourceFormat,
    /// A file, a directory or a glob: a path relative to `base`, an absolute path, or the URL of an object
    /// store that the session knows.
    pub location: String,
    /// The absolute path of the project's root.
    pub base: PathBuf,
    /// The declared columns, in order. The reader supplies `_source_file` (text) and `_source_row` (bigint).
    pub columns: Vec<(String, DataType)>,
    /// The compression and encoding of text files.
    pub text: TextOptions,
    /// The policy for rows and files that can't be read.
    pub on_error: OnError,
    /// The change detection for its files.
    pub identity: Identity,
    /// The policy for files whose columns differ from the declared ones.
    pub drift: Drift,
}

/// Change detection for a source's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identity {
    /// By names, sizes and modification times.
    #[default]
    Stamp,
    /// By content: detection reads the files.
    Content,
}

impl SourceSpec {
    /// Describes how the files are read, apart from declared columns.
    #[must_use]
    pub fn reading(&self) -> String {
        let Self { format, location, text, .. } = self;
        format!("{format:?} at {location} as {}", text.describe())
    }

    /// Describes everything that determines how the bytes become rows.
    #[must_use]
    pub fn describe(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        let Self { format, location, on_error, text, .. } = self;
        let text =
            if *text == TextOptions::default() { String::new() } else { format!(" as {}", text.describe()) };
        let (columns, drift) = (columns.join(", "), self.drift.describe());
        format!("{format:?} at {location}{text} ({columns}) {on_error:?}{drift}")
    }
}

/// The format of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFormat {
    /// A JSON document per file.
    Json {
        /// The layout of the rows.
        orient: Orient,
        /// The unit of timestamps written as numbers.
        date_unit: DateUnit,
    },
    /// A JSON object per line.
    NdJson {
        /// The unit of timestamps written as numbers.
        date_unit: DateUnit,
    },
    /// CSV (RFC 4180). Whatever is `None` is detected for each file.
    Csv {
        /// The separator between two fields.
        delimiter: Option<u8>,
        /// True if the first record has the column names. If false, the columns are the declared ones, in
        /// order.
        header: Option<bool>,
        /// The quote around fields that contain delimiters or line ends.
        quote: Option<u8>,
        /// The texts that are NULL, quoted or not. If `None`, an unquoted empty field is NULL.
        nulls: Option<Nulls>,
    },
    /// Apache Parquet.
    Parquet {
        /// The unit of timestamps stored as plain numbers.
        date_unit: DateUnit,
    },
    /// Apache Avro.
    Avro {
        /// The unit of timestamps stored as plain numbers.
        date_unit: DateUnit,
    },
    /// A table or view of an SQLite database.
    Sqlite {
        /// The table's name in the database.
        table: String,
        /// The unit of timestamps stored as numbers.
        date_unit: DateUnit,
    },
}

impl SourceFormat {
    /// Returns whether the format is text, which has no types unless columns are declared.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Json { .. } | Self::NdJson { .. } | Self::Csv { .. })
    }
}

/// The texts that mean NULL, compared without case and surrounding white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nulls(Arc<[String]>);

impl Nulls {
    /// Creates the set of these texts.
    #[must_use]
    pub fn new(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| text.trim().to_lowercase()).collect())
    }

    /// Returns whether a text means NULL.
    pub(crate) fn has(&self, text: &str) -> bool {
        let text = text.trim();
        self.0
            .iter()
            .any(|null| null.eq_ignore_ascii_case(text) || (!text.is_ascii() && *null == text.to_lowercase()))
    }
}

/// The layout of a JSON document, under pandas' name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orient {
    /// Detected for each file.
    #[default]
    Auto,
    /// `{"columns": [..], "data": [[..], ..]}`.
    Split,
    /// `[{"column": value, ..}, ..]`.
    Records,
    /// An object per line, or a single object.
    Lines,
}

/// The unit of timestamps written as numbers since 1970, under pandas' name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds, the default of pandas.
    #[default]
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// The policy for bad rows and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// They are rejected with a reason, and the rest is read.
    #[default]
    SetAside,
    /// The first one is an error.
    Fail,
}

/// Returns whether the reader supplies a column: the name of a row's file, or its number in the file.
#[must_use]
pub fn is_supplied(name: &str) -> bool {
    [SOURCE_FILE, SOURCE_ROW].contains(&name)
}

/// Returns the Arrow schema of the declared columns, without reading data. Every field is nullable.
///
/// For Parquet, Avro and SQLite it has only the declared columns; [`open`](super::open) adds the ones it
/// finds.
pub fn schema(spec: &SourceSpec) -> Result<SchemaRef, DataFusionError> {
    let fields = spec.columns.iter().map(|(name, data_type)| {
        let supplied = match name.as_str() {
            SOURCE_FILE => Some((ColumnKind::from_arrow(data_type) == Some(ColumnKind::Text), "varchar")),
            SOURCE_ROW => Some((*data_type == DataType::Int64, "bigint")),
            RESCUED if spec.drift.is_rescuing() => {
                Some((ColumnKind::from_arrow(data_type) == Some(ColumnKind::Text), "varchar"))
            }
            _ => None,
        };
        if let Some((false, right)) = supplied {
            let message = format!("{}: `{name}` is supplied by the reader as {right}", spec.name);
            return Err(DataFusionError::Plan(message));
        }
        if ColumnKind::from_arrow(data_type).is_none() {
            let message =
                format!("{}: column `{name}` is declared {data_type}, which no source can read", spec.name);
            return Err(DataFusionError::Plan(message));
        }
        Ok(Field::new(name, data_type.clone(), true))
    });
    let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
    if spec.drift.is_rescuing() && !spec.columns.iter().any(|(name, _)| name == RESCUED) {
        fields.push(Field::new(RESCUED, DataType::Utf8View, true));
    }
    if let Some((at, twice)) = fields
        .iter()
        .enumerate()
        .find(|(at, field)| fields[..*at].iter().any(|f| names::same(f.name(), field.name())))
    {
        let message =
            format!("{}: column `{}` is declared twice (again at {})", spec.name, twice.name(), at + 1);
        return Err(DataFusionError::Plan(message));
    }
    Ok(Arc::new(Schema::new(fields)))
}
