//! `hash`, compatible with DuckDB's.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, AsArray},
        buffer::NullBuffer,
        compute::cast,
        datatypes::{
            DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
            Int64Type, IntervalMonthDayNanoType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
    },
    error::Result,
};

use super::{
    call::fail,
    description::{Function, takes},
    kind::ParameterKind::{Any, UBigInt},
    value::comparable,
};
use crate::engine::cast::type_name::{plain, type_name};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[Function {
    names: &["hash"],
    syntax: "hash(value, …)",
    doc: "Returns a hash of values: DuckDB's. A UUID is text, and hashes as such.",
    example: ("hash('a')", "12561829011207016135"),
    overloads: &[takes(&[Any], UBigInt, |call| {
        let mut rows = vec![None; call.rows()];
        for argument in 0..call.len() {
            add(&mut rows, &call.array(argument)?, None)?;
        }
        call.each(|row| Ok(rows[row]))
    })
    .and(Any)],
    ..Function::OTHER
}];

/// The hash of NULL, and of an empty list in first position.
const NULL: u64 = 0xbf58_476d_1ce4_e5b9;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Hashes a 64-bit number.
fn number(value: u64) -> u64 {
    let mut hash = value ^ (value >> 32);
    hash = hash.wrapping_mul(FACTOR);
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 32)
}

/// Hashes bytes in blocks of eight, padding the last with zeros.
fn bytes(value: &[u8]) -> u64 {
    let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
    let mut hash = 0xe17a_1465 ^ length.wrapping_mul(0xc6a4_a793_5bd1_e995);
    for chunk in value.chunks(8) {
        let mut block = [0; 8];
        block[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(block)).wrapping_mul(FACTOR);
    }
    number(hash)
}

/// Combines the hashes of two consecutive values.
fn combined(first: u64, second: u64) -> u64 {
    (first ^ (first >> 32)).wrapping_mul(FACTOR) ^ second
}

/// Hashes a 128-bit integer.
fn wide(value: i128) -> u64 {
    let [low, high] = [value.cast_unsigned() & u128::from(u64::MAX), value.cast_unsigned() >> 64];
    [low, high].into_iter().map(|half| number(u64::try_from(half).unwrap_or(u64::MAX))).fold(0, |a, b| a ^ b)
}

/// Returns a hash for each row.
fn hashes(column: &ArrayRef) -> Result<Vec<u64>> {
    let mut rows = vec![None; column.len()];
    add(&mut rows, column, None)?;
    Ok(rows.into_iter().map(|hash| hash.unwrap_or(NULL)).collect())
}

/// Adds a column's values to the row hashes. A value counts as NULL where the enclosing struct is NULL.
fn add(rows: &mut [Option<u64>], column: &ArrayRef, around: Option<&NullBuffer>) -> Result<()> {
    let column = comparable(&cast(column, &plain(column.data_type()))?)?;
    let nulls = NullBuffer::union(column.logical_nulls().as_ref(), around);
    let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    match column.data_type() {
        DataType::Struct(_) => {
            for field in column.as_struct().columns() {
                add(rows, field, nulls.as_ref())?;
            }
        }
        DataType::List(_) | DataType::Map(..) => {
            let (items, offsets) = items(&column)?;
            let bound = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
            for (row, hash) in rows.iter_mut().enumerate() {
                let own = if is_null(row) { 0..0 } else { bound(row)..bound(row + 1) };
                for item in &items[own] {
                    *hash = Some(hash.map_or(*item, |hash| combined(hash, *item)));
                }
                *hash = hash.or(Some(NULL));
            }
        }
        _ => {
            for (row, (hash, value)) in rows.iter_mut().zip(plain_values(&column)?).enumerate() {
                let value = if is_null(row) { NULL } else { value };
                *hash = Some(hash.map_or(value, |hash| combined(hash, value)));
            }
        }
    }
    Ok(())
}

/// Returns the hash of each list item or map entry, and the offset at which each row starts.
fn items(column: &ArrayRef) -> Result<(Vec<u64>, Vec<i32>)> {
    if let Some(lists) = column.as_list_opt::<i32>() {
        return Ok((hashes(lists.values())?, lists.offsets().to_vec()));
    }
    let maps = column.as_map();
    let mut pairs = vec![None; maps.keys().len()];
    add(&mut pairs, maps.keys(), None)?;
    add(&mut pairs, maps.values(), None)?;
    Ok((pairs.into_iter().map(|hash| hash.unwrap_or(NULL)).collect(), maps.offsets().to_vec()))
}

/// Hashes scalar values; small integers hash by their lowest 32 bits.
fn plain_values(column: &ArrayRef) -> Result<Vec<u64>> {
    use DataType as T;
    fn each<A: ArrowPrimitiveType>(column: &ArrayRef, hash: impl Fn(A::Native) -> u64) -> Vec<u64> {
        column.as_primitive::<A>().values().iter().map(|value| hash(*value)).collect()
    }
    let small = |value: i32| number(value.cast_unsigned().into());
    let large = |value: i64| number(value.cast_unsigned());
    Ok(match column.data_type() {
        T::Null => vec![NULL; column.len()],
        T::Boolean => column.as_boolean().values().iter().map(|value| number(value.into())).collect(),
        T::Int8 => each::<Int8Type>(column, |value| small(value.into())),
        T::Int16 => each::<Int16Type>(column, |value| small(value.into())),
        T::Int32 => each::<Int32Type>(column, small),
        T::Int64 => each::<Int64Type>(column, large),
        T::UInt8 => each::<UInt8Type>(column, |value| number(value.into())),
        T::UInt16 => each::<UInt16Type>(column, |value| number(value.into())),
        T::UInt32 => each::<UInt32Type>(column, |value| number(value.into())),
        T::UInt64 => each::<UInt64Type>(column, number),
        T::Float32 => each::<Float32Type>(column, |value| number(value.to_bits().into())),
        T::Float64 => each::<Float64Type>(column, |value| number(value.to_bits())),
        T::Date32 => each::<Date32Type>(column, small),
        T::Timestamp(..) | T::Time64(_) => {
            let numbers = cast(column, &T::Int64)?;
            each::<Int64Type>(&numbers, large)
        }
        // DuckDB stores a decimal in the smallest integer type that holds its digits.
        T::Decimal128(digits, _) => {
            let digits = *digits;
            each::<Decimal128Type>(column, |value| match (digits, i64::try_from(value)) {
                (..=9, Ok(value)) => small(i32::try_from(value).unwrap_or(0)),
                (..=18, Ok(value)) => large(value),
                _ => wide(value),
            })
        }
        T::Interval(_) => each::<IntervalMonthDayNanoType>(column, |value| {
            large(value.days.into()) ^ large(value.months.into()) ^ large(value.nanoseconds / 1_000)
        }),
        T::Utf8 => column
            .as_string::<i32>()
            .iter()
            .map(|text| text.map_or(NULL, |text| bytes(text.as_bytes())))
            .collect(),
        T::Binary => column.as_binary::<i32>().iter().map(|value| value.map_or(NULL, bytes)).collect(),
        other => return fail(format!("hash: {} has no hash", type_name(other))),
    })
}
