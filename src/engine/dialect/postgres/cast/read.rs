//! Text to other types: parses text as PostgreSQL does.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, ListArray, PrimitiveArray, StringArray,
            new_empty_array,
        },
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::{ArrowPrimitiveType, DataType, Date32Type, Int16Type, Int32Type, Int64Type, TimeUnit},
    },
    error::Result,
};
pub(super) use duckdb::scaled as any_scaled;

use super::{
    arrow::days,
    float::{doubles, fault, floats, invalid, is_space},
};
use crate::engine::{
    cast as duckdb,
    cast::types,
    function::postgres::{is_date, kind::type_name},
};

/// Parses the number in a text at a scale, rounded half away from zero.
pub(super) fn scaled(text: &str, scale: i8) -> Option<i128> {
    if text.contains('_') { None } else { any_scaled(text, scale) }
}

/// Parses texts as values of a type.
pub(super) fn values(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match to {
        T::Boolean => {
            let values = texts.iter().map(|text| match text {
                None => Ok(None),
                Some(text) => boolean(text).map_or_else(|| invalid(text, to), |value| Ok(Some(value))),
            });
            Ok(Arc::new(values.collect::<Result<BooleanArray>>()?))
        }
        T::Int16 => integers::<Int16Type>(texts, to),
        T::Int32 => integers::<Int32Type>(texts, to),
        T::Int64 => integers::<Int64Type>(texts, to),
        T::Float64 => doubles(texts),
        T::Float32 => floats(&doubles(texts)?),
        T::Decimal128(digits, scale) => {
            let limit = 10_u128.pow(u32::from(*digits));
            let values = texts.iter().map(|text| match text {
                None => Ok(None),
                Some(text) => match scaled(text, *scale) {
                    Some(value) if value.unsigned_abs() < limit => Ok(Some(value)),
                    Some(_) => fault(format!(
                        "numeric field overflow: \"{text}\" doesn't fit into numeric({digits},{scale})"
                    )),
                    None => invalid(text, to),
                },
            });
            let made = values.collect::<Result<Decimal128Array>>()?;
            Ok(Arc::new(made.with_precision_and_scale(*digits, *scale)?))
        }
        T::List(_) => arrays(texts, to),
        T::Date32 | T::Timestamp(..) | T::Interval(_) => moments(texts, to),
        other => fault(format!("text is not cast to {} here", type_name(other))),
    }
}

/// Parses dates, timestamps and intervals, in the formats that both dialects read alike.
fn moments(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    let target = types::CastTarget::plain(to.clone());
    for text in texts.iter().flatten() {
        let words = ["infinity", "epoch", "today", "now", "tomorrow", "yesterday"];
        if words.iter().any(|word| text.to_lowercase().contains(word)) || text.contains('_') {
            return invalid(text, to);
        }
    }
    for text in texts.iter().flatten() {
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 6 && fraction[6..digits].bytes().any(|digit| digit != b'0') {
            return fault(format!("\"{text}\" has more than 6 digits of a second, which is not supported"));
        }
    }
    let array: ArrayRef = match to {
        DataType::Interval(_) => Arc::new(texts.iter().map(|text| text.map(joined)).collect::<StringArray>()),
        _ => Arc::new(texts.clone()),
    };
    let made = duckdb::values(&array, &target)?;
    if *to == DataType::Date32 {
        // The time after a date is dropped, but it must be valid.
        let target = types::CastTarget::plain(DataType::Timestamp(TimeUnit::Microsecond, None));
        let moments = duckdb::values(&array, &target)?;
        let wrong =
            |row: &usize| texts.is_valid(*row) && texts.value(*row).contains(':') && moments.is_null(*row);
        if let Some(row) = (0..texts.len()).find(wrong) {
            return invalid(texts.value(row), to);
        }
    }
    let days = match to {
        DataType::Interval(_) => None,
        _ if made.data_type() == &DataType::Date32 => Some(Arc::clone(&made)),
        _ => Some(days(&made)?),
    };
    for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
        if made.is_null(row) {
            return invalid(texts.value(row), to);
        }
        if let Some(days) = &days
            && !is_date(days.as_primitive::<Date32Type>().value(row))
        {
            return fault(format!("\"{}\" is out of range: years are 1 to 9999", texts.value(row)));
        }
    }
    Ok(made)
}

/// Removes the space between a sign and its number in an interval: `1 month - 1 day`.
fn joined(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut signed = false;
    for letter in text.chars() {
        if signed && letter == ' ' {
            continue;
        }
        signed = matches!(letter, '-' | '+');
        made.push(letter);
    }
    made
}

/// Parses one-dimensional arrays: `{1,NULL,"a b"}`.
fn arrays(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    let DataType::List(field) = to else { return fault("an array was due") };
    let mut parts: Vec<ArrayRef> = Vec::new();
    let mut lengths = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(text) = text else {
            lengths.push(0);
            continue;
        };
        let Some(items) = items(text) else { return invalid(text, to) };
        lengths.push(items.len());
        let items = StringArray::from(items);
        parts.push(match field.data_type() {
            DataType::Utf8 => Arc::new(items),
            item => values(&items, item)?,
        });
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    let values = if parts.is_empty() { new_empty_array(field.data_type()) } else { compute::concat(&parts)? };
    let nulls: NullBuffer = texts.iter().map(|text| text.is_some()).collect();
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        OffsetBuffer::from_lengths(lengths),
        values,
        Some(nulls),
    )?))
}

fn items(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Vec::new();
    let mut rest = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Some(found);
    }
    loop {
        while rest.next_if(char::is_ascii_whitespace).is_some() {}
        let mut item = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => item.push(rest.next()?),
                    c => item.push(c),
                }
            }
            while rest.next_if(char::is_ascii_whitespace).is_some() {}
            found.push(Some(item));
        } else {
            while let Some(c) = rest.next_if(|c| *c != ',') {
                if matches!(c, '{' | '}' | '"' | '\\') {
                    return None;
                }
                item.push(c);
            }
            let plain = item.trim_end();
            if plain.is_empty() {
                return None;
            }
            found.push((!plain.eq_ignore_ascii_case("null")).then(|| plain.to_owned()));
        }
        match rest.next() {
            None => return Some(found),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

fn integers<T: ArrowPrimitiveType>(texts: &StringArray, to: &DataType) -> Result<ArrayRef>
where
    T::Native: std::str::FromStr,
{
    let values = texts.iter().map(|text| match text {
        None => Ok(None),
        Some(text) => {
            let digits = text.trim_matches(is_space);
            let plain = digits.strip_prefix(['-', '+']).unwrap_or(digits);
            if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
                return invalid(text, to);
            }
            match digits.parse::<T::Native>() {
                Ok(value) => Ok(Some(value)),
                Err(_) => fault(format!("value \"{text}\" is out of range for type {}", type_name(to))),
            }
        }
    });
    Ok(Arc::new(values.collect::<Result<PrimitiveArray<T>>>()?))
}

/// Parses a boolean: the words for true and false, or their prefixes.
fn boolean(text: &str) -> Option<bool> {
    let word = text.trim_matches(is_space).to_lowercase();
    let begins = |of: &str, least: usize| word.len() >= least && of.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || word == "on" || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}
