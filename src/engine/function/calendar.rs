//! The proleptic Gregorian calendar over DuckDB's range of dates, without overflow.

use super::call::{Days, Micros};

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(super) const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub(super) const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub(super) const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// A date as year, month and day. Year 0 is 1 BC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

/// Converts days since 1970 to a date.
pub(super) fn civil(days: i64) -> Civil {
    // Years start in March here, so that the leap day is the last day of the year; an era is 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
}

/// Converts a date to days since 1970. The date may be out of range: month 13 is the next January, and day 0
/// the last day of the previous month.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let from_march = year - i64::from(month <= 2);
    let era = from_march.div_euclid(400);
    let year_of_era = from_march.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns whether the year has a 29 February.
pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns the number of days in a month.
pub(super) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Converts a date to days since 1970, or returns `None` if it doesn't exist or a DATE can't hold it.
pub(super) fn checked_days(year: i64, month: i64, day: i64) -> Option<Days> {
    let exists = (1..=12).contains(&month)
        && (-5_877_641..=5_881_580).contains(&year)
        && (1..=month_length(year, month)).contains(&day);
    if !exists {
        return None;
    }
    let found = Days(i32::try_from(days(year, month, day)).ok()?);
    is_finite_date(found).then_some(found)
}

/// Returns the ISO weekday: Monday is 1, Sunday 7.
pub(super) fn iso_weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// Returns the day of the year, starting at 1.
pub(super) fn day_of_year(at: i64) -> i64 {
    at - days(civil(at).year, 1, 1) + 1
}

/// Returns the ISO year and week: weeks start on Monday, and week 1 contains the year's first Thursday.
pub(super) fn iso_week(at: i64) -> (i64, i64) {
    let thursday = at - iso_weekday(at) + 4;
    let year = civil(thursday).year;
    (year, (thursday - days(year, 1, 1)) / 7 + 1)
}

/// Adds months to a day, clamping to the month's last day.
pub(super) fn add_months(at: i64, months: i64) -> i64 {
    let date = civil(at);
    let index = date.year * 12 + date.month - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    days(year, month, date.day.min(month_length(year, month)))
}

/// Returns false for DuckDB's `infinity` and `-infinity`.
pub(super) fn is_finite_date(days: Days) -> bool {
    infinite_date(days).is_none()
}

/// Returns the name of an infinite date, or `None` if the date is finite.
pub(super) fn infinite_date(days: Days) -> Option<&'static str> {
    match days.0 {
        i32::MAX => Some("infinity"),
        // The smallest integer is not a valid date in DuckDB.
        value if value <= -i32::MAX => Some("-infinity"),
        _ => None,
    }
}

/// Returns false for DuckDB's `infinity` and `-infinity`.
pub(super) fn is_finite(at: Micros) -> bool {
    infinite_timestamp(at).is_none()
}

/// Returns the name of an infinite timestamp, or `None` if the timestamp is finite.
pub(super) fn infinite_timestamp(at: Micros) -> Option<&'static str> {
    match at.0 {
        i64::MAX => Some("infinity"),
        value if value <= -i64::MAX => Some("-infinity"),
        _ => None,
    }
}

/// Returns midnight of a date; infinite dates stay infinite.
pub(super) fn midnight(days: Days) -> Option<Micros> {
    match infinite_date(days) {
        Some("infinity") => Some(Micros(i64::MAX)),
        Some(_) => Some(Micros(-i64::MAX)),
        None => i64::from(days.0).checked_mul(MICROS_PER_DAY).map(Micros),
    }
}

/// Splits a timestamp into its date and the microseconds since midnight.
pub(super) fn split(at: Micros) -> (i64, i64) {
    (at.0.div_euclid(MICROS_PER_DAY), at.0.rem_euclid(MICROS_PER_DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn days_and_dates_are_inverse(at in -2_147_483_646_i64..=2_147_483_646) {
            let date = civil(at);
            proptest::prop_assert_eq!(days(date.year, date.month, date.day), at);
            proptest::prop_assert!((1..=month_length(date.year, date.month)).contains(&date.day));
        }
    }
}
