//! Products, weighted sums and compensated sums.

use datafusion::common::exec_err;

use super::super::running::RunningAggregate;

pub(super) const PRODUCT: RunningAggregate = RunningAggregate {
    start: &[0.0, 1.0],
    add: |s, row| {
        s[0] += 1.0;
        s[1] *= row[0];
    },
    merge: |s, other| {
        s[0] += other[0];
        s[1] *= other[1];
    },
    finish: |s| Ok((s[0] > 0.0).then_some(s[1])),
};

/// Adds a value to the sum in `s[1]`, whose rounding error is `s[2]` (Kahan).
pub(super) fn kahan(s: &mut [f64], value: f64) {
    let value = value - s[2];
    let sum = s[1] + value;
    s[2] = (sum - s[1]) - value;
    s[1] = sum;
}

pub(super) const FSUM: RunningAggregate = RunningAggregate {
    start: &[0.0; 3],
    add: |s, row| {
        s[0] += 1.0;
        kahan(s, row[0]);
    },
    merge: |s, other| {
        s[0] += other[0];
        kahan(s, other[1]);
        kahan(s, -other[2]);
    },
    finish: |s| Ok((s[0] > 0.0).then_some(s[1])),
};

pub(super) const FAVG: RunningAggregate =
    RunningAggregate { finish: |s| Ok((s[0] > 0.0).then(|| s[1] / s[0])), ..FSUM };

/// State: the number of values, the sum of their logarithms, and the numbers of zeros and of negative values.
pub(super) const GEOMEAN: RunningAggregate = RunningAggregate {
    start: &[0.0; 4],
    add: |s, row| {
        s[0] += 1.0;
        if row[0] == 0.0 {
            s[2] += 1.0;
        } else if row[0] < 0.0 {
            s[3] += 1.0;
        } else {
            s[1] += row[0].ln();
        }
    },
    merge: |s, other| s.iter_mut().zip(other).for_each(|(own, other)| *own += other),
    finish: |s| {
        if s[2] > 0.0 {
            return exec_err!("`geomean`: cannot take the logarithm of zero");
        }
        if s[3] > 0.0 {
            return exec_err!("`geomean`: cannot take the logarithm of a negative number");
        }
        Ok((s[0] > 0.0).then(|| (s[1] / s[0]).exp()))
    },
};

pub(super) const WEIGHTED: RunningAggregate = RunningAggregate {
    start: &[0.0; 3],
    add: |s, row| {
        s[0] += 1.0;
        s[1] += row[0] * row[1];
        s[2] += row[1];
    },
    merge: |s, other| s.iter_mut().zip(other).for_each(|(own, other)| *own += other),
    finish: |s| Ok((s[0] > 0.0).then(|| s[1] / s[2])),
};
