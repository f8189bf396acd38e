//! Statistics over doubles: products, variances, correlations, regressions and higher moments.

use datafusion::{arrow::datatypes::DataType, common::exec_err, error::Result};

use super::types::is_number;
use super::{Aggregate, Given, Typed, running::Running};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "product",
        aliases: &[],
        usage: "product(arg)",
        doc: "Returns the product of all non-NULL values.",
        types: one,
        method: &PRODUCT,
    },
    Aggregate {
        name: "fsum",
        aliases: &["sumkahan", "kahan_sum"],
        usage: "fsum(arg)",
        doc: "Returns the sum of doubles, with Kahan's compensation of rounding errors.",
        types: one,
        method: &FSUM,
    },
    Aggregate {
        name: "favg",
        aliases: &[],
        usage: "favg(arg)",
        doc: "Returns the average of doubles, with Kahan's compensation of rounding errors.",
        types: one,
        method: &FAVG,
    },
    Aggregate {
        name: "geomean",
        aliases: &["geometric_mean"],
        usage: "geomean(arg)",
        doc: "Returns the geometric mean of positive numbers.",
        types: one,
        method: &GEOMEAN,
    },
    Aggregate {
        name: "weighted_avg",
        aliases: &["wavg"],
        usage: "weighted_avg(arg, weight)",
        doc: "Returns the average weighted by another column.",
        types: two,
        method: &WEIGHTED,
    },
    Aggregate {
        name: "var_samp",
        aliases: &["variance", "var_sample"],
        usage: "var_samp(arg)",
        doc: "Returns the sample variance; NULL for fewer than two values.",
        types: one,
        method: &values(|s| finite("var_samp", sample(s, M2))),
    },
    Aggregate {
        name: "var_pop",
        aliases: &["var_population"],
        usage: "var_pop(arg)",
        doc: "Returns the population variance.",
        types: one,
        method: &values(|s| finite("var_pop", population(s, M2))),
    },
    Aggregate {
        name: "stddev_samp",
        aliases: &["stddev"],
        usage: "stddev_samp(arg)",
        doc: "Returns the sample standard deviation; NULL for fewer than two values.",
        types: one,
        method: &values(|s| finite("stddev_samp", sample(s, M2).map(f64::sqrt))),
    },
    Aggregate {
        name: "stddev_pop",
        aliases: &[],
        usage: "stddev_pop(arg)",
        doc: "Returns the population standard deviation.",
        types: one,
        method: &values(|s| finite("stddev_pop", population(s, M2).map(f64::sqrt))),
    },
    Aggregate {
        name: "sem",
        aliases: &[],
        usage: "sem(arg)",
        doc: "Returns the standard error of the mean.",
        types: one,
        method: &values(|s| finite("sem", population(s, M2).map(|variance| variance.sqrt() / s[N].sqrt()))),
    },
    Aggregate {
        name: "covar_samp",
        aliases: &[],
        usage: "covar_samp(y, x)",
        doc: "Returns the sample covariance; NULL for fewer than two rows.",
        types: two,
        method: &pairs(|s| Ok(sample(s, XY))),
    },
    Aggregate {
        name: "covar_pop",
        aliases: &[],
        usage: "covar_pop(y, x)",
        doc: "Returns the population covariance.",
        types: two,
        method: &pairs(|s| Ok(population(s, XY))),
    },
    Aggregate {
        name: "corr",
        aliases: &[],
        usage: "corr(y, x)",
        doc: "Returns the correlation coefficient; NaN if an argument doesn't vary.",
        types: two,
        method: &pairs(correlation),
    },
    Aggregate {
        name: "regr_count",
        aliases: &[],
        usage: "regr_count(y, x)",
        doc: "Returns the number of rows in which neither argument is NULL.",
        types: count,
        method: &pairs(|s| Ok(Some(s[N]))),
    },
    Aggregate {
        name: "regr_avgx",
        aliases: &[],
        usage: "regr_avgx(y, x)",
        doc: "Returns the average of the independent variable.",
        types: two,
        method: &pairs(|s| Ok(any(s).map(|()| s[SUM_X] / s[N]))),
    },
    Aggregate {
        name: "regr_avgy",
        aliases: &[],
        usage: "regr_avgy(y, x)",
        doc: "Returns the average of the dependent variable.",
        types: two,
        method: &pairs(|s| Ok(any(s).map(|()| s[SUM_Y] / s[N]))),
    },
    Aggregate {
        name: "regr_sxx",
        aliases: &[],
        usage: "regr_sxx(y, x)",
        doc: "Returns the sum of squared deviations of the independent variable.",
        types: two,
        method: &pairs(|s| finite("regr_sxx", any(s).map(|()| s[XX]))),
    },
    Aggregate {
        name: "regr_syy",
        aliases: &[],
        usage: "regr_syy(y, x)",
        doc: "Returns the sum of squared deviations of the dependent variable.",
        types: two,
        method: &pairs(|s| finite("regr_syy", any(s).map(|()| s[YY]))),
    },
    Aggregate {
        name: "regr_sxy",
        aliases: &[],
        usage: "regr_sxy(y, x)",
        doc: "Returns the sum of the products of deviations.",
        types: two,
        method: &pairs(|s| Ok(any(s).map(|()| s[XY]))),
    },
    Aggregate {
        name: "regr_slope",
        aliases: &[],
        usage: "regr_slope(y, x)",
        doc: "Returns the slope of the regression line.",
        types: two,
        method: &pairs(|s| {
            finite("regr_slope", Some(s[XX]))?;
            Ok(any(s).map(|()| s[XY] / s[XX]))
        }),
    },
    Aggregate {
        name: "regr_intercept",
        aliases: &[],
        usage: "regr_intercept(y, x)",
        doc: "Returns the intercept of the regression line.",
        types: two,
        method: &pairs(|s| {
            finite("regr_intercept", Some(s[XX]))?;
            Ok(varies(s, XX).map(|()| s[MEAN_Y] - s[XY] / s[XX] * s[MEAN_X]))
        }),
    },
    Aggregate {
        name: "regr_r2",
        aliases: &[],
        usage: "regr_r2(y, x)",
        doc: "Returns the coefficient of determination.",
        types: two,
        method: &pairs(determination),
    },
    Aggregate {
        name: "skewness",
        aliases: &[],
        usage: "skewness(arg)",
        doc: "Returns the skewness; NULL for fewer than three values.",
        types: one,
        method: &powers(skewness),
    },
    Aggregate {
        name: "kurtosis",
        aliases: &[],
        usage: "kurtosis(arg)",
        doc: "Returns the excess kurtosis of a sample; NULL for fewer than four values.",
        types: one,
        method: &powers(|s| kurtosis(s, true)),
    },
    Aggregate {
        name: "kurtosis_pop",
        aliases: &[],
        usage: "kurtosis_pop(arg)",
        doc: "Returns the excess kurtosis of a population.",
        types: one,
        method: &powers(|s| kurtosis(s, false)),
    },
];

fn one(given: &Given<'_>) -> Result<Typed> {
    match given.expect(1..=1)? {
        [of] if is_number(of) => Typed::new([DataType::Float64], DataType::Float64),
        _ => given.refuse(),
    }
}

fn two(given: &Given<'_>) -> Result<Typed> {
    match given.expect(2..=2)? {
        [a, b] if is_number(a) && is_number(b) => {
            Typed::new([DataType::Float64, DataType::Float64], DataType::Float64)
        }
        _ => given.refuse(),
    }
}

fn count(given: &Given<'_>) -> Result<Typed> {
    Typed::new(two(given)?.arguments, DataType::UInt32)
}

const PRODUCT: Running = Running {
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

/// Adds a value to the sum in `s[1]`, of which `s[2]` is the rounding error (Kahan).
fn kahan(s: &mut [f64], value: f64) {
    let value = value - s[2];
    let sum = s[1] + value;
    s[2] = (sum - s[1]) - value;
    s[1] = sum;
}

const FSUM: Running = Running {
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

const FAVG: Running = Running { finish: |s| Ok((s[0] > 0.0).then(|| s[1] / s[0])), ..FSUM };

/// The number of values, the sum of their logarithms, the numbers of zeros and of negative values.
const GEOMEAN: Running = Running {
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

const WEIGHTED: Running = Running {
    start: &[0.0; 3],
    add: |s, row| {
        s[0] += 1.0;
        s[1] += row[0] * row[1];
        s[2] += row[1];
    },
    merge: |s, other| s.iter_mut().zip(other).for_each(|(own, other)| *own += other),
    finish: |s| Ok((s[0] > 0.0).then(|| s[1] / s[2])),
};

/// The number of rows, in every state below.
const N: usize = 0;
const MEAN: usize = 1;
/// The sum of squared deviations.
const M2: usize = 2;

type Finish = fn(&[f64]) -> Result<Option<f64>>;

/// Number, mean and squared deviations of values (Welford).
const fn values(finish: Finish) -> Running {
    Running {
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

const MEAN_X: usize = 1;
const MEAN_Y: usize = 2;
const XX: usize = 3;
const YY: usize = 4;
const XY: usize = 5;
const SUM_X: usize = 6;
const SUM_Y: usize = 7;

/// Number, means, squared deviations, their products and sums of rows `(y, x)`.
const fn pairs(finish: Finish) -> Running {
    Running {
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

/// Number, and sums of the first four powers.
const fn powers(finish: Finish) -> Running {
    Running {
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

fn any(s: &[f64]) -> Option<()> {
    (s[N] > 0.0).then_some(())
}

fn varies(s: &[f64], by: usize) -> Option<()> {
    (s[N] > 0.0 && s[by] != 0.0).then_some(())
}

fn population(s: &[f64], of: usize) -> Option<f64> {
    (s[N] > 0.0).then(|| s[of] / s[N])
}

fn sample(s: &[f64], of: usize) -> Option<f64> {
    (s[N] > 1.0).then(|| s[of] / (s[N] - 1.0))
}

fn finite(name: &str, result: Option<f64>) -> Result<Option<f64>> {
    match result {
        Some(value) if !value.is_finite() => {
            exec_err!("`{name}` is out of range: its values are too large, or not finite")
        }
        result => Ok(result),
    }
}

fn correlation(s: &[f64]) -> Result<Option<f64>> {
    finite("corr", Some(s[XX]))?;
    finite("corr", Some(s[YY]))?;
    Ok(any(s).map(|()| (s[XY] / s[N]) / ((s[XX] / s[N]).sqrt() * (s[YY] / s[N]).sqrt())))
}

fn determination(s: &[f64]) -> Result<Option<f64>> {
    finite("regr_r2", Some(s[XX]))?;
    finite("regr_r2", Some(s[YY]))?;
    Ok(varies(s, XX).map(|()| if s[YY] == 0.0 { 1.0 } else { s[XY] * s[XY] / (s[XX] * s[YY]) }))
}

fn skewness(s: &[f64]) -> Result<Option<f64>> {
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

fn kurtosis(s: &[f64], of_sample: bool) -> Result<Option<f64>> {
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
