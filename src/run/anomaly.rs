//! Anomaly detection: judges a number against those of a table's earlier versions. Pure.
//!
//! The center is the median of the earlier numbers. The usual deviation from it is the median absolute
//! deviation (MAD) times 1.4826, which for a normal distribution is its standard deviation (Iglewicz and
//! Hoaglin's modified z-score; B. Iglewicz, D. Hoaglin: How to Detect and Handle Outliers, 1993). Both are
//! stable while less than half of the numbers are outliers, so one bad version in the past doesn't make the
//! next one plausible. A number further than `sensitivity` deviations from the center is an anomaly.
//!
//! A table often has the same number many times, which makes the deviation 0 and any change an anomaly; so
//! the deviation is at least a hundredth of the center. With too few earlier numbers, there is no judgement.

use crate::compile::{Anomaly, Direction};

/// The factor from a MAD to a standard deviation.
const NORMAL: f64 = 1.4826;
/// The minimum deviation, as a fraction of the center.
const FLOOR: f64 = 0.01;

/// The judgement of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judgement {
    /// There are too few earlier numbers to judge by: this many.
    TooFew(usize),
    /// The number is in the usual range.
    Plausible,
    /// The number is outside the usual range.
    Anomalous {
        /// The lower bound of the usual range.
        low: f64,
        /// The upper bound of the usual range.
        high: f64,
        /// The number of versions it was compared with.
        versions: usize,
    },
}

/// Judges `now` against `past`, newest first.
pub(super) fn judge(now: f64, past: &[f64], how: &Anomaly) -> Judgement {
    let past = &past[..past.len().min(how.versions)];
    if past.len() < how.min_versions.max(1) {
        return Judgement::TooFew(past.len());
    }
    let middle = median(past);
    let deviations: Vec<f64> = past.iter().map(|number| (number - middle).abs()).collect();
    let usual = (NORMAL * median(&deviations)).max(FLOOR * middle.abs()).max(f64::EPSILON);
    let (low, high) = (middle - how.sensitivity * usual, middle + how.sensitivity * usual);
    let odd = match how.direction {
        Direction::Both => now < low || now > high,
        Direction::Up => now > high,
        Direction::Down => now < low,
    };
    if odd { Judgement::Anomalous { low, high, versions: past.len() } } else { Judgement::Plausible }
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn how(direction: Direction) -> Anomaly {
        Anomaly { sensitivity: 3.5, versions: 14, min_versions: 7, direction, is_row_count: true }
    }

    fn odd(now: f64, past: &[f64], direction: Direction) -> bool {
        matches!(judge(now, past, &how(direction)), Judgement::Anomalous { .. })
    }

    #[test]
    fn quiet_until_there_is_enough_to_compare() {
        assert_eq!(judge(1e9, &[1.0; 6], &how(Direction::Both)), Judgement::TooFew(6));
        assert!(odd(1e9, &[1.0; 7], Direction::Both));
    }

    #[test]
    fn a_steady_table_may_grow_a_little() {
        let steady = [1000.0; 10];
        assert!(!odd(1030.0, &steady, Direction::Both));
        assert!(odd(1040.0, &steady, Direction::Both));
        assert!(odd(0.0, &steady, Direction::Both));
    }

    #[test]
    fn one_bad_version_makes_no_other_plausible() {
        let mut past = vec![100.0, 102.0, 99.0, 101.0, 98.0, 100.0, 103.0];
        past.insert(0, 10_000.0);
        assert!(odd(10_000.0, &past, Direction::Both));
        assert!(!odd(104.0, &past, Direction::Both));
    }

    #[test]
    fn only_the_direction_that_was_asked_for_counts() {
        let past = [100.0; 8];
        assert!(odd(500.0, &past, Direction::Up) && !odd(500.0, &past, Direction::Down));
        assert!(odd(5.0, &past, Direction::Down) && !odd(5.0, &past, Direction::Up));
    }

    #[test]
    fn only_the_newest_versions_count() {
        let past: Vec<f64> = [[10.0; 14].as_slice(), &[900.0; 50]].concat();
        assert!(odd(900.0, &past, Direction::Both));
    }

    proptest! {
        #[test]
        fn what_was_usual_stays_plausible(past in proptest::collection::vec(0.0..1e9_f64, 7..30)) {
            prop_assert!(!odd(median(&past[..past.len().min(14)]), &past, Direction::Both));
        }

        #[test]
        fn the_order_of_the_past_does_not_matter(mut past in proptest::collection::vec(0.0..1e6_f64, 7..14), now in 0.0..1e7_f64) {
            let before = judge(now, &past, &how(Direction::Both));
            past.reverse();
            prop_assert_eq!(judge(now, &past, &how(Direction::Both)), before);
        }
    }
}
