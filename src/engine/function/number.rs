//! Functions of numbers that keep the type of their argument: integers stay integers, decimals stay decimals.

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
    description::{Function, Overload, Typing, computes, keeps, takes},
    kind::{
        Kind::{
            AnyInteger, BigInt, Boolean, Decimal, Double, Float, HugeInt, Integer, SmallInt, T, TinyInt,
            UBigInt, UInteger, USmallInt, UTinyInt,
        },
        type_name,
    },
};

/// One overload for each type of numbers: integers, then decimals, then floating point.
macro_rules! of_numbers {
    ($integer:expr, $decimal:expr, $float:expr, $double:expr) => {
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
        ]
    };
}

/// The same with a number of digits.
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

/// One overload for each type of integers, of two arguments of that type.
macro_rules! of_two_integers {
    ($body:expr $(, $more:expr)*) => {
        &[
            keeps(&[TinyInt, TinyInt], $body),
            keeps(&[SmallInt, SmallInt], $body),
            keeps(&[Integer, Integer], $body),
            keeps(&[BigInt, BigInt], $body),
            keeps(&[UTinyInt, UTinyInt], $body),
            keeps(&[USmallInt, USmallInt], $body),
            keeps(&[UInteger, UInteger], $body),
            keeps(&[UBigInt, UBigInt], $body),
            $($more,)*
        ]
    };
}

/// Runs code with a Rust type for the integer type of a column.
macro_rules! with_integer {
    ($of:expr, $native:ident => $body:expr) => {
        match $of {
            DataType::Int8 => {
                type $native = i8;
                $body
            }
            DataType::Int16 => {
                type $native = i16;
                $body
            }
            DataType::Int32 => {
                type $native = i32;
                $body
            }
            DataType::Int64 => {
                type $native = i64;
                $body
            }
            DataType::UInt8 => {
                type $native = u8;
                $body
            }
            DataType::UInt16 => {
                type $native = u16;
                $body
            }
            DataType::UInt32 => {
                type $native = u32;
                $body
            }
            DataType::UInt64 => {
                type $native = u64;
                $body
            }
            other => Err(DataFusionError::Internal(format!("{other} is no integer"))),
        }
    };
}

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["abs"],
        syntax: "abs(x)",
        doc: "Returns the absolute value; the smallest integer of a type has none.",
        example: ("abs(-17.4)", "17.4"),
        overloads: of_numbers!(
            |call| map_integer(call, "abs", |value| Ok(Some(value.abs()))),
            keeps(&[Decimal], |call| map_decimal(call, "abs", |value| Some(value.abs()))),
            |call| call.map1(|value: f32| Ok(Some(value.abs()))),
            |call| call.map1(|value: f64| Ok(Some(value.abs())))
        ),
        ..Function::NUMBER
    },
    Function {
        names: &["sign"],
        syntax: "sign(x)",
        doc: "Returns -1, 0 or 1 by the sign of a number.",
        example: ("sign(-349)", "-1"),
        overloads: &[
            takes(&[BigInt], TinyInt, |call| call.map1(|value: i64| Ok(i8::try_from(value.signum()).ok()))),
            takes(&[UBigInt], TinyInt, |call| call.map1(|value: u64| Ok(Some(i8::from(value > 0))))),
            takes(&[Decimal], TinyInt, |call| {
                call.map1(|value: Digits| Ok(i8::try_from(value.0.signum()).ok()))
            }),
            takes(&[Double], TinyInt, |call| {
                call.map1(|value: f64| Ok(Some(i8::from(value > 0.0) - i8::from(value < 0.0))))
            }),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["round"],
        syntax: "round(x[, digits])",
        doc: "Rounds half away from zero, to a number of decimal places, or of zeros if it is negative.",
        example: ("round(42.4332, 2)", "42.43"),
        overloads: of_numbers_and_digits!(
            |call| integer_digits(call, "round", |value, unit| {
                let half = unit / 2;
                (value + if value < 0 { -half } else { half }) / unit * unit
            }),
            computes(&[Decimal], whole_decimal, "DECIMAL", |call| decimal_digits(call, "round", half_away)),
            computes(&[Decimal, AnyInteger], decimal_of_digits, "DECIMAL", |call| {
                decimal_digits(call, "round", half_away)
            }),
            |call| float_digits(call, f64::round),
            |call| double_digits(call, f64::round)
        ),
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
            |call| float_digits(call, f64::trunc),
            |call| double_digits(call, f64::trunc)
        ),
        ..Function::NUMBER
    },
    Function {
        names: &["round_even", "roundbankers"],
        syntax: "round_even(x, digits)",
        doc: "Rounds half to the even neighbour.",
        example: ("round_even(2.5, 0)", "2.0"),
        overloads: &[takes(&[Double, AnyInteger], Double, |call| double_digits(call, f64::round_ties_even))],
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
    Function {
        names: &["mod"],
        syntax: "mod(x, y)",
        doc: "Returns the remainder of a division, with the sign of `x`; NULL if `y` is zero, NaN in floating point.",
        example: ("mod(-7, 3)", "-1"),
        overloads: &[computes(&[T, T], number, "T", |call| match call.returns() {
            DataType::Float32 => call.map2(|a: f32, b: f32| Ok(Some(a % b))),
            DataType::Float64 => call.map2(|a: f64, b: f64| Ok(Some(a % b))),
            DataType::Decimal128(..) => {
                call.map2(|a: Digits, b: Digits| Ok(a.0.checked_rem(b.0).map(Digits)))
            }
            integer => with_integer!(integer, N => {
                call.map2(|a: N, b: N| Ok(if b == 0 { None } else { Some(a.checked_rem(b).unwrap_or(0)) }))
            }),
        })],
        ..Function::NUMBER
    },
    Function {
        names: &["divide"],
        syntax: "divide(x, y)",
        doc: "Divides; integers without a remainder. NULL if `y` is zero. `x // y` is the same.",
        example: ("divide(7, 2)", "3"),
        overloads: of_two_integers!(
            |call| with_integer!(call.returns(), N => {
                call.map2(|a: N, b: N| {
                    if b == 0 {
                        return Ok(None);
                    }
                    match a.checked_div(b) {
                        Some(quotient) => Ok(Some(quotient)),
                        None => fail(format!("divide: {a} / {b} is out of range")),
                    }
                })
            }),
            takes(&[Double, Double], Double, |call| {
                call.map2(|a: f64, b: f64| Ok((b != 0.0).then(|| a / b)))
            })
        ),
        ..Function::NUMBER
    },
    Function {
        names: &["gcd", "greatest_common_divisor"],
        syntax: "gcd(x, y)",
        doc: "Returns the greatest common divisor.",
        example: ("gcd(42, 57)", "3"),
        overloads: &[
            takes(&[BigInt, BigInt], BigInt, |call| {
                call.map2(|a: i64, b: i64| narrow::<i64>("gcd", gcd(a.into(), b.into())))
            }),
            takes(&[HugeInt, HugeInt], HugeInt, |call| {
                call.map2(|a: Digits, b: Digits| Ok(Some(Digits(gcd(a.0, b.0)))))
            }),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["lcm", "least_common_multiple"],
        syntax: "lcm(x, y)",
        doc: "Returns the least common multiple.",
        example: ("lcm(42, 57)", "798"),
        overloads: &[
            takes(&[BigInt, BigInt], BigInt, |call| {
                call.map2(|a: i64, b: i64| narrow::<i64>("lcm", lcm(a.into(), b.into()).unwrap_or(i128::MAX)))
            }),
            takes(&[HugeInt, HugeInt], HugeInt, |call| {
                call.map2(|a: Digits, b: Digits| match lcm(a.0, b.0).filter(|found| fits(*found, 38)) {
                    Some(found) => Ok(Some(Digits(found))),
                    None => fail("lcm: the result is out of range"),
                })
            }),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["factorial"],
        syntax: "factorial(x)",
        doc: "Returns the product of all integers from 1 to `x`.",
        example: ("factorial(4)", "24"),
        overloads: &[takes(&[Integer], HugeInt, |call| {
            call.map1(|value: i32| {
                if value < 0 {
                    return fail("factorial: the number is negative");
                }
                let product = (1..=i128::from(value)).try_fold(1_i128, i128::checked_mul);
                match product.filter(|product| fits(*product, 38)) {
                    Some(product) => Ok(Some(Digits(product))),
                    None => fail(format!("factorial: the result for {value} is out of range")),
                }
            })
        })],
        ..Function::NUMBER
    },
    Function {
        names: &["bit_count"],
        syntax: "bit_count(x)",
        doc: "Returns the number of bits that are set.",
        example: ("bit_count(31)", "5"),
        overloads: BIT_COUNT,
        ..Function::NUMBER
    },
    Function {
        names: &["xor"],
        syntax: "xor(x, y)",
        doc: "Returns the bits that are set in one of two integers only.",
        example: ("xor(17, 5)", "20"),
        overloads: of_two_integers!(|call| {
            with_integer!(call.returns(), N => call.map2(|a: N, b: N| Ok(Some(a ^ b))))
        }),
        ..Function::NUMBER
    },
    Function {
        names: &["signbit"],
        syntax: "signbit(x)",
        doc: "Returns whether the sign bit is set, as it is in -0.0.",
        example: ("signbit(-1.0::double)", "true"),
        overloads: &[
            takes(&[Float], Boolean, |call| call.map1(|value: f32| Ok(Some(value.is_sign_negative())))),
            takes(&[Double], Boolean, |call| call.map1(|value: f64| Ok(Some(value.is_sign_negative())))),
        ],
        ..Function::NUMBER
    },
];

const BIT_COUNT: &[Overload] = &[
    takes(&[TinyInt], TinyInt, |call| call.map1(|value: i8| Ok(i8::try_from(value.count_ones()).ok()))),
    takes(&[SmallInt], TinyInt, |call| call.map1(|value: i16| Ok(i8::try_from(value.count_ones()).ok()))),
    takes(&[Integer], TinyInt, |call| call.map1(|value: i32| Ok(i8::try_from(value.count_ones()).ok()))),
    takes(&[BigInt], TinyInt, |call| call.map1(|value: i64| Ok(i8::try_from(value.count_ones()).ok()))),
];

/// Requires the common type of the arguments to be one of numbers.
fn number(typing: &Typing) -> Result<DataType> {
    match &typing.types[0] {
        DataType::Null => Ok(DataType::Int64),
        found @ (DataType::Float32 | DataType::Float64 | DataType::Decimal128(..)) => Ok(found.clone()),
        found if found.is_integer() => Ok(found.clone()),
        other => Err(DataFusionError::Plan(format!("{} is no type of numbers", type_name(other)))),
    }
}

/// A decimal without decimal places.
fn whole_decimal(typing: &Typing) -> Result<DataType> {
    match &typing.types[0] {
        DataType::Decimal128(precision, _) => Ok(DataType::Decimal128(*precision, 0)),
        other => Err(DataFusionError::Plan(format!("{} has too many digits", type_name(other)))),
    }
}

/// A decimal with as many places as the second argument says, a constant.
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

/// True if a number has at most so many decimal digits.
fn fits(value: i128, precision: u8) -> bool {
    10_i128
        .checked_pow(precision.into())
        .is_none_or(|limit| value.checked_abs().is_some_and(|size| size < limit))
}

fn narrow<N: TryFrom<i128>>(name: &str, value: i128) -> Result<Option<N>> {
    match N::try_from(value) {
        Ok(value) => Ok(Some(value)),
        Err(_) => fail(format!("{name}: the result {value} is out of range")),
    }
}

fn map_integer(call: &Call, name: &str, f: impl Fn(i128) -> Result<Option<i128>>) -> Result<ArrayRef> {
    with_integer!(call.returns(), N => call.map1(|value: N| match f(i128::from(value))? {
        Some(value) => narrow::<N>(name, value),
        None => Ok(None),
    }))
}

fn map_decimal(call: &Call, name: &str, f: impl Fn(i128) -> Option<i128>) -> Result<ArrayRef> {
    let DataType::Decimal128(precision, _) = call.returns() else {
        return fail(format!("{name}: the decimal has more than 38 digits"));
    };
    call.map1(|value: Digits| match f(value.0) {
        Some(found) if fits(found, *precision) => Ok(Some(Digits(found))),
        _ => fail(format!("{name}: the result is out of range")),
    })
}

/// The number of digits of each row, 0 if there is no such argument.
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

/// Rounds integers to a unit of ten, a hundred…
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

fn half_away(value: i128, unit: i128) -> i128 {
    let (quotient, rest) = (value / unit, value % unit);
    quotient + if rest.abs() >= unit - rest.abs() { value.signum() } else { 0 }
}

/// Rounds decimals: `round` divides by a unit.
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
        // Digits before the point that were rounded off come back as zeros.
        let zeros = power(dropped - i64::from(from - to)).unwrap_or(1);
        match rounded.checked_mul(zeros).filter(|found| fits(*found, *precision)) {
            Some(found) => Ok(Some(Digits(found))),
            None => fail(format!("{name}: the result is out of range")),
        }
    })
}

/// Rounds at a decimal place, as DuckDB does: by way of a multiplication.
fn at_digits(value: f64, digits: i64, round: impl Fn(f64) -> f64) -> f64 {
    let exponent = i32::try_from(digits.clamp(-400, 400)).unwrap_or(0);
    if digits < 0 {
        let unit = 10_f64.powi(-exponent);
        let rounded = round(value / unit) * unit;
        if rounded.is_finite() { rounded } else { 0.0 }
    } else {
        let unit = 10_f64.powi(exponent);
        let rounded = round(value * unit) / unit;
        if rounded.is_finite() { rounded } else { value }
    }
}

fn double_digits(call: &Call, round: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let digits = digits_of(call)?;
    let values = call.column::<f64>(0)?;
    call.each(|row| {
        let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
        Ok(Some(if digits == 0 { round(value) } else { at_digits(value, digits, &round) }))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the result is a FLOAT")]
fn float_digits(call: &Call, round: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let digits = digits_of(call)?;
    let values = call.column::<f32>(0)?;
    call.each(|row| {
        let (Some(value), Some(digits)) = (values.at(row), digits(row)) else { return Ok(None) };
        let value = f64::from(value);
        Ok(Some(if digits == 0 { round(value) } else { at_digits(value, digits, &round) } as f32))
    })
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

fn lcm(a: i128, b: i128) -> Option<i128> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a / gcd(a, b)).checked_mul(b).and_then(i128::checked_abs)
}
