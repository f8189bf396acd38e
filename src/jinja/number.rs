//! Numbers as Python reads and prints them.

use minijinja::{
    Environment, Error, ErrorKind, Output, State, Value, escape_formatter,
    value::{Kwargs, ValueKind},
};

use super::callable;

/// Adds the filters `int` and `float`, and lets templates print numbers as Python does.
pub(super) fn add(env: &mut Environment<'static>) {
    env.set_formatter(formatted);
    env.add_filter("int", |value: &Value, default: Option<Value>, base: Option<u32>, named: Kwargs| {
        let default =
            default.map_or_else(|| named.get::<Option<Value>>("default"), |value| Ok(Some(value)))?;
        let base =
            base.map_or_else(|| named.get::<Option<u32>>("base"), |base| Ok(Some(base)))?.unwrap_or(10);
        named.assert_all_used()?;
        if !(2..=36).contains(&base) {
            return Err(Error::new(ErrorKind::InvalidOperation, "int: the base is a number from 2 to 36"));
        }
        Ok(int(value, base).unwrap_or_else(|| default.unwrap_or_else(|| Value::from(0))))
    });
    env.add_filter("float", |value: &Value, default: Option<Value>, named: Kwargs| {
        let default =
            default.map_or_else(|| named.get::<Option<Value>>("default"), |value| Ok(Some(value)))?;
        named.assert_all_used()?;
        Ok::<_, Error>(float(value).map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from))
    });
}

fn int(value: &Value, base: u32) -> Option<Value> {
    if let Some(text) = value.as_str() {
        let text = text.trim().replace('_', "");
        let digits = match base {
            16 => text.trim_start_matches("0x"),
            8 => text.trim_start_matches("0o"),
            2 => text.trim_start_matches("0b"),
            _ => &text,
        };
        return match i128::from_str_radix(digits, base) {
            Ok(number) => Some(Value::from(number)),
            Err(_) => whole(text.parse().ok()?),
        };
    }
    match value.kind() {
        ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => Some(value.clone()),
        ValueKind::Number => whole(float(value)?),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is to be cut off, and the range is checked"
)]
fn whole(number: f64) -> Option<Value> {
    (number.abs() < 1e38).then(|| Value::from(number as i128))
}

fn float(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::String => value.as_str()?.trim().replace('_', "").parse().ok(),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    }
}

fn formatted(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Number
        && !value.is_integer()
        && let Some(number) = float(value).filter(|number| number.is_finite())
    {
        return Ok(out.write_str(&shown(number))?);
    }
    if value.is_undefined() {
        callable::note_undefined(state, value)?;
    }
    escape_formatter(out, state, value)
}

/// Returns a number as Python's `repr` does: with an exponent from 1e16 on, and below 1e-4.
fn shown(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) =
                exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_in_python() {
        let expected = [
            (0.1, "0.1"),
            (2.0, "2.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.5e22, "-1.5e+22"),
            (1e-4, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
        ];
        for (number, text) in expected {
            assert_eq!(shown(number), text);
        }
    }
}
