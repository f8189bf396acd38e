//! Values from documents, by a structure such as `{"a": "INTEGER", "b": ["VARCHAR"]}`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, ListArray, StringArray, StructArray},
        buffer::{NullBuffer, OffsetBuffer},
        compute::cast,
        datatypes::{DataType, Field},
    },
    common::plan_err,
    error::Result,
};

use super::{
    super::{
        call::{Call, fail},
        description::{Function, Typing, computes},
        kind::{Kind::Varchar, list_of, plain, type_name},
    },
    documents,
    value::Json,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["json_transform", "from_json"],
        syntax: "json_transform(json, structure)",
        doc: "Returns the values of a document, of the types in a constant structure; NULL for those that don't fit.",
        overloads: &[computes(&[Varchar, Varchar], structured, "of the structure", |call| {
            transform(call, false)
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_transform_strict", "from_json_strict"],
        syntax: "json_transform_strict(json, structure)",
        doc: "Returns the values of a document, of the types in a constant structure; those that don't fit are errors.",
        overloads: &[computes(&[Varchar, Varchar], structured, "of the structure", |call| {
            transform(call, true)
        })],
        ..Function::JSON
    },
];

fn structured(typing: &Typing) -> Result<DataType> {
    let Some(text) = typing.text(1) else {
        if typing.literals.iter().all(Option::is_none) {
            return Ok(DataType::Utf8);
        }
        return plan_err!("the structure of JSON must be a constant text");
    };
    match Json::parse(text) {
        Ok(structure) => type_of(&structure),
        Err(error) => plan_err!("the structure `{text}` is no JSON: {error}"),
    }
}

fn type_of(structure: &Json) -> Result<DataType> {
    match structure {
        Json::Text(name) if name.eq_ignore_ascii_case("json") || name.eq_ignore_ascii_case("null") => {
            Ok(DataType::Utf8)
        }
        Json::Text(name) => match wide(name) {
            Some(found) => Ok(found),
            None => match crate::engine::source::data_type(name) {
                Ok(found) => Ok(plain(&found)),
                Err(error) => plan_err!("{error}"),
            },
        },
        Json::List(items) => {
            let [item] = items.as_slice() else {
                return plan_err!("a list in a structure has one type: `[\"VARCHAR\"]`");
            };
            Ok(list_of(type_of(item)?))
        }
        Json::Object(members) => {
            let field = |(key, of): &(String, Json)| Ok(Field::new(key, type_of(of)?, true));
            Ok(DataType::Struct(members.iter().map(field).collect::<Result<Vec<_>>>()?.into()))
        }
        other => plan_err!("`{}` is no type", other.text()),
    }
}

/// Types that sources can't be declared with.
fn wide(name: &str) -> Option<DataType> {
    Some(match name.to_ascii_uppercase().as_str() {
        "UTINYINT" => DataType::UInt8,
        "USMALLINT" => DataType::UInt16,
        "UINTEGER" => DataType::UInt32,
        "UBIGINT" => DataType::UInt64,
        "HUGEINT" => DataType::Decimal128(38, 0),
        _ => return None,
    })
}

fn transform(call: &Call, strict: bool) -> Result<ArrayRef> {
    let documents = documents(call, 0)?;
    let values: Vec<Option<&Json>> = documents.iter().map(Option::as_ref).collect();
    build(&values, call.returns(), strict)
}

/// Values as a column of a type.
fn build(values: &[Option<&Json>], to: &DataType, strict: bool) -> Result<ArrayRef> {
    let present = |value: Option<&Json>| !matches!(value, None | Some(Json::Null));
    match to {
        DataType::Struct(fields) => {
            let nulls: NullBuffer =
                values.iter().map(|value| matches!(value, Some(Json::Object(_)))).collect();
            misfits(values, strict, "an object", |value| matches!(value, Json::Object(_)))?;
            if strict {
                for value in values.iter().flatten() {
                    for field in fields {
                        if matches!(value, Json::Object(_)) && value.get(field.name()).is_none() {
                            return fail(format!("the JSON has no key `{}`", field.name()));
                        }
                    }
                }
            }
            let columns = fields.iter().map(|field| {
                let members: Vec<Option<&Json>> =
                    values.iter().map(|value| value.and_then(|value| value.get(field.name()))).collect();
                build(&members, field.data_type(), strict)
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            if fields.is_empty() {
                return Ok(Arc::new(StructArray::new_empty_fields(values.len(), Some(nulls))));
            }
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?))
        }
        DataType::List(field) => {
            misfits(values, strict, "an array", |value| matches!(value, Json::List(_)))?;
            let lists: Vec<Option<&Vec<Json>>> = values
                .iter()
                .map(|value| if let Some(Json::List(items)) = value { Some(items) } else { None })
                .collect();
            let nulls: NullBuffer = lists.iter().map(Option::is_some).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let items: Vec<Option<&Json>> =
                lists.iter().flatten().flat_map(|items| items.iter().map(Some)).collect();
            let items = build(&items, field.data_type(), strict)?;
            Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, Some(nulls))?))
        }
        DataType::Utf8 => {
            let texts =
                values.iter().map(|value| value.filter(|value| **value != Json::Null).map(Json::unquoted));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        DataType::Boolean => {
            let truth = |value: Option<&Json>| match value {
                Some(Json::Bool(value)) => Some(*value),
                Some(Json::Text(text)) if text.eq_ignore_ascii_case("true") => Some(true),
                Some(Json::Text(text)) if text.eq_ignore_ascii_case("false") => Some(false),
                _ => None,
            };
            let column: BooleanArray = values.iter().copied().map(truth).collect();
            checked(values, Arc::new(column), present, to, strict)
        }
        _ => {
            let text = |value: Option<&Json>| match value {
                None | Some(Json::Null | Json::List(_) | Json::Object(_)) => None,
                // A number with a point becomes an integer by rounding, half to even.
                Some(Json::Real(value)) if to.is_integer() => Some(format!("{}", value.round_ties_even())),
                Some(Json::Bool(value)) if to.is_numeric() => Some(i32::from(*value).to_string()),
                Some(value) => Some(value.unquoted()),
            };
            let texts: StringArray = values.iter().copied().map(text).collect();
            let column = cast(&texts, to)?;
            checked(values, column, present, to, strict)
        }
    }
}

/// The column, unless it must be strict and lost a value.
fn checked(
    values: &[Option<&Json>],
    column: ArrayRef,
    present: impl Fn(Option<&Json>) -> bool,
    to: &DataType,
    strict: bool,
) -> Result<ArrayRef> {
    if strict {
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value.filter(|_| present(values[row]) && column.is_null(row)) {
                return fail(format!("`{}` can't be cast to {}", value.text(), type_name(to)));
            }
        }
    }
    Ok(column)
}

fn misfits(values: &[Option<&Json>], strict: bool, wanted: &str, fits: impl Fn(&Json) -> bool) -> Result<()> {
    let misfit = values.iter().flatten().find(|value| ***value != Json::Null && !fits(value));
    match misfit {
        Some(value) if strict => fail(format!("expected {wanted}, found `{}`", value.text())),
        _ => Ok(()),
    }
}
