//! The time as tables have it, which never runs backwards: a clock that was set back, or another machine's that is slow,
//! must not end a version before it begins.

use chrono::{DateTime, Utc};

use crate::name::Relation;

/// The time now, or the newest that a table already has, if the clock stands before that; said where it is by more than
/// clocks of two machines differ.
pub(super) fn not_before(newest: Option<DateTime<Utc>>, relation: &Relation) -> DateTime<Utc> {
    let now = Utc::now();
    let Some(newest) = newest.filter(|newest| *newest > now) else { return now };
    if (newest - now).num_seconds() >= DRIFT {
        tracing::warn!(
            "the clock stands at {}, before the newest version of {relation} ({}), whose time is used instead; set the clock",
            now.format("%Y-%m-%d %H:%M:%S"),
            newest.format("%Y-%m-%d %H:%M:%S"),
        );
    }
    newest
}

/// Seconds by which two clocks may differ without a word.
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
