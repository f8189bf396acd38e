//! The clock, which dates the versions of tables.

use std::time::SystemTime;

use chrono::{DateTime, Datelike, Utc};

use super::failure::Failure;

/// The earliest plausible year for the clock.
const EARLIEST: i32 = 2020;

/// Returns the current time. Fails if the clock was never set: it would date new versions before everything
/// they are compared with.
pub(super) fn clock() -> Result<DateTime<Utc>, Failure> {
    plausible(SystemTime::now())
}

fn plausible(now: SystemTime) -> Result<DateTime<Utc>, Failure> {
    // `Utc::now` panics before 1970.
    let now = DateTime::<Utc>::from(now);
    if now.year() >= EARLIEST {
        return Ok(now);
    }
    let message = format!("this machine's clock is set to {}", now.format("%Y-%m-%d %H:%M:%S UTC"));
    Err(Failure::hinted(message, "set the clock, since it dates the versions of tables"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_refused() {
        for now in [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - Duration::from_hours(24)] {
            assert!(plausible(now).is_err());
        }
        assert!(plausible(SystemTime::now()).is_ok());
    }
}
