//! Whether a number is plausible beside those of a table's earlier versions. Pure.
//!
//! The middle of the earlier numbers is their median, the usual deviation from it the median absolute deviation
//! (MAD) times 1.4826, which for a normal distribution is its standard deviation (Iglewicz and Hoaglin's modified
//! z-score; B. Iglewicz, D. Hoaglin: How to Detect and Handle Outliers, 1993). Both stay where they are while less than half of the
//! numbers are odd, so one bad version in the past does not make the next one plausible. A number further than
//! `sensitivity` deviations from the middle is an anomaly.
//!
//! Tables often have the same number again and again, which makes the deviation 0 and any change an anomaly; so it
//! is never taken to be less than a hundredth of the middle. With too few earlier numbers nothing is said.

use crate::compile::{Anomaly, Direction};

/// A MAD as a standard deviation.
const NORMAL: f64 = 1.4826;
/// The least deviation, as a part of the middle.
const FLOOR: f64 = 0.01;

/// What a number looks like beside those before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judgement {
    /// There is not enough to compare it with: so many numbers.
    TooFew(usize),
    /// As usual.
    Plausible,
    /// Not as usual.
    Anomalous {
        /// The least number that would be plausible.
        low: f64,
        /// The greatest.
        high: f64,
        /// How many numbers it was compared with.
        versions: usize,
    },
}

/// Judges `now` beside `past`, newest first.
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
