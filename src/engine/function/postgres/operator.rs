//! Arithmetic operators: integer division yields integers, and overflow and division by zero are errors.

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray},
        compute::kernels::numeric as kernels,
        datatypes::{DataType, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano as Span},
        error::ArrowError,
    },
    error::{DataFusionError, Result},
};

use super::{
    kind::PostgresKind::{
        AnyArray, AnyScalar, BigInt, Bytea, Date, Double, Integer, Interval, Numeric, Real, SmallInt, Text,
        Timestamp, Timestamptz,
    },
    numeric,
    overload::{Routine, RoutineResult, by, refused, takes},
    span,
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, Days, Digits, Micros, fail};

#[rustfmt::skip]
pub(super) const ROUTINES: &[Routine] = &[
    takes("$+", &[SmallInt, SmallInt], SmallInt, add),
    takes("$+", &[SmallInt, Integer], Integer, add).meeting(Integer),
    takes("$+", &[SmallInt, BigInt], BigInt, add).meeting(BigInt),
    takes("$+", &[Integer, SmallInt], Integer, add).meeting(Integer),
    takes("$+", &[Integer, Integer], Integer, add),
    takes("$+", &[Integer, BigInt], BigInt, add).meeting(BigInt),
    takes("$+", &[BigInt, SmallInt], BigInt, add).meeting(BigInt),
    takes("$+", &[BigInt, Integer], BigInt, add).meeting(BigInt),
    takes("$+", &[BigInt, BigInt], BigInt, add),
    by("$+", &[Numeric, Numeric], RoutineResult::By(numeric::sum_type), |call| numeric::add(call, 1)),
    takes("$+", &[Real, Real], Real, float_add),
    takes("$+", &[Real, Double], Double, float_add).meeting(Double),
    takes("$+", &[Double, Real], Double, float_add).meeting(Double),
    takes("$+", &[Double, Double], Double, float_add),
    takes("$-", &[SmallInt, SmallInt], SmallInt, subtract),
    takes("$-", &[SmallInt, Integer], Integer, subtract).meeting(Integer),
    takes("$-", &[SmallInt, BigInt], BigInt, subtract).meeting(BigInt),
    takes("$-", &[Integer, SmallInt], Integer, subtract).meeting(Integer),
    takes("$-", &[Integer, Integer], Integer, subtract),
    takes("$-", &[Integer, BigInt], BigInt, subtract).meeting(BigInt),
    takes("$-", &[BigInt, SmallInt], BigInt, subtract).meeting(BigInt),
    takes("$-", &[BigInt, Integer], BigInt, subtract).meeting(BigInt),
    takes("$-", &[BigInt, BigInt], BigInt, subtract),
    by("$-", &[Numeric, Numeric], RoutineResult::By(numeric::sum_type), |call| numeric::add(call, -1)),
    takes("$-", &[Real, Real], Real, float_subtract),
    takes("$-", &[Real, Double], Double, float_subtract).meeting(Double),
    takes("$-", &[Double, Real], Double, float_subtract).meeting(Double),
    takes("$-", &[Double, Double], Double, float_subtract),
    takes("$*", &[SmallInt, SmallInt], SmallInt, multiply),
    takes("$*", &[SmallInt, Integer], Integer, multiply).meeting(Integer),
    takes("$*", &[SmallInt, BigInt], BigInt, multiply).meeting(BigInt),
    takes("$*", &[Integer, SmallInt], Integer, multiply).meeting(Integer),
    takes("$*", &[Integer, Integer], Integer, multiply),
    takes("$*", &[Integer, BigInt], BigInt, multiply).meeting(BigInt),
    takes("$*", &[BigInt, SmallInt], BigInt, multiply).meeting(BigInt),
    takes("$*", &[BigInt, Integer], BigInt, multiply).meeting(BigInt),
    takes("$*", &[BigInt, BigInt], BigInt, multiply),
    by("$*", &[Numeric, Numeric], RoutineResult::By(numeric::product_type), numeric::multiply),
    takes("$*", &[Real, Real], Real, float_multiply),
    takes("$*", &[Real, Double], Double, float_multiply).meeting(Double),
    takes("$*", &[Double, Real], Double, float_multiply).meeting(Double),
    takes("$*", &[Double, Double], Double, float_multiply),
    takes("$/", &[SmallInt, SmallInt], SmallInt, divide),
    takes("$/", &[SmallInt, Integer], Integer, divide).meeting(Integer),
    takes("$/", &[SmallInt, BigInt], BigInt, divide).meeting(BigInt),
    takes("$/", &[Integer, SmallInt], Integer, divide).meeting(Integer),
    takes("$/", &[Integer, Integer], Integer, divide),
    takes("$/", &[Integer, BigInt], BigInt, divide).meeting(BigInt),
    takes("$/", &[BigInt, SmallInt], BigInt, divide).meeting(BigInt),
    takes("$/", &[BigInt, Integer], BigInt, divide).meeting(BigInt),
    takes("$/", &[BigInt, BigInt], BigInt, divide),
    by("$/", &[Numeric, Numeric], RoutineResult::By(numeric::quotient_type), numeric::divide),
    takes("$/", &[Real, Real], Real, float_divide),
    takes("$/", &[Real, Double], Double, float_divide).meeting(Double),
    takes("$/", &[Double, Real], Double, float_divide).meeting(Double),
    takes("$/", &[Double, Double], Double, float_divide),
    takes("$%", &[SmallInt, SmallInt], SmallInt, modulo),
    takes("$%", &[SmallInt, Integer], Integer, modulo).meeting(Integer),
    takes("$%", &[SmallInt, BigInt], BigInt, modulo).meeting(BigInt),
    takes("$%", &[Integer, SmallInt], Integer, modulo).meeting(Integer),
    takes("$%", &[Integer, Integer], Integer, modulo),
    takes("$%", &[Integer, BigInt], BigInt, modulo).meeting(BigInt),
    takes("$%", &[BigInt, SmallInt], BigInt, modulo).meeting(BigInt),
    takes("$%", &[BigInt, Integer], BigInt, modulo).meeting(BigInt),
    takes("$%", &[BigInt, BigInt], BigInt, modulo),
    by("$%", &[Numeric, Numeric], RoutineResult::By(numeric::sum_type), numeric::modulo),
    takes("$^", &[Double, Double], Double, |call| call.map2(|base: f64, exponent: f64| power(base, exponent).map(Some))),
    refused("$^", &[Numeric, Numeric], |_, _| Err(Unresolved::new(
        "`numeric ^ numeric` is not supported: PostgreSQL picks the digits of its result",
        "cast an operand to double precision",
    ))),
    takes("$neg", &[SmallInt], SmallInt, negate),
    takes("$neg", &[Integer], Integer, negate),
    takes("$neg", &[BigInt], BigInt, negate),
    by("$neg", &[Numeric], RoutineResult::Same, |call| call.map1(|value: Digits| Ok(Some(Digits(-value.0))))),
    takes("$neg", &[Real], Real, |call| call.map1(|value: f32| Ok(Some(-value)))),
    takes("$neg", &[Double], Double, |call| call.map1(|value: f64| Ok(Some(-value)))),
    takes("$neg", &[Interval], Interval, |call| call.map1(|value: Span| span::negated(value).map(Some))),
    takes("$not", &[SmallInt], SmallInt, |call| call.map1(|value: i16| Ok(Some(!value)))),
    takes("$not", &[Integer], Integer, |call| call.map1(|value: i32| Ok(Some(!value)))),
    takes("$not", &[BigInt], BigInt, |call| call.map1(|value: i64| Ok(Some(!value)))),
    takes("$&", &[SmallInt, SmallInt], SmallInt, |call| call.map2(|a: i16, b: i16| Ok(Some(a & b)))),
    takes("$&", &[Integer, Integer], Integer, |call| call.map2(|a: i32, b: i32| Ok(Some(a & b)))),
    takes("$&", &[BigInt, BigInt], BigInt, |call| call.map2(|a: i64, b: i64| Ok(Some(a & b)))),
    takes("$|", &[SmallInt, SmallInt], SmallInt, |call| call.map2(|a: i16, b: i16| Ok(Some(a | b)))),
    takes("$|", &[Integer, Integer], Integer, |call| call.map2(|a: i32, b: i32| Ok(Some(a | b)))),
    takes("$|", &[BigInt, BigInt], BigInt, |call| call.map2(|a: i64, b: i64| Ok(Some(a | b)))),
    takes("$#", &[SmallInt, SmallInt], SmallInt, |call| call.map2(|a: i16, b: i16| Ok(Some(a ^ b)))),
    takes("$#", &[Integer, Integer], Integer, |call| call.map2(|a: i32, b: i32| Ok(Some(a ^ b)))),
    takes("$#", &[BigInt, BigInt], BigInt, |call| call.map2(|a: i64, b: i64| Ok(Some(a ^ b)))),
    takes("$<<", &[SmallInt, Integer], SmallInt, |call| call.map2(|a: i16, b: i32| Ok(Some(low(i32::from(a).wrapping_shl(b.cast_unsigned())))))),
    takes("$>>", &[SmallInt, Integer], SmallInt, |call| call.map2(|a: i16, b: i32| Ok(Some(low(i32::from(a).wrapping_shr(b.cast_unsigned())))))),
    takes("$<<", &[Integer, Integer], Integer, |call| call.map2(|a: i32, b: i32| Ok(Some(a.wrapping_shl(b.cast_unsigned()))))),
    takes("$<<", &[BigInt, Integer], BigInt, |call| call.map2(|a: i64, b: i32| Ok(Some(a.wrapping_shl(b.cast_unsigned()))))),
    takes("$>>", &[Integer, Integer], Integer, |call| call.map2(|a: i32, b: i32| Ok(Some(a.wrapping_shr(b.cast_unsigned()))))),
    takes("$>>", &[BigInt, Integer], BigInt, |call| call.map2(|a: i64, b: i32| Ok(Some(a.wrapping_shr(b.cast_unsigned()))))),
    takes("$+", &[Date, Integer], Date, |call| call.map2(|date: Days, by: i32| days(date, by.into()))),
    takes("$+", &[Integer, Date], Date, |call| call.map2(|by: i32, date: Days| days(date, by.into()))),
    takes("$-", &[Date, Integer], Date, |call| call.map2(|date: Days, by: i32| days(date, -i64::from(by)))),
    takes("$-", &[Date, Date], Integer, |call| call.map2(|a: Days, b: Days| Ok(Some(a.0 - b.0)))),
    takes("$+", &[Timestamp, Interval], Timestamp, later),
    takes("$+", &[Timestamptz, Interval], Timestamptz, later),
    takes("$+", &[Date, Interval], Timestamp, |call| call.map2(|date: Days, by: Span| span::add(midnight(date), by).map(Some))),
    takes("$+", &[Interval, Timestamp], Timestamp, |call| call.map2(|by: Span, at: Micros| span::add(at, by).map(Some))),
    takes("$+", &[Interval, Timestamptz], Timestamptz, |call| call.map2(|by: Span, at: Micros| span::add(at, by).map(Some))),
    takes("$+", &[Interval, Date], Timestamp, |call| call.map2(|by: Span, date: Days| span::add(midnight(date), by).map(Some))),
    takes("$-", &[Timestamp, Interval], Timestamp, earlier),
    takes("$-", &[Timestamptz, Interval], Timestamptz, earlier),
    takes("$-", &[Date, Interval], Timestamp, |call| call.map2(|date: Days, by: Span| span::add(midnight(date), span::negated(by)?).map(Some))),
    takes("$-", &[Timestamp, Timestamp], Interval, |call| call.map2(|a: Micros, b: Micros| span::between(a, b).map(Some))),
    takes("$-", &[Timestamptz, Timestamptz], Interval, |call| call.map2(|a: Micros, b: Micros| span::between(a, b).map(Some))),
    takes("$+", &[Interval, Interval], Interval, |call| call.map2(|a: Span, b: Span| span::sum(a, b).map(Some))),
    takes("$-", &[Interval, Interval], Interval, |call| call.map2(|a: Span, b: Span| span::sum(a, span::negated(b)?).map(Some))),
    takes("$*", &[Interval, Double], Interval, |call| call.map2(|a: Span, by: f64| span::times(a, by).map(Some))),
    takes("$*", &[Double, Interval], Interval, |call| call.map2(|by: f64, a: Span| span::times(a, by).map(Some))),
    takes("$/", &[Interval, Double], Interval, |call| call.map2(|a: Span, by: f64| span::divided(a, by).map(Some))),
    takes("$||", &[Text, Text], Text, concat),
    by("$||", &[Text, AnyScalar], RoutineResult::Kind(Text), concat).meeting(Text),
    by("$||", &[AnyScalar, Text], RoutineResult::Kind(Text), concat).meeting(Text),
    takes("$||", &[Bytea, Bytea], Bytea, |call| call.map2(|a: &[u8], b: &[u8]| Ok(Some([a, b].concat())))),
    by("$||", &[AnyArray, AnyArray], RoutineResult::By(super::array::joined), super::array::concat),
    by("$||", &[AnyArray, AnyScalar], RoutineResult::By(super::array::appended), |call| super::array::append(call, 0, 1)),
    by("$||", &[AnyScalar, AnyArray], RoutineResult::By(super::array::prepended), |call| super::array::append(call, 1, 0)),
];

/// Returns the lower half of the bits.
fn low(bits: i32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "the upper bits are shifted out")]
    let low = bits as i16;
    low
}

fn concat(call: &Call) -> Result<ArrayRef> {
    call.map2(|a: &str, b: &str| Ok(Some([a, b].concat())))
}

fn integers(
    call: &Call,
    kernel: fn(
        &dyn datafusion::arrow::array::Datum,
        &dyn datafusion::arrow::array::Datum,
    ) -> Result<ArrayRef, ArrowError>,
) -> Result<ArrayRef> {
    kernel(&call.array(0)?, &call.array(1)?).map_err(|error| match error {
        ArrowError::DivideByZero => DataFusionError::Execution("division by zero".into()),
        _ => out_of_range(call.returns()),
    })
}

fn out_of_range(of: &DataType) -> DataFusionError {
    DataFusionError::Execution(format!(
        "{} out of range: cast an operand to a wider type",
        super::kind::type_name(of)
    ))
}

fn add(call: &Call) -> Result<ArrayRef> {
    integers(call, kernels::add)
}

fn subtract(call: &Call) -> Result<ArrayRef> {
    integers(call, kernels::sub)
}

fn multiply(call: &Call) -> Result<ArrayRef> {
    integers(call, kernels::mul)
}

fn divide(call: &Call) -> Result<ArrayRef> {
    integers(call, kernels::div)
}

pub(super) fn modulo(call: &Call) -> Result<ArrayRef> {
    integers(call, kernels::rem)
}

fn negate(call: &Call) -> Result<ArrayRef> {
    let array = call.array(0)?;
    let lowest = match array.data_type() {
        DataType::Int16 => array.as_primitive::<Int16Type>().iter().any(|value| value == Some(i16::MIN)),
        DataType::Int32 => array.as_primitive::<Int32Type>().iter().any(|value| value == Some(i32::MIN)),
        _ => array.as_primitive::<Int64Type>().iter().any(|value| value == Some(i64::MIN)),
    };
    if lowest {
        return Err(out_of_range(call.returns()));
    }
    Ok(kernels::neg(array.as_ref())?)
}

/// Applies an operation to floats. Overflow to infinity and underflow to zero are errors.
fn floats(call: &Call, of: impl Fn(f64, f64) -> Result<f64>, may_vanish: bool) -> Result<ArrayRef> {
    let checked = |a: f64, b: f64, result: f64, underflow: bool| {
        if result.is_infinite() && a.is_finite() && b.is_finite() {
            return fail("value out of range: overflow");
        }
        if underflow {
            return fail("value out of range: underflow");
        }
        Ok(Some(result))
    };
    if call.returns() == &DataType::Float32 {
        return call.map2(|a: f32, b: f32| {
            // A double holds the exact result of an operation on floats, or rounds to the same float.
            #[expect(clippy::cast_possible_truncation, reason = "the nearest float is the result")]
            let result = of(a.into(), b.into())? as f32;
            let underflow = may_vanish && result == 0.0 && a != 0.0 && b.is_finite() && b != 0.0;
            checked(a.into(), b.into(), result.into(), underflow).map(|_| Some(result))
        });
    }
    call.map2(|a: f64, b: f64| {
        let result = of(a, b)?;
        checked(a, b, result, may_vanish && result == 0.0 && a != 0.0 && b.is_finite() && b != 0.0)
    })
}

fn float_add(call: &Call) -> Result<ArrayRef> {
    floats(call, |a, b| Ok(a + b), false)
}

fn float_subtract(call: &Call) -> Result<ArrayRef> {
    floats(call, |a, b| Ok(a - b), false)
}

fn float_multiply(call: &Call) -> Result<ArrayRef> {
    floats(call, |a, b| Ok(a * b), true)
}

fn float_divide(call: &Call) -> Result<ArrayRef> {
    floats(call, |a, b| if b == 0.0 && !a.is_nan() { fail("division by zero") } else { Ok(a / b) }, true)
}

/// Computes `base ^ exponent`.
pub(super) fn power(base: f64, exponent: f64) -> Result<f64> {
    if base == 0.0 && exponent < 0.0 {
        return fail("zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return fail("a negative number raised to a non-integer power yields a complex result");
    }
    let result = base.powf(exponent);
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return fail("value out of range: overflow");
    }
    if result == 0.0 && base != 0.0 && base.is_finite() && exponent.is_finite() {
        return fail("value out of range: underflow");
    }
    Ok(result)
}

/// Adds days to a date.
fn days(date: Days, by: i64) -> Result<Option<Days>> {
    let moved = i32::try_from(i64::from(date.0) + by).ok().map(Days);
    match moved.filter(|moved| span::is_date(*moved)) {
        Some(moved) => Ok(Some(moved)),
        None => fail("date out of range: years are 1 to 9999"),
    }
}

pub(super) fn midnight(date: Days) -> Micros {
    Micros(i64::from(date.0) * 86_400_000_000)
}

fn later(call: &Call) -> Result<ArrayRef> {
    call.map2(|at: Micros, by: Span| span::add(at, by).map(Some))
}

fn earlier(call: &Call) -> Result<ArrayRef> {
    call.map2(|at: Micros, by: Span| span::add(at, span::negated(by)?).map(Some))
}
