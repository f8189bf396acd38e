//! `to_char`, `to_date`, `to_timestamp`: supports common patterns and rejects all others.

mod moment;
mod number;

use datafusion::{arrow::datatypes::DataType, error::Result};

use super::{
    kind::{
        Given,
        Kind::{BigInt, Double, Integer, Interval, Numeric, Real, Text, Timestamp, Timestamptz},
        scale, timestamptz,
    },
    overload::{Gives, Overload, by},
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, Digits, Micros, fail};

pub(super) const ROUTINES: &[Overload] = &[
    by("to_char", &[Timestamp, Text], Gives::By(moment_format), of_moment),
    by("to_char", &[Timestamptz, Text], Gives::By(moment_format), of_moment),
    by(
        "to_char",
        &[Interval, Text],
        Gives::By(|_, _| {
            Err(Unresolved::new(
                "to_char of an interval is not supported",
                "cast the interval to text, or extract its parts",
            ))
        }),
        of_moment,
    ),
    by("to_char", &[Integer, Text], Gives::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: i32| Ok(Some(format.exact(value.into(), 0))))
    }),
    by("to_char", &[BigInt, Text], Gives::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: i64| Ok(Some(format.exact(value.into(), 0))))
    }),
    by("to_char", &[Numeric, Text], Gives::By(number_format), |call| {
        let (format, digits) = (number_of(call)?, scale(call.type_of(0)));
        call.map1(|value: Digits| Ok(Some(format.exact(value.0, digits))))
    }),
    by("to_char", &[Double, Text], Gives::By(number_format), |call| {
        let format = number_of(call)?;
        call.map1(|value: f64| format.double(value).map(Some))
    }),
    by(
        "to_char",
        &[Real, Text],
        Gives::By(|_, _| {
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
        Gives::By(|_, given| parse_format(given).map(|()| DataType::Date32)),
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
        Gives::By(|_, given| parse_format(given).map(|()| timestamptz())),
        |call| {
            let format = moment_of(call)?;
            call.map1(|text: &str| Ok(Some(Micros(format.read(text)?))))
        },
    ),
];

fn constant(given: &[Given]) -> Result<&str, Unresolved> {
    given.get(1).and_then(Given::text).ok_or_else(|| {
        Unresolved::new("the format must be a constant here", "write it as a text, such as 'YYYY-MM-DD'")
    })
}

fn moment_format(_: &[DataType], given: &[Given]) -> Result<DataType, Unresolved> {
    moment::Format::parse(constant(given)?).map(|_| DataType::Utf8)
}

fn parse_format(given: &[Given]) -> Result<(), Unresolved> {
    moment::Format::parse(constant(given)?)?.is_readable()
}

fn number_format(_: &[DataType], given: &[Given]) -> Result<DataType, Unresolved> {
    number::Format::parse(constant(given)?).map(|_| DataType::Utf8)
}

fn moment_of(call: &Call) -> Result<moment::Format> {
    let text = call.constant_value::<&str>(1)?.unwrap_or_default();
    moment::Format::parse(text).or_else(|error| fail(error.message))
}

fn number_of(call: &Call) -> Result<number::Format> {
    let text = call.constant_value::<&str>(1)?.unwrap_or_default();
    number::Format::parse(text).or_else(|error| fail(error.message))
}

fn of_moment(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let format = moment_of(call)?;
    call.map1(|at: Micros| Ok(Some(format.write(at))))
}
