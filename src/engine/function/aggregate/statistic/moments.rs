//! Moments: means, deviations and powers of values and pairs, and the statistics derived from them.

use datafusion::{common::exec_err, error::Result};

use super::super::running::RunningAggregate;

/// The number of rows, first in every state below.
pub(super) const N: usize = 0;
pub(super) const MEAN: usize = 1;
/// The sum of squared deviations.
pub(super) const M2: usize = 2;

pub(super) type MomentsFinish = fn(&[f64]) -> Result<Option<f64>>;

/// Accumulates the count, mean and squared deviations of values (Welford).
pub(super) const fn values(finish: MomentsFinish) -> RunningAggregate {
    RunningAggregate {
        start: &[0.0; 3],
        add: |s, row| {
            s[N] += 1.0;
            let delta = row[0] - s[MEAN];
            s[MEAN] += delta / s[N];
            s[M2] += delta * (row[0] - s[MEAN]);
        },
        merge: |s, other| {
            if other[N] == 0.0 {
                return;
            }
            if s[N] == 0.0 {
                s.copy_from_slice(other);
                return;
            }
            let n = s[N] + other[N];
            let delta = other[MEAN] - s[MEAN];
            s[M2] += other[M2] + delta * delta * s[N] * other[N] / n;
            s[MEAN] += delta * other[N] / n;
            s[N] = n;
        },
        finish,
    }
}

pub(super) const MEAN_X: usize = 1;
pub(super) const MEAN_Y: usize = 2;
pub(super) const XX: usize = 3;
pub(super) const YY: usize = 4;
pub(super) const XY: usize = 5;
pub(super) const SUM_X: usize = 6;
pub(super) const SUM_Y: usize = 7;

/// Accumulates the count, means, squared deviations, co-deviations and sums of rows `(y, x)`.
pub(super) const fn pairs(finish: MomentsFinish) -> RunningAggregate {
    RunningAggregate {
        start: &[0.0; 8],
        add: |s, row| {
            let (y, x) = (row[0], row[1]);
            s[N] += 1.0;
            s[SUM_X] += x;
            s[SUM_Y] += y;
            let (dx, dy) = (x - s[MEAN_X], y - s[MEAN_Y]);
            s[MEAN_X] += dx / s[N];
            s[MEAN_Y] += dy / s[N];
            s[XX] += dx * (x - s[MEAN_X]);
            s[YY] += dy * (y - s[MEAN_Y]);
            s[XY] += dx * (y - s[MEAN_Y]);
        },
        merge: |s, other| {
            if other[N] == 0.0 {
                return;
            }
            if s[N] == 0.0 {
                s.copy_from_slice(other);
                return;
            }
            let n = s[N] + other[N];
            let (dx, dy) = (other[MEAN_X] - s[MEAN_X], other[MEAN_Y] - s[MEAN_Y]);
            let weight = s[N] * other[N] / n;
            s[SUM_X] += other[SUM_X];
            s[SUM_Y] += other[SUM_Y];
            s[XX] += other[XX] + dx * dx * weight;
            s[YY] += other[YY] + dy * dy * weight;
            s[XY] += other[XY] + dx * dy * weight;
            s[MEAN_X] += dx * other[N] / n;
            s[MEAN_Y] += dy * other[N] / n;
            s[N] = n;
        },
        finish,
    }
}

/// Accumulates the count and the sums of the first four powers.
pub(super) const fn powers(finish: MomentsFinish) -> RunningAggregate {
    RunningAggregate {
        start: &[0.0; 5],
        add: |s, row| {
            let mut power = 1.0;
            for sum in s {
                *sum += power;
                power *= row[0];
            }
        },
        merge: |s, other| s.iter_mut().zip(other).for_each(|(own, other)| *own += other),
        finish,
    }
}

pub(super) fn any(s: &[f64]) -> Option<()> {
    (s[N] > 0.0).then_some(())
}

pub(super) fn varies(s: &[f64], by: usize) -> Option<()> {
    (s[N] > 0.0 && s[by] != 0.0).then_some(())
}

pub(super) fn population(s: &[f64], of: usize) -> Option<f64> {
    (s[N] > 0.0).then(|| s[of] / s[N])
}

pub(super) fn sample(s: &[f64], of: usize) -> Option<f64> {
    (s[N] > 1.0).then(|| s[of] / (s[N] - 1.0))
}

pub(super) fn finite(name: &str, result: Option<f64>) -> Result<Option<f64>> {
    match result {
        Some(value) if !value.is_finite() => {
            exec_err!("`{name}` is out of range: its values are too large, or not finite")
        }
        result => Ok(result),
    }
}

pub(super) fn correlation(s: &[f64]) -> Result<Option<f64>> {
    finite("corr", Some(s[XX]))?;
    finite("corr", Some(s[YY]))?;
    Ok(any(s).map(|()| (s[XY] / s[N]) / ((s[XX] / s[N]).sqrt() * (s[YY] / s[N]).sqrt())))
}

pub(super) fn determination(s: &[f64]) -> Result<Option<f64>> {
    finite("regr_r2", Some(s[XX]))?;
    finite("regr_r2", Some(s[YY]))?;
    Ok(varies(s, XX).map(|()| if s[YY] == 0.0 { 1.0 } else { s[XY] * s[XY] / (s[XX] * s[YY]) }))
}

pub(super) fn skewness(s: &[f64]) -> Result<Option<f64>> {
    let [n, sum, squares, cubes, _] = *s else { return Ok(None) };
    if n <= 2.0 {
        return Ok(None);
    }
    let share = 1.0 / n;
    let variance = share * (squares - sum * sum * share);
    let cube = variance.powi(3);
    let deviation = if cube < 0.0 { 0.0 } else { cube.sqrt() };
    if deviation == 0.0 {
        return Ok(Some(f64::NAN));
    }
    let third = cubes - 3.0 * squares * sum * share + 2.0 * sum.powi(3) * share * share;
    finite("skewness", Some((n * (n - 1.0)).sqrt() / (n - 2.0) * share * third / deviation))
}

pub(super) fn kurtosis(s: &[f64], of_sample: bool) -> Result<Option<f64>> {
    let [n, sum, squares, cubes, fourths] = *s else { return Ok(None) };
    if n <= 1.0 || (of_sample && n <= 3.0) {
        return Ok(None);
    }
    let share = 1.0 / n;
    let second = share * (squares - sum * sum * share);
    if second <= 0.0 {
        return Ok(None);
    }
    let fourth = share
        * (fourths - 4.0 * cubes * sum * share + 6.0 * squares * sum * sum * share * share
            - 3.0 * sum.powi(4) * share.powi(3));
    let ratio = fourth / (second * second);
    let result = if of_sample {
        (n - 1.0) * ((n + 1.0) * ratio - 3.0 * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
    } else {
        ratio - 3.0
    };
    finite("kurtosis", Some(result))
}
