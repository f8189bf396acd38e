//! Maps a query's schema to the Delta table that stores it. Pure: it runs when a project is compiled, before
//! anything is written. Start at [`delta_schema`].

use std::{collections::BTreeMap, sync::Arc};

use super::nesting::too_deep;
use crate::engine::{
    arrow::{
        compute::can_cast_types,
        datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit},
    },
    types::type_name,
};

/// Characters that Delta (by way of Parquet and Spark) doesn't allow in column names.
const FORBIDDEN: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// Returns the first character of a column name that Delta doesn't allow.
#[must_use]
pub fn forbidden(name: &str) -> Option<char> {
    name.chars().find(|character| FORBIDDEN.contains(character))
}

/// Returns the schema of the table that stores a query's result: all columns nullable, with types that every
/// Delta reader knows, in the query's order. Only the data files lack the partition columns.
///
/// # Errors
/// All problems, if the result can't be stored.
pub fn delta_schema(schema: &Schema, partition_by: &[String]) -> Result<SchemaRef, Vec<String>> {
    let mut problems = Vec::new();
    if schema.fields().is_empty() {
        problems.push("a table needs at least one column".to_owned());
    }
    let fields = delta_fields(schema.fields(), "", &mut problems);
    check_partitions(schema, partition_by, &mut problems);
    for column in partition_by {
        if column.contains('/') {
            problems.push(format!(
                "a table can't be partitioned by column {column}: `/` in its name makes folders that other readers \
                 take for other columns; give it another name"
            ));
        }
        if let Some(field) = fields.iter().find(|field| field.name() == column)
            && (field.data_type().is_nested() || field.data_type() == &DataType::Binary)
        {
            problems.push(format!(
                "a table can't be partitioned by column {column}: it is {}",
                type_name(field.data_type())
            ));
        }
    }
    if problems.is_empty() { Ok(Arc::new(Schema::new(fields))) } else { Err(problems) }
}

/// Finds partition columns that the query lacks, and a table that would have no other columns.
fn check_partitions(schema: &Schema, partition_by: &[String], problems: &mut Vec<String>) {
    for column in partition_by.iter().filter(|column| schema.index_of(column).is_err()) {
        problems.push(format!("partition_by names {column}, which is not a column"));
    }
    if !schema.fields().is_empty() && partition_by.len() >= schema.fields().len() {
        problems.push("a table needs at least one column that isn't in partition_by".to_owned());
    }
}

/// Returns whether any column contains timestamps without a time zone, which need a reader feature.
pub(super) fn has_naive_timestamps(fields: &Fields) -> bool {
    fields.iter().any(|field| match field.data_type() {
        DataType::Timestamp(_, None) => true,
        DataType::List(item) | DataType::Map(item, _) => {
            has_naive_timestamps(&Fields::from(vec![item.clone()]))
        }
        DataType::Struct(children) => has_naive_timestamps(children),
        _ => false,
    })
}

/// Returns whether a column holds UUIDs as bytes. They are stored as text, because Delta has no type for
/// them.
pub(super) fn is_uuid(field: &Field) -> bool {
    field.data_type() == &DataType::FixedSizeBinary(16)
        && field.metadata().get("ARROW:extension:name").is_some_and(|name| name == "arrow.uuid")
}

/// Returns whether a column, or one of its nested fields or elements, holds UUIDs.
pub(super) fn has_uuid(field: &Field) -> bool {
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().any(|field| has_uuid(field)),
        DataType::List(item) => has_uuid(item),
        _ => is_uuid(field),
    }
}

fn delta_fields(fields: &Fields, parent: &str, problems: &mut Vec<String>) -> Fields {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut converted = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field.name();
        if parent.is_empty()
            && let Some(problem) = too_deep(field.data_type())
        {
            problems.push(format!("column {name} {problem}: flatten it, or make it JSON"));
            continue;
        }
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        if let Some(other) = seen.insert(name.to_lowercase(), name) {
            problems.push(if other == name {
                format!("there are two columns named {path}: give one an alias")
            } else {
                format!("columns {other} and {path} differ only by case, which Delta does not tell apart: rename one")
            });
        }
        if name.is_empty() {
            problems.push("a column has no name: give it an alias".to_owned());
        } else if is_literal(name) {
            let place = converted.len() + 1;
            problems.push(format!("column {place} has no name: give it an alias, as in `… as total`"));
        } else if let Some(bad) = forbidden(name) {
            problems.push(format!(
                "column {path:?} can't have {bad:?} in its name: give it another, as in `… as total`"
            ));
        }
        converted.push(delta_field(name, field, &path, problems));
    }
    converted.into()
}

/// Returns whether a column has the name that the engine gives to a literal, such as `Utf8("x")`.
fn is_literal(name: &str) -> bool {
    ["Utf8(", "Int64(", "UInt64(", "Float64(", "Boolean(", "Decimal128("]
        .iter()
        .any(|start| name.starts_with(start))
}

fn delta_field(name: &str, field: &Field, path: &str, problems: &mut Vec<String>) -> FieldRef {
    let text = DataType::Utf8;
    let from = if is_uuid(field) { &text } else { field.data_type() };
    let to = match delta_type(from, path, problems) {
        Ok(to) => to,
        Err(problem) => {
            problems.push(format!("column {path} {problem}"));
            from.clone()
        }
    };
    if !from.is_null() && !has_uuid(field) && !can_cast_types(from, &to) {
        let (from, to) = (type_name(from), type_name(&to));
        problems.push(format!("column {path} is {from}, which can't be stored as {to}: cast it yourself"));
    }
    Arc::new(Field::new(name, to, true))
}

/// Returns a Delta type that can represent every value of `from`, or the problem and the fix.
fn delta_type(from: &DataType, path: &str, problems: &mut Vec<String>) -> Result<DataType, String> {
    Ok(match from {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64 => from.clone(),
        DataType::UInt8 => DataType::Int16,
        // A column without a type is an integer in DuckDB's tables.
        DataType::UInt16 | DataType::Null => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, zone) => {
            let utc = zone.as_ref().filter(|zone| !zone.is_empty()).map(|_| "UTC".into());
            DataType::Timestamp(TimeUnit::Microsecond, utc)
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => delta_decimal(*precision, *scale)?,
        DataType::Dictionary(_, values) => delta_type(values, path, problems)?,
        DataType::RunEndEncoded(_, values) => delta_type(values.data_type(), path, problems)?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => {
            DataType::List(delta_field("element", item, &format!("{path}[]"), problems))
        }
        DataType::Struct(fields) if fields.is_empty() => {
            return Err("is a struct without fields: leave it out".to_owned());
        }
        DataType::Struct(fields) => DataType::Struct(delta_fields(fields, path, problems)),
        DataType::Map(entries, _) => delta_map(entries, path, problems)?,
        DataType::Time32(_) | DataType::Time64(_) => {
            return Err(format!("is {}, and Delta has no time of day: cast it to varchar", type_name(from)));
        }
        DataType::Duration(_) | DataType::Interval(_) => {
            return Err(format!(
                "is {}, and Delta has no spans of time: make it a number, say of seconds",
                type_name(from)
            ));
        }
        DataType::Union(..) => {
            return Err(format!("is {}, which Delta can't hold: cast it to varchar", type_name(from)));
        }
    })
}

fn delta_decimal(precision: u8, scale: i8) -> Result<DataType, String> {
    let (precision, scale) =
        if scale < 0 { (precision.saturating_add(scale.unsigned_abs()), 0) } else { (precision, scale) };
    if precision > 38 || scale.unsigned_abs() > precision {
        let scale_kept = scale.clamp(0, 38);
        return Err(format!(
            "is decimal({precision}, {scale}), and Delta's decimals have 38 digits: cast it, as in `cast(… as decimal(38, {scale_kept}))`, which fails where a value has more, or to double"
        ));
    }
    Ok(DataType::Decimal128(precision, scale))
}

fn delta_map(entries: &Field, path: &str, problems: &mut Vec<String>) -> Result<DataType, String> {
    let DataType::Struct(parts) = entries.data_type() else {
        return Err("is a map without entries".to_owned());
    };
    let [key, value] = parts.as_ref() else { return Err("is a map without entries".to_owned()) };
    let key = delta_field("key", key, &format!("{path}.key"), problems);
    let value = delta_field("value", value, &format!("{path}.value"), problems);
    let parts = Fields::from(vec![Arc::new(key.as_ref().clone().with_nullable(false)), value]);
    Ok(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(parts), false)), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: DataType, to: DataType) {
        let schema = Schema::new(vec![Field::new("c", from, false)]);
        let expect = Arc::new(Schema::new(vec![Field::new("c", to, true)]));
        assert_eq!(delta_schema(&schema, &[]), Ok(expect));
    }

    fn problems(columns: &[(&str, DataType)], partition_by: &[&str]) -> String {
        let fields: Vec<_> =
            columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
        let partition_by: Vec<_> = partition_by.iter().map(ToString::to_string).collect();
        delta_schema(&Schema::new(fields), &partition_by).unwrap_err().join("\n")
    }

    #[test]
    fn every_type_has_its_place() {
        use DataType as T;
        check(T::UInt32, T::Int64);
        check(T::Null, T::Int32);
        check(T::new_list(T::Null, true), T::List(Arc::new(Field::new("element", T::Int32, true))));
        check(T::UInt64, T::Decimal128(20, 0));
        check(T::Float16, T::Float32);
        check(T::Utf8View, T::Utf8);
        check(T::Dictionary(Box::new(T::Int32), Box::new(T::LargeUtf8)), T::Utf8);
        check(T::BinaryView, T::Binary);
        check(T::Date64, T::Date32);
        check(T::Timestamp(TimeUnit::Nanosecond, None), T::Timestamp(TimeUnit::Microsecond, None));
        check(
            T::Timestamp(TimeUnit::Second, Some("Europe/London".into())),
            T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        );
        check(T::Decimal128(10, -2), T::Decimal128(12, 0));
        let item = |name: &str, data_type, nullable| Arc::new(Field::new(name, data_type, nullable));
        check(
            T::LargeList(item("item", T::Struct(vec![Field::new("a", T::UInt8, false)].into()), false)),
            T::List(item("element", T::Struct(vec![Field::new("a", T::Int16, true)].into()), true)),
        );
    }

    #[test]
    fn partition_columns_keep_their_places() {
        let schema =
            Schema::new(vec![Field::new("p", DataType::Utf8, true), Field::new("v", DataType::Int64, true)]);
        let table = delta_schema(&schema, &["p".to_owned()]).unwrap();
        assert_eq!(table.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["p", "v"]);
    }

    #[test]
    fn what_delta_cannot_hold_is_said_with_a_cure() {
        use DataType as T;
        insta::assert_snapshot!(problems(
            &[
                ("t", T::Time64(TimeUnit::Nanosecond)),
                ("d", T::Duration(TimeUnit::Second)),
                ("big", T::Decimal256(60, 2)),
                ("sum(a)", T::Int64),
                ("Id", T::Int64),
                ("id", T::Int64),
                ("s", T::Struct(vec![Field::new("x", T::Null, true)].into())),
                ("a/b", T::Int64),
            ],
            &["region", "s", "a/b"],
        ), @r#"
        column t is time, and Delta has no time of day: cast it to varchar
        column d is interval, and Delta has no spans of time: make it a number, say of seconds
        column big is decimal(60, 2), and Delta's decimals have 38 digits: cast it, as in `cast(… as decimal(38, 2))`, which fails where a value has more, or to double
        column "sum(a)" can't have '(' in its name: give it another, as in `… as total`
        columns Id and id differ only by case, which Delta does not tell apart: rename one
        partition_by names region, which is not a column
        a table can't be partitioned by column s: it is struct(x integer)
        a table can't be partitioned by column a/b: `/` in its name makes folders that other readers take for other columns; give it another name
        "#);
    }
}
