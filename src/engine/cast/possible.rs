//! Supported casts: which pairs of types can be cast, and for which of them Arrow's cast matches DuckDB's.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

use super::fields;
use crate::engine::cast::types::{self, CastTarget, TypeRule};

/// Returns whether Arrow's cast matches DuckDB's for every value, so that the optimizer may look through it.
pub(super) fn is_exact(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) | (T::Date32, T::Date64) | (T::Float32, T::Float64) => true,
        (from, to) if from.is_integer() && to.is_integer() => {
            matches!((from.primitive_width(), to.primitive_width()), (Some(a), Some(b))
                if a < b && (from.is_unsigned_integer() || to.is_signed_integer()))
        }
        (from, T::Float64) if from.is_integer() => true,
        (from, T::Decimal128(digits, scale)) if from.is_integer() => {
            types::digits(from).is_some_and(|(own, _)| own <= types::whole(*digits, *scale))
        }
        (T::Decimal128(a, a_scale), T::Decimal128(b, b_scale)) => {
            b_scale >= a_scale && types::whole(*b, *b_scale) >= types::whole(*a, *a_scale)
        }
        (from, to) if types::is_text(from) && types::is_text(to) => true,
        (T::Timestamp(TimeUnit::Microsecond, zone), T::Date32)
        | (T::Date32, T::Timestamp(TimeUnit::Microsecond, zone)) => is_utc(zone.as_deref()),
        (T::Timestamp(TimeUnit::Microsecond, from), T::Timestamp(TimeUnit::Microsecond, to)) => {
            is_utc(from.as_deref()) && is_utc(to.as_deref())
        }
        _ => false,
    }
}

/// Returns whether timestamps of this zone count from midnight UTC.
fn is_utc(zone: Option<&str>) -> bool {
    zone.is_none_or(|zone| matches!(zone, "UTC" | "+00:00"))
}

/// Returns whether some values of type `from` can be cast to type `to`.
#[expect(clippy::match_same_arms, reason = "a pair of types a line")]
pub(in crate::engine) fn is_possible(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let plain = |of: &DataType| types::is_number(of) || of == &T::Boolean;
    match (from, to) {
        (T::Null, _) => true,
        (T::Dictionary(_, value), to) => is_possible(value, to),
        (from, to) if types::is_text(from) || types::is_text(to) => true,
        (from, to) if plain(from) && plain(to) => true,
        (T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_), T::Binary) => true,
        (T::Date32 | T::Date64, T::Date32 | T::Timestamp(..)) => true,
        (T::Timestamp(from, None), T::Timestamp(to, None)) => {
            // Only TIMESTAMP can be cast to a coarser unit; every unit can be cast to TIMESTAMP.
            to >= from || matches!((from, to), (_, TimeUnit::Microsecond) | (TimeUnit::Microsecond, _))
        }
        (T::Timestamp(..), T::Date32 | T::Timestamp(..)) => true,
        (T::Timestamp(_, None), T::Time64(_)) => true,
        (T::Time32(_) | T::Time64(_), T::Time64(_)) => true,
        (T::Interval(_) | T::Duration(_), T::Interval(_)) => true,
        (
            T::List(a) | T::LargeList(a) | T::FixedSizeList(a, _),
            T::List(b) | T::LargeList(b) | T::FixedSizeList(b, _),
        ) => is_possible(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            let shared = b.iter().enumerate().filter_map(|(at, to)| Some((fields::source_of(a, b, at)?, to)));
            let mut shared = shared.peekable();
            shared.peek().is_some() && shared.all(|(at, to)| is_possible(a[at].data_type(), to.data_type()))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) => {
                a.iter().zip(b).all(|(a, b)| is_possible(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (T::Struct(fields), T::Map(entries, _)) => fields::entry_fields(entries).is_ok_and(|parts| {
            fields.iter().all(|field| is_possible(field.data_type(), parts[1].data_type()))
        }),
        _ => false,
    }
}

pub(super) fn advice(from: &DataType, to: &DataType) -> &'static str {
    let temporal = |of: &DataType| matches!(of, DataType::Date32 | DataType::Timestamp(..));
    if types::is_number(from) && temporal(to) {
        "; for seconds since 1970 use to_timestamp(…), for days date '1970-01-01' + …"
    } else if temporal(from) && types::is_number(to) {
        "; use epoch(…) for seconds, or date_part('year', …) for a part"
    } else if matches!((from, to), (DataType::Timestamp(_, None), DataType::Timestamp(_, None))) {
        "; cast it to timestamp first"
    } else if matches!((from, to), (DataType::Timestamp(_, Some(_)), DataType::Time64(_))) {
        "; cast it to timestamp first, or use … at time zone 'UTC'"
    } else {
        ""
    }
}

/// Returns why a UUID or JSON document can't be cast although its underlying text could be.
pub(in crate::engine) fn refused(rule: TypeRule, target: &CastTarget) -> Option<String> {
    let advice = match (rule, &target.data_type) {
        (TypeRule::Uuid, DataType::Binary) => "use unhex(replace(…, '-', ''))",
        (TypeRule::Json, DataType::Binary | DataType::Interval(_)) => "cast … ->> '$' instead",
        (TypeRule::Json, DataType::Struct(_) | DataType::Map(..)) => "use from_json(…)",
        _ => return None,
    };
    let name = if rule == TypeRule::Uuid { "UUID" } else { "JSON" };
    Some(format!("can't cast {name} to {}; {advice}", target.name()))
}
