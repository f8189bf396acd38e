//! Names of Delta types, as `DESCRIBE` prints them in Spark.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// Returns the name of a Delta type.
pub(crate) fn delta_name(stored: &DataType) -> String {
    match stored {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "byte".into(),
        DataType::Int16 => "short".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "long".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".into(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item) => format!("array<{}>", delta_name(item.data_type())),
        DataType::Struct(fields) => {
            let fields =
                fields.iter().map(|field| format!("{}:{}", field.name(), delta_name(field.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                format!("map<{},{}>", delta_name(parts[0].data_type()), delta_name(parts[1].data_type()))
            }
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
