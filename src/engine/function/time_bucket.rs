//! `time_bucket`: the time buckets that dates and timestamps fall into.

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, IntervalMonthDayNano},
    },
    error::Result,
};

use super::{
    calendar::{self, MICROS_PER_DAY},
    call::{Arg, Call, Days, Give, Micros, fail},
    description::{Function, takes},
    interval::add,
    kind::ParameterKind::{Date, Interval, Timestamp, TimestampTz, Varchar},
    zone,
};
use crate::engine::cast::zone::parse_zone;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[Function {
    names: &["time_bucket"],
    syntax: "time_bucket(width, at[, offset | origin | zone])",
    doc: "Returns the start of the bucket that a date or timestamp is in: buckets of a width, counted from an origin, \
              or shifted by an offset, or in the days of a zone.",
    example: ("time_bucket(interval '2 weeks', date '1992-04-20')", "1992-04-20"),
    overloads: &[
        takes(&[Interval, Date], Date, |call| buckets::<Days>(call, Third::None)),
        takes(&[Interval, Timestamp], Timestamp, |call| buckets::<Micros>(call, Third::None)),
        takes(&[Interval, TimestampTz], TimestampTz, |call| buckets::<Micros>(call, Third::None)),
        takes(&[Interval, Date, Interval], Date, |call| buckets::<Days>(call, Third::Offset)),
        takes(&[Interval, Timestamp, Interval], Timestamp, |call| buckets::<Micros>(call, Third::Offset)),
        takes(&[Interval, TimestampTz, Interval], TimestampTz, |call| buckets::<Micros>(call, Third::Offset)),
        takes(&[Interval, Date, Date], Date, |call| buckets::<Days>(call, Third::Origin)),
        takes(&[Interval, Timestamp, Timestamp], Timestamp, |call| buckets::<Micros>(call, Third::Origin)),
        takes(&[Interval, TimestampTz, TimestampTz], TimestampTz, |call| {
            buckets::<Micros>(call, Third::Origin)
        }),
        takes(&[Interval, TimestampTz, Varchar], TimestampTz, |call| buckets::<Micros>(call, Third::Zone)),
    ],
    ..Function::TIMESTAMP
}];

/// The meaning of the third argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Third {
    None,
    Offset,
    Origin,
    Zone,
}

/// A date or a timestamp.
trait BucketMoment: Copy + Give {
    fn micros(self) -> Option<Micros>;
    fn of(at: Micros) -> Option<Self>;
}

impl BucketMoment for Days {
    fn micros(self) -> Option<Micros> {
        calendar::midnight(self)
    }

    fn of(at: Micros) -> Option<Self> {
        i32::try_from(calendar::split(at).0).ok().map(Days)
    }
}

impl BucketMoment for Micros {
    fn micros(self) -> Option<Micros> {
        Some(self)
    }

    fn of(at: Micros) -> Option<Self> {
        Some(at)
    }
}

fn buckets<'a, M: BucketMoment + Arg<'a>>(call: &'a Call, third: Third) -> Result<ArrayRef> {
    let widths = call.column::<IntervalMonthDayNano>(0)?;
    let values = call.column::<M>(1)?;
    let offsets = if third == Third::Offset { Some(call.column::<IntervalMonthDayNano>(2)?) } else { None };
    let origins = if third == Third::Origin { Some(call.column::<M>(2)?) } else { None };
    let zones = if third == Third::Zone { Some(call.column::<&str>(2)?) } else { None };
    let in_utc = matches!(call.type_of(1), DataType::Timestamp(_, Some(_)));
    call.each(|row| {
        let (Some(width), Some(value)) = (widths.at(row), values.at(row)) else { return Ok(None) };
        let Some(at) = value.micros() else {
            return fail("time_bucket: the date is out of range for a timestamp");
        };
        let has_days = width.days != 0;
        if in_utc && has_days && width.nanoseconds != 0 {
            return fail("time_bucket: a width in days can't have a time too for a timestamp with time zone");
        }
        let width = Width::new(width)?;
        if !calendar::is_finite(at) {
            return Ok(Some(value));
        }
        let found = if let Some(offsets) = &offsets {
            let Some(offset) = offsets.at(row) else { return Ok(None) };
            let negated =
                (offset.months.checked_neg(), offset.days.checked_neg(), offset.nanoseconds.checked_neg());
            let (Some(months), Some(days), Some(nanoseconds)) = negated else {
                return fail("time_bucket: the offset is out of range");
            };
            let back = IntervalMonthDayNano::new(months, days, nanoseconds);
            add(width.start(add(at, back)?, None)?, offset)?
        } else if let Some(origins) = &origins {
            let Some(origin) = origins.at(row).and_then(BucketMoment::micros) else { return Ok(None) };
            if !calendar::is_finite(origin) {
                return Ok(None);
            }
            width.start(at, Some(origin))?
        } else if let Some(zones) = &zones {
            let Some(name) = zones.at(row) else { return Ok(None) };
            let zone = parse_zone(name)?;
            if matches!(width, Width::Micros(_)) && !has_days {
                // Units up to hours count elapsed time from midnight of that Monday in the zone.
                width.start(at, Some(zone::to_utc(Micros(MONDAY), zone)))?
            } else {
                zone::to_utc(width.start(zone::to_local(at, zone), None)?, zone)
            }
        } else {
            width.start(at, None)?
        };
        Ok(M::of(found))
    })
}

/// 2000-01-03, in microseconds since 1970.
const MONDAY: i64 = 10_959 * MICROS_PER_DAY;

/// The width of buckets, in months or microseconds.
enum Width {
    Months(i64),
    Micros(i64),
}

impl Width {
    fn new(width: IntervalMonthDayNano) -> Result<Self> {
        let micros =
            i128::from(width.days) * i128::from(MICROS_PER_DAY) + i128::from(width.nanoseconds / 1_000);
        let Ok(micros) = i64::try_from(micros) else { return fail("time_bucket: the width is out of range") };
        match (width.months, micros) {
            (0, 1..) => Ok(Self::Micros(micros)),
            (1.., 0) => Ok(Self::Months(width.months.into())),
            (0, _) | (..0, 0) => fail("time_bucket: the width must be greater than zero"),
            _ => fail("time_bucket: a width in months can't have days or a time too"),
        }
    }

    /// Returns the start of the bucket. Without an origin, buckets of months are aligned to 2000-01-01, and
    /// others to 2000-01-03, a Monday.
    fn start(&self, at: Micros, origin: Option<Micros>) -> Result<Micros> {
        let found = match self {
            Self::Micros(width) => {
                let origin = i128::from(origin.map_or(MONDAY, |origin| origin.0));
                let width = i128::from(*width);
                origin + (i128::from(at.0) - origin).div_euclid(width) * width
            }
            Self::Months(width) => {
                let months = |at: Micros| {
                    let date = calendar::civil(calendar::split(at).0);
                    date.year * 12 + date.month - 1
                };
                let origin = origin.map_or(2000 * 12, months);
                let month = origin + (months(at) - origin).div_euclid(*width) * width;
                i128::from(calendar::days(month.div_euclid(12), month.rem_euclid(12) + 1, 1))
                    * i128::from(MICROS_PER_DAY)
            }
        };
        match i64::try_from(found) {
            Ok(found) => Ok(Micros(found)),
            Err(_) => fail("time_bucket: the bucket is out of range"),
        }
    }
}
