//! Struct functions.
//!
//! Field names are constants here: the dialect rewrites `struct_pack(a := 1)` to `struct_pack('a', 1)`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray},
        buffer::{NullBuffer, OffsetBuffer},
        compute::nullif,
        datatypes::{DataType, Field, FieldRef, Fields},
    },
    common::{ScalarValue, plan_err},
    error::Result,
};

use super::{
    call::{Call, fail},
    description::{Function, Gives, Overload, Typing, computes},
    kind::ParameterKind::{Any, AnyStruct, BigInt, Varchar},
};
use crate::engine::cast::types::{ROW_FIELD, is_row};

/// The functions of this family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["row"],
        syntax: "row(value, …)",
        doc: "Makes a struct of its arguments; the fields are `element_1`, `element_2` and so on.",
        overloads: &[Overload {
            takes: &[Any],
            rest: Some(Any),
            gives: Gives::By(row_type, "STRUCT"),
            body: row,
        }],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_pack"],
        syntax: "struct_pack(name := value, …)",
        doc: "Makes a struct of named values.",
        overloads: &[Overload {
            takes: &[Varchar, Any],
            rest: Some(Any),
            gives: Gives::By(|typing| fields_type(packed(&[], typing, 0)?), "STRUCT"),
            body: |call| put(call, 0),
        }],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_insert"],
        syntax: "struct_insert(struct, name := value, …)",
        doc: "Adds fields to a struct.",
        overloads: &[Overload {
            takes: &[AnyStruct, Varchar, Any],
            rest: Some(Any),
            gives: Gives::By(
                |typing| {
                    let own = fields_of(typing, 0)?;
                    let mut given = (1..typing.types.len()).step_by(2).filter_map(|at| typing.text(at));
                    match given.find(|name| named(&own, name).is_some()) {
                        Some(name) => plan_err!("`struct_insert`: the struct has a field `{name}`"),
                        None => fields_type(packed(&own, typing, 1)?),
                    }
                },
                "STRUCT",
            ),
            body: |call| put(call, 1),
        }],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_update"],
        syntax: "struct_update(struct, name := value, …)",
        doc: "Changes fields of a struct, and adds those that it lacks.",
        overloads: &[Overload {
            takes: &[AnyStruct, Varchar, Any],
            rest: Some(Any),
            gives: Gives::By(|typing| fields_type(packed(&fields_of(typing, 0)?, typing, 1)?), "STRUCT"),
            body: |call| put(call, 1),
        }],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_concat"],
        syntax: "struct_concat(struct, …)",
        doc: "Joins the fields of structs.",
        overloads: &[Overload {
            takes: &[AnyStruct],
            rest: Some(AnyStruct),
            gives: Gives::By(
                |typing| {
                    let mut all = Vec::new();
                    let mut rows = 0;
                    for at in 0..typing.types.len() {
                        let own = fields_of(typing, at)?;
                        rows += usize::from(is_row(&own));
                        all.extend(own.iter().cloned());
                    }
                    if rows == typing.types.len() {
                        return fields_type(numbered(all));
                    }
                    if rows > 0 {
                        return plan_err!("`struct_concat`: a row has no names, and another struct has");
                    }
                    let twice = |(at, one): &(usize, &FieldRef)| named(&all[..*at], one.name()).is_some();
                    if let Some((_, field)) = all.iter().enumerate().find(twice) {
                        return plan_err!("`struct_concat`: two structs have a field `{}`", field.name());
                    }
                    fields_type(all)
                },
                "STRUCT",
            ),
            body: |call| {
                let mut columns = Vec::new();
                for at in 0..call.len() {
                    let one = call.array(at)?;
                    columns.extend(
                        (0..one.as_struct().num_columns())
                            .map(|field| field_of(one.as_struct(), field))
                            .collect::<Result<Vec<_>>>()?,
                    );
                }
                build(call, columns, None)
            },
        }],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_extract", "struct_extract_at"],
        syntax: "struct_extract(struct, name)",
        doc: "Returns the field of this name, or at this position from 1.",
        example: ("struct_extract({'a': 5}, 'a')", "5"),
        overloads: &[
            computes(&[AnyStruct, Varchar], extracted, "field", extract),
            computes(&[AnyStruct, BigInt], extracted, "field", extract),
        ],
        ..Function::STRUCT
    },
    Function {
        names: &["struct_keys"],
        syntax: "struct_keys(struct)",
        doc: "Returns the names of the fields.",
        example: ("struct_keys({'a': 1, 'b': 2})", "[a, b]"),
        overloads: &[computes(
            &[AnyStruct],
            |typing| match typing.types.first() {
                Some(DataType::Struct(fields)) if is_row(fields) => {
                    plan_err!("`struct_keys`: the fields of a row have no names")
                }
                _ => Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))),
            },
            "VARCHAR[]",
            |call| {
                let value = call.array(0)?;
                if *value.data_type() == DataType::Null {
                    return Ok(datafusion::arrow::array::new_null_array(call.returns(), call.rows()));
                }
                let names: Vec<&str> =
                    value.as_struct().fields().iter().map(|field| field.name().as_str()).collect();
                let all = StringArray::from(names.repeat(call.rows()));
                let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(names.len(), call.rows()));
                let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
                Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(all), value.nulls().cloned())?))
            },
        )],
        ..Function::STRUCT
    },
];

/// Renames a row's fields to their numbers.
fn numbered(fields: Vec<FieldRef>) -> Vec<FieldRef> {
    let rename = |(at, field): (usize, FieldRef)| {
        Arc::new(field.as_ref().clone().with_name(format!("{ROW_FIELD}{}", at + 1)))
    };
    fields.into_iter().enumerate().map(rename).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn fields_type(fields: Vec<FieldRef>) -> Result<DataType> {
    Ok(DataType::Struct(fields.into()))
}

fn fields_of(typing: &Typing, argument: usize) -> Result<Fields> {
    let Some(DataType::Struct(fields)) = typing.types.get(argument) else {
        return plan_err!("a NULL without a type has no fields: cast it to a struct");
    };
    Ok(fields.clone())
}

/// Returns a field's index by name, ignoring case.
fn named(fields: &[FieldRef], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name().eq_ignore_ascii_case(name))
}

fn row_type(typing: &Typing) -> Result<DataType> {
    let field = |(at, of): (usize, &DataType)| {
        Arc::new(Field::new(format!("{ROW_FIELD}{}", at + 1), of.clone(), true))
    };
    fields_type(typing.types.iter().enumerate().map(field).collect())
}

fn row(call: &Call) -> Result<ArrayRef> {
    build(call, call.arrays()?, None)
}

/// Returns a struct's fields after applying the name-value pairs from `start` on.
fn packed(own: &[FieldRef], typing: &Typing, start: usize) -> Result<Vec<FieldRef>> {
    let mut fields = own.to_vec();
    let updates = start > 0;
    let given: Vec<&str> = (start..typing.types.len()).step_by(2).filter_map(|at| typing.text(at)).collect();
    let twice = given
        .iter()
        .enumerate()
        .find(|(at, name)| given[..*at].iter().any(|before| before.eq_ignore_ascii_case(name)));
    if let Some((_, name)) = twice {
        return plan_err!("a struct can't have two fields `{name}`");
    }
    for at in (start..typing.types.len()).step_by(2) {
        let (Some(name), Some(of)) = (typing.text(at), typing.types.get(at + 1)) else {
            return plan_err!("fields of a struct are written `name := value`");
        };
        let field = Arc::new(Field::new(name, of.clone(), true));
        match named(&fields, name) {
            Some(_) if !updates => return plan_err!("a struct can't have two fields `{name}`"),
            Some(place) => fields[place] = field,
            None => fields.push(field),
        }
    }
    Ok(fields)
}

/// Applies the name-value pairs from argument `start` on to the struct before them, if there is one.
fn put(call: &Call, start: usize) -> Result<ArrayRef> {
    let mut names: Vec<String> = Vec::new();
    let mut columns = Vec::new();
    if start > 0 {
        let own = call.array(0)?;
        let own = own.as_struct();
        names.extend(own.fields().iter().map(|field| field.name().clone()));
        for at in 0..own.num_columns() {
            columns.push(field_of(own, at)?);
        }
    }
    for at in (start..call.len()).step_by(2) {
        let Some(name) = call.constant_value::<&str>(at)? else {
            return fail("the name of a field must be a constant");
        };
        let column = call.array(at + 1)?;
        if let Some(place) = names.iter().position(|own| own.eq_ignore_ascii_case(name)) {
            columns[place] = column;
        } else {
            names.push(name.to_owned());
            columns.push(column);
        }
    }
    build(call, columns, None)
}

fn build(call: &Call, columns: Vec<ArrayRef>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.returns() else {
        return fail("the result is no struct");
    };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(call.rows(), nulls)));
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?))
}

/// Returns a field, with NULL where the struct is NULL.
fn field_of(value: &StructArray, field: usize) -> Result<ArrayRef> {
    let column = value.column(field);
    match value.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            let null = datafusion::arrow::array::BooleanArray::new(!nulls.inner(), None);
            Ok(nullif(column, &null)?)
        }
        _ => Ok(Arc::clone(column)),
    }
}

/// Returns the index of the field that a constant names.
fn place(typing: &Typing) -> Result<usize> {
    let fields = fields_of(typing, 0)?;
    let position = match typing.literals.get(1).copied().flatten() {
        Some(literal) => literal.cast_to(&DataType::Int64).ok(),
        None => return plan_err!("the name of a field must be a constant"),
    };
    let found = match (typing.text(1), position) {
        (Some(name), _) => named(&fields, name),
        (None, Some(ScalarValue::Int64(Some(position)))) => {
            usize::try_from(position).ok().and_then(|at| at.checked_sub(1)).filter(|at| *at < fields.len())
        }
        _ => None,
    };
    let Some(found) = found else {
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        return plan_err!("the struct has no such field; it has {}", names.join(", "));
    };
    Ok(found)
}

fn extracted(typing: &Typing) -> Result<DataType> {
    // Before literals are known, any field could be meant.
    if typing.literals.iter().all(Option::is_none) {
        return Ok(fields_of(typing, 0)?.first().map_or(DataType::Null, |field| field.data_type().clone()));
    }
    Ok(fields_of(typing, 0)?[place(typing)?].data_type().clone())
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    let value = value.as_struct();
    let found = if call.type_of(1) == &DataType::Utf8 {
        call.constant_value::<&str>(1)?.and_then(|name| named(value.fields(), name))
    } else {
        call.constant_value::<i64>(1)?
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| at.checked_sub(1))
    };
    match found {
        Some(found) if found < value.num_columns() => field_of(value, found),
        _ => fail("the struct has no such field"),
    }
}
