//! The clock, which dates the versions of tables and the artifacts.

#![expect(clippy::disallowed_methods, reason = "the clock of invocations")]

use std::{
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Datelike, Utc};

use super::error::WorkspaceError;

/// The plausible years for the clock. Delta's timestamps end with the year 9999.
const YEARS: RangeInclusive<i32> = 2020..=9999;

/// Returns the current time. Fails if the clock was never set: it would date new versions before everything
/// they are compared with. Fails too if it is set to a year that tables can't store.
pub(super) fn clock() -> Result<DateTime<Utc>, WorkspaceError> {
    plausible(SystemTime::now())
}

/// Returns the current time, for artifacts.
pub(super) fn generated_at() -> DateTime<Utc> {
    Utc::now()
}

fn plausible(now: SystemTime) -> Result<DateTime<Utc>, WorkspaceError> {
    // `Utc::now` panics before 1970 and beyond the last year that chrono knows.
    let time = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => moment(since, 1),
        Err(before) => moment(before.duration(), -1),
    };
    let message = match time {
        Some(now) if YEARS.contains(&now.year()) => return Ok(now),
        Some(now) => format!("this machine's clock is set to {}", now.format("%Y-%m-%d %H:%M:%S UTC")),
        None => "this machine's clock is set to a year that no calendar has".to_owned(),
    };
    Err(WorkspaceError::hinted(message, "set the clock, since it dates the versions of tables"))
}

/// Returns the time this long after 1970, or before it if `sign` is negative.
fn moment(distance: Duration, sign: i64) -> Option<DateTime<Utc>> {
    let micros = i64::try_from(distance.as_micros()).ok()?;
    DateTime::from_timestamp_micros(sign * micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_refused() {
        for now in [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - Duration::from_hours(24)] {
            assert!(plausible(now).is_err());
        }
        assert!(plausible(SystemTime::now()).is_ok());
    }

    #[test]
    fn a_clock_beyond_the_years_of_tables_is_refused() {
        // The years 10000 and 275760, and one that no calendar has.
        for seconds in [253_402_300_800, 8_640_000_000_000, 1_000_000_000_000_000] {
            let error = plausible(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap_err();
            assert!(error.to_string().starts_with("this machine's clock is set to "), "{error}");
        }
        assert!(plausible(SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)).is_ok());
    }
}
