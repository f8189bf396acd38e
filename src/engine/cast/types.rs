//! DuckDB's types: maps SQL names to Arrow types, and finds the common type of two values.

use datafusion::{
    arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit},
    sql::sqlparser::ast::{ArrayElemTypeDef, DataType as Sql, ExactNumberInfo, StructField, TimezoneInfo},
};

use super::type_name::type_name;

/// The maximum number of digits of a decimal.
pub(crate) const MAX_DIGITS: u8 = 38;
/// The time zone of stored timestamps with a time zone.
pub(crate) const UTC: &str = "UTC";

/// HUGEINT: a decimal without a fraction, because Delta has no 128-bit integer.
pub(crate) const HUGEINT: DataType = DataType::Decimal128(MAX_DIGITS, 0);

/// DuckDB's TIMESTAMP.
pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// DuckDB's INTERVAL.
pub(crate) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Returns DuckDB's TIMESTAMP WITH TIME ZONE.
pub(crate) fn timestamptz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// The special rules of a DuckDB type that Arrow represents by another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TypeRule {
    /// No special rule: Arrow has the same type.
    Plain,
    /// Text: 32 hexadecimal digits in five groups.
    Uuid,
    /// Text: a JSON document.
    Json,
    /// HUGEINT: a decimal that is rounded like an integer.
    Huge,
}

/// The target type of a cast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CastTarget {
    /// The Arrow type.
    pub(crate) data_type: DataType,
    /// The rule for values that the Arrow type alone doesn't express.
    pub(crate) rule: TypeRule,
}

impl CastTarget {
    pub(crate) fn plain(data_type: DataType) -> Self {
        Self { data_type, rule: TypeRule::Plain }
    }

    /// Returns its name in DuckDB.
    pub(crate) fn name(&self) -> String {
        match self.rule {
            TypeRule::Plain => name(&self.data_type),
            TypeRule::Uuid => "UUID".into(),
            TypeRule::Json => "JSON".into(),
            TypeRule::Huge => "HUGEINT".into(),
        }
    }
}

/// Returns the type that a SQL name means in DuckDB.
///
/// # Errors
/// If the type is unknown or unsupported, with an alternative if there is one.
pub(crate) fn target(sql: &Sql) -> Result<CastTarget, String> {
    use DataType as T;
    let data_type = match sql {
        Sql::Uuid => return Ok(CastTarget { data_type: T::Utf8, rule: TypeRule::Uuid }),
        Sql::JSON => return Ok(CastTarget { data_type: T::Utf8, rule: TypeRule::Json }),
        Sql::Character(_)
        | Sql::Char(_)
        | Sql::CharacterVarying(_)
        | Sql::CharVarying(_)
        | Sql::Varchar(_)
        | Sql::Nvarchar(_)
        | Sql::Text
        | Sql::String(_) => T::Utf8,
        Sql::Binary(_) | Sql::Varbinary(_) | Sql::Blob(_) | Sql::Bytea => T::Binary,
        Sql::Numeric(info) | Sql::Decimal(info) | Sql::Dec(info) => decimal(*info)?,
        Sql::Float(ExactNumberInfo::Precision(digits)) if *digits > 24 => T::Float64,
        Sql::Float(_) | Sql::Real | Sql::Float4 => T::Float32,
        Sql::Double(_) | Sql::DoublePrecision | Sql::Float8 => T::Float64,
        Sql::TinyInt(Some(_))
        | Sql::SmallInt(Some(_))
        | Sql::Int(Some(_))
        | Sql::Integer(Some(_))
        | Sql::BigInt(Some(_)) => {
            return Err(format!("{sql} is not a type: integers have no number of digits"));
        }
        Sql::TinyInt(_) => T::Int8,
        Sql::SmallInt(_) | Sql::Int2(_) | Sql::Int16 => T::Int16,
        Sql::Int(_) | Sql::Integer(_) | Sql::Int4(_) | Sql::Int32 | Sql::Signed => T::Int32,
        Sql::BigInt(_) | Sql::Int8(_) | Sql::Int64 => T::Int64,
        Sql::HugeInt | Sql::Int128 => return Ok(CastTarget { data_type: HUGEINT, rule: TypeRule::Huge }),
        Sql::UTinyInt | Sql::UInt8 => T::UInt8,
        Sql::USmallInt | Sql::UInt16 => T::UInt16,
        Sql::UInt32 => T::UInt32,
        Sql::UBigInt | Sql::UInt64 => T::UInt64,
        Sql::Bool | Sql::Boolean => T::Boolean,
        Sql::Date | Sql::Date32 => T::Date32,
        Sql::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => T::Time64(TimeUnit::Microsecond),
        Sql::Timestamp(precision, zone) => timestamp(*precision, *zone)?,
        Sql::TimestampNtz(precision) | Sql::Datetime(precision) => timestamp(*precision, TimezoneInfo::None)?,
        Sql::Interval { .. } => INTERVAL,
        Sql::Array(ArrayElemTypeDef::SquareBracket(item, Some(_))) => {
            return Err(format!("lists of a fixed length are not supported: use {item}[]"));
        }
        Sql::Array(
            ArrayElemTypeDef::SquareBracket(item, _)
            | ArrayElemTypeDef::AngleBracket(item)
            | ArrayElemTypeDef::Parenthesis(item),
        ) => list(target(item)?.data_type),
        Sql::Struct(fields, _) => structure(fields)?,
        Sql::Map(key, value) => map(target(key)?.data_type, target(value)?.data_type),
        Sql::Custom(name, modifiers) => {
            return custom(&name.to_string().replace('"', "").to_lowercase(), modifiers);
        }
        other => return Err(format!("the type {other} is not supported")),
    };
    Ok(CastTarget::plain(data_type))
}

/// Resolves type names that the parser doesn't know.
fn custom(name: &str, modifiers: &[String]) -> Result<CastTarget, String> {
    use DataType as T;
    let data_type = match name {
        "int1" => T::Int8,
        "short" => T::Int16,
        "long" | "oid" => T::Int64,
        "uinteger" => T::UInt32,
        "logical" => T::Boolean,
        "bpchar" => T::Utf8,
        "timestamp_s" => T::Timestamp(TimeUnit::Second, None),
        "timestamp_ms" => T::Timestamp(TimeUnit::Millisecond, None),
        "timestamp_us" => TIMESTAMP,
        "timestamp_ns" => T::Timestamp(TimeUnit::Nanosecond, None),
        "timestamptz" => timestamptz(),
        "map" => {
            let [key, value] = modifiers else { return Err("a map is written `map(key, value)`".into()) };
            map(named(key)?, named(value)?)
        }
        "guid" => return Ok(CastTarget { data_type: T::Utf8, rule: TypeRule::Uuid }),
        "bit" | "bitstring" | "bignum" | "varint" | "variant" | "uhugeint" | "union" | "enum" | "timetz"
        | "geometry" | "null" => {
            return Err(format!("the type {} is not supported: Delta has none like it", name.to_uppercase()));
        }
        _ => return Err(format!("there is no type `{name}`")),
    };
    Ok(CastTarget::plain(data_type))
}

fn named(name: &str) -> Result<DataType, String> {
    let grammar = crate::engine::grammar::DuckDbGrammar::of_part();
    let mut parser = datafusion::sql::sqlparser::parser::Parser::new(&grammar)
        .try_with_sql(name)
        .map_err(|error| error.to_string())?;
    let parsed = parser.parse_data_type().map_err(|error| error.to_string())?;
    target(&parsed).map(|target| target.data_type)
}

fn decimal(info: ExactNumberInfo) -> Result<DataType, String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (18, 3),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(digits @ 1..=MAX_DIGITS), Ok(scale)) if (0..=i64::from(digits)).contains(&i64::from(scale)) => {
            Ok(DataType::Decimal128(digits, scale))
        }
        _ => Err(format!(
            "decimal({precision}, {scale}) is not a type: it has 1 to {MAX_DIGITS} digits, and no more after the point"
        )),
    }
}

fn timestamp(precision: Option<u64>, zone: TimezoneInfo) -> Result<DataType, String> {
    if matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) {
        return Ok(timestamptz());
    }
    Ok(DataType::Timestamp(
        match precision {
            Some(0) => TimeUnit::Second,
            Some(1..=3) => TimeUnit::Millisecond,
            None | Some(4..=6) => TimeUnit::Microsecond,
            Some(7..=9) => TimeUnit::Nanosecond,
            Some(more) => return Err(format!("timestamp({more}) is not a type: it has 0 to 9 digits")),
        },
        None,
    ))
}

fn structure(fields: &[StructField]) -> Result<DataType, String> {
    let fields = fields.iter().map(|field| {
        let name = field.field_name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
        Ok(Field::new(name, target(&field.field_type)?.data_type, true))
    });
    Ok(DataType::Struct(fields.collect::<Result<Fields, String>>()?))
}

/// Returns the type of a list of `item`s.
pub(crate) fn list(item: DataType) -> DataType {
    DataType::List(Field::new_list_field(item, true).into())
}

/// Returns the type of a map from `key` to `value`.
pub(crate) fn map(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Field::new("entries", DataType::Struct(entries), false).into(), false)
}

/// Returns the name that DuckDB gives a type.
pub(crate) fn name(data_type: &DataType) -> String {
    if data_type == &DataType::Null { "NULL".into() } else { type_name(data_type) }
}

/// Returns whether a type is text.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Returns whether a type is a number. Booleans aren't.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating() || is_decimal(data_type)
}

/// Returns whether a type is a decimal.
pub(crate) fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Returns the precision and scale of the decimal that holds every value of an integer or decimal type.
pub(in crate::engine) fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    use DataType as T;
    Some(match data_type {
        T::Int8 | T::UInt8 => (3, 0),
        T::Int16 | T::UInt16 => (5, 0),
        T::Int32 | T::UInt32 => (10, 0),
        T::Int64 => (19, 0),
        T::UInt64 => (20, 0),
        T::Decimal128(digits, scale) | T::Decimal256(digits, scale) => (*digits, *scale),
        _ => return None,
    })
}

/// The prefix of the field names of a row, whose fields only have numbers in SQL.
pub(in crate::engine) const ROW_FIELD: &str = "element_";

/// Returns whether a struct is a row, whose fields have numbers instead of names.
pub(in crate::engine) fn is_row(fields: &Fields) -> bool {
    !fields.is_empty()
        && fields.iter().enumerate().all(|(at, field)| {
            field.name().strip_prefix(ROW_FIELD).is_some_and(|number| number == (at + 1).to_string())
        })
}

/// Returns the common type of two types without an explicit cast, as in comparisons, CASE, UNION and lists;
/// `None` if there is none. Text combines only with text here; the caller handles literals.
#[expect(clippy::match_same_arms, reason = "a pair of types a line")]
pub(in crate::engine) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (T::Null, other) | (other, T::Null) => other.clone(),
        (T::Dictionary(_, a), b) | (b, T::Dictionary(_, a)) => return common(a, b),
        (T::Boolean, number) | (number, T::Boolean) if is_number(number) => number.clone(),
        (a, b) if is_number(a) && is_number(b) => return number(a, b),
        (a, b) if is_text(a) && is_text(b) => T::Utf8,
        (a, b) if is_bytes(a) && is_bytes(b) => T::Binary,
        (T::Date32 | T::Date64, T::Date32 | T::Date64) => T::Date32,
        (T::Date32 | T::Date64, T::Timestamp(_, None)) => b.clone(),
        (T::Timestamp(_, None), T::Date32 | T::Date64) => a.clone(),
        (T::Date32 | T::Date64, T::Timestamp(_, Some(_)))
        | (T::Timestamp(_, Some(_)), T::Date32 | T::Date64) => timestamptz(),
        (T::Timestamp(a, None), T::Timestamp(b, None)) => T::Timestamp((*a).max(*b), None),
        (T::Timestamp(..), T::Timestamp(..)) => timestamptz(),
        (T::Time32(_) | T::Time64(_), T::Time32(_) | T::Time64(_)) => T::Time64(TimeUnit::Microsecond),
        (T::Interval(_) | T::Duration(_), T::Interval(_) | T::Duration(_)) => INTERVAL,
        (a, b) => return nested(a, b),
    })
}

fn nested(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    match (a, b) {
        (
            T::List(a) | T::LargeList(a) | T::FixedSizeList(a, _),
            T::List(b) | T::LargeList(b) | T::FixedSizeList(b, _),
        ) => Some(list(common(a.data_type(), b.data_type())?)),
        (T::Struct(a), T::Struct(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| {
                let same = a.name().eq_ignore_ascii_case(b.name());
                Some(Field::new(a.name(), same.then(|| common(a.data_type(), b.data_type()))??, true))
            });
            Some(T::Struct(fields.collect::<Option<Fields>>()?))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) if a.len() == 2 && b.len() == 2 => Some(map(
                common(a[0].data_type(), b[0].data_type())?,
                common(a[1].data_type(), b[1].data_type())?,
            )),
            _ => None,
        },
        _ => None,
    }
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

/// Returns the common type of two numeric types.
fn number(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (a, b) {
        (T::Float64, _) | (_, T::Float64) => T::Float64,
        (T::Float32 | T::Float16, _) | (_, T::Float32 | T::Float16) => T::Float32,
        (a, b) if is_decimal(a) || is_decimal(b) => {
            let ((a, a_scale), (b, b_scale)) = (digits(a)?, digits(b)?);
            let scale = a_scale.max(b_scale);
            let whole = whole(a, a_scale).max(whole(b, b_scale));
            T::Decimal128((whole + scale.unsigned_abs()).min(MAX_DIGITS), scale)
        }
        (a, b) => integer(a, b),
    })
}

/// Returns the number of digits before the decimal point.
pub(crate) fn whole(digits: u8, scale: i8) -> u8 {
    u8::try_from((i16::from(digits) - i16::from(scale)).max(0)).unwrap_or(MAX_DIGITS)
}

/// Returns the smallest integer type that holds both; HUGEINT beyond 64 bits.
fn integer(a: &DataType, b: &DataType) -> DataType {
    use DataType as T;
    let (signed_a, signed_b) = (a.is_signed_integer(), b.is_signed_integer());
    let (size_a, size_b) = (a.primitive_width().unwrap_or(8), b.primitive_width().unwrap_or(8));
    if signed_a == signed_b {
        return if size_a >= size_b { a.clone() } else { b.clone() };
    }
    let (signed, unsigned) = if signed_a { (size_a, size_b) } else { (size_b, size_a) };
    match signed.max(unsigned * 2) {
        1 | 2 => T::Int16,
        4 => T::Int32,
        8 => T::Int64,
        _ => HUGEINT,
    }
}
