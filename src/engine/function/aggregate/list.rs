//! List and string aggregates, whose result follows the call's own ORDER BY.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::Array,
        datatypes::{DataType, Field},
    },
    common::ScalarValue,
};

use super::{
    description::{Aggregate, Typed},
    pick::list,
    rows::{RowAggregate, Skip, VALUES, array_limit},
};
use crate::engine::cast::value_texts;

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "array_agg",
        aliases: &["list"],
        usage: "array_agg(arg [order by …])",
        doc: "Returns a list of all values, NULL included; NULL if there is no row.",
        types: |given| {
            let types = given.expect(1..=1)?;
            Typed::new(types, DataType::List(Arc::new(Field::new_list_field(types[0].clone(), true))))
        },
        method: &RowAggregate {
            skip: Skip::Nothing,
            ordered: true,
            lists: true,
            finish: |columns, settings| {
                if columns[0].is_empty() { settings.null() } else { list(Arc::clone(&columns[0])) }
            },
            ..VALUES
        },
    },
    Aggregate {
        name: "string_agg",
        aliases: &["group_concat", "listagg"],
        usage: "string_agg(arg[, separator] [order by …])",
        doc: "Returns all non-NULL values as one text, with a separator between them: a comma by default.",
        types: |given| match given.expect(1..=2)? {
            [of] => Typed::new([of.clone()], DataType::Utf8),
            [of, DataType::Utf8 | DataType::Null] => Typed::new([of.clone(), DataType::Utf8], DataType::Utf8),

            _ => given.refuse(),
        },
        method: &RowAggregate {
            ordered: true,
            finish: |columns, settings| {
                let separator = match settings.constants.first() {
                    None => ",",
                    Some(given) => match given.try_as_str().flatten() {
                        Some(separator) => separator,
                        None => return settings.null(),
                    },
                };
                if columns[0].is_empty() {
                    return settings.null();
                }
                let texts = value_texts(&columns[0])?;
                let separators = separator.len().saturating_mul(texts.len() - 1);
                let bytes = texts.iter().flatten().map(str::len).sum::<usize>();
                array_limit::check("string_agg", bytes.saturating_add(separators))?;
                Ok(ScalarValue::Utf8(Some(texts.iter().flatten().collect::<Vec<&str>>().join(separator))))
            },
            ..VALUES
        },
    },
];
