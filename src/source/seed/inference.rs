//! Type inference for a seed's column, by dbt's rules: all values are of one notation, or the column is text.
//!
//! Deviates where dbt would lose something or fail: `007` and `+49` stay text, integers of more than 32 bits
//! are `bigint`, and timestamps keep their zone.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

use crate::source::{cell::non_finite, guess::NumberNotation, instant};

/// The length of a date, in bytes.
const DATE: usize = "2021-01-31".len();

/// The number of digits that every double preserves.
const KEPT: usize = f64::DIGITS as usize;

/// The inference state after the values seen so far: which types hold all of them.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one for each type that may be left")]
pub(super) struct SeedInference {
    is_empty: bool,
    short_integer: bool,
    integer: bool,
    double: bool,
    date: bool,
    /// `2021-01-31 12:00:00`, without fraction or zone.
    plain_timestamp: bool,
    /// `2021-01-31T12:00:00.5+02:00`.
    iso_timestamp: bool,
    /// True if any timestamp has a time zone.
    zoned: bool,
    boolean: bool,
}

impl SeedInference {
    pub(super) fn new() -> Self {
        Self {
            is_empty: true,
            short_integer: true,
            integer: true,
            double: true,
            date: true,
            plain_timestamp: true,
            iso_timestamp: true,
            zoned: false,
            boolean: true,
        }
    }

    /// Adds a value that isn't NULL.
    pub(super) fn see(&mut self, text: &str) {
        self.is_empty = false;
        let text = text.trim_ascii();
        if self.integer || self.double {
            self.see_number(text);
        }
        if self.date || self.plain_timestamp || self.iso_timestamp {
            self.see_time(text);
        }
        self.boolean &= text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    }

    /// Returns the inferred type. Without values it is `integer`, as in dbt.
    pub(super) fn data_type(&self) -> DataType {
        if self.is_empty || self.short_integer {
            DataType::Int32
        } else if self.integer {
            DataType::Int64
        } else if self.double {
            DataType::Float64
        } else if self.date {
            DataType::Date32
        } else if self.plain_timestamp || self.iso_timestamp {
            DataType::Timestamp(TimeUnit::Microsecond, self.zoned.then(|| "UTC".into()))
        } else if self.boolean {
            DataType::Boolean
        } else {
            DataType::Utf8View
        }
    }

    fn see_number(&mut self, text: &str) {
        let number = NumberNotation::of(text);
        let integer = number.as_ref().and_then(|number| number.integer(text).or_else(|| whole(text)));
        // Every number of nine digits fits, and isn't parsed.
        self.short_integer &= integer.is_some_and(|integer| i32::try_from(integer).is_ok());
        self.integer &= integer.is_some();
        self.double &= match number {
            // Not an integer that a double rounds.
            Some(number) => number.is_double(text, false),
            None => non_finite(text).is_some(),
        };
    }

    fn see_time(&mut self, text: &str) {
        let padded = instant::padded(text);
        let padded = padded.as_deref().unwrap_or(text);
        let is_date = padded.len() == DATE && instant::date(padded).is_some();
        let is_timestamp = !is_date && instant::timestamp(padded).is_some();
        self.date &= is_date;
        self.plain_timestamp &=
            is_timestamp && padded.len() == DATE + " 12:00:00".len() && !text.contains(['T', 't']);
        // ISO 8601 has two digits for everything.
        self.iso_timestamp &= is_timestamp && padded == text && text.as_bytes().get(DATE) == Some(&b'T');
        self.iso_timestamp &= !text.contains([' ', 'z']);
        self.zoned |=
            self.iso_timestamp && text.get(DATE..).is_some_and(|time| time.contains(['Z', '+', '-']));
    }
}

/// Returns the value of a number without a fraction that has a decimal point or an exponent: `1.0`, `1e5`.
fn whole(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit);
    let value = text.parse().ok().filter(|value: &f64| value.abs() < 1e15)?;
    if digits.count() > KEPT { None } else { instant::whole(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::type_name;

    fn check(values: &[&str], want: &str) {
        let mut inference = SeedInference::new();
        for value in values {
            inference.see(value);
        }
        assert_eq!(type_name(&inference.data_type()), want, "{values:?}");
    }

    #[test]
    fn numbers() {
        check(&[], "integer");
        check(&["1", "-2147483648", "2147483647", " 3 "], "integer");
        check(&["1.0", "5.", "1e5", "-0.0"], "integer");
        check(&["1", "2147483648"], "bigint");
        check(&["-2147483649", "1"], "bigint");
        check(&["1", "1.5"], "double");
        check(&["1", "2.5", "-1e-3", ".5", "0.30000000000000004"], "double");
        check(&["1.5", "NaN", "-inf", "Infinity"], "double");
        check(&["1.00000000000000000001"], "double");
        for value in
            ["007", "+49", "1e999", "9223372036854775808", "1e", "0x1", "5%", "$5", "1_000", "-", "1.2.3"]
        {
            check(&[value], "varchar");
        }
        check(&["9007199254740993", "0.5"], "varchar");
        check(&["0.5", "9007199254740993"], "varchar");
        check(&["1", "true"], "varchar");
    }

    #[test]
    fn booleans() {
        check(&["true", "FALSE"], "boolean");
        check(&["t"], "varchar");
        check(&["yes"], "varchar");
    }

    #[test]
    fn dates_and_timestamps_of_one_notation() {
        check(&["2022-02-01", "2022-2-1"], "date");
        check(&["2022-02-01 02:20:51", "2022-2-1 2:20:51"], "timestamp");
        check(&["2022-02-01T02:20", "2022-02-01T02:20:51.5"], "timestamp");
        check(&["2022-02-01T02:20:51", "2022-02-01T02:20:51+02:00"], "timestamptz");
        check(&["2022-02-01T02:20:51Z"], "timestamptz");
        for text in [
            "2022-02-30",
            "22-02-01",
            "2022-02-01 02:20",
            "2022-02-01 02:20:51.82",
            "2022-02-01 02:20:51 UTC",
            "2022-02-01 02:20:51Z",
            "2022-02-01T2:20:51",
            "2022-02-01T02:20:51 UTC",
            "2022/02/01",
        ] {
            check(&[text], "varchar");
        }
        check(&["2022-02-01", "2022-02-01 10:00:00"], "varchar");
        check(&["2022-02-01 10:00:00", "2022-02-01T10:00:00"], "varchar");
    }
}
