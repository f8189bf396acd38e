//! SQL types as function parameters, DuckDB's implicit casts, and DuckDB's type names.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

use super::super::cast::types;
use crate::engine::cast::type_name::{plain, type_name};

/// A parameter or result type of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// Any type, without a cast.
    Any,
    /// The common type that all `T` arguments are cast to.
    T,
    /// An integer of any size, without a cast.
    AnyInteger,
    Boolean,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    UTinyInt,
    USmallInt,
    UInteger,
    UBigInt,
    /// DECIMAL(38, 0), since Arrow has no 128-bit integers.
    HugeInt,
    /// A decimal of any precision and scale, without a cast.
    Decimal,
    Float,
    Double,
    Varchar,
    Blob,
    Date,
    Time,
    /// Microseconds without a time zone.
    Timestamp,
    /// Nanoseconds without a time zone; nothing is cast to it.
    TimestampNs,
    /// Microseconds in UTC.
    TimestampTz,
    Interval,
    /// A list of any type, without a cast.
    AnyList,
    List(&'static ParameterKind),
    AnyStruct,
    AnyMap,
    /// A JSON document as text; lists, structs and maps are documents too.
    Json,
}

/// The cost of casting a text literal to any other type. It is the same for all types, so that two such
/// overloads are ambiguous.
pub(super) const TEXT_COST: u32 = 1_000;

/// The time zone of `TIMESTAMP WITH TIME ZONE`, as in Delta.
pub(super) const UTC: &str = "UTC";

impl ParameterKind {
    /// Returns the Arrow type, or `None` for kinds that cover several types.
    pub(super) fn data_type(self) -> Option<DataType> {
        Some(match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::UTinyInt => DataType::UInt8,
            Self::USmallInt => DataType::UInt16,
            Self::UInteger => DataType::UInt32,
            Self::UBigInt => DataType::UInt64,
            Self::HugeInt => DataType::Decimal128(38, 0),
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Varchar => DataType::Utf8,
            Self::Blob => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::List(item) => list_of(item.data_type()?),
            Self::Any
            | Self::T
            | Self::AnyInteger
            | Self::Decimal
            | Self::AnyList
            | Self::AnyStruct
            | Self::AnyMap
            | Self::Json => return None,
        })
    }

    /// Returns the name used in signatures.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Any => "ANY".into(),
            Self::T => "T".into(),
            Self::AnyInteger => "INTEGER".into(),
            Self::Decimal => "DECIMAL".into(),
            Self::HugeInt => "HUGEINT".into(),
            Self::AnyList => "ANY[]".into(),
            Self::List(item) => format!("{}[]", item.shown()),
            Self::AnyStruct => "STRUCT".into(),
            Self::AnyMap => "MAP".into(),
            Self::Json => "JSON".into(),
            other => other.data_type().map(|found| type_name(&found)).unwrap_or_default(),
        }
    }

    /// Returns the type that an argument is implicitly cast to and the cost, or `None` if it can't be cast.
    ///
    /// Literals are more flexible: a text literal casts to any type, and an integer literal to any integer
    /// type that holds it. `T` costs nothing and casts nothing here, since it depends on the other arguments.
    pub(super) fn accepts(self, from: &DataType, literal: bool) -> Option<(DataType, u32)> {
        let from = plain(from);
        match self {
            Self::Any | Self::T => Some((from, 0)),
            Self::List(item) => accepts_list(*item, &from, literal),
            _ if self.data_type().is_none() => self.accepts_family(from, literal),
            _ => self.accepts_type(&from, literal),
        }
    }

    /// Does the same for kinds that cover several types.
    fn accepts_family(self, from: DataType, literal: bool) -> Option<(DataType, u32)> {
        let exact = |to: DataType| Some((to, 0));
        match self {
            Self::AnyList => match &from {
                DataType::List(_) => exact(from),
                DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                    exact(DataType::List(Arc::clone(item)))
                }
                DataType::Null => Some((list_of(DataType::Null), 1)),
                _ => None,
            },
            Self::AnyInteger => match &from {
                DataType::Null => Some((DataType::Int64, 101)),
                DataType::Utf8 if literal => Some((DataType::Int64, TEXT_COST)),
                other => other.is_integer().then_some((from, 0)),
            },
            Self::AnyStruct => match &from {
                DataType::Struct(_) => exact(from),
                DataType::Null => Some((from, 200)),
                _ => None,
            },
            Self::Json => match &from {
                DataType::Utf8 => exact(from),
                DataType::Null => Some((DataType::Utf8, 149)),
                DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => Some((from, 150)),
                _ => None,
            },
            Self::AnyMap => match &from {
                DataType::Map(..) => exact(from),
                DataType::Null => Some((from, 200)),
                _ => None,
            },
            Self::Decimal => match &from {
                DataType::Decimal128(..) | DataType::Decimal256(..) => exact(from),
                DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                    exact(DataType::Decimal128(*precision, *scale))
                }
                DataType::Null => Some((DataType::Decimal128(18, 3), 105)),
                other if other.is_integer() => Some((DataType::Decimal128(types::digits(other)?.0, 0), 105)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Does the same for kinds that are one type.
    fn accepts_type(self, from: &DataType, literal: bool) -> Option<(DataType, u32)> {
        let to = self.data_type()?;
        if from == &to {
            return Some((to, 0));
        }
        if self == Self::TimestampNs {
            return None;
        }
        let cost = match (from, self) {
            (DataType::Utf8, _) if literal => TEXT_COST,
            (DataType::Timestamp(_, None), Self::Timestamp)
            | (DataType::Timestamp(_, Some(_)), Self::TimestampTz)
            | (DataType::Time32(_) | DataType::Time64(_), Self::Time)
            | (DataType::Interval(_), Self::Interval)
            | (DataType::Date64, Self::Date) => 1,
            (DataType::Null, _)
            | (DataType::Date32 | DataType::Date64, Self::Timestamp | Self::TimestampTz)
            | (DataType::Timestamp(_, None), Self::TimestampTz)
            | (DataType::Float32, Self::Double)
            | (
                DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..),
                Self::Float | Self::Double,
            ) => target_cost(self),
            (number, _) if widens(number, self) => target_cost(self),
            (number, _) if literal && number.is_integer() && integer_bits(self).is_some() => {
                500 + target_cost(self)
            }
            _ => return None,
        };
        Some((to, cost))
    }
}

fn accepts_list(item: ParameterKind, from: &DataType, literal: bool) -> Option<(DataType, u32)> {
    match from {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            let (to, cost) = item.accepts(field.data_type(), literal)?;
            if &to == field.data_type() {
                return Some((DataType::List(Arc::clone(field)), cost));
            }
            Some((list_of(to), cost))
        }
        DataType::Null => {
            let (to, _) = item.accepts(&DataType::Null, literal)?;
            Some((list_of(to), 160))
        }
        // A list written as text: `'[1, 2]'`.
        DataType::Utf8 if literal => Some((list_of(item.data_type()?), TEXT_COST)),
        _ => None,
    }
}

/// Returns a list type, with the field that DataFusion uses.
pub(super) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// Ranks the types that an argument could be cast to by DuckDB's preference; lower is better.
fn target_cost(kind: ParameterKind) -> u32 {
    match kind {
        ParameterKind::BigInt => 101,
        ParameterKind::Integer => 102,
        ParameterKind::HugeInt => 103,
        ParameterKind::Double => 104,
        ParameterKind::Decimal => 105,
        ParameterKind::Timestamp => 120,
        ParameterKind::TimestampTz => 121,
        ParameterKind::Varchar => 149,
        _ => 110,
    }
}

/// Returns an integer kind's number of bits and whether it is signed.
fn integer_bits(kind: ParameterKind) -> Option<(u32, bool)> {
    Some(match kind {
        ParameterKind::TinyInt => (8, true),
        ParameterKind::SmallInt => (16, true),
        ParameterKind::Integer => (32, true),
        ParameterKind::BigInt => (64, true),
        ParameterKind::HugeInt => (128, true),
        ParameterKind::UTinyInt => (8, false),
        ParameterKind::USmallInt => (16, false),
        ParameterKind::UInteger => (32, false),
        ParameterKind::UBigInt => (64, false),
        _ => return None,
    })
}

/// Returns whether the kind holds all integers of a type, possibly rounded to floating point.
fn widens(from: &DataType, to: ParameterKind) -> bool {
    let (bits, signed) = match from {
        DataType::Int8 => (8, true),
        DataType::Int16 => (16, true),
        DataType::Int32 => (32, true),
        DataType::Int64 => (64, true),
        DataType::UInt8 => (8, false),
        DataType::UInt16 => (16, false),
        DataType::UInt32 => (32, false),
        DataType::UInt64 => (64, false),
        _ => return false,
    };
    if matches!(to, ParameterKind::Float | ParameterKind::Double) {
        return true;
    }
    integer_bits(to).is_some_and(|(wide, wide_signed)| match (signed, wide_signed) {
        (true, false) => false,
        (false | true, true) | (false, false) => wide > bits,
    })
}

/// Returns the common type to which both types are cast, as in a list or `greatest`, or `None` if there is
/// none. In DuckDB only a text literal combines with other types; the argument check makes that distinction.
pub(super) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    match (plain(a), plain(b)) {
        (DataType::Null, other) | (other, DataType::Null) => Some(other),
        (DataType::Utf8, other) | (other, DataType::Utf8) if !other.is_nested() => Some(other),
        (DataType::List(a), DataType::List(b)) => Some(list_of(common(a.data_type(), b.data_type())?)),
        (a, b) => types::common(&a, &b),
    }
}
