//! Decimal text: parses digits as a scaled integer, so that `1.5e2` at scale 2 is 15000.

/// Returns the number in `text` times 10 to the power of `scale`, rounded half away from zero; `None` if it
/// isn't a number or has more than 38 digits. Digits may be separated by underscores, and an exponent may
/// follow.
pub(in crate::engine) fn scaled(text: &str, scale: i8) -> Option<i128> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = DecimalDigits::default();
    number.digits(whole)?;
    let after_point = number.digits(fraction)?;
    let shift = exponent.saturating_sub(after_point).saturating_add(i32::from(scale));
    let value = number.shifted(shift)?;
    Some(if negative { -value } else { value })
}

/// Returns whether a text has only digits, and single underscores between two of them.
pub(super) fn is_well_formed(digits: &str, is_digit: impl Fn(u8) -> bool) -> bool {
    let bytes = digits.as_bytes();
    !bytes.starts_with(b"_")
        && !bytes.ends_with(b"_")
        && !digits.contains("__")
        && bytes.iter().all(|byte| is_digit(*byte) || *byte == b'_')
}

/// Parses a power of ten within 16 bits, as in DuckDB.
fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = is_well_formed(digits, |digit| digit.is_ascii_digit());
    plain.then(|| text.replace('_', "").parse::<i16>().ok())?.map(i32::from)
}

/// The digits read so far. Digits beyond 38 are kept only as far as rounding needs them.
#[derive(Default)]
struct DecimalDigits {
    value: i128,
    /// The number of digits that didn't fit into `value`.
    dropped: i32,
    /// The first digit that didn't fit.
    next: u8,
}

/// The smallest number with 39 digits.
const LIMIT: i128 = 10_i128.pow(38);

impl DecimalDigits {
    /// Appends digits, and returns their number; `None` if the text is malformed.
    fn digits(&mut self, digits: &str) -> Option<i32> {
        if !is_well_formed(digits, |digit| digit.is_ascii_digit()) {
            return None;
        }
        let mut count = 0;
        for digit in digits.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0') {
            count += 1;
            if self.dropped == 0 && self.value < LIMIT / 10 {
                self.value = self.value * 10 + i128::from(digit);
            } else {
                if self.dropped == 0 {
                    self.next = digit;
                }
                self.dropped += 1;
            }
        }
        Some(count)
    }

    /// Returns the value times 10 to the power of `shift`, rounded half away from zero; `None` on overflow.
    fn shifted(&self, shift: i32) -> Option<i128> {
        let shift = shift + self.dropped;
        if self.value == 0 && self.dropped == 0 {
            return Some(0);
        }
        if shift > 0 {
            if self.dropped > 0 {
                return None;
            }
            let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
            return self.value.checked_mul(factor).filter(|value| *value < LIMIT);
        }
        if shift == 0 {
            return Some(self.value + i128::from(self.next >= 5)).filter(|value| *value < LIMIT);
        }
        let Some(divisor) = 10_i128.checked_pow(shift.unsigned_abs()) else { return Some(0) };
        let (quotient, rest) = (self.value / divisor, self.value % divisor);
        Some(quotient + i128::from(rest >= divisor - rest))
    }
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn digits_round_half_away_from_zero_at_the_scale() {
        let cases = [
            ("1.005", 2, Some(101)),
            ("-1.005", 2, Some(-101)),
            ("1.5e2", 2, Some(15000)),
            ("3.7", 0, Some(4)),
            ("1_000", 0, Some(1000)),
            ("1__000", 0, None),
            (".5", 1, Some(5)),
            ("5.", 0, Some(5)),
            (".", 0, None),
            ("", 0, None),
            ("1e-50", 0, Some(0)),
            ("0e999", 0, Some(0)),
            ("0e99999", 0, None),
            ("1e-99999", 0, None),
            ("1e1_0", 0, Some(10_000_000_000)),
            ("1e_1", 0, None),
            ("99999999999999999999999999999999999999", 0, Some(10_i128.pow(38) - 1)),
            ("100000000000000000000000000000000000000", 0, None),
            ("99999999999999999999999999999999999999.5", 0, None),
            ("0.00000000000000000000000000000000000000000001", 38, Some(0)),
            ("12e", 0, None),
            ("1 2", 0, None),
        ];
        for (text, scale, expect) in cases {
            assert_eq!(scaled(text, scale), expect, "{text:?} at scale {scale}");
        }
    }
}
