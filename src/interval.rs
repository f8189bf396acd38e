//! Time intervals: the batches of microbatch models and which of them are done. All times are UTC; intervals
//! include their start and exclude their end.

use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};

/// The length of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// From full hour to full hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
    /// From one January 1 to the next.
    Year,
}

impl BatchSize {
    /// All batch sizes, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Month, Self::Year];

    /// Returns dbt's name, which SQL uses too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Returns the start of the batch that contains an instant.
    #[must_use]
    pub fn floor(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let (date, hour) = (at.date_naive(), if self == Self::Hour { at.hour() } else { 0 });
        let date = match self {
            Self::Hour | Self::Day => Some(date),
            Self::Month => NaiveDate::from_ymd_opt(date.year(), date.month(), 1),
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
        };
        date.and_then(|date| date.and_hms_opt(hour, 0, 0)).map_or(at, |floor| floor.and_utc())
    }

    /// Returns the start of the first batch that doesn't start before an instant.
    #[must_use]
    pub fn ceil(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let floor = self.floor(at);
        if floor == at { at } else { self.next(floor) }
    }

    /// Returns the start of the batch after the one that contains an instant.
    #[must_use]
    pub fn next(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.floor(at);
        let next = match self {
            Self::Hour => start.checked_add_signed(TimeDelta::hours(1)),
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Year => start.checked_add_months(Months::new(12)),
        };
        next.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Returns the start of the batch that is `batches` before the one that contains an instant.
    #[must_use]
    pub fn back(self, at: DateTime<Utc>, batches: u32) -> DateTime<Utc> {
        let start = self.floor(at);
        let back = match self {
            Self::Hour => start.checked_sub_signed(TimeDelta::hours(i64::from(batches))),
            Self::Day => start.checked_sub_days(Days::new(u64::from(batches))),
            Self::Month => start.checked_sub_months(Months::new(batches)),
            Self::Year => start.checked_sub_months(Months::new(batches.saturating_mul(12))),
        };
        back.unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Returns a batch's label: `2021-01-02`, `2021-01-02 13:00`, `2021-01`, `2021`.
    #[must_use]
    pub fn label(self, start: DateTime<Utc>) -> String {
        let form = match self {
            Self::Hour => "%Y-%m-%d %H:00",
            Self::Day => "%Y-%m-%d",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
        };
        start.format(form).to_string()
    }
}

/// A non-empty time interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// The start (inclusive).
    pub start: DateTime<Utc>,
    /// The end (exclusive).
    pub end: DateTime<Utc>,
}

/// Shows dates only if both ends are at midnight: `2021-01-01 to 2021-01-05`, with an exclusive end.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days =
            BatchSize::Day.floor(self.start) == self.start && BatchSize::Day.floor(self.end) == self.end;
        let form = if days { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
        write!(f, "{} to {}", self.start.format(form), self.end.format(form))
    }
}

/// Shows the first few intervals.
impl fmt::Display for Intervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LISTED: usize = 3;
        let listed: Vec<String> = self.0.iter().take(LISTED).map(ToString::to_string).collect();
        let more = if self.0.len() > LISTED { ", …" } else { "" };
        write!(f, "{}{more}", listed.join(", "))
    }
}

/// A set of instants: ordered intervals that don't touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Interval>")]
pub struct Intervals(Vec<Interval>);

impl From<Vec<Interval>> for Intervals {
    fn from(intervals: Vec<Interval>) -> Self {
        intervals.into_iter().collect()
    }
}

impl From<Interval> for Intervals {
    fn from(interval: Interval) -> Self {
        std::iter::once(interval).collect()
    }
}

impl FromIterator<Interval> for Intervals {
    fn from_iter<I: IntoIterator<Item = Interval>>(intervals: I) -> Self {
        let mut all: Vec<Interval> = intervals.into_iter().filter(|one| one.start < one.end).collect();
        all.sort();
        let mut joined: Vec<Interval> = Vec::with_capacity(all.len());
        for next in all {
            match joined.last_mut() {
                Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
                _ => joined.push(next),
            }
        }
        Self(joined)
    }
}

impl Intervals {
    /// Iterates over the intervals in order.
    pub fn iter(&self) -> impl Iterator<Item = &Interval> {
        self.0.iter()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the union.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).copied().collect()
    }

    /// Returns the difference.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for one in &self.0 {
            let mut start = one.start;
            for gone in other.0.iter().filter(|gone| gone.start < one.end && gone.end > one.start) {
                left.push(Interval { start, end: gone.start });
                start = gone.end;
            }
            left.push(Interval { start, end: one.end });
        }
        left.into_iter().collect()
    }

    /// Returns the intersection.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// Splits the set into batches, in order. Its intervals must start and end on batch boundaries.
    #[must_use]
    pub fn batches(&self, size: BatchSize) -> Vec<Interval> {
        let mut batches = Vec::new();
        for one in &self.0 {
            let mut start = one.start;
            while start < one.end {
                let end = size.next(start).min(one.end);
                batches.push(Interval { start, end });
                start = end;
            }
        }
        batches
    }
}

/// Parses a date, or a date and time, in UTC unless it has an offset.
///
/// # Errors
/// A message for people if the text is neither.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Ok(at.to_utc());
    }
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let time = || forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    date()
        .or_else(time)
        .map(|at| at.and_utc())
        .ok_or_else(|| format!("`{text}` is no date such as 2021-01-31, nor a time such as 2021-01-31T13:00"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        instant(text).unwrap()
    }

    fn hour(number: i64) -> DateTime<Utc> {
        at("2021-01-01") + TimeDelta::hours(number)
    }

    fn set(parts: &[(u8, u8)]) -> (Intervals, BTreeSet<i64>) {
        let parts =
            parts.iter().map(|(start, length)| (i64::from(*start), i64::from(*start) + i64::from(*length)));
        let hours = parts.clone().flat_map(|(start, end)| start..end).collect();
        (parts.map(|(start, end)| Interval { start: hour(start), end: hour(end) }).collect(), hours)
    }

    fn hours(set: &Intervals) -> BTreeSet<i64> {
        let hours = set.batches(BatchSize::Hour).into_iter().map(|one| (one.start - hour(0)).num_hours());
        hours.collect()
    }

    proptest! {
        #[test]
        fn sets_of_time_are_sets_of_hours(
            one in proptest::collection::vec((0..60_u8, 0..9_u8), 0..6),
            other in proptest::collection::vec((0..60_u8, 0..9_u8), 0..6),
        ) {
            let ((a, x), (b, y)) = (set(&one), set(&other));
            prop_assert_eq!(hours(&a), x.clone());
            prop_assert_eq!(hours(&a.or(&b)), &x | &y);
            prop_assert_eq!(hours(&a.without(&b)), &x - &y);
            prop_assert_eq!(hours(&a.and(&b)), &x & &y);
            for pair in a.0.windows(2) {
                prop_assert!(pair[0].end < pair[1].start, "they do not touch");
            }
        }

        #[test]
        fn batches_tile_time(seconds in -4_000_000_000_i64..8_000_000_000, number in 0..3_usize) {
            let (size, at) = (BatchSize::ALL[number], DateTime::from_timestamp(seconds, 5).unwrap());
            let (start, end) = (size.floor(at), size.next(at));
            prop_assert!(start <= at && at < end);
            prop_assert_eq!((size.floor(start), size.ceil(start)), (start, start));
            prop_assert_eq!((size.ceil(at), size.back(end, 1)), (end, start));
        }
    }

    #[test]
    fn batches_follow_the_calendar() {
        let days: Intervals = Interval { start: at("2024-02-28"), end: at("2024-03-02") }.into();
        let label = |size: BatchSize| -> Vec<String> {
            days.batches(size).iter().map(|one| size.label(one.start)).collect()
        };
        assert_eq!(label(BatchSize::Day), ["2024-02-28", "2024-02-29", "2024-03-01"]);
        assert_eq!(BatchSize::Month.next(at("2024-12-31T23:59")), at("2025-01-01"));
        assert_eq!(BatchSize::Year.back(at("2024-02-29"), 4), at("2020-01-01"));
        assert_eq!(days.iter().next().unwrap().to_string(), "2024-02-28 to 2024-03-02");
    }

    #[test]
    fn instants_are_utc_unless_they_say_otherwise() {
        for text in [
            "2021-01-02",
            "2021-01-02T00:00",
            "2021-01-02 00:00:00",
            "2021-01-02T02:00:00+02:00",
            "2021-01-01 22:00:00-02:00",
        ] {
            assert_eq!(instant(text), Ok(at("2021-01-02T00:00:00Z")), "{text}");
        }
        assert!(instant("yesterday").unwrap_err().contains("2021-01-31"));
    }
}
