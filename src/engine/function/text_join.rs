//! Functions that join and split text.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray, StringArray},
        buffer::OffsetBuffer,
        compute::{cast, interleave},
        datatypes::DataType,
    },
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, fail},
    description::{Function, Typing, computes, takes},
    kind::{
        ParameterKind::{Any, BigInt, List, Varchar},
        common,
    },
};
use crate::engine::cast::value_texts;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["concat"],
        syntax: "concat(value, …)",
        doc: "Joins values as text, NULL as nothing; joins lists.",
        example: ("concat('a', NULL, 1)", "a1"),
        overloads: &[computes(&[Any], text_or_list, "ANY", concat).and(Any)],
        ..Function::TEXT
    },
    Function {
        names: &["split_part"],
        syntax: "split_part(text, separator, index)",
        doc: "Returns one part of a text that is split at a separator; a negative index counts from the end.",
        example: ("split_part('a;b;c', ';', 2)", "b"),
        overloads: &[takes(&[Varchar, Varchar, BigInt], Varchar, |call| {
            call.map3(|text: &str, separator: &str, index: i64| {
                let parts = split(text, separator);
                let count = i64::try_from(parts.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { count.saturating_add(index) } else { index - 1 };
                let found = usize::try_from(at).ok().and_then(|at| parts.get(at).copied());
                Ok(Some(found.unwrap_or("")))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["string_split", "str_split", "string_to_array", "split"],
        syntax: "string_split(text, separator)",
        doc: "Splits a text at a separator; an empty separator splits it into characters.",
        example: ("string_split('a b', ' ')", "[a, b]"),
        overloads: &[takes(&[Varchar, Varchar], List(&Varchar), |call| {
            call.map2(|text: Option<&str>, separator: Option<&str>| {
                Ok(text.map(|text| match separator {
                    Some(separator) => split(text, separator).into_iter().map(Some).collect(),
                    None => vec![Some(text)],
                }))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["concat_ws"],
        syntax: "concat_ws(separator, value, …)",
        doc: "Joins values as text, with a separator between them; leaves NULLs out.",
        example: ("concat_ws(', ', 'a', NULL, 'b')", "a, b"),
        overloads: &[takes(&[Varchar, Any], Varchar, |call| {
            let texts = texts_from(call, 1)?;
            let separator = call.column::<&str>(0)?;
            call.each(|row| {
                let parts: Vec<&str> = texts.iter().filter_map(|text| at(text, row)).collect();
                Ok(separator.at(row).map(|separator| parts.join(separator)))
            })
        })
        .and(Any)],
        ..Function::TEXT
    },
];

fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    if separator.is_empty() {
        let mut characters: Vec<&str> = text.split("").filter(|part| !part.is_empty()).collect();
        if characters.is_empty() {
            characters.push("");
        }
        return characters;
    }
    text.split(separator).collect()
}

/// Returns the arguments from `first` on as text, expanded to all rows.
pub(super) fn texts_from(call: &Call, first: usize) -> Result<Vec<StringArray>> {
    (first..call.len()).map(|argument| value_texts(&call.array(argument)?)).collect()
}

/// Returns a row's text.
pub(super) fn at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// Returns the type of `concat`: a list if all arguments are lists, otherwise text.
fn text_or_list(typing: &Typing) -> Result<DataType> {
    let mut lists = typing.types.iter().filter(|found| matches!(found, DataType::List(_)));
    let Some(first) = lists.next() else { return Ok(DataType::Utf8) };
    let all = typing.types.iter().try_fold(first.clone(), |all, found| match found {
        DataType::List(_) | DataType::Null => common(&all, found),
        _ => None,
    });
    all.ok_or_else(|| {
        DataFusionError::Plan("`concat` joins texts or lists, not both: cast one of them".into())
    })
}

/// Joins lists, treating NULL as empty.
fn concat_lists(call: &Call) -> Result<ArrayRef> {
    let lists = call
        .arrays()?
        .iter()
        .map(|list| cast(list, call.returns()))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let lists: Vec<&ListArray> =
        lists.iter().map(datafusion::arrow::array::AsArray::as_list::<i32>).collect();
    let DataType::List(item) = call.returns() else { return fail("concat: no list") };
    let values: Vec<&dyn Array> = lists.iter().map(|list| list.values().as_ref()).collect();
    let (mut picked, mut lengths) = (Vec::new(), Vec::with_capacity(call.rows()));
    for row in 0..call.rows() {
        let before = picked.len();
        for (at, list) in lists.iter().enumerate().filter(|(_, list)| list.is_valid(row)) {
            let offsets = list.value_offsets();
            let range =
                usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
            picked.extend(range.map(|item| (at, item)));
        }
        lengths.push(picked.len() - before);
    }
    let items = interleave(&values, &picked)?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), OffsetBuffer::from_lengths(lengths), items, None)?))
}

/// Joins all arguments as text, treating NULL as empty; joins lists as a list.
fn concat(call: &Call) -> Result<ArrayRef> {
    if matches!(call.returns(), DataType::List(_)) {
        return concat_lists(call);
    }
    let texts = texts_from(call, 0)?;
    call.each(|row| Ok(Some(texts.iter().filter_map(|text| at(text, row)).collect::<String>())))
}
