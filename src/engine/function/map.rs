//! Map functions.
//!
//! - `entries`: maps in arrays
//! - `lookup`: search for keys
//! - `make`: construction of maps

mod entries;
mod lookup;
mod make;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, StructArray, UInt32Array, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute::take,
        datatypes::{DataType, Field},
    },
    error::Result,
};

pub(super) use self::lookup::contains;
use self::{
    entries::{entries, map_of, map_type, pair, rows},
    lookup::{KeyPosition, looked_up},
    make::{concatenated, made, of_entries, of_lists},
};
use super::{
    call::fail,
    description::{Function, Gives, Overload, Typing, computes, takes},
    kind::{
        ParameterKind::{Any, AnyList, AnyMap, Boolean, UBigInt},
        list_of,
    },
};

/// The functions of this family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["map"],
        syntax: "map(keys, values)",
        doc: "Makes a map of a list of keys and a list of values.",
        overloads: &[
            computes(
                &[],
                |_| Ok(map_type(DataType::Int32, DataType::Int32)),
                "MAP",
                |call| {
                    let none = new_null_array(&DataType::Int32, 0);
                    let lengths = vec![0; call.rows()];
                    made(call, Arc::clone(&none), none, lengths, None)
                },
            ),
            computes(
                &[AnyList, AnyList],
                |typing| Ok(map_type(item(typing, 0), item(typing, 1))),
                "MAP",
                of_lists,
            ),
        ],
        ..Function::MAP
    },
    Function {
        names: &["map_from_entries"],
        syntax: "map_from_entries(entries)",
        doc: "Makes a map of a list of structs of key and value.",
        overloads: &[computes(
            &[AnyList],
            |typing| match item(typing, 0) {
                DataType::Struct(pair) if pair.len() == 2 => {
                    Ok(map_type(pair[0].data_type().clone(), pair[1].data_type().clone()))
                }
                other => datafusion::common::plan_err!(
                    "`map_from_entries` takes a list of structs of two fields, not of {other}"
                ),
            },
            "MAP",
            of_entries,
        )],
        ..Function::MAP
    },
    Function {
        names: &["map_extract", "element_at"],
        syntax: "map_extract(map, key)",
        doc: "Returns a list of the value of a key, which is empty if the map lacks the key.",
        overloads: &[computes(
            &[AnyMap, Any],
            |typing| Ok(list_of(pair(typing)?.1)),
            "value[]",
            |call| {
                let (map, found) = looked_up(call)?;
                let lengths = found.iter().map(|found| usize::from(matches!(found, KeyPosition::At(_))));
                let offsets = OffsetBuffer::from_lengths(lengths);
                let places: UInt32Array = found
                    .iter()
                    .filter_map(|found| if let KeyPosition::At(at) = found { Some(*at) } else { None })
                    .collect::<Vec<u32>>()
                    .into();
                let nulls: NullBuffer =
                    found.iter().map(|found| !matches!(found, KeyPosition::Null)).collect();
                let items = take(map.values(), &places, None)?;
                list(call.returns(), items, offsets, Some(nulls))
            },
        )],
        ..Function::MAP
    },
    Function {
        names: &["map_extract_value"],
        syntax: "map_extract_value(map, key)",
        doc: "Returns the value of a key, or NULL if the map lacks the key.",
        overloads: &[computes(
            &[AnyMap, Any],
            |typing| Ok(pair(typing)?.1),
            "value",
            |call| {
                let (map, found) = looked_up(call)?;
                let places: UInt32Array = found
                    .iter()
                    .map(|found| if let KeyPosition::At(at) = found { Some(*at) } else { None })
                    .collect();
                Ok(take(map.values(), &places, None)?)
            },
        )],
        ..Function::MAP
    },
    Function {
        names: &["map_contains"],
        syntax: "map_contains(map, key)",
        doc: "Returns whether a map has a key.",
        overloads: &[takes(&[AnyMap, Any], Boolean, contains)],
        ..Function::MAP
    },
    Function {
        names: &["map_contains_value"],
        syntax: "map_contains_value(map, value)",
        doc: "Returns whether a map has a value.",
        overloads: &[takes(&[AnyMap, Any], Boolean, |call| {
            let map = map_of(call, 0)?;
            let wanted = call.array(1)?;
            let rows = rows(&[map.values(), &wanted])?;
            call.each(|row| {
                if map.is_null(row) {
                    return Ok(None);
                }
                Ok(Some(entries(&map, row).any(|at| rows[0].row(at) == rows[1].row(row))))
            })
        })],
        ..Function::MAP
    },
    Function {
        names: &["map_contains_entry"],
        syntax: "map_contains_entry(map, key, value)",
        doc: "Returns whether a map has a key with this value.",
        overloads: &[takes(&[AnyMap, Any, Any], Boolean, |call| {
            let (map, found) = looked_up(call)?;
            let wanted = call.array(2)?;
            let rows = rows(&[map.values(), &wanted])?;
            call.each(|row| {
                Ok(match found[row] {
                    KeyPosition::At(at) => Some(rows[0].row(at as usize) == rows[1].row(row)),
                    KeyPosition::Nothing => Some(false),
                    KeyPosition::Null => None,
                })
            })
        })],
        ..Function::MAP
    },
    Function {
        names: &["map_keys"],
        syntax: "map_keys(map)",
        doc: "Returns the keys of a map.",
        overloads: &[computes(
            &[AnyMap],
            |typing| Ok(list_of(pair(typing)?.0)),
            "key[]",
            |call| {
                let map = map_of(call, 0)?;
                list(call.returns(), Arc::clone(map.keys()), map.offsets().clone(), map.nulls().cloned())
            },
        )],
        ..Function::MAP
    },
    Function {
        names: &["map_values"],
        syntax: "map_values(map)",
        doc: "Returns the values of a map.",
        overloads: &[computes(
            &[AnyMap],
            |typing| Ok(list_of(pair(typing)?.1)),
            "value[]",
            |call| {
                let map = map_of(call, 0)?;
                list(call.returns(), Arc::clone(map.values()), map.offsets().clone(), map.nulls().cloned())
            },
        )],
        ..Function::MAP
    },
    Function {
        names: &["map_entries"],
        syntax: "map_entries(map)",
        doc: "Returns the entries of a map as structs of `key` and `value`.",
        overloads: &[computes(
            &[AnyMap],
            |typing| {
                let (key, value) = pair(typing)?;
                let fields = vec![Field::new("key", key, true), Field::new("value", value, true)];
                Ok(list_of(DataType::Struct(fields.into())))
            },
            "STRUCT[]",
            |call| {
                let map = map_of(call, 0)?;
                let DataType::List(field) = call.returns() else { return fail("the result is no list") };
                let DataType::Struct(fields) = field.data_type() else {
                    return fail("the items are no structs");
                };
                let columns = vec![Arc::clone(map.keys()), Arc::clone(map.values())];
                let items = StructArray::try_new(fields.clone(), columns, None)?;
                list(call.returns(), Arc::new(items), map.offsets().clone(), map.nulls().cloned())
            },
        )],
        ..Function::MAP
    },
    Function {
        names: &["cardinality"],
        syntax: "cardinality(map)",
        doc: "Returns the number of entries of a map.",
        overloads: &[takes(&[AnyMap], UBigInt, |call| {
            let map = map_of(call, 0)?;
            call.each(|row| Ok(map.is_valid(row).then(|| entries(&map, row).len() as u64)))
        })],
        ..Function::MAP
    },
    Function {
        names: &["map_concat"],
        syntax: "map_concat(map, …)",
        doc: "Joins maps; the last map that has a key gives its value.",
        overloads: &[Overload {
            takes: &[AnyMap],
            rest: Some(AnyMap),
            gives: Gives::By(
                |typing| {
                    let found = typing.types.iter().find(|of| matches!(of, DataType::Map(..)));
                    Ok(found.cloned().unwrap_or(DataType::Null))
                },
                "MAP",
            ),
            body: concatenated,
        }],
        ..Function::MAP
    },
];

fn item(typing: &Typing, argument: usize) -> DataType {
    match typing.types.get(argument) {
        Some(DataType::List(field)) => field.data_type().clone(),
        _ => DataType::Null,
    }
}

fn list(
    list: &DataType,
    items: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::List(field) = list else { return fail("the result is no list") };
    Ok(Arc::new(datafusion::arrow::array::ListArray::try_new(Arc::clone(field), offsets, items, nulls)?))
}
