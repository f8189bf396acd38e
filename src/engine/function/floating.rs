//! Floating-point functions: roots, logarithms, powers and angles. A mathematically undefined result is an
//! error.

use datafusion::{arrow::array::ArrayRef, error::Result, logical_expr::Volatility};

use super::{
    calendar,
    call::{Call, Days, Micros, fail},
    description::{Function, FunctionBody, takes},
    kind::ParameterKind::{Boolean, Date, Double, Float, Timestamp, TimestampTz},
};

/// Defines a function from one number to another.
macro_rules! double {
    ($name:literal, $doc:literal, $example:literal, $value:literal, $body:expr) => {
        Function {
            names: &[$name],
            syntax: concat!($name, "(x)"),
            doc: $doc,
            example: ($example, $value),
            overloads: &[takes(&[Double], Double, $body)],
            ..Function::NUMBER
        }
    };
}

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    double!("sqrt", "Returns the square root.", "sqrt(9)", "3.0", |call| checked(
        call,
        "sqrt",
        f64::sqrt,
        |x| { (x < 0.0).then_some("the number is negative") }
    )),
    double!("cbrt", "Returns the cube root.", "cbrt(-8)", "-2.0", |call| map(call, f64::cbrt)),
    double!("exp", "Returns `e` to the power of a number.", "exp(0)", "1.0", |call| map(call, f64::exp)),
    double!("ln", "Returns the natural logarithm.", "ln(1)", "0.0", |call| checked(
        call,
        "ln",
        f64::ln,
        logarithm
    )),
    double!("log2", "Returns the logarithm to base 2.", "log2(8)", "3.0", |call| {
        checked(call, "log2", f64::log2, logarithm)
    }),
    double!("log10", "Returns the logarithm to base 10.", "log10(1000)", "3.0", |call| {
        checked(call, "log10", f64::log10, logarithm)
    }),
    Function {
        names: &["log"],
        syntax: "log([base, ]x)",
        doc: "Returns the logarithm to base 10, or to a given base.",
        example: ("log(2, 8)", "3.0"),
        overloads: &[
            takes(&[Double], Double, |call| checked(call, "log", f64::log10, logarithm)),
            takes(&[Double, Double], Double, |call| {
                call.map2(|base: f64, x: f64| match logarithm(base).or_else(|| logarithm(x)) {
                    Some(reason) => fail(format!("log: {reason}")),
                    None if base.ln() == 0.0 => fail("log: the base is 1"),
                    None => Ok(Some(x.log10() / base.log10())),
                })
            }),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["pow", "power"],
        syntax: "pow(x, y)",
        doc: "Returns `x` to the power of `y`; `x ^ y` and `x ** y` are the same.",
        example: ("pow(2, 3)", "8.0"),
        overloads: &[takes(&[Double, Double], Double, |call| {
            call.map2(|x: f64, y: f64| Ok(Some(x.powf(y))))
        })],
        ..Function::NUMBER
    },
    Function {
        names: &["fdiv"],
        syntax: "fdiv(x, y)",
        doc: "Divides in floating point and rounds down; by zero gives infinity or NaN.",
        example: ("fdiv(7, 2)", "3.0"),
        overloads: &[takes(&[Double, Double], Double, |call| {
            call.map2(|x: f64, y: f64| Ok(Some((x / y).floor())))
        })],
        ..Function::NUMBER
    },
    Function {
        names: &["fmod"],
        syntax: "fmod(x, y)",
        doc: "Returns the remainder of `fdiv`, with the sign of `y`.",
        example: ("fmod(5.5, 2)", "1.5"),
        overloads: &[takes(&[Double, Double], Double, |call| {
            call.map2(|x: f64, y: f64| Ok(Some(x - y * (x / y).floor())))
        })],
        ..Function::NUMBER
    },
    double!("sin", "Returns the sine of an angle in radians.", "sin(0)", "0.0", |call| {
        checked(call, "sin", f64::sin, infinite)
    }),
    double!("cos", "Returns the cosine of an angle in radians.", "cos(0)", "1.0", |call| {
        checked(call, "cos", f64::cos, infinite)
    }),
    double!("tan", "Returns the tangent of an angle in radians.", "tan(0)", "0.0", |call| {
        checked(call, "tan", f64::tan, infinite)
    }),
    double!("cot", "Returns the cotangent of an angle in radians.", "round(cot(1), 4)", "0.6421", |call| {
        checked(call, "cot", |x| 1.0 / x.tan(), |x| if x == 0.0 { Some("0 has none") } else { infinite(x) })
    }),
    double!("asin", "Returns the arc sine.", "asin(0)", "0.0", |call| checked(
        call,
        "asin",
        f64::asin,
        outside_one
    )),
    double!("acos", "Returns the arc cosine.", "acos(1)", "0.0", |call| checked(
        call,
        "acos",
        f64::acos,
        outside_one
    )),
    double!("atan", "Returns the arc tangent.", "atan(0)", "0.0", |call| map(call, f64::atan)),
    Function {
        names: &["atan2"],
        syntax: "atan2(y, x)",
        doc: "Returns the arc tangent of `y / x`, by the signs of both.",
        example: ("atan2(0, 1)", "0.0"),
        overloads: &[takes(&[Double, Double], Double, |call| {
            call.map2(|y: f64, x: f64| Ok(Some(y.atan2(x))))
        })],
        ..Function::NUMBER
    },
    double!("sinh", "Returns the hyperbolic sine.", "sinh(0)", "0.0", |call| map(call, f64::sinh)),
    double!("cosh", "Returns the hyperbolic cosine.", "cosh(0)", "1.0", |call| map(call, f64::cosh)),
    double!("tanh", "Returns the hyperbolic tangent.", "tanh(0)", "0.0", |call| map(call, f64::tanh)),
    double!("asinh", "Returns the inverse hyperbolic sine.", "asinh(0)", "0.0", |call| map(
        call,
        libm::asinh
    )),
    double!("acosh", "Returns the inverse hyperbolic cosine.", "acosh(1)", "0.0", |call| map(
        call,
        libm::acosh
    )),
    double!("atanh", "Returns the inverse hyperbolic tangent.", "atanh(0)", "0.0", |call| {
        checked(call, "atanh", libm::atanh, outside_one)
    }),
    double!("degrees", "Converts radians to degrees.", "degrees(pi())", "180.0", |call| map(
        call,
        f64::to_degrees
    )),
    double!("radians", "Converts degrees to radians.", "radians(0)", "0.0", |call| map(
        call,
        f64::to_radians
    )),
    double!("even", "Rounds to the next even number, away from zero.", "even(2.9)", "4.0", |call| map(
        call,
        |x| {
            let away = if x < 0.0 { x.floor() } else { x.ceil() };
            if away % 2.0 == 0.0 { away } else { away + away.signum() }
        }
    )),
    double!(
        "gamma",
        "Returns the gamma function, an extension of the factorial.",
        "gamma(5)",
        "24.0",
        |call| { checked(call, "gamma", libm::tgamma, |x| (x == 0.0).then_some("0 has none")) }
    ),
    double!("lgamma", "Returns the logarithm of the gamma function.", "lgamma(2)", "0.0", |call| {
        checked(call, "lgamma", libm::lgamma, |x| (x == 0.0).then_some("0 has none"))
    }),
    Function {
        names: &["pi"],
        syntax: "pi()",
        doc: "Returns π.",
        example: ("pi()", "3.141592653589793"),
        overloads: &[takes(&[], Double, |call| call.each(|_| Ok(Some(std::f64::consts::PI))))],
        ..Function::NUMBER
    },
    Function {
        names: &["random"],
        syntax: "random()",
        doc: "Returns a random number from 0 up to 1, without 1.",
        example: ("random() < 1", "true"),
        volatility: Volatility::Volatile,
        overloads: &[takes(&[], Double, |call| {
            // Take the upper 53 bits of a random number, as many as a double holds.
            call.each(|_| {
                Ok(Some((uuid::Uuid::new_v4().as_u64_pair().1 << 11 >> 11) as f64 / (1_u64 << 53) as f64))
            })
        })],
        ..Function::NUMBER
    },
    Function {
        names: &["nextafter"],
        syntax: "nextafter(x, y)",
        doc: "Returns the floating-point number next to `x` in the direction of `y`.",
        example: ("nextafter(1::double, 2) > 1", "true"),
        overloads: &[
            takes(&[Double, Double], Double, |call| {
                call.map2(|x: f64, y: f64| Ok(Some(libm::nextafter(x, y))))
            }),
            takes(&[Float, Float], Float, |call| {
                call.map2(|x: f32, y: f32| Ok(Some(libm::nextafterf(x, y))))
            }),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["isnan"],
        syntax: "isnan(x)",
        doc: "Returns whether a number is NaN.",
        example: ("isnan('NaN'::double)", "true"),
        overloads: &[
            takes(&[Float], Boolean, |call| call.map1(|x: f32| Ok(Some(x.is_nan())))),
            takes(&[Double], Boolean, |call| call.map1(|x: f64| Ok(Some(x.is_nan())))),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["isfinite"],
        syntax: "isfinite(x)",
        doc: "Returns whether a number, date or timestamp is finite.",
        example: ("isfinite(5.5)", "true"),
        overloads: &[
            takes(&[Float], Boolean, |call| call.map1(|x: f32| Ok(Some(x.is_finite())))),
            takes(&[Double], Boolean, |call| call.map1(|x: f64| Ok(Some(x.is_finite())))),
            takes(&[Date], Boolean, |call| call.map1(|at: Days| Ok(Some(calendar::is_finite_date(at))))),
            takes(&[Timestamp], Boolean, FINITE),
            takes(&[TimestampTz], Boolean, FINITE),
        ],
        ..Function::NUMBER
    },
    Function {
        names: &["isinf"],
        syntax: "isinf(x)",
        doc: "Returns whether a number, date or timestamp is infinite.",
        example: ("isinf('-inf'::double)", "true"),
        overloads: &[
            takes(&[Float], Boolean, |call| call.map1(|x: f32| Ok(Some(x.is_infinite())))),
            takes(&[Double], Boolean, |call| call.map1(|x: f64| Ok(Some(x.is_infinite())))),
            takes(&[Date], Boolean, |call| call.map1(|at: Days| Ok(Some(!calendar::is_finite_date(at))))),
            takes(&[Timestamp], Boolean, INFINITE),
            takes(&[TimestampTz], Boolean, INFINITE),
        ],
        ..Function::NUMBER
    },
];

const FINITE: FunctionBody = |call| call.map1(|at: Micros| Ok(Some(calendar::is_finite(at))));
const INFINITE: FunctionBody = |call| call.map1(|at: Micros| Ok(Some(!calendar::is_finite(at))));

fn map(call: &Call, f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    call.map1(|x: f64| Ok(Some(f(x))))
}

/// Applies a function, or fails with the reason why it is undefined for a number.
fn checked(
    call: &Call,
    name: &str,
    f: impl Fn(f64) -> f64,
    undefined: impl Fn(f64) -> Option<&'static str>,
) -> Result<ArrayRef> {
    call.map1(|x: f64| match undefined(x) {
        Some(reason) => fail(format!("{name}: {reason}")),
        None => Ok(Some(f(x))),
    })
}

fn logarithm(x: f64) -> Option<&'static str> {
    if x < 0.0 {
        return Some("the number is negative");
    }
    (x == 0.0).then_some("the number is zero")
}

fn infinite(x: f64) -> Option<&'static str> {
    x.is_infinite().then_some("the angle is infinite")
}

fn outside_one(x: f64) -> Option<&'static str> {
    (x.abs() > 1.0).then_some("the number is not between -1 and 1")
}
