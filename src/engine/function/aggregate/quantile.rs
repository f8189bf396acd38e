//! Quantiles: medians, discrete and continuous quantiles, and the median absolute deviation.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Float64Array},
        compute::{SortOptions, cast, sort},
        datatypes::{
            DataType, Decimal128Type, Field, Float32Type, Float64Type, Int64Type, IntervalMonthDayNano,
            IntervalUnit, TimeUnit,
        },
    },
    common::{ScalarValue, exec_err},
    error::Result,
};

use super::{
    description::{Aggregate, ArgumentTypes, Typed},
    pick::list,
    rows::{CallSettings, RowAggregate, VALUES},
    types::{HUGEINT, micros},
};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "median",
        aliases: &[],
        usage: "median(arg)",
        doc: "Returns the middle value, interpolated between two for numbers, dates and times.",
        types: |given| {
            let [of] = given.expect(1..=1)? else { return given.refuse() };
            let of = continuous(of).unwrap_or_else(|| of.clone());
            Typed::new([of.clone()], of)
        },
        method: &RowAggregate { finish: |columns, settings| quantiles(columns, settings, true), ..VALUES },
    },
    Aggregate {
        name: "quantile_cont",
        aliases: &[],
        usage: "quantile_cont(arg, pos)",
        doc: "Returns the quantile at a position from 0 to 1, interpolated; `pos` may be a list.",
        types: continuous_types,
        method: &CONTINUOUS,
    },
    Aggregate {
        name: "percentile_cont",
        aliases: &[],
        usage: "percentile_cont(pos) within group (order by arg)",
        doc: "Returns the quantile at a position from 0 to 1, interpolated.",
        types: continuous_types,
        method: &CONTINUOUS,
    },
    Aggregate {
        name: "quantile_disc",
        aliases: &["quantile"],
        usage: "quantile_disc(arg, pos)",
        doc: "Returns the value at a position from 0 to 1; `pos` may be a list.",
        types: discrete_types,
        method: &DISCRETE,
    },
    Aggregate {
        name: "percentile_disc",
        aliases: &[],
        usage: "percentile_disc(pos) within group (order by arg)",
        doc: "Returns the value at a position from 0 to 1.",
        types: discrete_types,
        method: &DISCRETE,
    },
    Aggregate {
        name: "approx_quantile",
        aliases: &[],
        usage: "approx_quantile(arg, pos)",
        doc: "Returns a quantile of the argument's type; it is exact here.",
        types: |given| match given.expect(2..=2)? {
            [of, at] => {
                let result = match of {
                    DataType::Decimal128(..) => DataType::Int64,
                    of if of.is_numeric() => of.clone(),
                    DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_) => of.clone(),
                    _ => return given.refuse(),
                };
                positions(given, of.clone(), at, result)
            }
            _ => given.refuse(),
        },
        method: &RowAggregate { finish: approximately, check: check_positive, ..DISCRETE },
    },
    Aggregate {
        name: "mad",
        aliases: &[],
        usage: "mad(arg)",
        doc: "Returns the median absolute deviation from the median; an INTERVAL for dates and times.",
        types: |given| {
            let [of] = given.expect(1..=1)? else { return given.refuse() };
            match continuous(of) {
                Some(of) if is_moment(&of) => {
                    Typed::new([of], DataType::Interval(IntervalUnit::MonthDayNano))
                }
                Some(of) => Typed::new([of.clone()], of),
                None => given.refuse(),
            }
        },
        method: &RowAggregate { finish: deviation, ..VALUES },
    },
];

const DISCRETE: RowAggregate = RowAggregate {
    within_group: true,
    check,
    finish: |columns, settings| quantiles(columns, settings, false),
    ..VALUES
};

const CONTINUOUS: RowAggregate =
    RowAggregate { finish: |columns, settings| quantiles(columns, settings, true), ..DISCRETE };

/// Returns the type used for interpolation, or `None` if values can't be interpolated.
fn continuous(of: &DataType) -> Option<DataType> {
    Some(match of {
        DataType::Null => DataType::Float64,
        of if *of == HUGEINT => DataType::Float64,
        DataType::Float32 | DataType::Decimal128(..) => of.clone(),
        of if of.is_numeric() => DataType::Float64,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => micros(of),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        _ => return None,
    })
}

fn is_moment(of: &DataType) -> bool {
    matches!(of, DataType::Timestamp(..) | DataType::Time64(_))
}

fn continuous_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(2..=2)? {
        [of, at] => match continuous(of) {
            Some(of) => positions(given, of.clone(), at, of),
            None => given.refuse(),
        },
        _ => given.refuse(),
    }
}

fn discrete_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(2..=2)? {
        [of, at] => positions(given, of.clone(), at, of.clone()),
        _ => given.refuse(),
    }
}

/// Returns the types of a call with one position or a list of positions.
fn positions(given: &ArgumentTypes<'_>, of: DataType, at: &DataType, result: DataType) -> Result<Typed> {
    let list_of = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
    match at {
        DataType::List(_) => Typed::new([of, list_of(DataType::Float64)], list_of(result)),
        at if at.is_numeric() || at.is_null() => Typed::new([of, DataType::Float64], result),
        _ => given.refuse(),
    }
}

/// Returns the requested positions, and whether they were given as a list.
fn asked(settings: &CallSettings) -> Result<(Vec<f64>, bool)> {
    let of = |column: &Float64Array| -> Result<Vec<f64>> {
        column
            .iter()
            .map(|at| match at {
                Some(at) if (-1.0..=1.0).contains(&at) => Ok(at),
                Some(at) => exec_err!("the position of a quantile must be between -1 and 1, not {at}"),
                None => exec_err!("the position of a quantile must not be NULL"),
            })
            .collect()
    };
    match settings.constants.first() {
        None => Ok((vec![0.5], false)),
        Some(ScalarValue::List(list)) if list.is_valid(0) => {
            Ok((of(list.value(0).as_primitive::<Float64Type>())?, true))
        }
        Some(ScalarValue::List(_)) => exec_err!("the position of a quantile must not be NULL"),
        Some(one) => Ok((of(one.to_array()?.as_primitive::<Float64Type>())?, false)),
    }
}

fn check(settings: &CallSettings) -> Result<()> {
    let (positions, _) = asked(settings)?;
    if positions.iter().any(|at| *at < 0.0) && positions.iter().any(|at| *at > 0.0) {
        return exec_err!("the positions of quantiles must all be positive, or all negative");
    }
    Ok(())
}

/// Returns an error if a position is outside 0 to 1.
fn check_positive(settings: &CallSettings) -> Result<()> {
    match asked(settings)?.0.into_iter().find(|at| *at < 0.0) {
        Some(at) => exec_err!("the position of an approximate quantile must be between 0 and 1, not {at}"),
        None => Ok(()),
    }
}

fn ascending(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(sort(column, Some(SortOptions::new(false, false)))?)
}

fn quantiles(columns: &[ArrayRef], settings: &CallSettings, interpolated: bool) -> Result<ScalarValue> {
    if columns[0].is_empty() {
        return settings.null();
    }
    let (positions, many) = asked(settings)?;
    let sorted = ascending(&columns[0])?;
    let interpolated = interpolated && continuous(sorted.data_type()).as_ref() == Some(sorted.data_type());
    let one = |at: f64| {
        // A negative position counts from the greatest value, and so does a descending order.
        let backwards = at.is_sign_negative() != settings.descending;
        let at = at.abs();
        if interpolated { between(&sorted, at, backwards) } else { nearest(&sorted, at, backwards) }
    };
    if !many {
        return one(positions[0]);
    }
    let values: Vec<ScalarValue> = positions.into_iter().map(one).collect::<Result<_>>()?;
    if values.is_empty() {
        return list(sorted.slice(0, 0));
    }
    list(ScalarValue::iter_to_array(values)?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions lie within the column"
)]
fn nearest(sorted: &ArrayRef, at: f64, backwards: bool) -> Result<ScalarValue> {
    let n = sorted.len();
    let rows = n as f64;
    let index = ((rows - (rows - at * rows).floor()).max(1.0) as usize - 1).min(n - 1);
    ScalarValue::try_from_array(sorted, if backwards { n - 1 - index } else { index })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions lie within the column"
)]
fn between(sorted: &ArrayRef, at: f64, backwards: bool) -> Result<ScalarValue> {
    let last = sorted.len() - 1;
    let position = last as f64 * at;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    let share = position - position.floor();
    let (low, high) = if backwards { (last - low, last - high) } else { (low, high) };
    if low == high {
        return ScalarValue::try_from_array(sorted, low);
    }
    let result = sorted.data_type();
    match result {
        DataType::Float64 => {
            let values = sorted.as_primitive::<Float64Type>();
            Ok(ScalarValue::Float64(Some(mix(values.value(low), values.value(high), share))))
        }
        DataType::Float32 => {
            let values = sorted.as_primitive::<Float32Type>();
            let value = mix(f64::from(values.value(low)), f64::from(values.value(high)), share);
            Ok(ScalarValue::Float32(Some(value as f32)))
        }
        DataType::Decimal128(..) => {
            let values = sorted.as_primitive::<Decimal128Type>();
            let (low, high) = (values.value(low), values.value(high));
            ScalarValue::new_primitive::<Decimal128Type>(
                Some(low + (high.saturating_sub(low) as f64 * share) as i128),
                result,
            )
        }
        _ => {
            let values = cast(sorted, &DataType::Int64)?;
            let values = values.as_primitive::<Int64Type>();
            let (low, high) = (values.value(low), values.value(high));
            let value = nearest_moment(low, high.saturating_sub(low) as f64 * share);
            ScalarValue::Int64(Some(value)).cast_to(result)
        }
    }
}

/// Adds a fractional number of microseconds to a timestamp and rounds to the nearest, halves away from 1970.
#[expect(clippy::cast_possible_truncation, reason = "the offset is less than the distance of two moments")]
fn nearest_moment(start: i64, offset: f64) -> i64 {
    let value = start.saturating_add(offset.floor() as i64);
    let part = offset - offset.floor();
    // Round halves away from zero.
    let up = if value >= 0 { part >= 0.5 } else { part > 0.5 };
    if up { value.saturating_add(1) } else { value }
}

fn mix(low: f64, high: f64, share: f64) -> f64 {
    low * (1.0 - share) + high * share
}

fn deviation(columns: &[ArrayRef], settings: &CallSettings) -> Result<ScalarValue> {
    if columns[0].is_empty() {
        return settings.null();
    }
    let median = between(&ascending(&columns[0])?, 0.5, false)?;
    let moments = is_moment(columns[0].data_type());
    let (column, median) = if moments {
        (cast(&columns[0], &DataType::Int64)?, median.cast_to(&DataType::Int64)?)
    } else {
        (Arc::clone(&columns[0]), median)
    };
    let distances = distances(&column, &median)?;
    let middle = between(&ascending(&distances)?, 0.5, false);
    let middle = if moments { middle_of_integers(&distances)? } else { return middle };
    let nanoseconds = middle.checked_mul(1000).unwrap_or(i64::MAX);
    let days = nanoseconds / 86_400_000_000_000;
    let interval = IntervalMonthDayNano::new(
        0,
        i32::try_from(days).unwrap_or(i32::MAX),
        nanoseconds % 86_400_000_000_000,
    );
    Ok(ScalarValue::IntervalMonthDayNano(Some(interval)))
}

/// Returns each value's absolute distance from another value.
fn distances(column: &ArrayRef, from: &ScalarValue) -> Result<ArrayRef> {
    Ok(match (column.data_type(), from) {
        (DataType::Float64, ScalarValue::Float64(Some(from))) => Arc::new(
            column.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| (value - from).abs()),
        ),
        (DataType::Float32, ScalarValue::Float32(Some(from))) => Arc::new(
            column.as_primitive::<Float32Type>().unary::<_, Float32Type>(|value| (value - from).abs()),
        ),
        (DataType::Decimal128(precision, scale), ScalarValue::Decimal128(Some(from), ..)) => Arc::new(
            column
                .as_primitive::<Decimal128Type>()
                .unary::<_, Decimal128Type>(|value| value.saturating_sub(*from).saturating_abs())
                .with_precision_and_scale(*precision, *scale)?,
        ),
        (_, ScalarValue::Int64(Some(from))) => Arc::new(
            column
                .as_primitive::<Int64Type>()
                .unary::<_, Int64Type>(|value| value.saturating_sub(*from).saturating_abs()),
        ),
        _ => return exec_err!("`mad` of {} values", column.data_type()),
    })
}

fn middle_of_integers(column: &ArrayRef) -> Result<i64> {
    let sorted = ascending(column)?;
    let values = sorted.as_primitive::<Int64Type>();
    let last = values.len() - 1;
    let (low, high) = (values.value(last / 2), values.value(last.div_ceil(2)));
    Ok(nearest_moment(low, high.saturating_sub(low) as f64 / 2.0))
}

/// Returns the quantile in the argument's type, rounding integers half to even.
fn approximately(columns: &[ArrayRef], settings: &CallSettings) -> Result<ScalarValue> {
    if !columns[0].data_type().is_numeric() {
        return quantiles(columns, settings, false);
    }
    if columns[0].is_empty() {
        return settings.null();
    }
    let values = quantiles(&[cast(&columns[0], &DataType::Float64)?], settings, true)?;
    let rounds = |result: &DataType| !result.is_floating();
    let rounded = |values: &ArrayRef| -> ArrayRef {
        Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
    };
    match (&values, &settings.result) {
        (ScalarValue::List(one), DataType::List(item)) => {
            let items = one.value(0);
            let items = if rounds(item.data_type()) { rounded(&items) } else { items };
            list(cast(&items, item.data_type())?)
        }
        (_, result) if rounds(result) => {
            ScalarValue::try_from_array(&cast(&rounded(&values.to_array()?), result)?, 0)
        }
        (_, result) => values.cast_to(result),
    }
}
