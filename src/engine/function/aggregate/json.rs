//! JSON aggregates: collect a group's values into a JSON array or object.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::DataType,
    },
    common::{ScalarValue, exec_err},
};

use super::{
    description::{Aggregate, Typed},
    rows::{RowAggregate, Skip, VALUES},
};
use crate::engine::{function::json::json_of, json::value::Json};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "json_group_array",
        aliases: &[],
        usage: "json_group_array(arg [order by …])",
        doc: "Returns a JSON array of all values, NULL included; NULL if there is no row.",
        types: |given| {
            let types = given.expect(1..=1)?;
            Typed::new(types, DataType::Utf8)
        },
        method: &RowAggregate {
            skip: Skip::Nothing,
            ordered: true,
            finish: |columns, settings| {
                if columns[0].is_empty() {
                    return settings.null();
                }
                let items =
                    (0..columns[0].len()).map(|row| json_of(&columns[0], row)).collect::<Result<_, _>>()?;
                Ok(ScalarValue::Utf8(Some(Json::List(items).text())))
            },
            ..VALUES
        },
    },
    Aggregate {
        name: "json_group_object",
        aliases: &[],
        usage: "json_group_object(key, value [order by …])",
        doc: "Returns a JSON object of all keys and values; NULL if there is no row.",
        types: |given| match given.expect(2..=2)? {
            [DataType::Utf8, value] => Typed::new([DataType::Utf8, value.clone()], DataType::Utf8),
            _ => given.refuse(),
        },
        method: &RowAggregate {
            columns: 2,
            skip: Skip::Nothing,
            ordered: true,
            finish: |columns, settings| {
                let keys = columns[0].as_string::<i32>();
                if keys.is_empty() {
                    return settings.null();
                }
                let mut members = Vec::with_capacity(keys.len());
                for (row, key) in keys.iter().enumerate() {
                    let Some(key) = key else {
                        return exec_err!("`json_group_object`: a key must not be NULL");
                    };
                    members.push((key.to_owned(), json_of(&columns[1], row)?));
                }
                Ok(ScalarValue::Utf8(Some(Json::Object(members).text())))
            },
            ..VALUES
        },
    },
];
