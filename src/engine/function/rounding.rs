//! Rounding functions.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        compute::cast,
        datatypes::{DataType, Int64Type},
    },
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, Digits, fail},
    description::{Function, Typing, computes, keeps, takes},
    kind::ParameterKind::{
        AnyInteger, BigInt, Decimal, Double, Float, HugeInt, Integer, SmallInt, TinyInt, UBigInt, UInteger,
        USmallInt, UTinyInt,
    },
    number::{fits, narrow, with_integer},
};
use crate::engine::cast::type_name::type_name;

/// Defines overloads for each numeric type, with and without a number of digits.
macro_rules! of_numbers_and_digits {
    ($integer:expr, $decimal:expr, $digits:expr, $float:expr, $double:expr) => {
        &[
            keeps(&[TinyInt], $integer),
            keeps(&[SmallInt], $integer),
            keeps(&[Integer], $integer),
            keeps(&[BigInt], $integer),
            keeps(&[UTinyInt], $integer),
            keeps(&[USmallInt], $integer),
            keeps(&[UInteger], $integer),
            keeps(&[UBigInt], $integer),
            $decimal,
            keeps(&[Float], $float),
            keeps(&[Double], $double),
            keeps(&[TinyInt, AnyInteger], $integer),
            keeps(&[SmallInt, AnyInteger], $integer),
            keeps(&[Integer, AnyInteger], $integer),
            keeps(&[BigInt, AnyInteger], $integer),
            keeps(&[UTinyInt, AnyInteger], $integer),
            keeps(&[USmallInt, AnyInteger], $integer),
            keeps(&[UInteger, AnyInteger], $integer),
            keeps(&[UBigInt, AnyInteger], $integer),
            $digits,
            keeps(&[Float, AnyInteger], $float),
            keeps(&[Double, AnyInteger], $double),
        ]
    };
}

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["round"],
        syntax: "round(x[, digits])",
        doc: "Rounds half away from zero, to a number of decimal places, or of zeros if it is negative.",
        example: ("round(42.4332, 2)", "42.43"),
        overloads: &[
            keeps(&[TinyInt], round_integer),
            keeps(&[SmallInt], round_integer),
            keeps(&[Integer], round_integer),
            keeps(&[BigInt], round_integer),
            keeps(&[HugeInt], |call| decimal_digits(call, "round", half_away)),
            computes(&[Decimal], whole_decimal, "DECIMAL", |call| decimal_digits(call, "round", half_away)),
            keeps(&[Float], |call| float_digits(call, &HALF_AWAY)),
            keeps(&[Double], |call| double_digits(call, &HALF_AWAY)),
            keeps(&[TinyInt, AnyInteger], round_integer),
            keeps(&[SmallInt, AnyInteger], round_integer),
            keeps(&[Integer, AnyInteger], round_integer),
            keeps(&[BigInt, AnyInteger], round_integer),
            keeps(&[HugeInt, AnyInteger], |call| decimal_digits(call, "round", half_away)),
            computes(&[Decimal, AnyInteger], decimal_of_digits, "DECIMAL", |call| {
                decimal_digits(call, "round", half_away)
            }),
            keeps(&[Float, AnyInteger], |call| float_digits(call, &HALF_AWAY)),
            keeps(&[Double, AnyInteger], |call| double_digits(call, &HALF_AWAY)),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["trunc"],
        syntax: "trunc(x[, digits])",
        doc: "Cuts off decimal places, or digits before the point if the number of digits is negative.",
        example: ("trunc(17.48, 1)", "17.4"),
        overloads: of_numbers_and_digits!(
            |call| integer_digits(call, "trunc", |value, unit| value / unit * unit),
            computes(&[Decimal], whole_decimal, "DECIMAL", |call| decimal_digits(
                call,
                "trunc",
                |v, unit| v / unit
            )),
            computes(&[Decimal, AnyInteger], decimal_of_digits, "DECIMAL", |call| {
                decimal_digits(call, "trunc", |value, unit| value / unit)
            }),
            |call| float_digits(call, &TRUNCATED),
            |call| double_digits(call, &TRUNCATED)
        ),
        ..Function::NUMBER
    },
    Function {
        names: &["round_even", "roundbankers"],
        syntax: "round_even(x, digits)",
        doc: "Rounds half to the even neighbour.",
        example: ("round_even(2.5, 0)", "2.0"),
        overloads: &[takes(&[Double, AnyInteger], Double, |call| double_digits(call, &HALF_EVEN))],
        ..Function::NUMBER
    },
    Function {
        names: &["ceil", "ceiling"],
        syntax: "ceil(x)",
        doc: "Rounds up.",
        example: ("ceil(17.4::decimal(3,1))", "18"),
        overloads: &[
            computes(&[Decimal], whole_decimal, "DECIMAL", |call| {
                decimal_digits(call, "ceil", |value, unit| {
                    value.div_euclid(unit) + i128::from(value.rem_euclid(unit) != 0)
                })
            }),
            takes(&[Float], Float, |call| call.map1(|value: f32| Ok(Some(value.ceil())))),
            takes(&[Double], Double, |call| call.map1(|value: f64| Ok(Some(value.ceil())))),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["floor"],
        syntax: "floor(x)",
        doc: "Rounds down.",
        example: ("floor(17.4::decimal(3,1))", "17"),
        overloads: &[
            computes(&[Decimal], whole_decimal, "DECIMAL", |call| {
                decimal_digits(call, "floor", i128::div_euclid)
            }),
            takes(&[Float], Float, |call| call.map1(|value: f32| Ok(Some(value.floor())))),
            takes(&[Double], Double, |call| call.map1(|value: f64| Ok(Some(value.floor())))),
        ],
        ..Function::NUMBER
    },
];

/// Returns the decimal type with scale 0.
fn whole_decimal(typing: &Typing) -> Result<DataType> {
    match &typing.types[0] {
        DataType::Decimal128(precision, _) => Ok(DataType::Decimal128(*precision, 0)),
        other => Err(DataFusionError::Plan(format!("{} has too many digits", type_name(other)))),
    }
}

/// Returns the decimal type whose scale is the constant second argument.
fn decimal_of_digits(typing: &Typing) -> Result<DataType> {
    let DataType::Decimal128(precision, scale) = &typing.types[0] else { return whole_decimal(typing) };
    let digits = typing.literals.get(1).copied().flatten().and_then(|literal| {
        let array = literal.to_array().ok()?;
        let array = cast(&array, &DataType::Int64).ok()?;
        let array = array.as_primitive::<Int64Type>();
        Some(if array.is_null(0) { i64::from(*scale) } else { array.value(0) })
    });
    let Some(digits) = digits else {
        if typing.strict {
            return Err(DataFusionError::Plan("the number of digits of a DECIMAL must be a constant".into()));
        }
        return Ok(typing.types[0].clone());
    };
    let digits = i8::try_from(digits.clamp(0, 38)).unwrap_or(0);
    Ok(DataType::Decimal128(*precision, digits.min(*scale)))
}

/// Returns a reader of each row's number of digits, which is 0 without such an argument.
fn digits_of(call: &Call) -> Result<impl Fn(usize) -> Option<i64>> {
    let constant = call.len() < 2 || call.constant(1).is_some();
    let array = match call.constant(1) {
        Some(one) => Some(cast(one, &DataType::Int64)?),
        None if call.len() < 2 => None,
        None => Some(cast(&call.array(1)?, &DataType::Int64)?),
    };
    Ok(move |row: usize| match &array {
        None => Some(0),
        Some(array) => {
            let array = array.as_primitive::<Int64Type>();
            let row = if constant { 0 } else { row };
            array.is_valid(row).then(|| array.value(row))
        }
    })
}

/// Rounds integers to a power of ten.
fn integer_digits(call: &Call, name: &str, round: impl Fn(i128, i128) -> i128) -> Result<ArrayRef> {
    let digits = digits_of(call)?;
    with_integer!(call.returns(), N => {
        let values = call.column::<N>(0)?;
        call.each(|row| {
            let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
            match digits {
                0.. => Ok(Some(value)),
                -20..0 => {
                    let unit = 10_i128.pow(u32::try_from(-digits).unwrap_or(0));
                    narrow::<N>(name, round(i128::from(value), unit))
                }
                _ => Ok(Some(0)),
            }
        })
    })
}

/// Rounds integers. DuckDB has no overload for unsigned integers, which become signed.
fn round_integer(call: &Call) -> Result<ArrayRef> {
    integer_digits(call, "round", |value, unit| {
        let half = unit / 2;
        (value + if value < 0 { -half } else { half }) / unit * unit
    })
}

fn half_away(value: i128, unit: i128) -> i128 {
    let (quotient, rest) = (value / unit, value % unit);
    quotient + if rest.abs() >= unit - rest.abs() { value.signum() } else { 0 }
}

/// Rounds decimals; `round` divides by a unit.
fn decimal_digits(call: &Call, name: &str, round: impl Fn(i128, i128) -> i128) -> Result<ArrayRef> {
    let (DataType::Decimal128(_, from), DataType::Decimal128(precision, to)) =
        (call.type_of(0), call.returns())
    else {
        return fail(format!("{name}: the decimal has more than 38 digits"));
    };
    let digits = digits_of(call)?;
    let values = call.column::<Digits>(0)?;
    let power =
        |exponent: i64| u32::try_from(exponent).ok().and_then(|exponent| 10_i128.checked_pow(exponent));
    call.each(|row| {
        let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
        let dropped = i64::from(*from).saturating_sub(digits.min(i64::from(*from)));
        let rounded = match power(dropped) {
            Some(1) => value.0,
            Some(unit) => round(value.0, unit),
            None => 0,
        };
        // Restore rounded-off digits before the point as zeros.
        let zeros = power(dropped - i64::from(from - to)).unwrap_or(1);
        match rounded.checked_mul(zeros).filter(|found| fits(*found, *precision)) {
            Some(found) => Ok(Some(Digits(found))),
            None => fail(format!("{name}: the result is out of range")),
        }
    })
}

/// A rounding mode for floating-point numbers.
struct Rounding {
    round: fn(f64) -> f64,
    /// The result for a number with fewer digits than are rounded off.
    beyond: fn(f64) -> f64,
}

const HALF_AWAY: Rounding = Rounding { round: f64::round, beyond: |_| 0.0 };
const HALF_EVEN: Rounding = Rounding { round: f64::round_ties_even, beyond: |_| 0.0 };
const TRUNCATED: Rounding = Rounding { round: f64::trunc, beyond: |value| value };

/// Rounds at a decimal place by multiplying and dividing, as DuckDB does.
fn at_digits(value: f64, digits: i64, how: &Rounding) -> f64 {
    let round = how.round;
    let exponent = i32::try_from(digits.clamp(-400, 400)).unwrap_or(0);
    if digits < 0 {
        let unit = 10_f64.powi(-exponent);
        let rounded = round(value / unit) * unit;
        if rounded.is_finite() { rounded } else { (how.beyond)(value) }
    } else {
        let unit = 10_f64.powi(exponent);
        let rounded = round(value * unit) / unit;
        if rounded.is_finite() { rounded } else { value }
    }
}

fn double_digits(call: &Call, how: &Rounding) -> Result<ArrayRef> {
    let digits = digits_of(call)?;
    let values = call.column::<f64>(0)?;
    call.each(|row| {
        let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
        Ok(Some(if digits == 0 { (how.round)(value) } else { at_digits(value, digits, how) }))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the result is a FLOAT")]
fn float_digits(call: &Call, how: &Rounding) -> Result<ArrayRef> {
    let digits = digits_of(call)?;
    let values = call.column::<f32>(0)?;
    call.each(|row| {
        let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
        let value = f64::from(value);
        Ok(Some(if digits == 0 { (how.round)(value) } else { at_digits(value, digits, how) } as f32))
    })
}
