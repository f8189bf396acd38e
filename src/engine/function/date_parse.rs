//! Parsing of dates and timestamps: `strptime`.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{DataType, TimeUnit},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, Micros, Nanos, fail},
    date_format::{DateFormat, Formats, not_empty},
    description::{Function, Typing, computes},
    kind::{
        ParameterKind::{List, Varchar},
        UTC,
    },
    moment::{ParsedMoment, moment},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["strptime"],
        syntax: "strptime(text, format)",
        doc: "Reads a timestamp in a format of `strftime`, or in the first of a list of formats that fits. With `%z` or \
              `%Z` the result has a time zone.",
        example: ("strptime('Wed, 1 January 1992', '%a, %-d %B %Y')", "1992-01-01 00:00:00"),
        overloads: &[
            computes(&[Varchar, Varchar], type_of_format, "TIMESTAMP", |call| read(call, false)),
            computes(&[Varchar, List(&Varchar)], type_of_format, "TIMESTAMP", |call| read_any(call, false)),
        ],
        ..Function::DATE
    },
    Function {
        names: &["try_strptime"],
        syntax: "try_strptime(text, format)",
        doc: "Returns the same as `strptime`, but NULL for a text that does not fit.",
        example: ("try_strptime('nonsense', '%Y')", "NULL"),
        overloads: &[
            computes(&[Varchar, Varchar], type_of_format, "TIMESTAMP", |call| read(call, true)),
            computes(&[Varchar, List(&Varchar)], type_of_format, "TIMESTAMP", |call| read_any(call, true)),
        ],
        ..Function::DATE
    },
];

fn type_of_format(typing: &Typing) -> Result<DataType> {
    typing.constant(1, "the format of `strptime`")?;
    let planned = |error: DataFusionError| DataFusionError::Plan(crate::engine::message(&error));
    let formats: Vec<DateFormat> = match typing.literals.get(1) {
        Some(Some(ScalarValue::List(list))) if list.is_valid(0) => {
            let formats = list.value(0);
            let formats = formats.as_string_opt::<i32>();
            formats
                .into_iter()
                .flat_map(|formats| formats.iter().flatten())
                .map(not_empty)
                .collect::<Result<_>>()
        }
        _ => typing.text(1).map(not_empty).into_iter().collect(),
    }
    .map_err(planned)?;
    let has = |letters: &str| formats.iter().any(|format| format.has(letters));
    let (unit, zone) = match (has("n"), has("zZ")) {
        (_, true) => (TimeUnit::Microsecond, Some(UTC.into())),
        (true, false) => (TimeUnit::Nanosecond, None),
        (false, false) => (TimeUnit::Microsecond, None),
    };
    Ok(DataType::Timestamp(unit, zone))
}

fn read(call: &Call, lenient: bool) -> Result<ArrayRef> {
    let texts = call.column::<&str>(0)?;
    let formats = Formats::new(call, 1)?;
    let zoned = is_zoned(call);
    moments(call, lenient, |row| {
        let (Some(text), Some(format)) = (texts.at(row), formats.at(row)?) else { return Ok(None) };
        match moment(text, &format, zoned) {
            Ok(at) => Ok(Some(at)),
            Err(_) if lenient => Ok(None),
            Err(reason) => fail(format!("strptime: can't read `{text}`: {reason}")),
        }
    })
}

fn read_any(call: &Call, lenient: bool) -> Result<ArrayRef> {
    let texts = call.column::<&str>(0)?;
    let lists = call.column::<ArrayRef>(1)?;
    let zoned = is_zoned(call);
    let constant = call.constant(1).is_some();
    let mut known: Option<Vec<DateFormat>> = None;
    moments(call, lenient, |row| {
        let (Some(text), Some(list)) = (texts.at(row), lists.at(row)) else { return Ok(None) };
        if known.is_none() || !constant {
            known = Some(list.as_string::<i32>().iter().flatten().map(not_empty).collect::<Result<_>>()?);
        }
        let formats = known.as_deref().unwrap_or_default();
        if formats.is_empty() {
            return fail("strptime: the list of formats is empty");
        }
        match formats.iter().find_map(|format| moment(text, format, zoned).ok()) {
            Some(at) => Ok(Some(at)),
            None if lenient => Ok(None),
            None => fail(format!("strptime: `{text}` fits none of the formats")),
        }
    })
}

fn is_zoned(call: &Call) -> bool {
    matches!(call.returns(), DataType::Timestamp(_, Some(_)))
}

/// Builds a column of timestamps, in microseconds (rounded) or nanoseconds.
fn moments(
    call: &Call,
    lenient: bool,
    mut at: impl FnMut(usize) -> Result<Option<ParsedMoment>>,
) -> Result<ArrayRef> {
    if matches!(call.returns(), DataType::Timestamp(TimeUnit::Nanosecond, _)) {
        return call.each(|row| match at(row)? {
            Some(ParsedMoment::At(micros, nanos)) => {
                match micros.0.checked_mul(1_000).and_then(|whole| whole.checked_add(nanos)) {
                    Some(found) => Ok(Some(Nanos(found))),
                    None if lenient => Ok(None),
                    None => fail("strptime: the date is out of range for a timestamp of nanoseconds"),
                }
            }
            Some(ParsedMoment::Infinite(sign)) => Ok(Some(Nanos(sign * i64::MAX))),
            None => Ok(None),
        });
    }
    call.each(|row| {
        Ok(at(row)?.map(|found| match found {
            ParsedMoment::At(micros, nanos) => Micros(micros.0 + i64::from(nanos >= 500)),
            ParsedMoment::Infinite(sign) => Micros(sign * i64::MAX),
        }))
    })
}
