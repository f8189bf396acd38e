//! Statistics over doubles: products, variances, correlations, regressions and higher moments.

mod moments;
mod sums;

use datafusion::{arrow::datatypes::DataType, error::Result};

use self::{
    moments::{
        M2, MEAN_X, MEAN_Y, N, SUM_X, SUM_Y, XX, XY, YY, any, correlation, determination, finite, kurtosis,
        pairs, population, powers, sample, skewness, values, varies,
    },
    sums::{FAVG, FSUM, GEOMEAN, PRODUCT, WEIGHTED},
};
use super::{
    description::{Aggregate, ArgumentTypes, Typed},
    types::is_number,
};

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

fn one(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(1..=1)? {
        [of] if is_number(of) => Typed::new([DataType::Float64], DataType::Float64),
        _ => given.refuse(),
    }
}

fn two(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(2..=2)? {
        [a, b] if is_number(a) && is_number(b) => {
            Typed::new([DataType::Float64, DataType::Float64], DataType::Float64)
        }
        _ => given.refuse(),
    }
}

fn count(given: &ArgumentTypes<'_>) -> Result<Typed> {
    Typed::new(two(given)?.arguments, DataType::UInt32)
}
