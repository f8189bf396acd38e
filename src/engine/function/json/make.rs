//! Construction of documents from values.

use std::fmt::Write as _;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        compute::cast,
        datatypes::{
            DataType, Decimal128Type, Float64Type, IntervalMonthDayNanoType, TimeUnit,
            TimestampMicrosecondType,
        },
        temporal_conversions::timestamp_us_to_datetime,
    },
    common::plan_err,
    error::Result,
};

use super::{
    super::{
        call::{Call, fail},
        description::{Function, Gives, Overload, Typing, takes},
        kind::Kind::{Any, Boolean, Json, Varchar},
    },
    documents, parsed,
    value::Json as Document,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["to_json", "json_quote"],
        syntax: "to_json(value)",
        doc: "Returns a value as JSON: structs and maps as objects, lists as arrays, text in quotes.",
        example: ("to_json([1, 2])", "[1,2]"),
        overloads: &[takes(&[Any], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["array_to_json"],
        syntax: "array_to_json(list)",
        doc: "Returns a list as JSON.",
        example: ("array_to_json([1, 2])", "[1,2]"),
        overloads: &[takes(&[super::super::kind::Kind::AnyList], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["row_to_json"],
        syntax: "row_to_json(struct)",
        doc: "Returns a struct as JSON.",
        example: ("row_to_json({'a': 1})", r#"{"a":1}"#),
        overloads: &[takes(&[super::super::kind::Kind::AnyStruct], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["json_array"],
        syntax: "json_array(value, …)",
        doc: "Makes a JSON array of its arguments.",
        example: ("json_array(1, 'a', null)", r#"[1,"a",null]"#),
        overloads: &[Overload { rest: Some(Any), ..takes(&[], Varchar, array) }],
        ..Function::JSON
    },
    Function {
        names: &["json_object"],
        syntax: "json_object(key, value, …)",
        doc: "Makes a JSON object of keys and values.",
        example: ("json_object('a', 1)", r#"{"a":1}"#),
        overloads: &[Overload {
            takes: &[],
            rest: Some(Any),
            gives: Gives::By(object_type, "VARCHAR"),
            body: object,
        }],
        ..Function::JSON
    },
    Function {
        names: &["json_merge_patch"],
        syntax: "json_merge_patch(json, patch, …)",
        doc: "Changes a document by a merge patch (RFC 7396).",
        example: (r#"json_merge_patch('{"a": 1}', '{"b": 2}')"#, r#"{"a":1,"b":2}"#),
        overloads: &[takes(&[Json, Json], Varchar, |call| {
            let patches = (0..call.len()).map(|at| documents(call, at)).collect::<Result<Vec<_>>>()?;
            call.each(|row| {
                let patched = patches.iter().map(|column| column[row].clone()).reduce(|own, patch| {
                    // A NULL patch makes the result NULL; a NULL document is replaced by the patch.
                    patch.map(|patch| own.unwrap_or(Document::Null).merged(patch))
                });
                Ok(patched.flatten().map(|document| document.text()))
            })
        })
        .and(Json)],
        ..Function::JSON
    },
    Function {
        names: &["json"],
        syntax: "json(text)",
        doc: "Checks a document and returns it without spaces.",
        example: (r#"json('{ "a" : 1 }')"#, r#"{"a":1}"#),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(parsed(text)?.text())))
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_valid"],
        syntax: "json_valid(text)",
        doc: "Returns whether a text is JSON.",
        example: ("json_valid('{')", "false"),
        overloads: &[takes(&[Varchar], Boolean, |call| {
            call.map1(|text: &str| Ok(Some(Document::parse(text).is_ok())))
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_pretty"],
        syntax: "json_pretty(json)",
        doc: "Returns a document with a line per value.",
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(parsed(text)?.pretty())))
        })],
        ..Function::JSON
    },
];

fn to_json(call: &Call) -> Result<ArrayRef> {
    let column = call.array(0)?;
    call.each(|row| {
        if column.is_null(row) || column.data_type().is_null() {
            Ok(None)
        } else {
            Ok(Some(json_of(&column, row)?.text()))
        }
    })
}

fn array(call: &Call) -> Result<ArrayRef> {
    let columns = call.arrays()?;
    call.each(|row| {
        let items = columns.iter().map(|column| json_of(column, row)).collect::<Result<_>>()?;
        Ok(Some(Document::List(items).text()))
    })
}

fn object_type(typing: &Typing) -> Result<DataType> {
    if typing.types.len() % 2 == 1 {
        return plan_err!("`json_object` takes a value for each key");
    }
    if typing.types.iter().step_by(2).any(|key| *key != DataType::Utf8) {
        return plan_err!("`json_object`: keys must be text: cast them to varchar");
    }
    Ok(DataType::Utf8)
}

fn object(call: &Call) -> Result<ArrayRef> {
    let columns = call.arrays()?;
    call.each(|row| {
        let mut members = Vec::new();
        for pair in columns.chunks(2) {
            let keys = pair[0].as_string::<i32>();
            if keys.is_null(row) {
                return fail("`json_object`: a key must not be NULL");
            }
            members.push((keys.value(row).to_owned(), json_of(&pair[1], row)?));
        }
        Ok(Some(Document::Object(members).text()))
    })
}

/// Converts a value to JSON.
pub(in crate::engine::function) fn json_of(column: &ArrayRef, row: usize) -> Result<Document> {
    if column.is_null(row) {
        return Ok(Document::Null);
    }
    let items = |items: ArrayRef| -> Result<Document> {
        (0..items.len()).map(|at| json_of(&items, at)).collect::<Result<_>>().map(Document::List)
    };
    Ok(match column.data_type() {
        DataType::Null => Document::Null,
        DataType::Boolean => Document::Bool(column.as_boolean().value(row)),
        of if of.is_integer() => Document::Integer(text(column, row)?),
        of if of.is_floating() => {
            let one = cast(&column.slice(row, 1), &DataType::Float64)?;
            let value = one.as_primitive::<Float64Type>().value(0);
            let exact =
                if *of == DataType::Float32 { text(column, row)?.parse().unwrap_or(value) } else { value };
            Document::Real(exact)
        }
        DataType::Decimal128(_, 0) => {
            Document::Integer(column.as_primitive::<Decimal128Type>().value(row).to_string())
        }
        // All digits, without trailing zeros.
        DataType::Decimal128(..) => {
            let digits = text(column, row)?;
            let short = digits.trim_end_matches('0');
            Document::Integer(if short.ends_with('.') { format!("{short}0") } else { short.to_owned() })
        }
        DataType::List(_) => items(column.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => items(column.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => items(column.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) if fields.len() == 1 && fields[0].name() == super::nested::CARRIER => {
            let text = column.as_struct().column(0);
            if text.is_null(row) { Document::Null } else { parsed(text.as_string::<i32>().value(row))? }
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns();
            let members =
                fields.iter().zip(columns).map(|(field, one)| Ok((field.name().clone(), json_of(one, row)?)));
            Document::Object(members.collect::<Result<_>>()?)
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let member = |at| Ok((json_of(keys, at)?.unquoted(), json_of(values, at)?));
            Document::Object((0..entries.len()).map(member).collect::<Result<_>>()?)
        }
        DataType::Timestamp(_, zone) => {
            let micros =
                cast(&column.slice(row, 1), &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>().value(0);
            let mut shown = timestamp_us_to_datetime(micros)
                .map(|at| at.format("%Y-%m-%d %H:%M:%S%.f").to_string())
                .unwrap_or_default();
            if shown.contains('.') {
                shown.truncate(shown.trim_end_matches('0').len());
            }
            if zone.is_some() {
                shown.push_str("+00");
            }
            Document::Text(shown)
        }
        DataType::Interval(_) => {
            let one = cast(
                &column.slice(row, 1),
                &DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano),
            )?;
            let interval = one.as_primitive::<IntervalMonthDayNanoType>().value(0);
            Document::Text(interval_text(interval.months, interval.days, interval.nanoseconds / 1000))
        }
        DataType::Binary => {
            Document::Text(String::from_utf8_lossy(column.as_binary::<i32>().value(row)).into_owned())
        }
        _ => Document::Text(text(column, row)?),
    })
}

fn text(column: &ArrayRef, row: usize) -> Result<String> {
    let one = cast(&column.slice(row, 1), &DataType::Utf8)?;
    Ok(one.as_string::<i32>().value(0).to_owned())
}

/// Formats an interval as DuckDB does: `1 year 2 months 3 days 04:05:06`.
fn interval_text(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    let mut part = |count: i32, unit: &str| {
        if count != 0 {
            parts.push(format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" }));
        }
    };
    part(months / 12, "year");
    part(months % 12, "month");
    part(days, "day");
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let total = micros.unsigned_abs();
        let (seconds, rest) = (total / 1_000_000, total % 1_000_000);
        let mut clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if rest > 0 {
            let _ = write!(clock, ".{rest:06}");
            clock.truncate(clock.trim_end_matches('0').len());
        }
        parts.push(clock);
    }
    parts.join(" ")
}
