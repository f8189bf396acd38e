//! What type a column has of which only the values are known: the narrowest that holds every one of them.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

use crate::engine::source::instant;

/// Whole numbers up to here are doubles without loss.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// The length of a date.
const DATE: usize = "2021-01-31".len();

/// What the values seen so far can be, besides text.
#[derive(Debug)]
pub(super) struct Guess {
    /// Whether there was any.
    seen: bool,
    /// The types that hold all of them, the narrowest first.
    open: Vec<Type>,
    /// Whether any of the timestamps has a zone.
    zoned: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Type {
    Integer,
    Double,
    Date,
    Timestamp,
    Boolean,
}

impl Guess {
    pub(super) fn new() -> Self {
        let open = vec![Type::Integer, Type::Double, Type::Date, Type::Timestamp, Type::Boolean];
        Self { seen: false, open, zoned: false }
    }

    /// Takes a value in that is not NULL.
    pub(super) fn see(&mut self, text: &str) {
        self.seen = true;
        let text = text.trim_ascii();
        self.open.retain(|of| of.holds(text));
        self.zoned |= self.open.contains(&Type::Timestamp)
            && text.get(DATE..).is_some_and(|time| time.contains(['Z', 'z', '+', '-', 'U']));
    }

    /// The type; text if there was nothing to go by.
    pub(super) fn data_type(&self) -> DataType {
        match self.open.first().filter(|_| self.seen) {
            Some(Type::Integer) => DataType::Int64,
            Some(Type::Double) => DataType::Float64,
            Some(Type::Date) => DataType::Date32,
            Some(Type::Timestamp) => {
                DataType::Timestamp(TimeUnit::Microsecond, self.zoned.then(|| "UTC".into()))
            }
            Some(Type::Boolean) => DataType::Boolean,
            None => DataType::Utf8View,
        }
    }
}

impl Type {
    /// Whether a value is one of this type, and loses nothing by becoming one.
    fn holds(self, text: &str) -> bool {
        match self {
            Self::Integer => whole(text).is_some(),
            Self::Double => match whole(text) {
                Some(number) => number.unsigned_abs() <= EXACT,
                None => is_fraction(text),
            },
            Self::Date => text.len() == DATE && instant::date(text).is_some(),
            Self::Timestamp => instant::timestamp(text).is_some(),
            Self::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        }
    }
}

/// A whole number written as one. `007` is none: a table that lost the zeros could not give them back.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if is_padded(digits) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A finite number with a fraction or an exponent. Digits alone are none: those of more than 64 bits would lose some.
fn is_fraction(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    !is_padded(digits)
        && digits.bytes().all(is_number)
        && digits.contains(['.', 'e', 'E'])
        && text.parse().is_ok_and(f64::is_finite)
}

fn is_padded(digits: &str) -> bool {
    let mut bytes = digits.bytes();
    bytes.next() == Some(b'0') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::source::type_name;

    fn check(values: &[&str], want: &str) {
        let mut guess = Guess::new();
        for value in values {
            guess.see(value);
        }
        assert_eq!(type_name(&guess.data_type()), want, "{values:?}");
    }

    #[test]
    fn the_narrowest_type_that_holds_every_value() {
        check(&[], "varchar");
        check(&["1", "-2", " 3 "], "bigint");
        check(&["9223372036854775807"], "bigint");
        check(&["1", "2.5", "-1e-3", ".5"], "double");
        check(&["true", "FALSE"], "boolean");
        check(&["2021-01-31"], "date");
        check(&["2021-01-31", "2021-01-31 12:00:00"], "timestamp");
        check(&["2021-01-31", "2021-01-31T12:00:00Z"], "timestamptz");
        check(&["2021-01-31T12:00+02:00"], "timestamptz");
        check(&["1", "x"], "varchar");
    }

    #[test]
    fn what_would_lose_something_is_text() {
        check(&["007"], "varchar");
        check(&["1", "-01"], "varchar");
        check(&["9223372036854775808"], "varchar");
        check(&["9007199254740993", "0.5"], "varchar");
        check(&["1e999"], "varchar");
        check(&["NaN"], "varchar");
        check(&["+49"], "varchar");
        check(&["yes"], "varchar");
        check(&["0", "true"], "varchar");
        check(&["2021-02-29"], "varchar");
        check(&["１"], "varchar");
        check(&["日本語日本語"], "varchar");
        check(&["1", "2021-01-31"], "varchar");
    }

    #[test]
    fn zeros_that_count_are_no_padding() {
        check(&["0"], "bigint");
        check(&["0.5", "-0.5", "0e0"], "double");
    }
}
