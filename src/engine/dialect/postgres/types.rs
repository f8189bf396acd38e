//! Supported types and common types.

use datafusion::{
    arrow::datatypes::DataType,
    sql::sqlparser::{
        ast::{ArrayElemTypeDef, CharacterLength, DataType as Sql, ExactNumberInfo, TimezoneInfo},
        parser::Parser,
    },
};

use super::grammar::PostgresGrammar;
use crate::engine::function::{
    decimal::scale,
    postgres::kind::{
        INTERVAL, MAX_DIGITS, PostgresKind, TIMESTAMP, array_of, as_numeric, numeric, timestamptz,
    },
};

/// The target type of a cast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ParsedType {
    /// The Arrow type, or `None` for plain `numeric`, whose precision and scale depend on the value.
    pub(super) data_type: Option<DataType>,
    /// The maximum number of characters; longer text is truncated.
    pub(super) length: Option<usize>,
}

const ADMITTED: &str = "use smallint, integer, bigint, numeric(p, s), real, double precision, boolean, text, varchar(n), \
                        date, timestamp, timestamptz, interval, bytea, or arrays of them";

/// Parses a type name.
///
/// # Errors
/// If the type isn't supported: returns a message and an alternative.
pub(super) fn parse(name: &str) -> Result<ParsedType, (String, &'static str)> {
    let grammar = PostgresGrammar::of_part();
    let parsed = Parser::new(&grammar).try_with_sql(name).and_then(|mut parser| parser.parse_data_type());
    match parsed {
        Ok(parsed) => target(&parsed),
        Err(_) => Err((format!("there is no type `{name}`"), ADMITTED)),
    }
}

fn target(sql: &Sql) -> Result<ParsedType, (String, &'static str)> {
    use DataType as T;
    let plain = |data_type| Ok(ParsedType { data_type: Some(data_type), length: None });
    plain(match sql {
        Sql::Boolean | Sql::Bool => T::Boolean,
        Sql::SmallInt(None) | Sql::Int2(None) => T::Int16,
        Sql::Int(None) | Sql::Integer(None) | Sql::Int4(None) => T::Int32,
        Sql::BigInt(None) | Sql::Int8(None) => T::Int64,
        Sql::Numeric(info) | Sql::Decimal(info) | Sql::Dec(info) => return decimal(*info),
        Sql::Real | Sql::Float4 => T::Float32,
        Sql::Float(ExactNumberInfo::Precision(digits)) if *digits <= 24 => T::Float32,
        Sql::Float(ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53))
        | Sql::DoublePrecision
        | Sql::Float8 => T::Float64,
        Sql::Text => T::Utf8,
        Sql::Varchar(length) | Sql::CharacterVarying(length) | Sql::CharVarying(length) => {
            let length = match length {
                None => None,
                Some(CharacterLength::IntegerLength { length, unit: None }) => usize::try_from(*length).ok(),
                Some(_) => return Err((format!("the type {sql} is not supported"), ADMITTED)),
            };
            return Ok(ParsedType { data_type: Some(T::Utf8), length });
        }
        Sql::Bytea => T::Binary,
        Sql::Date => T::Date32,
        Sql::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => TIMESTAMP,
        Sql::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => timestamptz(),
        Sql::Interval { fields: None, precision: None } => INTERVAL,
        Sql::Array(ArrayElemTypeDef::SquareBracket(item, None)) => {
            let item = target(item)?;
            match item.data_type {
                Some(DataType::List(_)) | None => {
                    return Err((
                        format!("the type {sql} is not supported"),
                        "use an array of one dimension, with numeric(p, s) for numeric",
                    ));
                }
                Some(data_type) => array_of(data_type),
            }
        }
        Sql::Custom(name, modifiers) if modifiers.is_empty() => {
            match name.to_string().to_lowercase().as_str() {
                "timestamptz" => timestamptz(),
                "bool" => T::Boolean,
                _ => {
                    return Err((
                        format!("the type `{name}` is not supported with `dialect: postgresql`"),
                        ADMITTED,
                    ));
                }
            }
        }
        other => {
            return Err((format!("the type {other} is not supported with `dialect: postgresql`"), ADMITTED));
        }
    })
}

fn decimal(info: ExactNumberInfo) -> Result<ParsedType, (String, &'static str)> {
    let (digits, scale) = match info {
        ExactNumberInfo::None => return Ok(ParsedType { data_type: None, length: None }),
        ExactNumberInfo::Precision(digits) => (digits, 0),
        ExactNumberInfo::PrecisionAndScale(digits, scale) => (digits, scale),
    };
    match (u8::try_from(digits), i8::try_from(scale)) {
        (Ok(digits @ 1..=MAX_DIGITS), Ok(scale)) if (0..=i64::from(digits)).contains(&i64::from(scale)) => {
            Ok(ParsedType { data_type: Some(DataType::Decimal128(digits, scale)), length: None })
        }
        _ => Err((
            format!("numeric({digits}, {scale}) is not supported: a decimal has 1 to 38 digits here"),
            "use numeric(p, s) with p up to 38 and s from 0 to p",
        )),
    }
}

/// An operand, or one of several values that need a common type.
#[derive(Debug, Clone)]
pub(super) struct PostgresOperand {
    pub(super) data_type: DataType,
    /// True for NULL and text literals, whose type is still open.
    pub(super) unknown: bool,
    /// The text literal.
    pub(super) text: Option<String>,
}

/// Returns the common type of several values, as in CASE, COALESCE, UNION, VALUES and ARRAY.
pub(super) fn common(sides: &[PostgresOperand]) -> Option<DataType> {
    let known: Vec<&PostgresOperand> = sides.iter().filter(|side| !side.unknown).collect();
    let Some(first) = known.first() else { return Some(DataType::Utf8) };
    let mut found = first.data_type.clone();
    for side in &known[1..] {
        found = meet(&found, &side.data_type)?;
    }
    if let DataType::Decimal128(digits, digits_after) = found {
        // A number written as text adds its own digits.
        let texts = sides.iter().filter(|side| side.unknown).filter_map(|side| side.text.as_deref());
        let most = texts.map(|text| scale(&as_numeric(&DataType::Utf8, Some(text)))).max();
        if most.is_some_and(|most| most > digits_after) {
            return most.map(numeric);
        }
        return Some(DataType::Decimal128(digits, digits_after));
    }
    Some(found)
}

/// Returns the common type of two types, or `None` if they need an explicit cast.
fn meet(a: &DataType, b: &DataType) -> Option<DataType> {
    if a == b {
        return Some(a.clone());
    }
    let (left, right) = (PostgresKind::of(a)?, PostgresKind::of(b)?);
    if left == PostgresKind::Numeric || right == PostgresKind::Numeric {
        if matches!(left, PostgresKind::Real | PostgresKind::Double)
            || matches!(right, PostgresKind::Real | PostgresKind::Double)
        {
            return Some(if left == PostgresKind::Numeric { b.clone() } else { a.clone() });
        }
        if !(PostgresKind::Numeric.takes(a) && PostgresKind::Numeric.takes(b)) {
            return None;
        }
        return Some(numeric(scale(a).max(scale(b))));
    }
    if left == right && left != PostgresKind::AnyArray {
        return Some(if left == PostgresKind::SmallInt { DataType::Int16 } else { a.clone() });
    }
    if right.takes(a) {
        Some(b.clone())
    } else if left.takes(b) {
        Some(a.clone())
    } else {
        None
    }
}

/// Returns the type in which two values are compared, or `None` if there is no such operator.
pub(super) fn comparable(left: &PostgresOperand, right: &PostgresOperand) -> Option<DataType> {
    let found = match (left.unknown, right.unknown) {
        (true, true) => DataType::Utf8,
        (true, false) => as_operand(&right.data_type, left.text.as_deref()),
        (false, true) => as_operand(&left.data_type, right.text.as_deref()),
        (false, false) => compared(&left.data_type, &right.data_type)?,
    };
    let nested = matches!(found, DataType::Struct(_) | DataType::Map(..));
    (!nested).then_some(found)
}

/// Returns the type of a text literal next to a value of this type.
fn as_operand(of: &DataType, text: Option<&str>) -> DataType {
    match (of, text) {
        (DataType::Decimal128(..), Some(text)) => {
            let own = match as_numeric(&DataType::Utf8, Some(text)) {
                DataType::Decimal128(_, scale) => {
                    let digits = text.bytes().filter(u8::is_ascii_digit).count();
                    let digits = u8::try_from(digits).unwrap_or(MAX_DIGITS).clamp(1, MAX_DIGITS);
                    DataType::Decimal128(digits.max(scale.unsigned_abs()), scale)
                }
                other => other,
            };
            match compared(of, &own) {
                Some(found @ DataType::Decimal128(..)) => found,
                _ => numeric(scale(of).max(scale(&own))),
            }
        }
        _ => of.clone(),
    }
}

fn compared(a: &DataType, b: &DataType) -> Option<DataType> {
    if a == b {
        return Some(a.clone());
    }
    let (left, right) = (PostgresKind::of(a)?, PostgresKind::of(b)?);
    let floating = |kind| matches!(kind, PostgresKind::Real | PostgresKind::Double);
    if (floating(left) || floating(right)) && PostgresKind::Double.takes(a) && PostgresKind::Double.takes(b) {
        return Some(DataType::Float64);
    }
    if (left == PostgresKind::Numeric || right == PostgresKind::Numeric)
        && PostgresKind::Numeric.takes(a)
        && PostgresKind::Numeric.takes(b)
    {
        let (a, b) = (as_numeric(a, None), as_numeric(b, None));
        return wide(&a, &b);
    }
    meet(a, b)
}

/// Returns the decimal type that holds the digits of both.
#[expect(clippy::many_single_char_names, reason = "two types, and their precisions and scales")]
fn wide(a: &DataType, b: &DataType) -> Option<DataType> {
    let (DataType::Decimal128(p, s), DataType::Decimal128(q, t)) = (a, b) else { return None };
    let after = (*s).max(*t);
    let before = (i16::from(*p) - i16::from(*s)).max(i16::from(*q) - i16::from(*t));
    let digits = u8::try_from(before + i16::from(after)).ok()?;
    Some(if digits <= MAX_DIGITS {
        DataType::Decimal128(digits, after)
    } else {
        DataType::Decimal256(digits.min(76), after)
    })
}
