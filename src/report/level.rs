//! Levels: the severity of messages and outcomes.

use crate::outcome::{AgeStatus, Outcome, TestStatus};

/// A message's severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Details for troubleshooting.
    Debug,
    /// Normal progress.
    Info,
    /// A warning.
    Warn,
    /// A failure.
    Error,
}

/// Returns the severity of an outcome. Counts, lines and the exit code all depend on it.
pub(super) fn of(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Withheld(_) | Outcome::Failed { .. } | Outcome::Partial(_) => Level::Error,
        Outcome::Tested(verdict) => match verdict.status {
            TestStatus::Pass => Level::Info,
            TestStatus::Warn => Level::Warn,
            TestStatus::Fail => Level::Error,
        },
        Outcome::Aged(age) => match age.status {
            AgeStatus::Pass => Level::Info,
            AgeStatus::Warn => Level::Warn,
            AgeStatus::Error => Level::Error,
        },
        Outcome::Published { rejected: Some(_), .. }
        | Outcome::Unchanged { rejected: Some(_), .. }
        | Outcome::Reused { rejected: Some(_) } => Level::Warn,
        // The rule's own test already warns about rows that the rule removes.
        Outcome::Published { .. } | Outcome::Unchanged { .. } | Outcome::Reused { .. } | Outcome::Checked => {
            Level::Info
        }
    }
}
