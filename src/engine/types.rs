//! SQL names of Arrow types, as column declarations write them and messages show them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, TimeUnit};

use crate::diag::near;

/// The type of a declared JSON column. No other column of a source has it: text is `Utf8View`.
pub(crate) const JSON: DataType = DataType::LargeUtf8;

const NAMES: [&str; 40] = [
    "bigint",
    "binary",
    "blob",
    "bool",
    "boolean",
    "bytea",
    "bytes",
    "char",
    "date",
    "datetime",
    "dec",
    "decimal",
    "double",
    "double precision",
    "float",
    "float32",
    "float4",
    "float64",
    "float8",
    "int",
    "int2",
    "int4",
    "int64",
    "int8",
    "integer",
    "json",
    "list",
    "long",
    "map",
    "numeric",
    "real",
    "smallint",
    "string",
    "struct",
    "text",
    "timestamp",
    "timestamptz",
    "tinyint",
    "varbinary",
    "varchar",
];

/// Parses the name of a SQL type, in any case, into an Arrow type. The error suggests similar names.
///
/// Text is `Utf8View`, like DataFusion's own `varchar`. Timestamps count microseconds, without a zone or in
/// UTC.
///
/// `struct(a bigint, b varchar)`, `list(bigint)` or `bigint[]` and `map(varchar, bigint)` nest to any depth.
/// `json` is text that must be JSON.
pub fn data_type(sql: &str) -> Result<DataType, String> {
    if let Some(nested) = nested_type(sql) {
        return nested;
    }
    let lower = sql.to_ascii_lowercase();
    let lower = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    let (name, arguments) = split_arguments(&lower).ok_or_else(|| unknown(sql, &lower))?;
    let simple = match name.as_str() {
        "decimal" | "numeric" | "dec" => return decimal(sql, arguments.as_deref()),
        "varchar" | "character varying" | "char" | "character" if arguments.is_some() => {
            return Ok(DataType::Utf8View);
        }
        "timestamp" | "timestamptz" | "timestamp with time zone" | "timestamp without time zone"
            if arguments.as_deref() == Some("6") =>
        {
            return data_type(&name);
        }
        "varchar" | "character varying" | "char" | "character" | "text" | "string" => DataType::Utf8View,
        "boolean" | "bool" => DataType::Boolean,
        "tinyint" => DataType::Int8,
        "smallint" | "int2" => DataType::Int16,
        "integer" | "int" | "int4" => DataType::Int32,
        "bigint" | "int8" | "int64" | "long" => DataType::Int64,
        "real" | "float4" | "float32" | "float" => DataType::Float32,
        "double" | "double precision" | "float8" | "float64" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" | "datetime" | "timestamp without time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        "timestamptz" | "timestamp with time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        "blob" | "binary" | "bytea" | "varbinary" | "bytes" => DataType::Binary,
        "json" => JSON,
        "list" | "array" | "struct" | "row" | "map" => {
            return Err(format!(
                "type `{sql}`: write struct(a bigint, b varchar), list(bigint) or map(varchar, bigint)"
            ));
        }
        _ => return Err(unknown(sql, &name)),
    };
    if arguments.is_some() {
        return Err(format!("type `{sql}`: `{name}` takes no such argument"));
    }
    Ok(simple)
}

/// Parses the name of a struct, list or map type. Returns `None` for other names.
fn nested_type(sql: &str) -> Option<Result<DataType, String>> {
    let sql = sql.trim();
    if let Some(item) = sql.strip_suffix("[]") {
        return Some(data_type(item).map(|item| DataType::new_list(item, true)));
    }
    let (name, arguments) = sql.strip_suffix(')')?.split_once('(')?;
    let parts = split_parts(arguments);
    let shape = |what: &str| Err(format!("type `{sql}`: write {what}"));
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "list" | "array" => match &parts[..] {
            [item] if !item.is_empty() => data_type(item).map(|item| DataType::new_list(item, true)),
            _ => shape("list(type), such as list(bigint)"),
        },
        "map" => match &parts[..] {
            [key, value] => map_type(sql, key, value),
            _ => shape("map(varchar, type), such as map(varchar, bigint)"),
        },
        "struct" | "row" => {
            let fields: Result<Vec<_>, String> = parts.iter().map(|part| struct_field(sql, part)).collect();
            fields.map(|fields| DataType::Struct(fields.into()))
        }
        _ => return None,
    })
}

fn map_type(sql: &str, key: &str, value: &str) -> Result<DataType, String> {
    let key = data_type(key)?;
    if key != DataType::Utf8View {
        return Err(format!("type `{sql}`: the keys of a map are varchar"));
    }
    let entries = vec![Field::new("key", key, false), Field::new("value", data_type(value)?, true)];
    let entries = Field::new("key_value", DataType::Struct(entries.into()), false);
    Ok(DataType::Map(Arc::new(entries), false))
}

/// Parses `a bigint` or `"a b" bigint`.
fn struct_field(sql: &str, part: &str) -> Result<Field, String> {
    let shape = || format!("type `{sql}`: write struct(name type, …), such as struct(a bigint, b varchar)");
    let (name, rest) = match part.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or_else(shape)?,
        None => part.split_once([' ', ':']).ok_or_else(shape)?,
    };
    let rest = rest.trim_start_matches(':').trim();
    if name.is_empty() || rest.is_empty() {
        return Err(shape());
    }
    Ok(Field::new(name, data_type(rest)?, true))
}

/// Splits at commas outside parentheses and quotes.
fn split_parts(arguments: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_usize, false);
    for (at, character) in arguments.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

/// Returns the name with which a source column of this type is declared, the inverse of [`data_type`].
#[must_use]
pub fn declared_name(data_type: &DataType) -> String {
    match data_type {
        DataType::LargeUtf8 => "json".to_owned(),
        DataType::List(item) => format!("list({})", declared_name(item.data_type())),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let name = field.name();
                let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
                let name = if plain && !name.is_empty() { name.clone() } else { format!("\"{name}\"") };
                format!("{name} {}", declared_name(field.data_type()))
            });
            format!("struct({})", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(entries) => {
                let parts = entries.iter().map(|entry| declared_name(entry.data_type()));
                format!("map({})", parts.collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        },
        other => type_name(other),
    }
}

/// Returns the SQL name of a type: one that [`data_type`] parses, or for nested types the usual notation.
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    let simple = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "blob",
        DataType::UInt8 => "utinyint",
        DataType::UInt16 => "usmallint",
        DataType::UInt32 => "uinteger",
        DataType::UInt64 => "ubigint",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Null => "null",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("decimal({precision}, {scale})"),
        DataType::List(item) | DataType::LargeList(item) => {
            return format!("{}[]", type_name(item.data_type()));
        }
        DataType::FixedSizeList(item, length) => {
            return format!("{}[{length}]", type_name(item.data_type()));
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(entry) = entries.data_type() else { return data_type.to_string() };
            let parts: Vec<String> = entry.iter().map(|field| type_name(field.data_type())).collect();
            return format!("map({})", parts.join(", "));
        }
        DataType::Union(fields, _) => {
            let fields =
                fields.iter().map(|(_, field)| format!("{} {}", field.name(), type_name(field.data_type())));
            return format!("union({})", fields.collect::<Vec<_>>().join(", "));
        }
        DataType::Dictionary(_, values) => return type_name(values),
        DataType::Struct(fields) => {
            let fields =
                fields.iter().map(|field| format!("{} {}", field.name(), type_name(field.data_type())));
            return format!("struct({})", fields.collect::<Vec<_>>().join(", "));
        }
        other => return other.to_string(),
    };
    simple.to_owned()
}

/// Splits `decimal(10, 2) x` into `decimal x` and `10, 2`.
fn split_arguments(lower: &str) -> Option<(String, Option<String>)> {
    let Some((name, rest)) = lower.split_once('(') else { return Some((lower.to_owned(), None)) };
    let (arguments, after) = rest.split_once(')')?;
    let name = [name.trim(), after.trim()].join(" ").trim().to_owned();
    Some((name, Some(arguments.trim().to_owned())))
}

fn decimal(sql: &str, arguments: Option<&str>) -> Result<DataType, String> {
    let mut numbers = arguments.unwrap_or("18,3").split(',').map(|part| part.trim().parse::<u8>());
    let (precision, scale) = match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(precision)), None, _) => (precision, 0),
        (Some(Ok(precision)), Some(Ok(scale)), None) => (precision, scale),
        _ => return Err(format!("type `{sql}`: write decimal(precision, scale), such as decimal(10, 2)")),
    };
    if precision == 0 || precision > DECIMAL128_MAX_PRECISION || scale > precision {
        return Err(format!(
            "type `{sql}`: the precision is from 1 to {DECIMAL128_MAX_PRECISION} and the scale at most the precision"
        ));
    }
    Ok(DataType::Decimal128(precision, scale.cast_signed()))
}

fn unknown(sql: &str, name: &str) -> String {
    let hint = near::question(name, NAMES).unwrap_or_else(|| {
        "known are varchar, boolean, tinyint, smallint, integer, bigint, real, double, decimal(p, s), date, \
         timestamp, timestamptz, blob, json, struct(…), list(…) and map(…)"
            .to_owned()
    });
    format!("unknown type `{sql}`: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_and_spacing() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let check = |sql: &str, want: DataType| assert_eq!(data_type(sql), Ok(want), "{sql}");
        check("VarChar", DataType::Utf8View);
        check("varchar(20)", DataType::Utf8View);
        check("double  precision", DataType::Float64);
        check("INT", DataType::Int32);
        check("tinyint", DataType::Int8);
        check("numeric(12,4)", DataType::Decimal128(12, 4));
        check("decimal(5)", DataType::Decimal128(5, 0));
        check("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None));
        check("TIMESTAMP WITH TIME ZONE", zoned.clone());
        check("timestamp(6) with time zone", zoned.clone());
        check("timestamptz", zoned);
        check("blob", DataType::Binary);
    }

    #[test]
    fn a_types_name_is_read_back_as_the_type() {
        for name in [
            "varchar",
            "boolean",
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "real",
            "double",
            "date",
            "timestamp",
            "timestamptz",
            "blob",
            "decimal(10, 2)",
        ] {
            assert_eq!(type_name(&data_type(name).unwrap()), name);
        }
    }

    #[test]
    fn nested_types_nest() {
        for (sql, name) in [
            ("struct(a bigint, B VARCHAR(3))", "struct(a bigint, B varchar)"),
            (
                "STRUCT( \"a b\" int[] , c struct(d decimal(10,2)))",
                "struct(\"a b\" list(integer), c struct(d decimal(10, 2)))",
            ),
            ("list(list(json))", "list(list(json))"),
            ("bigint[][]", "list(list(bigint))"),
            ("map(varchar, struct(x double)[])", "map(varchar, list(struct(x double)))"),
            ("json", "json"),
        ] {
            let read = data_type(sql).unwrap();
            assert_eq!(declared_name(&read), name);
            assert_eq!(data_type(name).unwrap(), read);
        }
        let check = |sql: &str| data_type(sql).unwrap_err();
        insta::assert_snapshot!(check("struct(a)"), @"type `struct(a)`: write struct(name type, …), such as struct(a bigint, b varchar)");
        insta::assert_snapshot!(check("struct(a bigit)"), @"unknown type `bigit`: did you mean `bigint`?");
        insta::assert_snapshot!(check("map(bigint, bigint)"), @"type `map(bigint, bigint)`: the keys of a map are varchar");
        insta::assert_snapshot!(check("list"), @"type `list`: write struct(a bigint, b varchar), list(bigint) or map(varchar, bigint)");
    }

    #[test]
    fn errors_name_what_is_near() {
        let check = |sql: &str| data_type(sql).unwrap_err();
        insta::assert_snapshot!(check("bigit"), @"unknown type `bigit`: did you mean `bigint`?");
        insta::assert_snapshot!(check("money"), @"unknown type `money`: known are varchar, boolean, tinyint, smallint, integer, bigint, real, double, decimal(p, s), date, timestamp, timestamptz, blob, json, struct(…), list(…) and map(…)");
        insta::assert_snapshot!(check("decimal(50, 2)"), @"type `decimal(50, 2)`: the precision is from 1 to 38 and the scale at most the precision");
        insta::assert_snapshot!(check("decimal(a)"), @"type `decimal(a)`: write decimal(precision, scale), such as decimal(10, 2)");
        insta::assert_snapshot!(check("int(4)"), @"type `int(4)`: `int` takes no such argument");
    }
}
