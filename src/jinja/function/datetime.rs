//! `modules.datetime` and `modules.pytz`.

use chrono::DateTime;
use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, from_args},
};

use crate::jinja::value::{TemplateMoment, TimeZoneValue, create_moment, zone_of};

/// Evaluates a method of the class `datetime`. `now` is the current time.
pub(super) fn of_datetime(
    method: &str,
    args: &[Value],
    now: impl FnOnce() -> TemplateMoment,
) -> Result<Value, Error> {
    let moment = match method {
        "now" => {
            let (zone, named): (Option<Value>, Kwargs) = from_args(args)?;
            let by_name: Option<Value> = named.get("tz")?;
            named.assert_all_used()?;
            match zone.or(by_name).map_or(Ok(None), |zone| zone_of(&zone))? {
                Some(zone) => now().in_zone(&zone),
                None => now().without_zone(),
            }
        }
        "utcnow" | "today" => {
            let () = from_args(args)?;
            now().without_zone()
        }
        "strptime" => {
            let (text, format): (&str, &str) = from_args(args)?;
            TemplateMoment::parsed(text, format)?
        }
        "fromisoformat" => {
            let (text,): (&str,) = from_args(args)?;
            TemplateMoment::of_iso(text)?
        }
        "fromtimestamp" | "utcfromtimestamp" => {
            let (seconds, zone, named): (f64, Option<Value>, Kwargs) = from_args(args)?;
            let by_name: Option<Value> = named.get("tz")?;
            named.assert_all_used()?;
            let moment = of_timestamp(seconds)?;
            match zone.or(by_name).map_or(Ok(None), |zone| zone_of(&zone))? {
                Some(zone) => moment.in_zone(&zone),
                None => moment.without_zone(),
            }
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    Ok(Value::from_object(moment))
}

/// Evaluates a method of the class `date`. `now` is the current time.
pub(super) fn of_date(
    method: &str,
    args: &[Value],
    now: impl FnOnce() -> TemplateMoment,
) -> Result<Value, Error> {
    let date = match method {
        "today" => {
            let () = from_args(args)?;
            now().date()
        }
        "fromisoformat" => {
            let (text,): (&str,) = from_args(args)?;
            TemplateMoment::of_iso(text)?.date()
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    Ok(Value::from_object(date))
}

/// Evaluates `datetime(…)` or `date(…)`.
pub(super) fn create(args: &[Value], date_only: bool) -> Result<Value, Error> {
    create_moment(args, date_only).map(Value::from_object)
}

/// Evaluates a function of `modules.pytz`.
pub(super) fn pytz(function: &str, args: &[Value]) -> Result<Value, Error> {
    match function {
        "timezone" => {
            let (name,): (&str,) = from_args(args)?;
            TimeZoneValue::named(name).map(Value::from_object)
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn of_timestamp(seconds: f64) -> Result<TemplateMoment, Error> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "numbers out of range become the last one, which is refused"
    )]
    let micros = (seconds * 1e6).round_ties_even() as i64;
    DateTime::from_timestamp_micros(micros)
        .map(TemplateMoment::new)
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "fromtimestamp: the time is out of range"))
}
