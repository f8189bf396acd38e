//! Numeric functions. Integers become doubles where PostgreSQL prefers them: `round(2)` is a double.

use datafusion::{arrow::array::ArrayRef, error::Result};

use super::{
    kind::PostgresKind::{BigInt, Double, Integer, Numeric, Real, SmallInt},
    numeric, operator,
    overload::{Routine, RoutineResult, by, refused, takes},
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, Digits, fail};

/// Rejects functions of numerics whose result scale PostgreSQL picks.
macro_rules! open {
    ($name:literal, $takes:expr) => {
        refused($name, $takes, |_, _| {
            Err(Unresolved::new(
                concat!(
                    "`",
                    $name,
                    "` of numeric is not supported: PostgreSQL picks the digits of its result"
                ),
                "cast the argument to double precision",
            ))
        })
    };
}

/// Defines a function of a double.
macro_rules! double {
    ($name:literal, $body:expr) => {
        takes($name, &[Double], Double, |call| call.map1(|x: f64| checked(x, $body(x))))
    };
}

pub(super) const ROUTINES: &[Routine] = &[
    takes("abs", &[SmallInt], SmallInt, |call| call.map1(|x: i16| present(x.checked_abs(), "smallint"))),
    takes("abs", &[Integer], Integer, |call| call.map1(|x: i32| present(x.checked_abs(), "integer"))),
    takes("abs", &[BigInt], BigInt, |call| call.map1(|x: i64| present(x.checked_abs(), "bigint"))),
    by("abs", &[Numeric], RoutineResult::Same, |call| call.map1(|x: Digits| Ok(Some(Digits(x.0.abs()))))),
    takes("abs", &[Real], Real, |call| call.map1(|x: f32| Ok(Some(x.abs())))),
    takes("abs", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.abs())))),
    takes("$abs", &[SmallInt], SmallInt, |call| call.map1(|x: i16| present(x.checked_abs(), "smallint"))),
    takes("$abs", &[Real], Real, |call| call.map1(|x: f32| Ok(Some(x.abs())))),
    takes("$abs", &[Integer], Integer, |call| call.map1(|x: i32| present(x.checked_abs(), "integer"))),
    takes("$abs", &[BigInt], BigInt, |call| call.map1(|x: i64| present(x.checked_abs(), "bigint"))),
    by("$abs", &[Numeric], RoutineResult::Same, |call| call.map1(|x: Digits| Ok(Some(Digits(x.0.abs()))))),
    takes("$abs", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.abs())))),
    takes("$pos", &[SmallInt], SmallInt, |call| call.array(0)),
    takes("$pos", &[Integer], Integer, |call| call.array(0)),
    takes("$pos", &[BigInt], BigInt, |call| call.array(0)),
    by("$pos", &[Numeric], RoutineResult::Same, |call| call.array(0)),
    takes("$pos", &[Real], Real, |call| call.array(0)),
    takes("$pos", &[Double], Double, |call| call.array(0)),
    by("sign", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| {
        call.map1(|x: Digits| Ok(Some(Digits(x.0.signum()))))
    }),
    takes("sign", &[Double], Double, |call| {
        call.map1(|x: f64| {
            Ok(Some(if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }))
        })
    }),
    takes("round", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.round_ties_even())))),
    by("round", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| numeric::round(call, false)),
    by("round", &[Numeric, Integer], RoutineResult::By(numeric::rounded_type), |call| {
        numeric::round(call, false)
    }),
    takes("trunc", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.trunc())))),
    by("trunc", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| numeric::round(call, true)),
    by("trunc", &[Numeric, Integer], RoutineResult::By(numeric::rounded_type), |call| {
        numeric::round(call, true)
    }),
    takes("ceil", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.ceil())))),
    by("ceil", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| numeric::whole(call, true)),
    takes("ceiling", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.ceil())))),
    by("ceiling", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| numeric::whole(call, true)),
    takes("floor", &[Double], Double, |call| call.map1(|x: f64| Ok(Some(x.floor())))),
    by("floor", &[Numeric], RoutineResult::By(numeric::rounded_type), |call| numeric::whole(call, false)),
    takes("mod", &[SmallInt, SmallInt], SmallInt, operator::modulo),
    takes("mod", &[Integer, Integer], Integer, operator::modulo),
    takes("mod", &[BigInt, BigInt], BigInt, operator::modulo),
    by("mod", &[Numeric, Numeric], RoutineResult::By(numeric::sum_type), numeric::modulo),
    by(
        "div",
        &[Numeric, Numeric],
        RoutineResult::By(|_, _| Ok(super::kind::numeric(0))),
        numeric::divide_whole,
    ),
    takes("power", &[Double, Double], Double, power),
    open!("power", &[Numeric, Numeric]),
    takes("pow", &[Double, Double], Double, power),
    open!("pow", &[Numeric, Numeric]),
    takes("sqrt", &[Double], Double, |call| {
        call.map1(|x: f64| {
            if x < 0.0 { fail("cannot take square root of a negative number") } else { Ok(Some(x.sqrt())) }
        })
    }),
    open!("sqrt", &[Numeric]),
    double!("cbrt", f64::cbrt),
    takes("exp", &[Double], Double, |call| {
        call.map1(|x: f64| {
            let made = x.exp();
            if made == 0.0 && x.is_finite() {
                return fail("value out of range: underflow");
            }
            checked(x, made)
        })
    }),
    open!("exp", &[Numeric]),
    takes("ln", &[Double], Double, |call| logarithm(call, f64::ln)),
    open!("ln", &[Numeric]),
    takes("log", &[Double], Double, |call| logarithm(call, f64::log10)),
    open!("log", &[Numeric]),
    open!("log", &[Numeric, Numeric]),
    takes("log10", &[Double], Double, |call| logarithm(call, f64::log10)),
    open!("log10", &[Numeric]),
    takes("pi", &[], Double, |call| call.each(|_| Ok(Some(std::f64::consts::PI)))),
    double!("degrees", |x: f64| x / (std::f64::consts::PI / 180.0)),
    double!("radians", |x: f64| x * (std::f64::consts::PI / 180.0)),
    double!("sin", f64::sin),
    double!("cos", f64::cos),
    double!("tan", f64::tan),
    takes("asin", &[Double], Double, |call| within_one(call, f64::asin)),
    takes("acos", &[Double], Double, |call| within_one(call, f64::acos)),
    double!("atan", f64::atan),
    takes("atan2", &[Double, Double], Double, |call| call.map2(|y: f64, x: f64| Ok(Some(y.atan2(x))))),
    double!("sinh", f64::sinh),
    double!("cosh", f64::cosh),
    double!("tanh", f64::tanh),
    takes("gcd", &[Integer, Integer], Integer, |call| {
        call.map2(|a: i32, b: i32| {
            present(i32::try_from(divisor(i64::from(a).abs(), i64::from(b).abs())).ok(), "integer")
        })
    }),
    takes("gcd", &[BigInt, BigInt], BigInt, |call| {
        call.map2(|a: i64, b: i64| match a.checked_abs().zip(b.checked_abs()) {
            Some((a, b)) => Ok(Some(divisor(a, b))),
            None => fail("bigint out of range"),
        })
    }),
    takes("width_bucket", &[Double, Double, Double, Integer], Integer, |call| {
        call.map4(|x: f64, low: f64, high: f64, count: i32| bucket(x, low, high, count).map(Some))
    }),
    takes("random", &[], Double, |call| {
        use std::hash::{BuildHasher, Hasher, RandomState};
        // 53 random bits make a double in [0, 1).
        call.each(|_| {
            Ok(Some((RandomState::new().build_hasher().finish() >> 11) as f64 / 9_007_199_254_740_992.0))
        })
    })
    .volatile(),
];

fn present<T>(value: Option<T>, of: &str) -> Result<Option<T>> {
    match value {
        Some(value) => Ok(Some(value)),
        None => fail(format!("{of} out of range")),
    }
}

/// Returns a function's value, or fails if it is infinite or NaN where its argument isn't.
fn checked(x: f64, value: f64) -> Result<Option<f64>> {
    if value.is_infinite() && x.is_finite() {
        return fail("value out of range: overflow");
    }
    if value.is_nan() && !x.is_nan() {
        return fail("input is out of range");
    }
    Ok(Some(value))
}

fn power(call: &Call) -> Result<ArrayRef> {
    call.map2(|base: f64, exponent: f64| operator::power(base, exponent).map(Some))
}

fn logarithm(call: &Call, of: fn(f64) -> f64) -> Result<ArrayRef> {
    call.map1(|x: f64| {
        if x == 0.0 {
            fail("cannot take logarithm of zero")
        } else if x < 0.0 {
            fail("cannot take logarithm of a negative number")
        } else {
            Ok(Some(of(x)))
        }
    })
}

fn within_one(call: &Call, of: fn(f64) -> f64) -> Result<ArrayRef> {
    call.map1(|x: f64| if x.abs() > 1.0 { fail("input is out of range") } else { Ok(Some(of(x))) })
}

/// Returns the greatest common divisor.
fn divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn bucket(x: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    if count <= 0 {
        return fail("count must be greater than zero");
    }
    if x.is_nan() || low.is_nan() || high.is_nan() {
        return fail("operand, lower bound, and upper bound cannot be NaN");
    }
    if !low.is_finite() || !high.is_finite() {
        return fail("lower and upper bounds must be finite");
    }
    if (low - high).abs() <= 0.0 {
        return fail("lower bound cannot equal upper bound");
    }
    let (before, after) = if low < high { (x < low, x >= high) } else { (x > low, x <= high) };
    if before {
        return Ok(0);
    }
    if after {
        return count.checked_add(1).map_or_else(|| fail("integer out of range"), Ok);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it lies between 0 and the count")]
    let at = (f64::from(count) * ((x - low) / (high - low))).floor() as i32;
    Ok(at.min(count - 1) + 1)
}
