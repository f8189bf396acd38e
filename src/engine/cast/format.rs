//! Values as text: formats values as `value::varchar` does, also for functions.

use std::{fmt::Write as _, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, StringArray, StringBuilder},
        compute,
        datatypes::{DataType, Float32Type, Float64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::Result,
};

use super::{converted::arrow, interval, time};

/// Formats the values of an array.
pub(super) fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    use DataType as T;
    if array.data_type().is_integer() || array.data_type() == &T::Boolean {
        return arrow(array, &T::Utf8);
    }
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let nulls = array.logical_nulls();
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            texts.append_null();
        } else {
            texts.append_option(value_text(array, row)?);
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// Formats the values of an array, for functions.
pub(in crate::engine) fn value_texts(array: &ArrayRef) -> Result<StringArray> {
    if array.data_type() == &DataType::Utf8 {
        return Ok(array.as_string::<i32>().clone());
    }
    Ok(texts(array)?.as_string::<i32>().clone())
}

/// Formats one value; `None` if it is NULL.
pub(in crate::engine) fn value_text(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    use DataType as T;
    fn at<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
        array.as_primitive::<T>().value(row)
    }
    if array.is_null(row) || array.data_type() == &T::Null {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        T::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        T::Float32 => float(&format!("{:e}", at::<Float32Type>(array, row))),
        T::Float64 => double(at::<Float64Type>(array, row)),
        T::Interval(IntervalUnit::MonthDayNano) => interval::text(at::<IntervalMonthDayNanoType>(array, row)),
        T::Time32(_) | T::Time64(TimeUnit::Nanosecond) | T::Date64 => {
            let to =
                if array.data_type() == &T::Date64 { T::Date32 } else { T::Time64(TimeUnit::Microsecond) };
            return value_text(&arrow(&array.slice(row, 1), &to)?, 0);
        }
        T::Date32 | T::Timestamp(..) | T::Time64(_) => return Ok(time::text(array, row)),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
            let one = compute::cast(&array.slice(row, 1), &T::Binary)?;
            bytes(one.as_binary::<i32>().value(0))
        }
        T::List(_) => list(&array.as_list::<i32>().value(row))?,
        T::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        T::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        T::Struct(fields) => {
            let columns = array.as_struct().columns();
            let parts = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| Ok(format!("'{}': {}", escaped(field.name()), element(column, row)?)));
            format!("{{{}}}", parts.collect::<Result<Vec<_>>>()?.join(", "))
        }
        T::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let parts =
                (0..entries.len()).map(|at| Ok(format!("{}={}", element(keys, at)?, element(values, at)?)));
            format!("{{{}}}", parts.collect::<Result<Vec<_>>>()?.join(", "))
        }
        T::Decimal128(digits, scale) if i16::from(*digits) == i16::from(*scale) => {
            // All digits are after the point, so DuckDB omits the zero before it.
            shown(array, row)?.replacen("0.", ".", 1)
        }
        _ => shown(array, row)?,
    }))
}

/// Formats a value with Arrow's formatter.
fn shown(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?.value(row).try_to_string()?)
}

fn list(items: &ArrayRef) -> Result<String> {
    let parts = (0..items.len()).map(|row| element(items, row));
    Ok(format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(", ")))
}

/// Formats an element of a list, struct or map, and quotes text that would be ambiguous.
fn element(array: &ArrayRef, row: usize) -> Result<String> {
    let Some(text) = value_text(array, row)? else { return Ok("NULL".into()) };
    let odd = |c: char| "\"'(),:=[]{}".contains(c);
    let must_quote = text.is_empty()
        || text.contains(odd)
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.eq_ignore_ascii_case("null");
    Ok(if must_quote && !array.data_type().is_nested() { format!("'{}'", escaped(&text)) } else { text })
}

/// Escapes text for single quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// Formats bytes: printable ASCII as it is, others as `\xAB`.
fn bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            32..=126 if !b"\\'\"".contains(byte) => text.push(char::from(*byte)),
            // Writing to a string can't fail.
            _ => drop(write!(text, "\\x{byte:02X}")),
        }
    }
    text
}

/// Formats a DOUBLE.
pub(in crate::engine) fn double(value: f64) -> String {
    float(&format!("{value:e}"))
}

/// Formats a number, given as its shortest digits in scientific notation (`d.ddde±x`): without an exponent
/// between 0.0001 and 10^16.
fn float(scientific: &str) -> String {
    match scientific {
        "NaN" => return "nan".into(),
        "inf" | "-inf" => return scientific.into(),
        _ => {}
    }
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    if !(-4..16).contains(&exponent) {
        let point = if mantissa.len() > 1 { mantissa.to_owned() } else { digits };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{point}e{direction}{:02}", exponent.abs());
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if exponent < 0 {
        format!("{sign}0.{}{digits}", zeros(-exponent - 1))
    } else if count <= exponent + 1 {
        format!("{sign}{digits}{}.0", zeros(exponent + 1 - count))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(1));
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn floats_print_as_in_duckdb() {
        let cases: [(f64, &str); 10] = [
            (1.0, "1.0"),
            (1e20, "1e+20"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (123_456_789.123, "123456789.123"),
            (-0.0, "-0.0"),
            (f64::NEG_INFINITY, "-inf"),
            (1.5e-7, "1.5e-07"),
        ];
        for (number, text) in cases {
            assert_eq!(float(&format!("{number:e}")), text);
        }
    }
}
