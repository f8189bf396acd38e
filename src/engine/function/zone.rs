//! Time zone lookup, and conversions between timestamps with and without a time zone.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::{common::plan_err, error::Result};

use super::{
    calendar,
    call::{Days, Micros},
    description::{Function, computes, takes},
    kind::ParameterKind::{BigInt, Date, Timestamp, TimestampTz, Varchar},
};
use crate::engine::cast::zone::parse_zone;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[Function {
    names: &["timezone"],
    syntax: "timezone([zone, ]at)",
    doc: "Takes a timestamp as local time of a zone, or shows one with time zone in it; `at AT TIME ZONE zone` is the \
          same. Of two moments at the end of daylight saving it is the later; a time that is skipped counts on. \
          Without a zone it is the offset of UTC: 0.",
    example: ("timezone('Europe/Berlin', timestamp '2020-01-15 10:00:00')", "2020-01-15 09:00:00+00"),
    overloads: &[
        computes(
            &[Date],
            |_| plan_err!("a date has no time zone"),
            "an error",
            |call| call.map1(|_: Days| Ok(Some(0_i64))),
        ),
        takes(&[Timestamp], BigInt, |call| call.map1(|_: Micros| Ok(Some(0_i64)))),
        takes(&[TimestampTz], BigInt, |call| call.map1(|_: Micros| Ok(Some(0_i64)))),
        takes(&[Varchar, Timestamp], TimestampTz, |call| {
            let zones = Zones::default();
            call.map2(|name: &str, at: Micros| Ok(Some(to_utc(at, zones.get(name)?))))
        }),
        takes(&[Varchar, TimestampTz], Timestamp, |call| {
            let zones = Zones::default();
            call.map2(|name: &str, at: Micros| Ok(Some(to_local(at, zones.get(name)?))))
        }),
    ],
    ..Function::TIMESTAMP
}];

/// A cache of the zone that was looked up last.
#[derive(Default)]
struct Zones(std::cell::RefCell<Option<(String, Tz)>>);

impl Zones {
    fn get(&self, name: &str) -> Result<Tz> {
        let mut last = self.0.borrow_mut();
        match last.as_ref() {
            Some((known, zone)) if known == name => Ok(*zone),
            _ => {
                let zone = parse_zone(name)?;
                *last = Some((name.to_owned(), zone));
                Ok(zone)
            }
        }
    }
}

/// Converts local time in a zone to UTC.
pub(super) fn to_utc(at: Micros, zone: Tz) -> Micros {
    let Some(local) = naive(at) else { return at };
    let offset = match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => offset,
        // Skipped by a clock change: use the offset before the gap.
        LocalResult::None => zone.offset_from_utc_datetime(&(local - chrono::TimeDelta::days(1))),
    };
    Micros(at.0.saturating_sub(i64::from(offset.fix().local_minus_utc()) * 1_000_000))
}

/// Converts UTC to local time in a zone.
pub(super) fn to_local(at: Micros, zone: Tz) -> Micros {
    let Some(utc) = naive(at) else { return at };
    let offset = zone.offset_from_utc_datetime(&utc);
    Micros(at.0.saturating_add(i64::from(offset.fix().local_minus_utc()) * 1_000_000))
}

/// Converts a timestamp to chrono's type, or returns `None` if it is infinite or beyond chrono's calendar.
/// Callers return such timestamps unchanged.
fn naive(at: Micros) -> Option<NaiveDateTime> {
    if !calendar::is_finite(at) {
        return None;
    }
    DateTime::from_timestamp_micros(at.0).map(|moment| moment.naive_utc())
}
