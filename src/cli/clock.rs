//! The clock, which dates the versions of tables.

use chrono::{DateTime, Datelike, Utc};

use super::failure::Failure;

/// The earliest plausible year for the clock.
const EARLIEST: i32 = 2020;

/// Returns the current time. Fails if the clock was never set: it would date new versions before everything
/// they are compared with.
pub(super) fn clock() -> Result<DateTime<Utc>, Failure> {
    let now = Utc::now();
    if now.year() >= EARLIEST {
        return Ok(now);
    }
    let message = format!("this machine's clock is set to {}", now.format("%Y-%m-%d %H:%M:%S UTC"));
    Err(Failure::hinted(message, "set the clock, since it dates the versions of tables"))
}
