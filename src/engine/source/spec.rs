//! What is declared about a source, resolved: no YAML, no spans.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    error::DataFusionError,
};

use super::{decode::TextOptions, drift::Drift, kind::Kind, names};

/// The column that gives each row the file it came from.
pub(crate) const SOURCE_FILE: &str = "_source_file";
/// The column that gives each row its 1-based place in its file.
pub(crate) const SOURCE_ROW: &str = "_source_row";

/// The column that takes the values of columns nobody declared, under `on_new_column: rescue`.
pub(crate) const RESCUED: &str = "_rescued";

/// One source table as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// What messages call it, such as `files.readings`.
    pub name: String,
    /// How its bytes are to be read.
    pub format: SourceFormat,
    /// A path relative to `base`, an absolute path, or the URL of an object store the session knows; a file, a
    /// directory or a glob.
    pub location: String,
    /// The project's root, absolute.
    pub base: PathBuf,
    /// The declared columns in order. `_source_file` (text) and `_source_row` (bigint) among them are supplied by
    /// the reader.
    pub columns: Vec<(String, DataType)>,
    /// How the bytes of text files become text.
    pub text: TextOptions,
    /// What is done about rows and files that can't be read.
    pub on_error: OnError,
    /// What tells one state of its files from another.
    pub identity: Identity,
    /// What is done where the columns of files aren't the declared ones.
    pub drift: Drift,
}

/// What tells one state of a source's files from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identity {
    /// Their names, sizes and modification times.
    #[default]
    Stamp,
    /// What they hold: they are read to find out.
    Content,
}

impl SourceSpec {
    /// How its files are read, whatever columns are declared, as one text.
    #[must_use]
    pub fn reading(&self) -> String {
        let Self { format, location, text, .. } = self;
        format!("{format:?} at {location} as {}", text.describe())
    }

    /// All that decides how its bytes become rows, as one text.
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
    /// One JSON document a file.
    Json {
        /// How rows lie in it.
        orient: Orient,
        /// The unit of timestamps written as numbers.
        date_unit: DateUnit,
    },
    /// One JSON object a line.
    NdJson {
        /// The unit of timestamps written as numbers.
        date_unit: DateUnit,
    },
    /// Separated values as RFC 4180 has them. What is `None` is found out for each file.
    Csv {
        /// Between two fields.
        delimiter: Option<u8>,
        /// Whether the first record names the columns; if not, they are the declared ones in order.
        header: Option<bool>,
        /// Around fields that hold delimiters or line ends.
        quote: Option<u8>,
        /// The texts that are NULL, quoted or not; if not given, an empty field without quotes is.
        nulls: Option<Nulls>,
    },
    /// Apache Parquet.
    Parquet {
        /// The unit of timestamps held as plain numbers.
        date_unit: DateUnit,
    },
    /// Apache Avro.
    Avro {
        /// The unit of timestamps held as plain numbers.
        date_unit: DateUnit,
    },
    /// A table or view of an SQLite database.
    Sqlite {
        /// Its name in the database.
        table: String,
        /// The unit of timestamps held as numbers.
        date_unit: DateUnit,
    },
}

impl SourceFormat {
    /// Returns whether it is text, of which nothing but names is known unless columns are declared.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Json { .. } | Self::NdJson { .. } | Self::Csv { .. })
    }
}

/// The texts that stand for NULL, in any case and whatever white space surrounds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nulls(Arc<[String]>);

impl Nulls {
    /// Those of these texts.
    #[must_use]
    pub fn new(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| text.trim().to_lowercase()).collect())
    }

    /// Whether a text is one of them.
    pub(crate) fn has(&self, text: &str) -> bool {
        let text = text.trim();
        self.0
            .iter()
            .any(|null| null.eq_ignore_ascii_case(text) || (!text.is_ascii() && *null == text.to_lowercase()))
    }
}

/// The layout of a JSON document, by pandas' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orient {
    /// Whichever it is, found out for each file.
    #[default]
    Auto,
    /// `{"columns": [..], "data": [[..], ..]}`.
    Split,
    /// `[{"column": value, ..}, ..]`.
    Records,
    /// An object a line, or a single one.
    Lines,
}

/// The unit of timestamps written as numbers since 1970, by pandas' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds, which pandas writes unless told otherwise.
    #[default]
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// What is done about bad input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// It is set aside with its reason, and the rest is read.
    #[default]
    SetAside,
    /// The first of it is an error.
    Fail,
}

/// Returns whether a column is supplied by the reader: a row's file, or its place in it.
#[must_use]
pub fn is_supplied(name: &str) -> bool {
    [SOURCE_FILE, SOURCE_ROW].contains(&name)
}

/// The Arrow schema of the declared columns; reads no data. Every field may be null.
///
/// For Parquet, Avro and SQLite it is only what is declared: [`super::provider`] adds what it finds besides.
pub fn schema(spec: &SourceSpec) -> Result<SchemaRef, DataFusionError> {
    let fields = spec.columns.iter().map(|(name, data_type)| {
        let supplied = match name.as_str() {
            SOURCE_FILE => Some((Kind::from_arrow(data_type) == Some(Kind::Text), "varchar")),
            SOURCE_ROW => Some((*data_type == DataType::Int64, "bigint")),
            RESCUED if spec.drift.is_rescuing() => {
                Some((Kind::from_arrow(data_type) == Some(Kind::Text), "varchar"))
            }
            _ => None,
        };
        if let Some((false, right)) = supplied {
            let message = format!("{}: `{name}` is supplied by the reader as {right}", spec.name);
            return Err(DataFusionError::Plan(message));
        }
        if Kind::from_arrow(data_type).is_none() {
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
