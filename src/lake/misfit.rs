//! Values that Arrow can represent but a Delta table can't store: decimals with more digits than their type,
//! dates and timestamps outside the years 0001 to 9999, and empty strings as partition values. Other readers
//! would see a different value or fail to open the table, so a write stops at such a value and reports it.

use std::fmt;

use crate::engine::arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray},
    buffer::NullBuffer,
    compute::{cast, max, min},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, TimeUnit, TimestampMicrosecondType},
    error::ArrowError,
    util::display::array_value_to_string,
};

/// A value that doesn't fit its column.
#[derive(Debug)]
pub enum Misfit {
    /// The value and the reason.
    Value {
        /// The column, with the path of nested fields.
        column: String,
        /// The value as text.
        value: String,
        /// The reason and the fix.
        reason: MisfitReason,
    },
    /// Arrow rejected the rows for another reason.
    Arrow(ArrowError),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { column, value, reason } => {
                write!(f, "column {column} has the value {value}, {reason}")
            }
            Self::Arrow(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Misfit {}

impl From<ArrowError> for Misfit {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// The reason why a value doesn't fit, as a clause about the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MisfitReason {
    /// The column's type can't represent it.
    #[error("which its type {0} can't hold: cast it in the query")]
    Type(String),
    /// A decimal has more digits than its type.
    #[error("which overflows decimal({precision}, {scale}): it has {digits} digits; {}", fix(*precision))]
    Digits {
        /// The type's precision.
        precision: u8,
        /// The type's scale.
        scale: i8,
        /// The value's digits.
        digits: usize,
    },
    /// A date or timestamp is beyond the calendar of Delta's readers.
    #[error(
        "which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the \
         number that it was computed from, or make it NULL"
    )]
    Years,
    /// An empty string is the value of this partition column.
    #[error(
        "which is empty, and the table is partitioned by it: Delta's log can't tell an empty text from NULL; \
         write `nullif({0}, '')`, or give it a text of its own"
    )]
    EmptyPartition(String),
    /// The folder of a value of this partition column would have too long a name.
    #[error(
        "and the table is partitioned by it: the name of a value's folder, `{0}=value` percent-encoded, can't have more \
         than {FOLDER_NAME} bytes; partition by a shorter column, such as `left({0}, 40)` or `md5({0})`"
    )]
    LongPartition(Box<str>),
    /// A negative decimal with a fraction is the value of a partition column.
    #[error(
        "and the table is partitioned by it: deltalake for Python can't read a negative decimal with a \
         fraction there; cast the column to varchar, or partition by another"
    )]
    NegativeFraction,
}

fn fix(precision: u8) -> &'static str {
    if precision < 38 {
        "cast to a decimal of more digits"
    } else {
        "a decimal has 38 at most: round it, or cast to double"
    }
}

/// Days from 1970-01-01 to 0001-01-01 and 9999-12-31.
const DAYS: (i32, i32) = (-719_162, 2_932_896);
/// The same range in microseconds, to the end of the last day.
const MICROS: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);

/// Checks that a table column can store these values and their nested fields and elements. Errors refer to
/// them as `column`.
pub(super) fn check(values: &ArrayRef, column: &str) -> Result<(), Misfit> {
    match values.data_type() {
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            let limit = 10_i128.checked_pow(u32::from(precision)).map_or(i128::MAX, |limit| limit - 1);
            within::<Decimal128Type>(values, (-limit, limit), column, |_, value| {
                let digits = value.unsigned_abs().to_string().len();
                let reason = MisfitReason::Digits { precision, scale, digits };
                (decimal(value, scale), reason)
            })
        }
        DataType::Date32 => {
            within::<Date32Type>(values, DAYS, column, |row, _| (text(values, row), MisfitReason::Years))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            within::<TimestampMicrosecondType>(values, MICROS, column, |row, _| {
                (text(values, row), MisfitReason::Years)
            })
        }
        DataType::Struct(fields) => {
            let structs = values.as_struct();
            fields.iter().zip(structs.columns()).try_for_each(|(field, child)| {
                check(&visible(child, structs.nulls()), &format!("{column}.{}", field.name()))
            })
        }
        DataType::List(_) => {
            let lists = values.as_list::<i32>();
            check(&used(lists.values(), lists.offsets()), &format!("{column}[]"))
        }
        DataType::Map(..) => {
            let maps = values.as_map();
            check(&used(maps.keys(), maps.offsets()), &format!("{column}.key"))?;
            check(&used(maps.values(), maps.offsets()), &format!("{column}.value"))
        }
        _ => Ok(()),
    }
}

/// Checks that every reader can recover a partition column's values from the Delta log.
pub(super) fn check_partition(values: &ArrayRef, column: &str) -> Result<(), Misfit> {
    let refused = |value: String, reason| Err(Misfit::Value { column: column.to_owned(), value, reason });
    match values.data_type() {
        DataType::Utf8 if values.as_string::<i32>().iter().flatten().any(str::is_empty) => {
            refused("''".to_owned(), MisfitReason::EmptyPartition(column.to_owned()))
        }
        DataType::Utf8 => {
            let long = |text: &&str| folder_name(column, text) > FOLDER_NAME;
            match values.as_string::<i32>().iter().flatten().find(long) {
                Some(text) => refused(
                    format!("'{}…'", text.chars().take(SHOWN).collect::<String>()),
                    MisfitReason::LongPartition(column.into()),
                ),
                None => Ok(()),
            }
        }
        DataType::Float64 => {
            // The folder's name has all digits of the value, and those of 1e-320 exceed the limit.
            let long = |number: &f64| folder_name(column, &number.to_string()) > FOLDER_NAME;
            match values.as_primitive::<Float64Type>().iter().flatten().find(long) {
                Some(number) => refused(format!("{number:e}"), MisfitReason::LongPartition(column.into())),
                None => Ok(()),
            }
        }
        DataType::Decimal128(_, scale) if *scale > 0 => {
            let one = 10_i128.checked_pow(u32::from(scale.unsigned_abs())).unwrap_or(i128::MAX);
            let decimals = values.as_primitive::<Decimal128Type>();
            match decimals.iter().flatten().find(|value| *value < 0 && value % one != 0) {
                // deltalake for Python up to 1.6 writes it as `0.0-1` when it opens the table for Arrow.
                Some(value) => refused(decimal(value, *scale), MisfitReason::NegativeFraction),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The maximum number of bytes in the name of a folder, on most disks.
const FOLDER_NAME: usize = 255;

/// The number of characters of a long value in a message.
const SHOWN: usize = 40;

/// Returns the number of bytes in the name of a partition's folder: `column=value`, with all but letters,
/// digits and `-._~` percent-encoded.
fn folder_name(column: &str, value: &str) -> usize {
    let encoded = |byte: u8| if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { 1 } else { 3 };
    column.len() + 1 + value.bytes().map(encoded).sum::<usize>()
}

/// Returns, as text, the first of `values` that became NULL in `cast` because the cast failed.
pub(super) fn lost(values: &ArrayRef, cast: &ArrayRef) -> Option<String> {
    (0..values.len()).find(|row| values.is_valid(*row) && cast.is_null(*row)).map(|row| text(values, row))
}

/// Checks that all values are within a range. `explain` describes the first value outside it, given its
/// position.
fn within<T: ArrowPrimitiveType>(
    values: &ArrayRef,
    (least, greatest): (T::Native, T::Native),
    column: &str,
    explain: impl Fn(usize, T::Native) -> (String, MisfitReason),
) -> Result<(), Misfit> {
    let numbers: &PrimitiveArray<T> = values.as_primitive();
    let inside = |number: T::Native| number >= least && number <= greatest;
    if min(numbers).is_none_or(inside) && max(numbers).is_none_or(inside) {
        return Ok(());
    }
    let found =
        numbers.iter().enumerate().find_map(|(row, number)| Some((row, number.filter(|n| !inside(*n))?)));
    let Some((row, number)) = found else { return Ok(()) };
    let (value, reason) = explain(row, number);
    Err(Misfit::Value { column: column.to_owned(), value, reason })
}

/// Formats a value: quotes strings, and shows dates beyond the calendar's range as numbers.
fn text(values: &ArrayRef, row: usize) -> String {
    let unit = match values.data_type() {
        DataType::Date32 => "days",
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => "milliseconds",
        DataType::Timestamp(TimeUnit::Second, _) => "seconds",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "microseconds",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "nanoseconds",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            return format!("'{}'", array_value_to_string(values, row).unwrap_or_default());
        }
        _ => return array_value_to_string(values, row).unwrap_or_default(),
    };
    let numbers = || cast(&values.slice(row, 1), &DataType::Int64);
    match array_value_to_string(values, row) {
        // Arrow puts its error into the text.
        Ok(text) if !text.starts_with("ERROR") => text,
        _ => match numbers().and_then(|numbers| array_value_to_string(&numbers, 0)) {
            Ok(number) => format!("{number} {unit} since 1970-01-01"),
            Err(_) => "a moment that no calendar has".to_owned(),
        },
    }
}

/// Formats a decimal. Arrow would truncate it to the digits of its type.
fn decimal(value: i128, scale: i8) -> String {
    let scale = usize::from(scale.max(0).unsigned_abs());
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Returns a field's values with those of NULL structs masked.
fn visible(child: &ArrayRef, nulls: Option<&NullBuffer>) -> ArrayRef {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return ArrayRef::clone(child) };
    let all = NullBuffer::union(child.nulls(), Some(nulls));
    let masked = child.to_data().into_builder().nulls(all).build();
    masked.map_or_else(|_| ArrayRef::clone(child), crate::engine::arrow::array::make_array)
}

/// Returns the elements that a list array refers to.
fn used(elements: &ArrayRef, offsets: &[i32]) -> ArrayRef {
    let at = |offset: Option<&i32>| offset.and_then(|at| usize::try_from(*at).ok()).unwrap_or_default();
    let (start, end) = (at(offsets.first()), at(offsets.last()));
    elements.slice(start, end - start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::arrow::{
        array::{
            Date32Array, Decimal128Array, Float64Array, ListArray, StringArray, StructArray,
            TimestampMicrosecondArray,
        },
        datatypes::{Field, Int32Type},
    };

    fn shown(values: impl Array + 'static) -> String {
        check(&(Arc::new(values) as ArrayRef), "c").unwrap_err().to_string()
    }

    #[test]
    fn a_value_that_no_reader_could_read_is_named() {
        let money = Decimal128Array::from(vec![Some(1), None, Some(123_456)]).with_precision_and_scale(5, 2);
        let huge = Decimal128Array::from(vec![10_i128.pow(38)]).with_precision_and_scale(38, 0);
        let dates = Date32Array::from(vec![0, DAYS.1 + 1]);
        let early = Date32Array::from(vec![DAYS.0 - 1]);
        let never = Date32Array::from(vec![i32::MAX]);
        let times = TimestampMicrosecondArray::from(vec![Some(MICROS.1 + 1), None]);
        insta::assert_snapshot!(
            [shown(money.unwrap()), shown(huge.unwrap()), shown(dates), shown(early), shown(never), shown(times)]
                .join("\n"),
            @r"
        column c has the value 1234.56, which overflows decimal(5, 2): it has 6 digits; cast to a decimal of more digits
        column c has the value 100000000000000000000000000000000000000, which overflows decimal(38, 0): it has 39 digits; a decimal has 38 at most: round it, or cast to double
        column c has the value +10000-01-01, which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the number that it was computed from, or make it NULL
        column c has the value 0000-12-31, which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the number that it was computed from, or make it NULL
        column c has the value 2147483647 days since 1970-01-01, which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the number that it was computed from, or make it NULL
        column c has the value +10000-01-01T00:00:00, which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the number that it was computed from, or make it NULL
        "
        );
    }

    #[test]
    fn the_first_and_the_last_value_fit() {
        let fit = |values: ArrayRef| check(&values, "c").is_ok();
        assert!(fit(Arc::new(Date32Array::from(vec![Some(DAYS.0), None, Some(DAYS.1)]))));
        assert!(fit(Arc::new(TimestampMicrosecondArray::from(vec![MICROS.0, MICROS.1]))));
        let decimals = Decimal128Array::from(vec![-99_999, 99_999]).with_precision_and_scale(5, 2).unwrap();
        assert!(fit(Arc::new(decimals)));
    }

    #[test]
    fn values_are_found_in_fields_and_elements_but_not_where_these_are_null() {
        let far: ArrayRef = Arc::new(Date32Array::from(vec![0, DAYS.1 + 1]));
        let field = Arc::new(Field::new("d", DataType::Date32, true));
        let of = |nulls| StructArray::new(vec![field.clone()].into(), vec![far.clone()], nulls);
        assert!(shown(of(None)).starts_with("column c.d has"), "{}", shown(of(None)));
        let hidden: ArrayRef = Arc::new(of(Some(NullBuffer::from(vec![true, false]))));
        assert!(check(&hidden, "c").is_ok());

        let lists = ListArray::from_iter_primitive::<Date32Type, _, _>([
            Some(vec![Some(1)]),
            None,
            Some(vec![Some(DAYS.1 + 1)]),
        ]);
        assert!(check(&(Arc::new(lists.slice(0, 2)) as ArrayRef), "c").is_ok());
        assert!(shown(lists).starts_with("column c[] has"));
        let fine = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]);
        assert!(check(&(Arc::new(fine) as ArrayRef), "c").is_ok());
    }

    #[test]
    fn a_partition_value_is_one_that_every_reader_reads_alike() {
        let texts = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
        assert!(check_partition(&texts(vec![Some("a"), None]), "p").is_ok());
        let decimals = |value| {
            let values = Decimal128Array::from(vec![0, value]).with_precision_and_scale(9, 3).unwrap();
            check_partition(&(Arc::new(values) as ArrayRef), "p").map_err(|misfit| misfit.to_string())
        };
        assert_eq!((decimals(1), decimals(-1000)), (Ok(()), Ok(())));
        insta::assert_snapshot!(
            decimals(-1).unwrap_err(),
            @"column p has the value -0.001, and the table is partitioned by it: deltalake for Python can't read a negative decimal with a fraction there; cast the column to varchar, or partition by another"
        );
        let refused = check_partition(&texts(vec![Some("a"), Some("")]), "p").unwrap_err();
        insta::assert_snapshot!(refused, @"column p has the value '', which is empty, and the table is partitioned by it: Delta's log can't tell an empty text from NULL; write `nullif(p, '')`, or give it a text of its own");
        let (long, short) = ("ä/".repeat(28), "a".repeat(253));
        assert!(check_partition(&texts(vec![Some(&short), Some(&long)]), "p").is_ok());
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![Some(1e200), None, Some(1e308)]));
        let refused = check_partition(&doubles, "p").unwrap_err();
        assert!(
            refused.to_string().starts_with("column p has the value 1e308, and the table is"),
            "{refused}"
        );
        let refused = check_partition(&texts(vec![Some("a"), Some(&format!("{long}b"))]), "pq").unwrap_err();
        insta::assert_snapshot!(refused, @"column pq has the value 'ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/ä/…', and the table is partitioned by it: the name of a value's folder, `pq=value` percent-encoded, can't have more than 255 bytes; partition by a shorter column, such as `left(pq, 40)` or `md5(pq)`");
    }
}
