//! Conversion of documents to values, given a structure such as `{"a": "INTEGER", "b": ["VARCHAR"]}`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray, MapArray, StringArray, StructArray, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{DataType, Field, Fields},
    },
    common::plan_err,
    error::Result,
};

use super::super::{
    call::{Call, fail},
    description::{Function, Typing, computes},
    kind::{ParameterKind, list_of},
};
use super::documents::documents;
use crate::engine::{
    cast::{NamedType, type_name::type_name},
    json::value::Json,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["json_transform", "from_json"],
        syntax: "json_transform(json, structure)",
        doc: "Returns the values of a document, of the types in a constant structure; NULL for those that don't fit.",
        overloads: &[computes(
            &[ParameterKind::Json, ParameterKind::Varchar],
            structured,
            "of the structure",
            |call| transform(call, false),
        )],
        ..Function::JSON
    },
    Function {
        names: &["json_transform_strict", "from_json_strict"],
        syntax: "json_transform_strict(json, structure)",
        doc: "Returns the values of a document, of the types in a constant structure; those that don't fit are errors.",
        overloads: &[computes(
            &[ParameterKind::Json, ParameterKind::Varchar],
            structured,
            "of the structure",
            |call| transform(call, true),
        )],
        ..Function::JSON
    },
];

fn structured(typing: &Typing) -> Result<DataType> {
    typing.constant(1, "the structure of JSON")?;
    let Some(text) = typing.text(1) else {
        if typing.literals.iter().all(Option::is_none) {
            return Ok(DataType::Utf8);
        }
        return plan_err!("the structure of JSON must be a constant text");
    };
    JsonShape::parse(text).map(|shape| shape.data_type())
}

/// The structure that documents are converted to.
#[derive(Debug)]
enum JsonShape {
    Null,
    Value(NamedType),
    List(Box<JsonShape>),
    Object(Vec<(String, JsonShape)>),
    Map(Box<JsonShape>, Box<JsonShape>),
}

impl JsonShape {
    /// Parses a structure.
    fn parse(text: &str) -> Result<Self> {
        match Json::parse(text) {
            Ok(structure) => Self::of(&structure),
            Err(error) => plan_err!("the structure `{text}` is no JSON: {error}"),
        }
    }

    fn of(structure: &Json) -> Result<Self> {
        match structure {
            Json::Text(name) if name.eq_ignore_ascii_case("null") => Ok(Self::Null),
            Json::Text(name) => {
                let named = NamedType::parse(name)?;
                Ok(if named.data_type().is_nested() {
                    Self::of_type(named.data_type())
                } else {
                    Self::Value(named)
                })
            }
            Json::List(items) => {
                let [item] = items.as_slice() else {
                    return plan_err!("a list in a structure has one type: `[\"VARCHAR\"]`");
                };
                Ok(Self::List(Box::new(Self::of(item)?)))
            }
            Json::Object(members) if members.is_empty() => {
                plan_err!("an object in a structure has keys: `{{\"a\": \"VARCHAR\"}}`")
            }
            Json::Object(members) => {
                for (at, (key, _)) in members.iter().enumerate() {
                    if members[..at].iter().any(|(other, _)| other == key) {
                        return plan_err!("the structure has the key `{key}` twice");
                    }
                }
                let member = |(key, of): &(String, Json)| Ok((key.clone(), Self::of(of)?));
                members.iter().map(member).collect::<Result<_>>().map(Self::Object)
            }
            other => plan_err!("`{}` is no type", other.text()),
        }
    }

    fn of_type(of: &DataType) -> Self {
        match of {
            DataType::List(item) => Self::List(Box::new(Self::of_type(item.data_type()))),
            DataType::Struct(fields) => {
                let member = |field: &Arc<Field>| (field.name().clone(), Self::of_type(field.data_type()));
                Self::Object(fields.iter().map(member).collect())
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Self::Map(
                    Box::new(Self::of_type(pair[0].data_type())),
                    Box::new(Self::of_type(pair[1].data_type())),
                ),
                _ => Self::Null,
            },
            other => Self::Value(NamedType::plain(other.clone())),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Int32,
            Self::Value(named) => named.data_type().clone(),
            Self::List(item) => list_of(item.data_type()),
            Self::Object(members) => DataType::Struct(
                members.iter().map(|(key, of)| Field::new(key, of.data_type(), true)).collect(),
            ),
            Self::Map(key, value) => {
                let pair = Fields::from(vec![
                    Field::new("key", key.data_type(), false),
                    Field::new("value", value.data_type(), true),
                ]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
            }
        }
    }
}

fn transform(call: &Call, strict: bool) -> Result<ArrayRef> {
    let Some(structure) = call.constant_value::<&str>(1)? else {
        return fail("the structure of JSON must be a constant text");
    };
    let documents = documents(call, 0)?;
    let values: Vec<Option<&Json>> = documents.iter().map(Option::as_ref).collect();
    build(&values, &JsonShape::parse(structure)?, strict)
}

/// Converts values to a column with the given structure.
fn build(values: &[Option<&Json>], shape: &JsonShape, strict: bool) -> Result<ArrayRef> {
    match shape {
        JsonShape::Null => Ok(new_null_array(&DataType::Int32, values.len())),
        JsonShape::Value(named) => scalars(values, named, strict),
        JsonShape::Object(members) => {
            misfits(values, strict, "an object", |value| matches!(value, Json::Object(_)))?;
            if strict {
                values.iter().flatten().try_for_each(|value| complete(value, members))?;
            }
            // A value that isn't an object becomes a struct of NULLs; only `null` becomes NULL.
            let nulls: NullBuffer =
                values.iter().map(|value| !matches!(value, None | Some(Json::Null))).collect();
            let columns = members.iter().map(|(key, of)| {
                let members: Vec<Option<&Json>> =
                    values.iter().map(|value| value.and_then(|value| value.get(key))).collect();
                build(&members, of, strict)
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let DataType::Struct(fields) = shape.data_type() else { return fail("no structure") };
            Ok(Arc::new(StructArray::try_new(fields, columns, Some(nulls))?))
        }
        JsonShape::List(item) => {
            misfits(values, strict, "an array", |value| matches!(value, Json::List(_)))?;
            let lists: Vec<Option<&Vec<Json>>> = values
                .iter()
                .map(|value| if let Some(Json::List(items)) = value { Some(items) } else { None })
                .collect();
            let nulls: NullBuffer = lists.iter().map(Option::is_some).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let items: Vec<Option<&Json>> =
                lists.iter().flatten().flat_map(|items| items.iter().map(Some)).collect();
            let items = build(&items, item, strict)?;
            let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
            Ok(Arc::new(ListArray::try_new(field, offsets, items, Some(nulls))?))
        }
        JsonShape::Map(key, value) => maps(values, shape, (key, value), strict),
    }
}

/// Converts objects to maps.
fn maps(
    values: &[Option<&Json>],
    shape: &JsonShape,
    of: (&JsonShape, &JsonShape),
    strict: bool,
) -> Result<ArrayRef> {
    misfits(values, strict, "an object", |value| matches!(value, Json::Object(_)))?;
    let objects: Vec<Option<&Vec<(String, Json)>>> = values
        .iter()
        .map(|value| if let Some(Json::Object(members)) = value { Some(members) } else { None })
        .collect();
    let nulls: NullBuffer = objects.iter().map(Option::is_some).collect();
    let offsets = OffsetBuffer::from_lengths(objects.iter().map(|object| object.map_or(0, Vec::len)));
    let members = || objects.iter().flatten().flat_map(|members| members.iter());
    let names: Vec<Json> = members().map(|(key, _)| Json::Text(key.clone())).collect();
    let keys = build(&names.iter().map(Some).collect::<Vec<_>>(), of.0, true)?;
    let items = build(&members().map(|(_, value)| Some(value)).collect::<Vec<_>>(), of.1, strict)?;
    let DataType::Map(entries, _) = shape.data_type() else { return fail("no map") };
    let DataType::Struct(pair) = entries.data_type() else { return fail("no map") };
    let pairs = StructArray::try_new(pair.clone(), vec![keys, items], None)?;
    Ok(Arc::new(MapArray::try_new(entries, offsets, pairs, Some(nulls), false)?))
}

/// Rejects an object with a missing or duplicate key.
fn complete(value: &Json, members: &[(String, JsonShape)]) -> Result<()> {
    let Json::Object(own) = value else { return Ok(()) };
    for (key, _) in members {
        match own.iter().filter(|(name, _)| name == key).count() {
            0 => return fail(format!("the JSON has no key `{key}`")),
            1 => {}
            _ => return fail(format!("the JSON has the key `{key}` twice")),
        }
    }
    Ok(())
}

/// Converts scalar values by casting their text.
fn scalars(values: &[Option<&Json>], named: &NamedType, strict: bool) -> Result<ArrayRef> {
    let to = named.data_type();
    let text = |value: &Json| match value {
        Json::Null => None,
        value if named.is_json() => Some(value.text()),
        Json::List(_) | Json::Object(_) if to != &DataType::Utf8 => None,
        // Converting a fractional number to an integer rounds it, half to even.
        Json::Real(value) if to.is_integer() => Some(format!("{}", value.round_ties_even())),
        Json::Integer(digits) if to == &DataType::Boolean => {
            Some((!digits.trim_start_matches(['-', '0']).is_empty()).to_string())
        }
        Json::Bool(value) if to.is_numeric() => Some(i32::from(*value).to_string()),
        value => Some(value.unquoted()),
    };
    let texts: StringArray = values.iter().map(|value| value.and_then(text)).collect();
    let column = named.convert_leniently(&(Arc::new(texts) as ArrayRef))?;
    if strict {
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value.filter(|value| **value != Json::Null && column.is_null(row)) {
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
