//! `generate_series`, as a list that FROM unnests.

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, IntervalMonthDayNano as Span},
    },
    error::Result,
};

use super::{
    kind::{
        GivenArgument,
        PostgresKind::{BigInt, Integer, Interval, Timestamp, Timestamptz},
        array_of,
    },
    overload::{Routine, RoutineResult, by},
    span,
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, Micros, fail};

pub(super) const ROUTINES: &[Routine] = &[
    by("$series", &[Integer, Integer], RoutineResult::By(listed), integers),
    by("$series", &[Integer, Integer, Integer], RoutineResult::By(listed), integers),
    by("$series", &[BigInt, BigInt], RoutineResult::By(listed), bigints),
    by("$series", &[BigInt, BigInt, BigInt], RoutineResult::By(listed), bigints),
    by("$series", &[Timestamp, Timestamp, Interval], RoutineResult::By(listed), moments),
    by("$series", &[Timestamptz, Timestamptz, Interval], RoutineResult::By(listed), moments),
];

/// The maximum number of values in a series.
const MOST: usize = 50_000_000;

#[expect(clippy::unnecessary_wraps, reason = "the type of all such functions")]
fn listed(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    Ok(array_of(types[0].clone()))
}

fn counted(start: i64, end: i64, step: i64) -> Result<Vec<i64>> {
    if step == 0 {
        return fail("step size cannot equal zero");
    }
    let mut values = Vec::new();
    let mut next = start;
    while if step > 0 { next <= end } else { next >= end } {
        if values.len() == MOST {
            return fail(format!("generate_series gives more than {MOST} values"));
        }
        values.push(next);
        let Some(after) = next.checked_add(step) else { break };
        next = after;
    }
    Ok(values)
}

fn integers(call: &Call) -> Result<ArrayRef> {
    let (starts, ends) = (call.column::<i32>(0)?, call.column::<i32>(1)?);
    let steps = if call.len() > 2 { Some(call.column::<i32>(2)?) } else { None };
    call.each(|row| {
        let step = steps.as_ref().map_or(Some(1), |steps| steps.at(row));
        let (Some(start), Some(end), Some(step)) = (starts.at(row), ends.at(row), step) else {
            return Ok(None);
        };
        let values = counted(start.into(), end.into(), step.into())?;
        Ok(Some(values.into_iter().map(|value| i32::try_from(value).ok()).collect::<Vec<Option<i32>>>()))
    })
}

fn bigints(call: &Call) -> Result<ArrayRef> {
    let (starts, ends) = (call.column::<i64>(0)?, call.column::<i64>(1)?);
    let steps = if call.len() > 2 { Some(call.column::<i64>(2)?) } else { None };
    call.each(|row| {
        let step = steps.as_ref().map_or(Some(1), |steps| steps.at(row));
        let (Some(start), Some(end), Some(step)) = (starts.at(row), ends.at(row), step) else {
            return Ok(None);
        };
        Ok(Some(counted(start, end, step)?.into_iter().map(Some).collect::<Vec<Option<i64>>>()))
    })
}

fn moments(call: &Call) -> Result<ArrayRef> {
    call.map3(|start: Micros, end: Micros, step: Span| {
        let forward = match span::add(start, step)?.cmp(&start) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => return fail("step size cannot equal zero"),
        };
        let mut values = Vec::new();
        let mut next = start;
        while if forward { next <= end } else { next >= end } {
            if values.len() == MOST {
                return fail(format!("generate_series gives more than {MOST} values"));
            }
            values.push(Some(next));
            next = span::add(next, step)?;
        }
        Ok(Some(values))
    })
}
