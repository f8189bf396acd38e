//! `to_char`, `to_date`, `to_timestamp`: supports common patterns and rejects all others.

mod moment;
mod number;

use datafusion::{arrow::datatypes::DataType, error::Result};

use super::{
    kind::{
        GivenArgument,
        PostgresKind::{BigInt, Double, Integer, Interval, Numeric, Real, Text, Timestamp, Timestamptz},
        timestamptz,
    },
    overload::{Routine, RoutineResult, by},
    unresolved::Unresolved,
};
use crate::engine::function::{
    call::{Call, Digits, Micros, fail},
    decimal::scale,
};

pub(super) const ROUTINES: &[Routine] = &[
    by("to_char", &[Timestamp, Text], RoutineResult::By(moment_format), of_moment),
    by("to_char", &[Timestamptz, Text], RoutineResult::By(moment_format), of_moment),
    by(
        "to_char",
        &[Interval, Text],
        RoutineResult::By(|_, _| {
            Err(Unresolved::new(
                "to_char of an interval is not supported",
                "cast the interval to text, or extract its parts",
            ))
        }),
        of_moment,
    ),
    by("to_char", &[Integer, Text], RoutineResult::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: i32| Ok(Some(format.exact(value.into(), 0))))
    }),
    by("to_char", &[BigInt, Text], RoutineResult::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: i64| Ok(Some(format.exact(value.into(), 0))))
    }),
    by("to_char", &[Numeric, Text], RoutineResult::By(number_format), |call| {
        let (format, digits) = (number_of(call)?, scale(call.type_of(0)));
        call.map1(|value: Digits| Ok(Some(format.exact(value.0, digits))))
    }),
    by("to_char", &[Double, Text], RoutineResult::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: f64| format.double(value).map(Some))
    }),
    by(
        "to_char",
        &[Real, Text],
        RoutineResult::By(|_, _| {
            Err(Unresolved::new(
                "to_char of real is not supported",
                "cast it to numeric(p, s) or to double precision",
            ))
        }),
        of_moment,
    ),
    by(
        "to_date",
        &[Text, Text],
        RoutineResult::By(|_, given| parse_format(given).map(|()| DataType::Date32)),
        |call| {
            let format = moment_of(call)?;
            call.map1(|text: &str| {
                Ok(Some(crate::engine::function::call::Days(
                    i32::try_from(format.read(text)?.div_euclid(86_400_000_000)).unwrap_or_default(),
                )))
            })
        },
    ),
    by(
        "to_timestamp",
        &[Text, Text],
        RoutineResult::By(|_, given| parse_format(given).map(|()| timestamptz())),
        |call| {
            let format = moment_of(call)?;
            call.map1(|text: &str| Ok(Some(Micros(format.read(text)?))))
        },
    ),
];

fn constant(given: &[GivenArgument]) -> Result<&str, Unresolved> {
    given.get(1).and_then(GivenArgument::text).ok_or_else(|| {
        Unresolved::new("the format must be a constant here", "write it as a text, such as 'YYYY-MM-DD'")
    })
}

fn moment_format(_: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    moment::MomentFormat::parse(constant(given)?).map(|_| DataType::Utf8)
}

fn parse_format(given: &[GivenArgument]) -> Result<(), Unresolved> {
    moment::MomentFormat::parse(constant(given)?)?.is_readable()
}

fn number_format(_: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    number::NumberFormat::parse(constant(given)?).map(|_| DataType::Utf8)
}

fn moment_of(call: &Call) -> Result<moment::MomentFormat> {
    let text = call.constant_value::<&str>(1)?.unwrap_or_default();
    moment::MomentFormat::parse(text).or_else(|error| fail(error.message))
}

fn number_of(call: &Call) -> Result<number::NumberFormat> {
    let text = call.constant_value::<&str>(1)?.unwrap_or_default();
    number::NumberFormat::parse(text).or_else(|error| fail(error.message))
}

fn of_moment(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let format = moment_of(call)?;
    call.map1(|at: Micros| Ok(Some(format.write(at))))
}
