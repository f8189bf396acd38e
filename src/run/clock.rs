//! A clock for tables that never runs backwards: a clock that was set back, or the slow clock of another
//! machine, must not end a version before it begins.

use chrono::{DateTime, Utc};

use crate::name::Relation;

/// Returns the current time, or the newest time in the table if that is later. Warns if the difference is too
/// large for ordinary clock drift.
pub(super) fn not_before(newest: Option<DateTime<Utc>>, relation: &Relation) -> DateTime<Utc> {
    let now = Utc::now();
    let Some(newest) = newest.filter(|newest| *newest > now) else { return now };
    if (newest - now).num_seconds() >= DRIFT {
        tracing::warn!(
            "the clock is set to {}, before the newest version of {relation} ({}), whose time is used instead; set the clock",
            now.format("%Y-%m-%d %H:%M:%S"),
            newest.format("%Y-%m-%d %H:%M:%S"),
        );
    }
    newest
}

/// The difference between two clocks, in seconds, from which on there is a warning.
const DRIFT: i64 = 5;

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn time_does_not_run_backwards() {
        let relation = Relation::new("a", "b");
        let later = Utc::now() + TimeDelta::hours(1);
        assert_eq!(not_before(Some(later), &relation), later);
        let earlier = Utc::now() - TimeDelta::hours(1);
        assert!(not_before(Some(earlier), &relation) > earlier);
        assert!(not_before(None, &relation) <= Utc::now());
    }
}
