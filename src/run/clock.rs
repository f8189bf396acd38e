//! A clock for tables that never runs backwards: a clock that was set back, or the slow clock of another
//! machine, must not end a version before it begins, nor give two versions one time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::scheduler::JobHandle;
use crate::plan::Step;

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "the clock of runs")]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Returns the current time, or the microsecond after the newest time in a step's table if that is later.
/// Reports a difference that is too large for ordinary clock drift.
pub(super) fn after(
    newest: Option<DateTime<Utc>>,
    (step, handle): (&Arc<Step>, &JobHandle),
) -> DateTime<Utc> {
    let clock = now();
    let next = later(clock, newest);
    if (next - clock).num_seconds() >= DRIFT
        && let Some(newest) = newest
    {
        handle.clock_went_back(step, clock, newest);
    }
    next
}

/// Returns `now`, or the microsecond after `newest` if that is later. Tables store microseconds, so times are
/// compared in them.
fn later(now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let newest = newest.filter(|newest| newest.timestamp_micros() >= now.timestamp_micros());
    newest.and_then(|newest| newest.checked_add_signed(TimeDelta::microseconds(1))).unwrap_or(now)
}

/// The difference between two clocks, in seconds, from which on there is a warning.
const DRIFT: i64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_later_than_the_one_before() {
        let now = Utc::now();
        let tick = TimeDelta::microseconds(1);
        let ahead = now + TimeDelta::hours(1);
        for newest in
            [now, ahead, now - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()) % 1000)]
        {
            assert_eq!(later(now, Some(newest)), newest + tick);
        }
        assert_eq!(later(now, Some(now - tick)), now);
        assert_eq!(later(now, None), now);
    }
}
