//! Type inference for a column from its values: the narrowest type that holds all of them without loss.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};

use super::{
    cell::{CellToken, unescape},
    instant,
    kind::ColumnKind,
};

/// The largest integer up to which every integer is exact as a double.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// The number of decimal digits that every double preserves.
const KEPT: usize = f64::DIGITS as usize;

/// The length of a date, in bytes.
const DATE: usize = "2021-01-31".len();

/// The set of candidate types of a column, besides text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CandidateTypes(u8);

impl CandidateTypes {
    const NONE: Self = Self(0);
    const INTEGER: Self = Self(1);
    const DOUBLE: Self = Self(2);
    const DECIMAL: Self = Self(4);
    const DATE: Self = Self(8);
    const TIMESTAMP: Self = Self(16);
    const BOOLEAN: Self = Self(32);

    /// The numeric types.
    pub(super) const NUMBERS: Self = Self(Self::INTEGER.0 | Self::DOUBLE.0 | Self::DECIMAL.0);
    /// The date and time types.
    pub(super) const TIMES: Self = Self(Self::DATE.0 | Self::TIMESTAMP.0);
    /// All types.
    pub(super) const ALL: Self = Self(Self::NUMBERS.0 | Self::TIMES.0 | Self::BOOLEAN.0);

    fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    fn close(&mut self, of: Self) {
        self.0 &= !of.0;
    }
}

/// The inference state after the values seen so far.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    /// True if any value was seen.
    seen: bool,
    /// The types that hold all of the values.
    open: CandidateTypes,
    /// True if any timestamp has a time zone.
    zoned: bool,
    /// The maximum number of digits before and after the decimal point.
    whole: usize,
    scale: usize,
}

impl Guess {
    /// Starts without values. The type will be one of `types`, or text.
    pub(super) fn new(types: CandidateTypes) -> Self {
        Self { seen: false, open: types, zoned: false, whole: 0, scale: 0 }
    }

    /// Adds a value that isn't NULL.
    pub(super) fn see(&mut self, text: &str) {
        self.seen = true;
        if self.open == CandidateTypes::NONE {
            return;
        }
        let text = text.trim_ascii();
        if self.open.any(CandidateTypes::NUMBERS) {
            self.see_number(text);
        }
        if self.open.any(CandidateTypes::TIMES) {
            self.see_time(text);
        }
        if self.open.any(CandidateTypes::BOOLEAN)
            && !(text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"))
        {
            self.open.close(CandidateTypes::BOOLEAN);
        }
    }

    /// Returns the inferred type. Without values it is text.
    pub(super) fn data_type(&self) -> DataType {
        let is = |of| self.seen && self.open.any(of);
        if is(CandidateTypes::INTEGER) {
            DataType::Int64
        } else if is(CandidateTypes::DOUBLE) {
            DataType::Float64
        } else if is(CandidateTypes::DECIMAL) {
            let digits = u8::try_from(self.whole + self.scale).unwrap_or(DECIMAL128_MAX_PRECISION);
            DataType::Decimal128(digits.max(1), i8::try_from(self.scale).unwrap_or_default())
        } else if is(CandidateTypes::DATE) {
            DataType::Date32
        } else if is(CandidateTypes::TIMESTAMP) {
            DataType::Timestamp(TimeUnit::Microsecond, self.zoned.then(|| "UTC".into()))
        } else if is(CandidateTypes::BOOLEAN) {
            DataType::Boolean
        } else {
            DataType::Utf8View
        }
    }

    /// Adds the values that another guess has seen.
    pub(super) fn merge(&mut self, other: &Self) {
        if !other.seen {
            return;
        }
        self.seen = true;
        self.open = CandidateTypes(self.open.0 & other.open.0);
        self.zoned |= other.zoned;
        self.whole = self.whole.max(other.whole);
        self.scale = self.scale.max(other.scale);
        self.bound();
    }

    fn see_number(&mut self, text: &str) {
        let Some(number) = NumberNotation::of(text) else {
            return self.open.close(CandidateTypes::NUMBERS);
        };
        let integer = number.integer(text);
        if integer.is_none() {
            self.open.close(CandidateTypes::INTEGER);
        }
        if !number.is_double(text, true) {
            self.open.close(CandidateTypes::DOUBLE);
        }
        if number.has_exponent {
            self.open.close(CandidateTypes::DECIMAL);
        } else {
            self.whole = self.whole.max(number.whole);
            self.scale = self.scale.max(number.scale);
            self.bound();
        }
    }

    /// Rules out decimals if the digits exceed the maximum precision.
    fn bound(&mut self) {
        if self.whole + self.scale > usize::from(DECIMAL128_MAX_PRECISION) {
            self.open.close(CandidateTypes::DECIMAL);
        }
    }

    fn see_time(&mut self, text: &str) {
        if !(text.len() == DATE && instant::date(text).is_some()) {
            self.open.close(CandidateTypes::DATE);
            if instant::timestamp(text).is_none() {
                self.open.close(CandidateTypes::TIMESTAMP);
            }
        }
        self.zoned |= self.open.any(CandidateTypes::TIMESTAMP)
            && text.get(DATE..).is_some_and(|time| time.contains(['Z', 'z', '+', '-', 'U']));
    }
}

/// The notation of the values from which a type was inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// CSV cells, whose text may be of any type.
    Cells,
    /// JSON values, which carry their types.
    Json,
}

/// Returns whether adding this value would leave the inferred type unchanged, so that the type loses nothing
/// of it. A declared type accepts more: it turns `00123` into the number 123, which is why people declare
/// one.
pub(super) fn holds(kind: ColumnKind, token: CellToken<'_>, written: Notation) -> bool {
    if token == CellToken::Null {
        return true;
    }
    let text = match (token, written) {
        (CellToken::Text(text), _) => Some(Cow::Borrowed(text)),
        (CellToken::Escaped(inside), _) => unescape(inside).map(Cow::Owned),
        _ => None,
    };
    let number = match (token, written) {
        (CellToken::Number(text), Notation::Json) => Some(text),
        (CellToken::Text(text), Notation::Cells) => Some(text.trim_ascii()),
        _ => None,
    };
    let number = number.and_then(|text| Some((text, NumberNotation::of(text)?)));
    match kind {
        ColumnKind::Text => !matches!(token, CellToken::Nested(_)),
        ColumnKind::Boolean => match (token, written) {
            (CellToken::Bool(_), _) => true,
            (CellToken::Text(text), Notation::Cells) => {
                ["true", "false"].iter().any(|word| text.trim_ascii().eq_ignore_ascii_case(word))
            }
            _ => false,
        },
        ColumnKind::Int8 | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 => {
            number.is_some_and(|(text, number)| number.integer(text).is_some())
        }
        ColumnKind::Float32 | ColumnKind::Float64 => {
            number.is_some_and(|(text, number)| number.is_double(text, true))
        }
        ColumnKind::Decimal { precision, scale } => number.is_some_and(|(_, number)| {
            let scale = usize::try_from(scale).unwrap_or_default();
            !number.has_exponent
                && number.scale <= scale
                && number.whole <= usize::from(precision).saturating_sub(scale)
        }),
        ColumnKind::Date | ColumnKind::Timestamp { .. } => text.is_some_and(|text| {
            let mut guess = Guess::new(CandidateTypes::TIMES);
            guess.see(&text);
            match kind {
                ColumnKind::Date => guess.open.any(CandidateTypes::DATE),
                ColumnKind::Timestamp { zoned } => {
                    guess.open.any(CandidateTypes::TIMESTAMP) && (zoned || !guess.zoned)
                }
                _ => false,
            }
        }),
        // The parts of these values are validated individually.
        ColumnKind::Binary | ColumnKind::Json | ColumnKind::Struct | ColumnKind::List | ColumnKind::Map => {
            true
        }
    }
}

/// The notation of a number.
pub(super) struct NumberNotation {
    /// The number of digits before the point. There are no leading zeros.
    whole: usize,
    /// The number of digits after the point.
    scale: usize,
    is_fraction: bool,
    has_exponent: bool,
}

impl NumberNotation {
    /// Parses a number. `007` isn't one, because its zeros would be lost; neither is `+49`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
        let count = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = count(digits);
        if whole > 1 && digits[0] == b'0' {
            return None;
        }
        let mut number = Self { whole, scale: 0, is_fraction: false, has_exponent: false };
        let mut rest = &digits[whole..];
        if let [b'.', fraction @ ..] = rest {
            number.is_fraction = true;
            number.scale = count(fraction);
            rest = &fraction[number.scale..];
        }
        if whole + number.scale == 0 {
            return None;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            number.is_fraction = true;
            number.has_exponent = true;
            let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
            rest = &exponent[count(exponent)..];
            if exponent.is_empty() {
                return None;
            }
        }
        if whole == 1 && digits[0] == b'0' {
            number.whole = 0;
        }
        rest.is_empty().then_some(number)
    }

    pub(super) fn integer(&self, text: &str) -> Option<i64> {
        match self {
            Self { is_fraction: true, .. } => None,
            // Every number of nine digits fits every integer type. Most numbers are short, so parsing them
            // would waste time.
            Self { whole: ..10, .. } => Some(0),
            Self { .. } => text.parse().ok(),
        }
    }

    /// Returns whether a double holds the number: any finite number, or, if `is_exact`, only one that keeps
    /// all its digits.
    pub(super) fn is_double(&self, text: &str, is_exact: bool) -> bool {
        if !self.is_fraction {
            return self.whole <= KEPT
                || text.parse::<i64>().is_ok_and(|number| number.unsigned_abs() <= EXACT);
        }
        if !self.has_exponent && self.whole + self.scale <= KEPT {
            return true;
        }
        let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) else { return false };
        if !is_exact {
            return true;
        }
        let digits = significant(text);
        // Programs write doubles with the shortest digits that identify them, or with 17 digits.
        digits.len() <= KEPT
            || digits == significant(&format!("{number:e}"))
            || digits == significant(&format!("{number:.16e}"))
    }
}

/// Returns the digits of a number without zeros at either end.
fn significant(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}
