//! The column types of a source, with the names that messages use.

use std::fmt;

use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// A column's type, reduced to what validation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Date,
    Timestamp {
        zoned: bool,
    },
    Binary,
    /// Text that contains JSON.
    Json,
    Struct,
    List,
    Map,
}

impl ColumnKind {
    /// Returns the kind of an Arrow type, if sources can read it.
    pub(crate) fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::Int8,
            DataType::Int16 => Self::Int16,
            DataType::Int32 => Self::Int32,
            DataType::Int64 => Self::Int64,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Timestamp { zoned: false },
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
                Self::Timestamp { zoned: true }
            }
            DataType::Binary => Self::Binary,
            DataType::LargeUtf8 => Self::Json,
            DataType::Struct(fields) => fields
                .iter()
                .all(|field| Self::from_arrow(field.data_type()).is_some())
                .then_some(Self::Struct)?,
            DataType::List(item) => Self::from_arrow(item.data_type()).map(|_| Self::List)?,
            DataType::Map(entries, _) => {
                let DataType::Struct(entries) = entries.data_type() else { return None };
                let [key, value] = &entries[..] else { return None };
                Self::from_arrow(value.data_type())?;
                (Self::from_arrow(key.data_type()) == Some(Self::Text)).then_some(Self::Map)?
            }
            _ => return None,
        })
    }

    /// Returns whether values are read from JSON text of any kind.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Struct | Self::List | Self::Map)
    }

    /// Returns whether an empty text is a value rather than NULL.
    pub(crate) fn keeps_empty(self) -> bool {
        matches!(self, Self::Text | Self::Binary)
    }
}

/// Formats with an article, as in `"n/a" is not a double`.
impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a varchar",
            Self::Boolean => "a boolean",
            Self::Int8 => "a tinyint",
            Self::Int16 => "a smallint",
            Self::Int32 => "an integer",
            Self::Int64 => "a bigint",
            Self::Float32 => "a real",
            Self::Float64 => "a double",
            Self::Decimal { precision, scale } => return write!(f, "a decimal({precision},{scale})"),
            Self::Date => "a date",
            Self::Timestamp { .. } => "a timestamp",
            Self::Binary => "a blob",
            Self::Json => "JSON",
            Self::Struct => "a struct of the declared fields",
            Self::List => "a list of the declared type",
            Self::Map => "a map of the declared type",
        })
    }
}
