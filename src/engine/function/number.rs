//! Numeric functions that preserve their argument's type: integers stay integers, and decimals stay decimals.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, Digits, fail},
    description::{Function, Overload, Typing, computes, keeps, takes},
    kind::ParameterKind::{
        BigInt, Boolean, Decimal, Double, Float, HugeInt, Integer, SmallInt, T, TinyInt, UBigInt, UInteger,
        USmallInt, UTinyInt,
    },
};
use crate::engine::cast::type_name::type_name;

/// Defines one overload per numeric type: integers, then decimals, then floats.
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

/// Defines one overload per integer type, with two arguments of that type.
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

/// Runs code with the Rust type that matches a column's integer type.
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

pub(super) use with_integer;

/// The functions defined in this file.
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
                call.map2(|a: N, b: N| match a.checked_rem(b) {
                    None if b != 0 => fail(format!("mod: {a} % {b} is out of range")),
                    remainder => Ok(remainder),
                })
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

/// Requires the common type of the arguments to be numeric.
fn number(typing: &Typing) -> Result<DataType> {
    match &typing.types[0] {
        DataType::Null => Ok(DataType::Int64),
        found @ (DataType::Float32 | DataType::Float64 | DataType::Decimal128(..)) => Ok(found.clone()),
        found if found.is_integer() => Ok(found.clone()),
        other => Err(DataFusionError::Plan(format!("{} is no type of numbers", type_name(other)))),
    }
}

/// Returns whether a number has at most `precision` decimal digits.
pub(super) fn fits(value: i128, precision: u8) -> bool {
    10_i128
        .checked_pow(precision.into())
        .is_none_or(|limit| value.checked_abs().is_some_and(|size| size < limit))
}

pub(super) fn narrow<N: TryFrom<i128>>(name: &str, value: i128) -> Result<Option<N>> {
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
