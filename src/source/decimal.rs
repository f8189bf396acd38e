//! Parsing of decimal numbers.

/// Parses `text` and multiplies it by ten to the `scale`, rounding half away from zero. Returns `None` if it
/// isn't a number or needs more than `precision` digits.
pub(crate) fn parse(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if all().next().is_none() || !all().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?;
    // The number of digits up to the last one kept.
    let kept = point.checked_add(exponent)?.checked_add(i32::from(scale))?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    let mut value = 0_i128;
    let mut place = 0_i32;
    for digit in all().map(|digit| i128::from(digit - b'0')) {
        if place < kept {
            value = value * 10 + digit;
        } else if place == kept && digit >= 5 {
            value += 1;
        }
        if value >= limit {
            return None;
        }
        place += 1;
    }
    while place < kept && value != 0 {
        value *= 10;
        if value >= limit {
            return None;
        }
        place += 1;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    #[test]
    fn rounds_shifts_and_refuses() {
        let check = |text: &str, want: Option<i128>| assert_eq!(super::parse(text, 5, 2), want, "{text}");
        check("1", Some(100));
        check("-1.255", Some(-126));
        check("0.004", Some(0));
        check("0.005", Some(1));
        check("1.5e2", Some(15000));
        check("15e-1", Some(150));
        check("5e-3", Some(1));
        check("5e-4", Some(0));
        check(".5", Some(50));
        check("999.99", Some(99999));
        check("999.995", None);
        check("1000", None);
        check("0e99", Some(0));
        check("1e99999999999", None);
        check("", None);
        check(".", None);
        check("1.2.3", None);
        check("n/a", None);
    }
}
