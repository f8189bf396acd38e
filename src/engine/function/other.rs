//! Functions of any type: types, NULLs and identifiers.

use std::cmp::Ordering;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, make_comparator, new_null_array},
        compute::{SortOptions, cast, interleave, is_not_null, kernels::zip::zip, nullif},
        datatypes::DataType,
    },
    error::{DataFusionError, Result},
    logical_expr::Volatility,
};

use super::{
    call::{Call, Micros, fail},
    description::{Function, Typing, computes, takes},
    kind::ParameterKind::{Any, BigInt, Boolean, T, TimestampTz, UBigInt, UInteger, Varchar},
};
use crate::engine::cast::type_name::type_name;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["typeof"],
        syntax: "typeof(value)",
        doc: "Returns the name of the type of a value.",
        example: ("typeof('abc')", "VARCHAR"),
        overloads: &[takes(&[Any], Varchar, |call| {
            let name = type_name(call.type_of(0));
            call.each(|_| Ok(Some(name.as_str())))
        })],
        ..Function::OTHER
    },
    Function {
        names: &["greatest"],
        syntax: "greatest(value, …)",
        doc: "Returns the greatest value; leaves NULLs out. NaN is greater than all numbers.",
        example: ("greatest(42, 84, NULL)", "84"),
        overloads: &[takes(&[T], T, |call| extreme(call, Ordering::Greater)).and(T)],
        ..Function::OTHER
    },
    Function {
        names: &["least"],
        syntax: "least(value, …)",
        doc: "Returns the least value; leaves NULLs out.",
        example: ("least(42, 84, NULL)", "42"),
        overloads: &[takes(&[T], T, |call| extreme(call, Ordering::Less)).and(T)],
        ..Function::OTHER
    },
    Function {
        names: &["ifnull"],
        syntax: "ifnull(value, other)",
        doc: "Returns the first value, or the other if it is NULL.",
        example: ("ifnull(NULL, 'none')", "none"),
        overloads: &[takes(&[T, T], T, |call| {
            let (first, other) = (call.array(0)?, call.array(1)?);
            Ok(zip(&is_not_null(&first)?, &first, &other)?)
        })],
        ..Function::OTHER
    },
    Function {
        names: &["nullif"],
        syntax: "nullif(value, other)",
        doc: "Returns NULL if both values are equal, else the first.",
        example: ("nullif(42, 42)", "NULL"),
        overloads: &[computes(&[Any, Any], comparable, "ANY", |call| {
            let (first, other) = (call.array(0)?, call.array(1)?);
            if first.data_type() == &DataType::Null || other.data_type() == &DataType::Null {
                return Ok(first);
            }
            let both = super::kind::common(first.data_type(), other.data_type());
            let Some(both) = both else { return fail("nullif: the values can't be compared") };
            let equal =
                datafusion::arrow::compute::kernels::cmp::eq(&cast(&first, &both)?, &cast(&other, &both)?)?;
            Ok(nullif(&first, &equal)?)
        })],
        ..Function::OTHER
    },
    Function {
        names: &["if"],
        syntax: "if(condition, value, other)",
        doc: "Returns the first value if the condition is true, else the other.",
        example: ("if(2 > 1, 'yes', 'no')", "yes"),
        overloads: &[takes(&[Boolean, T, T], T, |call| {
            let conditions = call.column::<bool>(0)?;
            let mask = (0..call.rows()).map(|row| Some(conditions.at(row) == Some(true))).collect();
            Ok(zip(&mask, &call.array(1)?, &call.array(2)?)?)
        })],
        ..Function::OTHER
    },
    Function {
        names: &["constant_or_null"],
        syntax: "constant_or_null(value, test, …)",
        doc: "Returns NULL if one of the tests is NULL, else the value.",
        example: ("constant_or_null(42, NULL)", "NULL"),
        overloads: &[computes(
            &[Any, Any],
            |typing| {
                let no_test = typing.types[1..].contains(&DataType::Null);
                Ok(if no_test { DataType::Null } else { typing.types[0].clone() })
            },
            "ANY",
            |call| {
                if call.returns() == &DataType::Null {
                    return Ok(new_null_array(&DataType::Null, call.rows()));
                }
                let tests =
                    (1..call.len()).map(|argument| call.array(argument)).collect::<Result<Vec<_>>>()?;
                let any_null = |row| {
                    tests.iter().any(|test| test.logical_nulls().is_some_and(|nulls| nulls.is_null(row)))
                };
                let mask = (0..call.rows()).map(|row| Some(any_null(row))).collect();
                Ok(nullif(&call.array(0)?, &mask)?)
            },
        )
        .and(Any)],
        ..Function::OTHER
    },
    Function {
        names: &["error"],
        syntax: "error(message)",
        doc: "Fails with a message.",
        volatility: Volatility::Volatile,
        overloads: &[computes(
            &[Varchar],
            |_| Ok(DataType::Null),
            "NULL",
            |call| {
                let messages = call.column::<&str>(0)?;
                if let Some(message) = (0..call.rows()).find_map(|row| messages.at(row)) {
                    return fail(message);
                }
                Ok(new_null_array(&DataType::Null, call.rows()))
            },
        )],
        ..Function::OTHER
    },
    Function {
        names: &["version"],
        syntax: "version()",
        doc: "Returns the name and version of Headwater.",
        overloads: &[takes(&[], Varchar, |call| {
            call.each(|_| Ok(Some(concat!("Headwater ", env!("CARGO_PKG_VERSION")))))
        })],
        ..Function::OTHER
    },
    Function {
        names: &["uuid", "gen_random_uuid", "uuidv4"],
        syntax: "uuid()",
        doc: "Returns a random UUID, as text.",
        example: ("length(uuid())", "36"),
        volatility: Volatility::Volatile,
        overloads: &[takes(&[], Varchar, |call| call.each(|_| Ok(Some(uuid::Uuid::new_v4().to_string()))))],
        ..Function::OTHER
    },
    Function {
        names: &["uuidv7"],
        syntax: "uuidv7()",
        doc: "Returns a UUID that begins with the time, as text.",
        example: ("length(uuidv7())", "36"),
        volatility: Volatility::Volatile,
        overloads: &[takes(&[], Varchar, |call| call.each(|_| Ok(Some(uuid::Uuid::now_v7().to_string()))))],
        ..Function::OTHER
    },
    Function {
        names: &["uuid_extract_version"],
        syntax: "uuid_extract_version(uuid)",
        doc: "Returns the version of a UUID.",
        example: ("uuid_extract_version('00000000-0000-4000-8000-000000000000')", "4"),
        overloads: &[takes(&[Varchar], UInteger, |call| {
            call.map1(|text: &str| match text.parse::<uuid::Uuid>() {
                Ok(uuid) => Ok(u32::try_from(uuid.get_version_num()).ok()),
                Err(_) => fail(format!("uuid_extract_version: `{text}` is no UUID")),
            })
        })],
        ..Function::OTHER
    },
    Function {
        names: &["uuid_extract_timestamp"],
        syntax: "uuid_extract_timestamp(uuid)",
        doc: "Returns the time that a UUID of version 7 begins with.",
        example: (
            "uuid_extract_timestamp('019482e4-1441-7aad-8127-eec99573b0a0')",
            "2025-01-20 08:46:13.057+00",
        ),
        overloads: &[takes(&[Varchar], TimestampTz, |call| {
            call.map1(|text: &str| match text.parse::<uuid::Uuid>() {
                // The first 48 bits are the milliseconds since 1970.
                Ok(uuid) if uuid.get_version_num() == 7 => {
                    let millis = i64::try_from(uuid.as_u64_pair().0 >> 16).unwrap_or(0);
                    Ok(Some(Micros(millis * 1_000)))
                }
                Ok(_) => fail(format!("uuid_extract_timestamp: `{text}` is no UUID of version 7")),
                Err(_) => fail(format!("uuid_extract_timestamp: `{text}` is no UUID")),
            })
        })],
        ..Function::OTHER
    },
    Function {
        names: &["format_bytes", "formatreadablesize", "pg_size_pretty"],
        syntax: "format_bytes(bytes)",
        doc: "Writes a number of bytes with a binary unit.",
        example: ("format_bytes(16000)", "15.6 KiB"),
        overloads: &[takes(&[BigInt], Varchar, |call| {
            call.map1(|bytes: i64| Ok(Some(readable(bytes, 1024, &["KiB", "MiB", "GiB", "TiB", "PiB"]))))
        })],
        ..Function::OTHER
    },
    Function {
        names: &["formatreadabledecimalsize"],
        syntax: "formatreadabledecimalsize(bytes)",
        doc: "Writes a number of bytes with a decimal unit.",
        example: ("formatreadabledecimalsize(16000)", "16.0 kB"),
        overloads: &[takes(&[BigInt], Varchar, |call| {
            call.map1(|bytes: i64| Ok(Some(readable(bytes, 1000, &["kB", "MB", "GB", "TB", "PB"]))))
        })],
        ..Function::OTHER
    },
    Function {
        names: &["parse_formatted_bytes"],
        syntax: "parse_formatted_bytes(text)",
        doc: "Reads a number of bytes with a unit.",
        example: ("parse_formatted_bytes('16 KiB')", "16384"),
        overloads: &[takes(&[Varchar], UBigInt, |call| call.map1(|text: &str| bytes_of(text).map(Some)))],
        ..Function::OTHER
    },
    Function {
        names: &["like_escape"],
        syntax: "like_escape(text, pattern, escape)",
        doc: "Returns whether a text matches a LIKE pattern with an escape character.",
        example: ("like_escape('a%c', 'a$%c', '$')", "true"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Boolean, |call| like(call, false, true))],
        ..Function::TEXT
    },
    Function {
        names: &["not_like_escape"],
        syntax: "not_like_escape(text, pattern, escape)",
        doc: "Returns the opposite of `like_escape`.",
        example: ("not_like_escape('a%c', 'a$%c', '$')", "false"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Boolean, |call| like(call, false, false))],
        ..Function::TEXT
    },
    Function {
        names: &["ilike_escape"],
        syntax: "ilike_escape(text, pattern, escape)",
        doc: "Returns the same as `like_escape`, without regard to case.",
        example: ("ilike_escape('A%c', 'a$%C', '$')", "true"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Boolean, |call| like(call, true, true))],
        ..Function::TEXT
    },
    Function {
        names: &["not_ilike_escape"],
        syntax: "not_ilike_escape(text, pattern, escape)",
        doc: "Returns the opposite of `ilike_escape`.",
        example: ("not_ilike_escape('A%c', 'a$%C', '$')", "false"),
        overloads: &[takes(&[Varchar, Varchar, Varchar], Boolean, |call| like(call, true, false))],
        ..Function::TEXT
    },
];

/// Returns the first argument's type if the second can be compared with it.
fn comparable(typing: &Typing) -> Result<DataType> {
    match super::kind::common(&typing.types[0], &typing.types[1]) {
        Some(_) => Ok(typing.types[0].clone()),
        None => Err(DataFusionError::Plan(format!(
            "`nullif` can't compare {} with {}",
            type_name(&typing.types[0]),
            type_name(&typing.types[1])
        ))),
    }
}

/// Returns the greatest or least argument of each row.
fn extreme(call: &Call, wanted: Ordering) -> Result<ArrayRef> {
    let arrays = call.arrays()?;
    if call.returns() == &DataType::Null {
        return call.array(0);
    }
    // Positive and negative zero tie, and NaN is the greatest.
    let compared = arrays.iter().map(super::value::comparable).collect::<Result<Vec<_>>>()?;
    let values: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    let columns: Vec<&dyn Array> = compared.iter().map(AsRef::as_ref).collect();
    let mut best: Vec<(usize, usize)> = (0..call.rows()).map(|row| (0, row)).collect();
    for challenger in 1..arrays.len() {
        let compare = (0..challenger)
            .map(|holder| make_comparator(columns[challenger], columns[holder], SortOptions::default()))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for (row, best) in best.iter_mut().enumerate() {
            if columns[challenger].is_null(row) {
                continue;
            }
            if columns[best.0].is_null(row) || compare[best.0](row, row) == wanted {
                *best = (challenger, row);
            }
        }
    }
    Ok(interleave(&values, &best)?)
}

fn readable(bytes: i64, step: u64, units: &[&str]) -> String {
    let (sign, size) = (if bytes < 0 { "-" } else { "" }, bytes.unsigned_abs());
    if size < step {
        return format!("{sign}{size} byte{}", if size == 1 { "" } else { "s" });
    }
    let mut unit = step;
    let mut at = 0;
    while at + 1 < units.len() && size / unit >= step {
        unit *= step;
        at += 1;
    }
    // Truncate to tenths rather than rounding.
    let tenths = u128::from(size) * 10 / u128::from(unit);
    format!("{sign}{}.{} {}", tenths / 10, tenths % 10, units[at])
}

fn bytes_of(text: &str) -> Result<u64> {
    let trimmed = text.trim();
    let digits = |text: &str| text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let mut split = digits(trimmed);
    // An exponent: `1e3 kb`.
    if let Some(exponent) = trimmed[split..].strip_prefix(['e', 'E'])
        && exponent.starts_with(|c: char| c.is_ascii_digit())
    {
        split += 1 + digits(exponent);
    }
    let (number, unit) = trimmed.split_at(split);
    let factor: Option<f64> = match unit.trim().to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => Some(1.0),
        "kb" | "k" => Some(1e3),
        "mb" | "m" => Some(1e6),
        "gb" | "g" => Some(1e9),
        "tb" | "t" => Some(1e12),
        "kib" => Some(1024.0),
        "mib" => Some(1_048_576.0),
        "gib" => Some(1_073_741_824.0),
        "tib" => Some(1_099_511_627_776.0),
        _ => None,
    };
    match (number.parse::<f64>().ok(), factor) {
        (Some(number), Some(factor)) => {
            let bytes = super::interval::rounded(number * factor).and_then(|bytes| u64::try_from(bytes).ok());
            bytes.map_or_else(|| fail(format!("`{text}` is too many bytes")), Ok)
        }
        _ => fail(format!("`{text}` is no number of bytes with a unit")),
    }
}

/// Evaluates LIKE with an escape character by translating it to a regular expression.
fn like(call: &Call, ignore_case: bool, wanted: bool) -> Result<ArrayRef> {
    let cache = std::cell::RefCell::new(None::<(String, regex::Regex)>);
    call.map3(|text: &str, pattern: &str, escape: &str| {
        let mut characters = escape.chars();
        let escape = characters.next();
        if characters.next().is_some() {
            return fail("the escape of a pattern must be one character, or none");
        }
        let mut expression = String::from(if ignore_case { r"(?is)\A" } else { r"(?s)\A" });
        let mut rest = pattern.chars();
        while let Some(next) = rest.next() {
            match next {
                next if Some(next) == escape => match rest.next() {
                    Some(plain) => expression.push_str(&regex::escape(&plain.to_string())),
                    None => return fail(format!("the pattern `{pattern}` ends with its escape character")),
                },
                '%' => expression.push_str(".*"),
                '_' => expression.push('.'),
                plain => expression.push_str(&regex::escape(&plain.to_string())),
            }
        }
        expression.push_str(r"\z");
        let mut cache = cache.borrow_mut();
        if cache.as_ref().is_none_or(|(known, _)| *known != expression) {
            match regex::Regex::new(&expression) {
                Ok(compiled) => *cache = Some((expression, compiled)),
                Err(_) => return fail("the pattern is too long"),
            }
        }
        Ok(cache.as_ref().map(|(_, compiled)| compiled.is_match(text) == wanted))
    })
}
