//! Lists built from scalars and ranges, joined lists, and distance measures of number lists.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Float64Array, StructArray, UInt32Array, new_null_array},
        buffer::OffsetBuffer,
        compute::interleave,
        datatypes::{DataType, Field, Fields, Float32Type, Float64Type, IntervalMonthDayNano},
    },
    common::plan_err,
    error::Result,
};

use super::super::{
    call::{Call, Micros, fail},
    description::{Function, Gives, Overload, Typing, takes},
    kind::{
        ParameterKind::{
            Any, AnyList, BigInt, Double, Float, Integer, Interval, List, T, Timestamp, TimestampTz, Varchar,
        },
        list_of,
    },
    result_size::{check, size, taken},
};
use super::lists::{Lists, item_of, list_array};
use crate::engine::cast::{type_name::type_name, value_texts};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["list_value", "list_pack", "array_value"],
        syntax: "list_value(item, …)",
        doc: "Makes a list of its arguments.",
        example: ("list_value(1, 2)", "[1, 2]"),
        overloads: &[takes(&[], List(&Integer), pack), takes(&[T], List(&T), pack).and(T)],
        ..Function::LIST
    },
    Function {
        names: &["array_length"],
        syntax: "array_length(list)",
        doc: "Returns the number of items.",
        example: ("array_length([1, 2])", "2"),
        overloads: &[LENGTH],
        ..Function::LIST
    },
    Function {
        names: &["range"],
        syntax: "range([start, ]stop[, step])",
        doc: "Lists the numbers or moments from `start` to before `stop`.",
        example: ("range(2, 5)", "[2, 3, 4]"),
        overloads: &[
            takes(&[BigInt], List(&BigInt), |call| numbers(call, false)),
            takes(&[BigInt, BigInt], List(&BigInt), |call| numbers(call, false)),
            takes(&[BigInt, BigInt, BigInt], List(&BigInt), |call| numbers(call, false)),
            takes(&[Timestamp, Timestamp, Interval], List(&Timestamp), |call| moments(call, false)),
            takes(&[TimestampTz, TimestampTz, Interval], List(&TimestampTz), |call| moments(call, false)),
        ],
        ..Function::LIST
    },
    Function {
        names: &["generate_series"],
        syntax: "generate_series([start, ]stop[, step])",
        doc: "Lists the numbers or moments from `start` to `stop`, both included.",
        example: ("generate_series(2, 5)", "[2, 3, 4, 5]"),
        overloads: &[
            takes(&[BigInt], List(&BigInt), |call| numbers(call, true)),
            takes(&[BigInt, BigInt], List(&BigInt), |call| numbers(call, true)),
            takes(&[BigInt, BigInt, BigInt], List(&BigInt), |call| numbers(call, true)),
            takes(&[Timestamp, Timestamp, Interval], List(&Timestamp), |call| moments(call, true)),
            takes(&[TimestampTz, TimestampTz, Interval], List(&TimestampTz), |call| moments(call, true)),
        ],
        ..Function::LIST
    },
    Function {
        names: &["array_to_string", "list_to_string"],
        syntax: "array_to_string(list, separator)",
        doc: "Joins the items that are not NULL into one text.",
        example: ("array_to_string([1, 2], '-')", "1-2"),
        overloads: &[takes(&[AnyList, Varchar], Varchar, |call| {
            let separator = call.column::<&str>(1)?;
            texts(call, |row| separator.at(row).unwrap_or(","))
        })],
        ..Function::LIST
    },
    Function {
        names: &["array_to_string_comma_default"],
        syntax: "array_to_string_comma_default(list)",
        doc: "Joins the items that are not NULL into one text, with commas.",
        example: ("array_to_string_comma_default(['a', 'b'])", "a,b"),
        overloads: &[takes(&[AnyList], Varchar, |call| texts(call, |_| ","))],
        ..Function::LIST
    },
    Function {
        names: &["list_zip", "array_zip"],
        syntax: "list_zip(list, …[, truncate])",
        doc: "Makes a list of structs of the items at the same positions; as long as the longest list, or the shortest.",
        example: ("", ""),
        overloads: &[Overload {
            takes: &[AnyList],
            rest: Some(Any),
            gives: Gives::By(zipped_lists, "STRUCT[]"),
            body: zip,
        }],
        ..Function::LIST
    },
    measure(
        &["list_distance", "array_distance"],
        "list_distance(a, b)",
        "Returns the Euclidean distance of two lists of numbers.",
        &[
            takes(&[List(&Float), List(&Float)], Float, |call| measured(call, "list_distance", distance)),
            takes(&[List(&Double), List(&Double)], Double, |call| measured(call, "list_distance", distance)),
        ],
    ),
    measure(
        &["list_cosine_similarity", "array_cosine_similarity"],
        "list_cosine_similarity(a, b)",
        "Returns the cosine of the angle between two lists of numbers.",
        &[
            takes(&[List(&Float), List(&Float)], Float, |call| {
                measured(call, "list_cosine_similarity", cosine)
            }),
            takes(&[List(&Double), List(&Double)], Double, |call| {
                measured(call, "list_cosine_similarity", cosine)
            }),
        ],
    ),
    measure(
        &["list_cosine_distance", "array_cosine_distance"],
        "list_cosine_distance(a, b)",
        "Returns 1 less the cosine of the angle between two lists of numbers.",
        &[
            takes(&[List(&Float), List(&Float)], Float, |call| {
                measured(call, "list_cosine_distance", |a, b| cosine(a, b).map(|cosine| 1.0 - cosine))
            }),
            takes(&[List(&Double), List(&Double)], Double, |call| {
                measured(call, "list_cosine_distance", |a, b| cosine(a, b).map(|cosine| 1.0 - cosine))
            }),
        ],
    ),
    measure(
        &["list_inner_product", "list_dot_product", "array_inner_product", "array_dot_product"],
        "list_inner_product(a, b)",
        "Returns the inner product of two lists of numbers.",
        &[
            takes(&[List(&Float), List(&Float)], Float, |call| measured(call, "list_inner_product", product)),
            takes(&[List(&Double), List(&Double)], Double, |call| {
                measured(call, "list_inner_product", product)
            }),
        ],
    ),
    measure(
        &[
            "list_negative_inner_product",
            "list_negative_dot_product",
            "array_negative_inner_product",
            "array_negative_dot_product",
        ],
        "list_negative_inner_product(a, b)",
        "Returns the negated inner product of two lists of numbers.",
        &[
            takes(&[List(&Float), List(&Float)], Float, |call| {
                measured(call, "list_negative_inner_product", |a, b| Some(-inner(a, b)))
            }),
            takes(&[List(&Double), List(&Double)], Double, |call| {
                measured(call, "list_negative_inner_product", |a, b| Some(-inner(a, b)))
            }),
        ],
    ),
];

/// The number of items, as an overload of `len` and `length`.
pub(in crate::engine::function) const LENGTH: Overload = takes(&[AnyList], BigInt, |call| {
    let list = Lists::of(call, 0)?;
    call.each(|row| Ok(list.row(row).and_then(|items| i64::try_from(items.len()).ok())))
});

const fn measure(
    names: &'static [&'static str],
    syntax: &'static str,
    doc: &'static str,
    overloads: &'static [Overload],
) -> Function {
    Function { names, syntax, doc, overloads, ..Function::LIST }
}

fn pack(call: &Call) -> Result<ArrayRef> {
    let columns = call.arrays()?;
    let rows = call.rows();
    let lengths = std::iter::repeat_n(columns.len(), rows);
    if columns.is_empty() {
        let none = new_null_array(&super::lists::item_type(call.returns()), 0);
        return list_array(call.returns(), none, OffsetBuffer::from_lengths(lengths), None);
    }
    check(rows, columns.iter().map(|column| size(column.as_ref())).sum())?;
    let places: Vec<(usize, usize)> =
        (0..rows).flat_map(|row| (0..columns.len()).map(move |column| (column, row))).collect();
    let columns: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
    let items = interleave(&columns, &places)?;
    list_array(call.returns(), items, OffsetBuffer::from_lengths(lengths), None)
}

/// The exclusive upper bound of a generated list's length.
const TOO_MANY: i128 = 100_000_000;

fn numbers(call: &Call, included: bool) -> Result<ArrayRef> {
    let arguments: Vec<_> = (0..call.len()).map(|at| call.column::<i64>(at)).collect::<Result<_>>()?;
    call.each(|row| {
        let given: Option<Vec<i64>> = arguments.iter().map(|argument| argument.at(row)).collect();
        let (start, end, step) = match given.as_deref() {
            Some([end]) => (0, *end, 1),
            Some([start, end]) => (*start, *end, 1),
            Some([start, end, step]) => (*start, *end, *step),
            _ => return Ok(None),
        };
        let span = i128::from(end) - i128::from(start);
        if step != 0 && span / i128::from(step) > TOO_MANY {
            return fail("a range of more than 100,000,000 numbers is too long");
        }
        let mut found: Vec<Option<i64>> = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| step != 0 && within(*at, end, step > 0, included)) {
            found.push(Some(at));
            next = at.checked_add(step);
        }
        Ok(Some(found))
    })
}

fn within(at: i64, stop: i64, up: bool, included: bool) -> bool {
    (included && at == stop) || if up { at < stop } else { at > stop }
}

fn moments(call: &Call, included: bool) -> Result<ArrayRef> {
    let (first, last) = (call.column::<Micros>(0)?, call.column::<Micros>(1)?);
    let step = call.column::<IntervalMonthDayNano>(2)?;
    call.each(|row| {
        let (Some(Micros(start)), Some(Micros(end)), Some(step)) =
            (first.at(row), last.at(row), step.at(row))
        else {
            return Ok(None);
        };
        let (months, days, micros) = (i64::from(step.months), i64::from(step.days), step.nanoseconds / 1000);
        let signs = [months.signum(), days.signum(), micros.signum()];
        if signs.contains(&1) && signs.contains(&-1) {
            return fail("the step of a range of moments must not mix signs");
        }
        let up = signs.iter().sum::<i64>() > 0;
        let mut found: Vec<Option<Micros>> = Vec::new();
        if signs == [0, 0, 0] {
            return Ok(Some(found));
        }
        let mut at = start;
        while within(at, end, up, included) {
            if found.len() as i128 == TOO_MANY {
                return fail("a range of more than 100,000,000 moments is too long");
            }
            found.push(Some(Micros(at)));
            let Some(next) = later(at, months, days, micros) else { break };
            at = next;
        }
        Ok(Some(found))
    })
}

/// Adds months, days and microseconds to a timestamp; `None` if the result is out of range.
fn later(at: i64, months: i64, days: i64, micros: i64) -> Option<i64> {
    use datafusion::arrow::temporal_conversions::timestamp_us_to_datetime;

    let mut at = at;
    if months != 0 {
        let moment = timestamp_us_to_datetime(at)?;
        let by = chrono::Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let moment =
            if months > 0 { moment.checked_add_months(by)? } else { moment.checked_sub_months(by)? };
        at = moment.and_utc().timestamp_micros();
    }
    at.checked_add(days.checked_mul(86_400_000_000)?)?.checked_add(micros)
}

/// Joins the non-NULL items: NULL if all are NULL, and empty for an empty list.
fn texts<'a>(call: &Call, separator: impl Fn(usize) -> &'a str) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let items = value_texts(list.items())?;
    call.each(|row| {
        let Some(range) = list.row(row) else { return Ok(None) };
        let empty = range.is_empty();
        let texts: Vec<&str> = range.filter(|at| items.is_valid(*at)).map(|at| items.value(at)).collect();
        Ok((empty || !texts.is_empty()).then(|| texts.join(separator(row))))
    })
}

/// Returns the struct type of zipped items, whose fields are unnamed in DuckDB.
fn zipped_lists(typing: &Typing) -> Result<DataType> {
    let last = typing.types.len().saturating_sub(1);
    for (at, of) in typing.types.iter().enumerate() {
        let is_list = matches!(
            of,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Null
        );
        let is_choice = at == last && of == &DataType::Boolean;
        if !(is_list || is_choice) {
            return plan_err!("`list_zip` takes lists, and whether to truncate them, not {}", type_name(of));
        }
    }
    Ok(list_of(DataType::Struct(zipped(typing))))
}

fn zipped(typing: &Typing) -> Fields {
    let lists = typing.types.iter().filter(|of| **of != DataType::Boolean);
    let field = |(at, _): (usize, _)| Field::new(format!("element_{}", at + 1), item_of(typing, at), true);
    lists.enumerate().map(field).collect()
}

fn zip(call: &Call) -> Result<ArrayRef> {
    let DataType::Struct(fields) = super::lists::item_type(call.returns()) else {
        return fail("`list_zip` takes lists");
    };
    let lists: Vec<Option<Lists>> = (0..fields.len())
        .map(|at| if call.type_of(at).is_null() { Ok(None) } else { Lists::of(call, at).map(Some) })
        .collect::<Result<_>>()?;
    let truncate = if call.len() > fields.len() { Some(call.column::<bool>(fields.len())?) } else { None };
    let mut lengths = Vec::with_capacity(call.rows());
    let mut places: Vec<Vec<Option<u32>>> = vec![Vec::new(); lists.len()];
    for row in 0..call.rows() {
        let ranges: Vec<std::ops::Range<usize>> =
            lists.iter().map(|list| list.as_ref().and_then(|list| list.row(row)).unwrap_or(0..0)).collect();
        let all = ranges.iter().map(ExactSizeIterator::len);
        let shortest = truncate.as_ref().and_then(|one| one.at(row)).unwrap_or(false);
        let length = if shortest { all.min() } else { all.max() }.unwrap_or(0);
        for (range, places) in ranges.iter().zip(&mut places) {
            places.extend(
                (0..length).map(|at| (at < range.len()).then(|| super::lists::narrow(range.start + at))),
            );
        }
        lengths.push(length);
        check(row + 1, places.iter().map(|places| size_of_val(places.as_slice())).sum())?;
    }
    let columns = lists.iter().zip(&fields).zip(places).map(|((list, field), places)| match list {
        Some(list) => taken(list.items().as_ref(), &UInt32Array::from(places)),
        None => Ok(new_null_array(field.data_type(), places.len())),
    });
    let items = StructArray::try_new(fields.clone(), columns.collect::<Result<_>>()?, None)?;
    list_array(call.returns(), Arc::new(items), OffsetBuffer::from_lengths(lengths), None)
}

/// Computes a measure of two number lists of equal length without NULLs.
fn measured(call: &Call, name: &str, measure: impl Fn(&[f64], &[f64]) -> Option<f64>) -> Result<ArrayRef> {
    let doubles = |argument| -> Result<(Lists, Float64Array)> {
        let lists = Lists::of(call, argument)?;
        let items = match lists.items().as_primitive_opt::<Float32Type>() {
            Some(floats) => floats.unary::<_, Float64Type>(f64::from),
            None => lists.items().as_primitive::<Float64Type>().clone(),
        };
        Ok((lists, items))
    };
    let ((a, left), (b, right)) = (doubles(0)?, doubles(1)?);
    let rows = (0..call.rows()).map(|row| {
        let (Some(one), Some(two)) = (a.row(row), b.row(row)) else { return Ok(None) };
        if one.len() != two.len() {
            return fail(format!("`{name}`: the lists have {} and {} items", one.len(), two.len()));
        }
        if one.clone().any(|at| left.is_null(at)) || two.clone().any(|at| right.is_null(at)) {
            return fail(format!("`{name}`: a list of numbers must not have NULL in it"));
        }
        Ok(measure(&left.values()[one], &right.values()[two]))
    });
    let results: Float64Array = rows.collect::<Result<Vec<Option<f64>>>>()?.into();
    Ok(datafusion::arrow::compute::cast(&results, call.returns())?)
}

#[expect(clippy::unnecessary_wraps, reason = "the type of all measures")]
fn distance(a: &[f64], b: &[f64]) -> Option<f64> {
    Some(a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)).sqrt())
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

#[expect(clippy::unnecessary_wraps, reason = "the type of all measures")]
fn product(a: &[f64], b: &[f64]) -> Option<f64> {
    Some(inner(a, b))
}

fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let similarity = inner(a, b) / (inner(a, a) * inner(b, b)).sqrt();
    let similarity = if similarity.is_nan() { -1.0 } else { similarity.clamp(-1.0, 1.0) };
    (!a.is_empty()).then_some(similarity)
}
