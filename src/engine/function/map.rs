//! Map functions.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, MapArray, StructArray, UInt32Array, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute::{SortOptions, cast, concat, take},
        datatypes::{DataType, Field, FieldRef},
        row::{RowConverter, Rows, SortField},
    },
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, fail},
    description::{Function, Gives, Overload, Typing, computes, takes},
    kind::{
        Kind::{Any, AnyList, AnyMap, Boolean, UBigInt},
        list_of,
    },
    value::comparable,
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
                let lengths = found.iter().map(|found| usize::from(matches!(found, Found::At(_))));
                let offsets = OffsetBuffer::from_lengths(lengths);
                let places: UInt32Array = found
                    .iter()
                    .filter_map(|found| if let Found::At(at) = found { Some(*at) } else { None })
                    .collect::<Vec<u32>>()
                    .into();
                let nulls: NullBuffer = found.iter().map(|found| !matches!(found, Found::Null)).collect();
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
                    .map(|found| if let Found::At(at) = found { Some(*at) } else { None })
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
                    Found::At(at) => Some(rows[0].row(at as usize) == rows[1].row(row)),
                    Found::Nothing => Some(false),
                    Found::Null => None,
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

/// Builds a map type.
fn map_type(key: DataType, value: DataType) -> DataType {
    let fields = vec![Field::new("key", key, false), Field::new("value", value, true)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false)
}

fn item(typing: &Typing, argument: usize) -> DataType {
    match typing.types.get(argument) {
        Some(DataType::List(field)) => field.data_type().clone(),
        _ => DataType::Null,
    }
}

/// Returns the key and value types of the first argument.
fn pair(typing: &Typing) -> Result<(DataType, DataType)> {
    if let Some(DataType::Map(entries, _)) = typing.types.first()
        && let DataType::Struct(pair) = entries.data_type()
        && let [key, value] = pair.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    datafusion::common::plan_err!("a NULL without a type has no entries: cast it to a map")
}

fn map_of(call: &Call, argument: usize) -> Result<MapArray> {
    let column = call.array(argument)?;
    match column.as_map_opt() {
        Some(map) => Ok(map.clone()),
        None => Err(DataFusionError::Internal(format!("argument {argument} is no map"))),
    }
}

/// Returns the range of a row's entries.
fn entries(map: &MapArray, row: usize) -> std::ops::Range<usize> {
    let end = |at: usize| usize::try_from(map.value_offsets()[at]).unwrap_or(0);
    end(row)..end(row + 1)
}

/// Converts columns to rows that compare as their values do; all columns are cast to the type of the first.
fn rows(columns: &[&ArrayRef]) -> Result<Vec<Rows>> {
    let data_type = columns[0].data_type();
    let options = SortOptions::new(false, false);
    let converter = RowConverter::new(vec![SortField::new_with_options(data_type.clone(), options)])?;
    let rows = columns
        .iter()
        .map(|column| Ok(converter.convert_columns(&[comparable(&cast(column, data_type)?)?])?));
    rows.collect()
}

/// The result of a key lookup.
enum Found {
    At(u32),
    Nothing,
    Null,
}

/// Checks whether maps contain a key.
pub(super) fn contains(call: &Call) -> Result<ArrayRef> {
    let (_, found) = looked_up(call)?;
    let keys = call.array(1)?;
    call.each(|row| {
        Ok(match found[row] {
            _ if keys.is_null(row) => None,
            Found::At(_) => Some(true),
            Found::Nothing => Some(false),
            Found::Null => None,
        })
    })
}

/// Returns the map, and the result of looking up each row's key from the second argument.
fn looked_up(call: &Call) -> Result<(MapArray, Vec<Found>)> {
    let map = map_of(call, 0)?;
    let wanted = call.array(1)?;
    let rows = rows(&[map.keys(), &wanted])?;
    let found = (0..call.rows()).map(|row| {
        if map.is_null(row) {
            return Found::Null;
        }
        if wanted.is_null(row) {
            return Found::Nothing;
        }
        let at = entries(&map, row).find(|at| rows[0].row(*at) == rows[1].row(row));
        at.and_then(|at| u32::try_from(at).ok()).map_or(Found::Nothing, Found::At)
    });
    let found = found.collect();
    Ok((map, found))
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

/// Builds a map from entries whose keys must be unique and not NULL.
fn made(
    call: &Call,
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Map(field, _) = call.returns() else { return fail("the result is no map") };
    let DataType::Struct(fields) = field.data_type() else { return fail("the entries are no structs") };
    if keys.logical_null_count() > 0 {
        return fail("the keys of a map must not be NULL");
    }
    let rows = rows(&[&keys])?;
    let mut start = 0;
    for length in &lengths {
        let mut seen = std::collections::HashSet::new();
        if !(start..start + length).all(|at| seen.insert(rows[0].row(at))) {
            return fail("the keys of a map must be unique");
        }
        start += length;
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, false)?))
}

fn of_lists(call: &Call) -> Result<ArrayRef> {
    let (keys, values) = (call.array(0)?, call.array(1)?);
    let (keys, values) = (keys.as_list::<i32>(), values.as_list::<i32>());
    let mut lengths = Vec::new();
    let mut valid = Vec::new();
    let mut places: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    for row in 0..call.rows() {
        let is_valid = keys.is_valid(row) && values.is_valid(row);
        valid.push(is_valid);
        if !is_valid {
            lengths.push(0);
            continue;
        }
        let range = |list: &datafusion::arrow::array::ListArray| -> Result<std::ops::Range<u32>> {
            let end = |at: usize| u32::try_from(list.value_offsets()[at]).unwrap_or(0);
            Ok(end(row)..end(row + 1))
        };
        let (own, others) = (range(keys)?, range(values)?);
        if own.len() != others.len() {
            return fail(format!("a map of {} keys can't have {} values", own.len(), others.len()));
        }
        lengths.push(own.len());
        places[0].extend(own);
        places[1].extend(others);
    }
    let [own, others] = places.map(UInt32Array::from);
    let keys = take(keys.values(), &own, None)?;
    let values = take(values.values(), &others, None)?;
    made(call, keys, values, lengths, Some(valid.into()))
}

fn of_entries(call: &Call) -> Result<ArrayRef> {
    let column = call.array(0)?;
    let lists = column.as_list::<i32>();
    let mut lengths = Vec::new();
    let mut places: Vec<u32> = Vec::new();
    for row in 0..call.rows() {
        let end = |at: usize| u32::try_from(lists.value_offsets()[at]).unwrap_or(0);
        let range = if lists.is_valid(row) { end(row)..end(row + 1) } else { 0..0 };
        lengths.push(range.len());
        places.extend(range);
    }
    let pairs = take(lists.values(), &UInt32Array::from(places), None)?;
    let pairs = pairs.as_struct();
    made(call, Arc::clone(pairs.column(0)), Arc::clone(pairs.column(1)), lengths, lists.nulls().cloned())
}

fn concatenated(call: &Call) -> Result<ArrayRef> {
    let DataType::Map(field, _) = call.returns() else { return fail("`map_concat` takes maps") };
    let field: &FieldRef = field;
    let mut maps = Vec::new();
    for at in 0..call.len() {
        if !call.type_of(at).is_null() {
            let column = cast(&call.array(at)?, &DataType::Map(Arc::clone(field), false))?;
            maps.push(column.as_map().clone());
        }
    }
    let keys = concat(&maps.iter().map(|map| map.keys().as_ref()).collect::<Vec<_>>())?;
    let values = concat(&maps.iter().map(|map| map.values().as_ref()).collect::<Vec<_>>())?;
    let rows = rows(&[&keys])?;
    let mut lengths = Vec::new();
    let mut places: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    for row in 0..call.rows() {
        let mut seen = HashMap::new();
        let start = places[0].len();
        let mut base = 0;
        for map in &maps {
            if map.is_valid(row) {
                for at in entries(map, row).map(|at| base + at) {
                    let at32 = u32::try_from(at).unwrap_or(u32::MAX);
                    if let Some(place) = seen.get(&rows[0].row(at)) {
                        places[1][*place] = at32;
                    } else {
                        seen.insert(rows[0].row(at), places[0].len());
                        places[0].push(at32);
                        places[1].push(at32);
                    }
                }
            }
            base += map.keys().len();
        }
        lengths.push(places[0].len() - start);
    }
    let [own, others] = places.map(UInt32Array::from);
    let (keys, values) = (take(&keys, &own, None)?, take(&values, &others, None)?);
    made(call, keys, values, lengths, None)
}
