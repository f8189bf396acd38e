//! PostgreSQL's types as parameters of functions and operators, and its implicit casts.

use datafusion::{
    arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit},
    common::ScalarValue,
};

use crate::engine::{
    cast::type_name::plain,
    function::{
        decimal::OPEN_SCALE,
        kind::{UTC, list_of},
    },
};

/// The precision of the widest decimal.
pub(in crate::engine) const MAX_DIGITS: u8 = 38;

pub(in crate::engine) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
pub(in crate::engine) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// TIMESTAMP WITH TIME ZONE.
pub(in crate::engine) fn timestamptz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// Returns a numeric type with this scale.
pub(in crate::engine) fn numeric(scale: i8) -> DataType {
    DataType::Decimal128(MAX_DIGITS, scale)
}

/// A parameter or result type of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum PostgresKind {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    /// Any scale, without a cast.
    Numeric,
    Real,
    Double,
    Text,
    Bytea,
    Date,
    Timestamp,
    Timestamptz,
    Interval,
    TextArray,
    /// An array of any type.
    AnyArray,
    /// Any type, without a cast.
    Any,
    /// Any type except arrays, without a cast.
    AnyScalar,
}

/// A group of types with implicit casts among them, one of which is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Boolean,
    Number,
    Text,
    Moment,
    Span,
    Array,
    Other,
}

impl PostgresKind {
    /// Returns the kind of a type.
    pub(in crate::engine) fn of(data_type: &DataType) -> Option<Self> {
        Some(match plain(data_type) {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::Int16 => Self::SmallInt,
            DataType::Int32 => Self::Integer,
            DataType::Int64 => Self::BigInt,
            DataType::Decimal128(..) => Self::Numeric,
            DataType::Float32 => Self::Real,
            DataType::Float64 => Self::Double,
            DataType::Utf8 => Self::Text,
            DataType::Binary => Self::Bytea,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Timestamptz,
            DataType::Interval(_) => Self::Interval,
            DataType::List(item) if plain(item.data_type()) == DataType::Utf8 => Self::TextArray,
            DataType::List(_) => Self::AnyArray,
            _ => return None,
        })
    }

    /// Returns the Arrow type, or `None` for kinds that accept types without a cast.
    pub(super) fn data_type(self) -> Option<DataType> {
        Some(match self {
            Self::Boolean => DataType::Boolean,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Bytea => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => TIMESTAMP,
            Self::Timestamptz => timestamptz(),
            Self::Interval => INTERVAL,
            Self::TextArray => list_of(DataType::Utf8),
            Self::Numeric | Self::AnyArray | Self::Any | Self::AnyScalar => return None,
        })
    }

    pub(super) fn category(self) -> Category {
        match self {
            Self::Boolean => Category::Boolean,
            Self::SmallInt | Self::Integer | Self::BigInt | Self::Numeric | Self::Real | Self::Double => {
                Category::Number
            }
            Self::Text => Category::Text,
            Self::Date | Self::Timestamp | Self::Timestamptz => Category::Moment,
            Self::Interval => Category::Span,
            Self::TextArray | Self::AnyArray => Category::Array,
            Self::Bytea | Self::Any | Self::AnyScalar => Category::Other,
        }
    }

    pub(super) fn is_preferred(self) -> bool {
        matches!(self, Self::Boolean | Self::Double | Self::Text | Self::Timestamptz | Self::Interval)
    }

    /// Returns the name used in messages.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Numeric => "numeric",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Text => "text",
            Self::Bytea => "bytea",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Timestamptz => "timestamp with time zone",
            Self::Interval => "interval",
            Self::TextArray => "text[]",
            Self::AnyArray => "an array",
            Self::Any | Self::AnyScalar => "anything",
        }
    }

    /// Returns whether a value of the type is cast to this kind implicitly.
    pub(in crate::engine) fn takes(self, from: &DataType) -> bool {
        let Some(own) = Self::of(from) else { return self == Self::Any };
        match (own, self) {
            (own, to) if own == to => true,
            (_, Self::Any) | (Self::TextArray, Self::AnyArray) => true,
            (own, Self::AnyScalar) => own.category() != Category::Array,
            (own, to) if own.category() == Category::Number && to.category() == Category::Number => {
                own.rank() < to.rank()
            }
            (own, to) if own.category() == Category::Moment && to.category() == Category::Moment => {
                own.rank() < to.rank()
            }
            _ => false,
        }
    }

    /// Returns the kind's position in the order of implicit casts within its category.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::SmallInt | Self::Date => 0,
            Self::Integer | Self::Timestamp => 1,
            Self::BigInt | Self::Timestamptz => 2,
            Self::Numeric => 3,
            Self::Real => 4,
            _ => 5,
        }
    }
}

/// An argument, as overload resolution sees it.
#[derive(Debug, Clone)]
pub(in crate::engine) struct GivenArgument {
    pub(in crate::engine) data_type: DataType,
    /// The value, if the argument is a literal.
    pub(in crate::engine) literal: Option<ScalarValue>,
}

impl GivenArgument {
    /// Returns whether the type is open: NULL or a text literal, which can take any type.
    pub(in crate::engine) fn is_unknown(&self) -> bool {
        self.data_type == DataType::Null
            || matches!(self.literal, Some(ScalarValue::Utf8(_))) && plain(&self.data_type) == DataType::Utf8
    }

    /// Returns the value of a text literal.
    pub(super) fn text(&self) -> Option<&str> {
        self.literal.as_ref()?.try_as_str().flatten()
    }

    /// Returns the value of an integer literal.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.literal.as_ref()? {
            ScalarValue::Int16(value) => value.map(Into::into),
            ScalarValue::Int32(value) => value.map(Into::into),
            ScalarValue::Int64(value) => *value,
            _ => None,
        }
    }

    /// Returns the type that the argument is cast to for a parameter.
    pub(super) fn cast_for(&self, kind: PostgresKind) -> DataType {
        match kind.data_type() {
            Some(to) => to,
            None if kind == PostgresKind::Numeric => as_numeric(&self.data_type, self.text()),
            None if self.is_unknown() => DataType::Utf8,
            None => plain(&self.data_type),
        }
    }
}

/// Returns the numeric type that holds a type's values.
pub(in crate::engine) fn as_numeric(from: &DataType, text: Option<&str>) -> DataType {
    match plain(from) {
        decimal @ DataType::Decimal128(..) => decimal,
        DataType::Int8 | DataType::Int16 => DataType::Decimal128(5, 0),
        DataType::Int32 => DataType::Decimal128(10, 0),
        DataType::Int64 => DataType::Decimal128(19, 0),
        DataType::Null => numeric(0),
        _ => match text.and_then(scale_of) {
            Some(scale) => numeric(scale),
            None => numeric(OPEN_SCALE),
        },
    }
}

/// Returns the number of decimal places of a number written without an exponent.
pub(in crate::engine) fn scale_of(text: &str) -> Option<i8> {
    let digits = text.trim().trim_start_matches(['-', '+']);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let scale = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    (plain && digits.len() <= 39).then_some(())?;
    i8::try_from(scale).ok()
}

/// Returns PostgreSQL's name of a type.
pub(in crate::engine) fn type_name(of: &DataType) -> String {
    match plain(of) {
        DataType::Null => "unknown".into(),
        DataType::List(item) => format!("{}[]", type_name(item.data_type())),
        DataType::Struct(_) => "a struct".into(),
        DataType::Map(..) => "a map".into(),
        other => PostgresKind::of(&other).map_or_else(|| "another type".into(), |kind| kind.shown().into()),
    }
}

/// Returns an array type with these items.
pub(in crate::engine) fn array_of(item: DataType) -> DataType {
    DataType::List(Field::new_list_field(item, true).into())
}
