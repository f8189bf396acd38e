//! Clock functions. All of them return the query's start time, in UTC.

use datafusion::logical_expr::Volatility;

use super::{
    calendar::MICROS_PER_DAY,
    call::{Days, Micros, TimeOfDay},
    description::{Function, takes},
    kind::ParameterKind::{Date, Time, Timestamp, TimestampTz},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"],
        syntax: "now()",
        doc: "Returns the moment at which the run began.",
        volatility: Volatility::Stable,
        overloads: &[takes(&[], TimestampTz, |call| call.each(|_| Ok(Some(Micros(call.now())))))],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["current_localtimestamp", "localtimestamp"],
        syntax: "current_localtimestamp()",
        doc: "Returns the moment at which the run began, as a timestamp without a zone, in UTC.",
        volatility: Volatility::Stable,
        overloads: &[takes(&[], Timestamp, |call| call.each(|_| Ok(Some(Micros(call.now())))))],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["current_localtime", "localtime"],
        syntax: "current_localtime()",
        doc: "Returns the time of day at which the run began, in UTC.",
        volatility: Volatility::Stable,
        overloads: &[takes(&[], Time, |call| {
            call.each(|_| Ok(Some(TimeOfDay(call.now().rem_euclid(MICROS_PER_DAY)))))
        })],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["today", "current_date"],
        syntax: "today()",
        doc: "Returns the date at which the run began, in UTC.",
        volatility: Volatility::Stable,
        overloads: &[takes(&[], Date, |call| {
            call.each(|_| Ok(i32::try_from(call.now().div_euclid(MICROS_PER_DAY)).ok().map(Days)))
        })],
        ..Function::DATE
    },
];
