//! `format` and `printf`, which insert values into a text like the C++ library `fmt`.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray},
        compute::cast,
        datatypes::{DataType, Float64Type},
    },
    error::Result,
};

use super::{
    call::{Call, fail},
    description::{Function, takes},
    kind::Kind::{Any, Varchar},
};
use crate::engine::dialect::{double, value_texts};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["format"],
        syntax: "format(format, value, …)",
        doc: "Sets values into the places `{}` of a text, which may have a position and a format: `{1:>8.2f}`, `{:,}`, `{:05d}`.",
        example: ("format('{:,} of {}', 1234, 'x')", "1,234 of x"),
        overloads: &[takes(&[Varchar], Varchar, |call| write(call, braces)).and(Any)],
        ..Function::TEXT
    },
    Function {
        names: &["printf"],
        syntax: "printf(format, value, …)",
        doc: "Sets values into the places of a text that `%d`, `%s`, `%.2f` and so on mark.",
        example: ("printf('%05.1f %s', 3.14159, 'x')", "003.1 x"),
        overloads: &[takes(&[Varchar], Varchar, |call| write(call, percents)).and(Any)],
        ..Function::TEXT
    },
];

/// A row's value.
#[derive(Debug, Clone)]
enum Value {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
}

/// A column of values, in the few types that formats distinguish.
enum Values {
    Booleans(ArrayRef),
    Integers(StringArray),
    Floats(ArrayRef),
    Texts(StringArray),
}

impl Values {
    fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Booleans(std::sync::Arc::clone(array)),
            found if found.is_integer() || matches!(found, DataType::Decimal128(_, 0)) => {
                Self::Integers(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => {
                Self::Floats(cast(array, &DataType::Float64)?)
            }
            _ => Self::Texts(value_texts(array)?),
        })
    }

    /// Returns a row's value, or `None` for NULL.
    fn at(&self, row: usize) -> Option<Value> {
        match self {
            Self::Booleans(array) => {
                array.is_valid(row).then(|| Value::Boolean(array.as_boolean().value(row)))
            }
            Self::Integers(digits) => {
                digits.is_valid(row).then(|| Value::Integer(digits.value(row).parse().unwrap_or(0)))
            }
            Self::Floats(array) => {
                array.is_valid(row).then(|| Value::Float(array.as_primitive::<Float64Type>().value(row)))
            }
            Self::Texts(texts) => texts.is_valid(row).then(|| Value::Text(texts.value(row).to_owned())),
        }
    }
}

type Formatted = std::result::Result<String, String>;

fn write(call: &Call, format: impl Fn(&str, &[Value]) -> Formatted) -> Result<ArrayRef> {
    let formats = call.column::<&str>(0)?;
    let columns =
        (1..call.len()).map(|argument| Values::new(&call.array(argument)?)).collect::<Result<Vec<_>>>()?;
    call.each(|row| {
        let values: Option<Vec<Value>> = columns.iter().map(|column| column.at(row)).collect();
        let (Some(text), Some(values)) = (formats.at(row), values) else { return Ok(None) };
        match format(text, &values) {
            Ok(formatted) => Ok(Some(formatted)),
            Err(reason) => fail(format!("can't use the format `{text}`: {reason}")),
        }
    })
}

/// A format specification.
#[derive(Debug, Clone, Default)]
struct Style {
    fill: Option<char>,
    /// `<`, `>` or `^`; if absent, the value's type determines the alignment.
    align: Option<char>,
    /// The sign before non-negative numbers: `+` or a space.
    sign: Option<char>,
    alternate: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    thousands: Option<char>,
    letter: Option<char>,
}

/// The maximum width and precision.
const WIDEST: usize = 100_000;

/// Picks values in sequence or by position, but not both.
struct Picker<'a> {
    values: &'a [Value],
    next: usize,
    by_position: bool,
}

impl<'a> Picker<'a> {
    fn next(&mut self) -> std::result::Result<&'a Value, String> {
        if self.by_position {
            return Err("values are taken in order or by position, not both".into());
        }
        self.next += 1;
        self.get(self.next - 1)
    }

    fn at(&mut self, position: usize) -> std::result::Result<&'a Value, String> {
        if self.next > 0 {
            return Err("values are taken in order or by position, not both".into());
        }
        self.by_position = true;
        self.get(position)
    }

    fn get(&self, position: usize) -> std::result::Result<&'a Value, String> {
        self.values.get(position).ok_or_else(|| format!("there is no value {}", position + 1))
    }

    /// Returns a width or precision that is given as a value.
    fn size(&mut self) -> std::result::Result<usize, String> {
        match self.next()? {
            Value::Integer(size) => usize::try_from(*size)
                .ok()
                .filter(|size| *size <= WIDEST)
                .ok_or_else(|| format!("{size} is no width")),
            _ => Err("a width must be an integer".into()),
        }
    }
}

/// Formats values with the syntax of `format`.
fn braces(format: &str, values: &[Value]) -> Formatted {
    let mut picker = Picker { values, next: 0, by_position: false };
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err("a `}` is open".into());
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or("a `{` is open")?;
        let position = &rest[..digits];
        rest = &rest[digits..];
        let value = if position.is_empty() {
            picker.next()?
        } else {
            picker.at(position.parse().map_err(|_| "a position is too large".to_owned())?)?
        };
        let mut style = Style::default();
        if let Some(after) = rest.strip_prefix(':') {
            rest = brace_style(after, &mut style, &mut picker)?;
        }
        rest = rest.strip_prefix('}').ok_or("a `{` is open, or its format is not valid")?;
        text.push_str(&style.write(value, false)?);
    }
    text.push_str(rest);
    Ok(text)
}

/// Parses `[[fill]align][sign][#][0][width][,][.precision][letter]` and returns the remaining text.
fn brace_style<'a>(
    spec: &'a str,
    style: &mut Style,
    picker: &mut Picker,
) -> std::result::Result<&'a str, String> {
    let mut rest = spec;
    let is_align = |c: char| "<>^".contains(c);
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some(fill), Some(align)) if is_align(align) && fill != '{' && fill != '}' => {
            (style.fill, style.align) = (Some(fill), Some(align));
            rest = characters.as_str();
        }
        (Some(align), _) if is_align(align) => {
            style.align = Some(align);
            rest = &rest[1..];
        }
        _ => {}
    }
    if let Some(sign) = rest.chars().next().filter(|c| "+- ".contains(*c)) {
        style.sign = Some(sign).filter(|sign| *sign != '-');
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('#') {
        style.alternate = true;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('0') {
        style.zeros = true;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("{}") {
        style.width = picker.size()?;
        rest = after;
    } else {
        (style.width, rest) = size(rest)?;
    }
    if let Some(mark) = rest.chars().next().filter(|c| ",_'".contains(*c)) {
        style.thousands = Some(mark);
        rest = &rest[1..];
    } else if let Some(after) = rest.strip_prefix('t') {
        style.thousands = after.chars().next();
        rest = &after[style.thousands.map_or(0, char::len_utf8)..];
    }
    if let Some(after) = rest.strip_prefix('.') {
        if let Some(after) = after.strip_prefix("{}") {
            style.precision = Some(picker.size()?);
            rest = after;
        } else {
            let (precision, after) = size(after)?;
            style.precision = Some(precision);
            rest = after;
        }
    }
    if let Some(letter) = rest.chars().next().filter(|c| *c != '}') {
        style.letter = Some(letter);
        rest = &rest[letter.len_utf8()..];
    }
    Ok(rest)
}

fn size(rest: &str) -> std::result::Result<(usize, &str), String> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((0, rest));
    }
    let size = rest[..digits].parse::<usize>().ok().filter(|size| *size <= WIDEST);
    Ok((size.ok_or("a width is too large")?, &rest[digits..]))
}

/// Formats values with the syntax of `printf`.
fn percents(format: &str, values: &[Value]) -> Formatted {
    let mut picker = Picker { values, next: 0, by_position: false };
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let mut style = Style { align: Some('>'), ..Style::default() };
        while let Some(flag) = rest.chars().next().filter(|c| "-+ #0,'_".contains(*c)) {
            match flag {
                '-' => style.align = Some('<'),
                '+' => style.sign = Some('+'),
                ' ' => style.sign = style.sign.or(Some(' ')),
                '#' => style.alternate = true,
                '0' => style.zeros = true,
                other => style.thousands = Some(other),
            }
            rest = &rest[1..];
        }
        if let Some(after) = rest.strip_prefix('*') {
            style.width = picker.size()?;
            rest = after;
        } else {
            (style.width, rest) = size(rest)?;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if let Some(after) = after.strip_prefix('*') {
                style.precision = Some(picker.size()?);
                rest = after;
            } else if after.starts_with(|c: char| c.is_ascii_digit()) {
                let (precision, after) = size(after)?;
                style.precision = Some(precision);
                rest = after;
            } else {
                // A point without digits means precision 0; for an integer it is the thousands separator.
                if after.trim_start_matches(LENGTHS).starts_with(['f', 'F', 'e', 'E', 'g', 'G']) {
                    style.precision = Some(0);
                } else {
                    style.thousands = Some('.');
                }
                rest = after;
            }
        }
        rest = rest.trim_start_matches(LENGTHS);
        let letter = rest.chars().next().filter(char::is_ascii_alphabetic).ok_or("a `%` has no letter")?;
        style.letter = Some(if letter == 'i' || letter == 'u' { 'd' } else { letter });
        rest = &rest[1..];
        if style.align == Some('<') {
            style.zeros = false;
        } else if style.zeros {
            style.align = None;
        }
        text.push_str(&style.write(picker.next()?, true)?);
    }
    text.push_str(rest);
    Ok(text)
}

/// C's length modifiers, which have no effect here.
const LENGTHS: [char; 5] = ['h', 'l', 'j', 't', 'L'];

impl Style {
    fn write(&self, value: &Value, is_printf: bool) -> Formatted {
        match value {
            Value::Boolean(value) => match self.letter {
                None | Some('s') => self.text(if *value { "true" } else { "false" }),
                Some(_) => self.integer(i128::from(*value), is_printf),
            },
            Value::Integer(value) => self.integer(*value, is_printf),
            Value::Float(value) => self.float(*value),
            Value::Text(value) => match self.letter {
                None | Some('s') => self.text(value),
                Some(letter) => Err(format!("`{letter}` is no format of text")),
            },
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as its siblings")]
    fn text(&self, value: &str) -> Formatted {
        let kept: String = match self.precision {
            Some(length) => value.chars().take(length).collect(),
            None => value.to_owned(),
        };
        Ok(self.aligned("", &kept, '<'))
    }

    fn integer(&self, value: i128, is_printf: bool) -> Formatted {
        if self.precision.is_some() && !is_printf {
            return Err("an integer has no precision".into());
        }
        let size = value.unsigned_abs();
        // Grouped digits are always decimal, whatever the letter.
        let letter = self.letter.filter(|_| self.thousands.is_none());
        let (prefix, digits) = match letter {
            None | Some('d' | 'n' | 'L') => ("", size.to_string()),
            Some('x') => ("0x", format!("{size:x}")),
            Some('X') => ("0X", format!("{size:X}")),
            Some('o') => ("0", format!("{size:o}")),
            Some('b') => ("0b", format!("{size:b}")),
            Some('B') => ("0B", format!("{size:b}")),
            Some('c') if is_printf => {
                let character = u32::try_from(value).ok().and_then(char::from_u32);
                return Ok(self.aligned("", &character.ok_or("no such character")?.to_string(), '<'));
            }
            Some(letter) => return Err(format!("`{letter}` is no format of an integer")),
        };
        let prefix = if self.alternate { prefix } else { "" };
        let least = self.precision.unwrap_or(0);
        let digits = if digits.len() < least { format!("{digits:0>least$}") } else { digits };
        Ok(self.aligned(&format!("{}{prefix}", self.sign_of(value < 0)), &self.grouped(&digits), '>'))
    }

    fn float(&self, value: f64) -> Formatted {
        let size = value.abs();
        let mut digits = match self.letter {
            _ if !size.is_finite() => (if size.is_nan() { "nan" } else { "inf" }).to_owned(),
            None if self.precision.is_none() => shortest(size),
            None => padded_general(size, self.precision.unwrap_or(6)),
            Some('g' | 'G') => general(size, self.precision.unwrap_or(6)),
            Some('f' | 'F') => format!("{size:.*}", self.precision.unwrap_or(6)),
            Some('e' | 'E') => scientific(size, self.precision.unwrap_or(6)),
            Some(letter) => return Err(format!("`{letter}` is no format of a number with decimal places")),
        };
        if matches!(self.letter, Some('E' | 'G' | 'F')) {
            digits = digits.to_uppercase();
        }
        let sign = self.sign_of(value.is_sign_negative() && !value.is_nan());
        Ok(self.aligned(sign, &self.grouped(&digits), '>'))
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(_)) => " ",
            (false, None) => "",
        }
    }

    /// Inserts thousands separators into the digits before the point.
    fn grouped(&self, digits: &str) -> String {
        let Some(mark) = self.thousands else { return digits.to_owned() };
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let mut grouped = String::new();
        for (at, digit) in digits[..whole].chars().enumerate() {
            if at > 0 && (whole - at) % 3 == 0 {
                grouped.push(mark);
            }
            grouped.push(digit);
        }
        grouped + &digits[whole..]
    }

    fn aligned(&self, sign: &str, digits: &str, usual: char) -> String {
        let length = sign.chars().count() + digits.chars().count();
        let missing = self.width.saturating_sub(length);
        if self.zeros && self.align.is_none() && usual == '>' {
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        let fill = self.fill.unwrap_or(' ').to_string();
        let before = match self.align.unwrap_or(usual) {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        format!("{}{sign}{digits}{}", fill.repeat(before), fill.repeat(missing - before))
    }
}

/// Formats a number with the shortest digits that parse back to it, as DuckDB does.
fn shortest(size: f64) -> String {
    double(size)
}

/// Formats a number with an exponent: `1.5e+00`.
fn scientific(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Formats a number as the shorter of `f` and `e` when no letter is given: a number of at least 1 keeps
/// trailing zeros up to the precision, and at least one.
fn padded_general(size: f64, precision: usize) -> String {
    let short = general(size, precision);
    if precision == 0 {
        return short;
    }
    let (mantissa, exponent) = short.split_once('e').map_or((short.as_str(), None), |(m, e)| (m, Some(e)));
    if exponent.is_none() && mantissa.starts_with("0.") {
        return short;
    }
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let missing = precision.saturating_sub(digits);
    let mut text = mantissa.to_owned();
    if !text.contains('.') && (missing > 0 || exponent.is_none()) {
        text.push('.');
        if missing == 0 {
            text.push('0');
        }
    }
    text.extend(std::iter::repeat_n('0', missing));
    match exponent {
        Some(exponent) => format!("{text}e{exponent}"),
        None => text,
    }
}

/// Formats a number as the shorter of `f` and `e`, with `precision` significant digits and no trailing zeros.
fn general(size: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let rounded = format!("{size:.*e}", precision - 1);
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let wide = i32::try_from(precision).unwrap_or(i32::MAX);
    let trim = |text: &str| {
        let kept = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        kept.to_owned()
    };
    if exponent < -4 || exponent >= wide {
        let text = scientific(size, precision - 1);
        let (mantissa, tail) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{tail}", trim(mantissa));
    }
    let places = usize::try_from(wide - 1 - exponent).unwrap_or(0);
    trim(&format!("{size:.places$}"))
}
