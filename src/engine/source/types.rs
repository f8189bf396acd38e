//! The type names people declare columns with.

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};

use crate::diag::near;

const NAMES: [&str; 35] = [
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
    "long",
    "numeric",
    "real",
    "smallint",
    "string",
    "text",
    "timestamp",
    "timestamptz",
    "tinyint",
    "varchar",
];

/// The Arrow type of a declared SQL type name, in any case; otherwise a message that names near ones.
///
/// Text is `Utf8View`, as DataFusion's own `varchar` is. Timestamps count microseconds: without a zone, or in UTC.
pub fn data_type(sql: &str) -> Result<DataType, String> {
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
        _ => return Err(unknown(sql, &name)),
    };
    if arguments.is_some() {
        return Err(format!("type `{sql}`: `{name}` takes no such argument"));
    }
    Ok(simple)
}

/// The SQL name of a type: what [`data_type`] reads, and for nested types what people write.
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
        DataType::Decimal128(precision, scale) => return format!("decimal({precision}, {scale})"),
        DataType::List(item) | DataType::LargeList(item) => {
            return format!("{}[]", type_name(item.data_type()));
        }
        DataType::Struct(fields) => {
            let fields =
                fields.iter().map(|field| format!("{} {}", field.name(), type_name(field.data_type())));
            return format!("struct({})", fields.collect::<Vec<_>>().join(", "));
        }
        other => return other.to_string(),
    };
    simple.to_owned()
}

/// `decimal(10, 2) x` is `decimal x` and `10, 2`.
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
         timestamp, timestamptz and blob"
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
    fn errors_name_what_is_near() {
        let check = |sql: &str| data_type(sql).unwrap_err();
        insta::assert_snapshot!(check("bigit"), @"unknown type `bigit`: did you mean `bigint`?");
        insta::assert_snapshot!(check("money"), @"unknown type `money`: known are varchar, boolean, tinyint, smallint, integer, bigint, real, double, decimal(p, s), date, timestamp, timestamptz and blob");
        insta::assert_snapshot!(check("decimal(50, 2)"), @"type `decimal(50, 2)`: the precision is from 1 to 38 and the scale at most the precision");
        insta::assert_snapshot!(check("decimal(a)"), @"type `decimal(a)`: write decimal(precision, scale), such as decimal(10, 2)");
        insta::assert_snapshot!(check("int(4)"), @"type `int(4)`: `int` takes no such argument");
    }
}
