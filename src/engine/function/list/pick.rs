//! Functions that select items of their arguments.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        compute::take,
        datatypes::DataType,
    },
    common::plan_err,
    error::Result,
};

use super::super::{
    call::{Call, fail},
    description::{Function, Gives, Overload, Typing, computes, keeps, takes},
    kind::ParameterKind::{AnyList, BigInt, Blob, Boolean, List, T, Varchar},
};
use super::{
    concatenation::{concatenate, flatten},
    lists::{Lists, item_of, joined, lists_of, narrow, place},
};
use crate::engine::cast::type_name::type_name;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["list_extract", "list_element", "array_extract"],
        syntax: "list_extract(list, position)",
        doc: "Returns the item at a position, or the character of a text; NULL if there is none.",
        example: ("list_extract([4, 5, 6], -1)", "6"),
        overloads: &[
            computes(&[AnyList, BigInt], |typing| Ok(item_of(typing, 0)), "item", extract),
            takes(&[Varchar, BigInt], Varchar, |call| {
                call.map2(|text: &str, position: i64| {
                    if position.unsigned_abs() > u64::from(u32::MAX) {
                        return fail(format!("list_extract: the position {position} is out of range"));
                    }
                    let found = place(position, text.chars().count()).and_then(|at| text.chars().nth(at));
                    Ok(Some(found.map(String::from).unwrap_or_default()))
                })
            }),
        ],
        ..Function::LIST
    },
    Function {
        names: &["list_slice", "array_slice"],
        syntax: "list_slice(list, begin, end[, step])",
        doc: "Returns the items, or the characters of a text, from one position to another, both included.",
        example: ("list_slice([1, 2, 3, 4], 2, 3)", "[2, 3]"),
        overloads: &[
            keeps(&[AnyList, BigInt, BigInt], slice),
            keeps(&[AnyList, BigInt, BigInt, BigInt], slice),
            takes(&[Blob, BigInt, BigInt], Blob, |call| {
                call.map3(|bytes: &[u8], begin: i64, end: i64| {
                    let (begin, end) = bounds(begin, end, bytes.len());
                    Ok(Some(bytes.get(begin..end).unwrap_or_default().to_vec()))
                })
            }),
            takes(&[Varchar, BigInt, BigInt], Varchar, |call| {
                call.map3(|text: &str, begin: i64, end: i64| {
                    let length = text.chars().count();
                    let (begin, end) = bounds(begin, end, length);
                    Ok(Some(text.chars().skip(begin).take(end.saturating_sub(begin)).collect::<String>()))
                })
            }),
        ],
        ..Function::LIST
    },
    Function {
        names: &["list_append", "array_append", "array_push_back"],
        syntax: "list_append(list, item)",
        doc: "Adds an item at the end of a list.",
        example: ("list_append([1, 2], 3)", "[1, 2, 3]"),
        overloads: &[computes(
            &[List(&T), T],
            |typing| added(typing, 0, 1),
            "T[]",
            |call| add(call, 0, 1, false),
        )],
        ..Function::LIST
    },
    Function {
        names: &["list_prepend", "array_prepend"],
        syntax: "list_prepend(item, list)",
        doc: "Adds an item at the beginning of a list.",
        example: ("list_prepend(0, [1, 2])", "[0, 1, 2]"),
        overloads: &[computes(
            &[T, List(&T)],
            |typing| added(typing, 1, 0),
            "T[]",
            |call| add(call, 1, 0, true),
        )],
        ..Function::LIST
    },
    Function {
        names: &["array_push_front"],
        syntax: "array_push_front(list, item)",
        doc: "Adds an item at the beginning of a list.",
        example: ("array_push_front([1, 2], 0)", "[0, 1, 2]"),
        overloads: &[computes(
            &[List(&T), T],
            |typing| added(typing, 0, 1),
            "T[]",
            |call| add(call, 0, 1, true),
        )],
        ..Function::LIST
    },
    Function {
        names: &["array_pop_back"],
        syntax: "array_pop_back(list)",
        doc: "Returns a list without its last item.",
        example: ("array_pop_back([1, 2])", "[1]"),
        overloads: &[keeps(&[AnyList], |call| {
            each(call, |items, chosen| chosen.extend(items.take(items.len().saturating_sub(1))))
        })],
        ..Function::LIST
    },
    Function {
        names: &["array_pop_front"],
        syntax: "array_pop_front(list)",
        doc: "Returns a list without its first item.",
        example: ("array_pop_front([1, 2])", "[2]"),
        overloads: &[keeps(&[AnyList], |call| each(call, |items, chosen| chosen.extend(items.skip(1))))],
        ..Function::LIST
    },
    Function {
        names: &["list_concat", "list_cat", "array_concat", "array_cat"],
        syntax: "list_concat(list, …)",
        doc: "Joins lists; a NULL list adds nothing.",
        example: ("list_concat([1], [2, 3])", "[1, 2, 3]"),
        overloads: &[takes(&[List(&T), List(&T)], List(&T), concatenate).and(List(&T))],
        ..Function::LIST
    },
    Function {
        names: &["list_reverse", "array_reverse"],
        syntax: "list_reverse(list)",
        doc: "Returns the items in reverse order.",
        example: ("list_reverse([1, 2, 3])", "[3, 2, 1]"),
        overloads: &[keeps(&[AnyList], |call| each(call, |items, chosen| chosen.extend(items.rev())))],
        ..Function::LIST
    },
    Function {
        names: &["flatten"],
        syntax: "flatten(lists)",
        doc: "Joins the lists in a list.",
        example: ("flatten([[1, 2], [3]])", "[1, 2, 3]"),
        overloads: &[Overload {
            takes: &[List(&AnyList)],
            rest: None,
            gives: Gives::By(|typing| Ok(item_of(typing, 0)), "item"),
            body: flatten,
        }],
        ..Function::LIST
    },
    Function {
        names: &["list_resize", "array_resize"],
        syntax: "list_resize(list, length[, item])",
        doc: "Cuts a list off at a length, or fills it up with an item: NULL by default.",
        example: ("list_resize([1, 2, 3], 5, 0)", "[1, 2, 3, 0, 0]"),
        overloads: &[keeps(&[AnyList, BigInt], resize), takes(&[List(&T), BigInt, T], List(&T), resize)],
        ..Function::LIST
    },
    Function {
        names: &["list_where", "array_where"],
        syntax: "list_where(list, mask)",
        doc: "Returns the items for which a list of conditions is true.",
        example: ("list_where([1, 2, 3], [true, false, true])", "[1, 3]"),
        overloads: &[keeps(&[AnyList, List(&Boolean)], |call| {
            let (list, mask) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
            let flags = datafusion::arrow::array::AsArray::as_boolean(mask.items()).clone();
            lists_of(call, list.items(), |row, chosen| {
                let (Some(items), Some(flagged)) = (list.row(row), mask.row(row)) else { return Ok(false) };
                refuse_nulls(&flags, flagged.clone())?;
                // A true flag beyond the list's end selects NULL.
                let end = items.end;
                let places = (items.start..).zip(flagged).filter(|(_, flag)| flags.value(*flag));
                chosen.extend(places.map(|(at, _)| (at < end).then(|| narrow(at))));
                Ok(true)
            })
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_select", "array_select"],
        syntax: "list_select(list, positions)",
        doc: "Returns the items at a list of positions, NULL for those that don't exist.",
        example: ("list_select([4, 5, 6], [3, 1])", "[6, 4]"),
        overloads: &[keeps(&[AnyList, List(&BigInt)], |call| {
            let (list, at) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
            let positions = datafusion::arrow::array::AsArray::as_primitive::<
                datafusion::arrow::datatypes::Int64Type,
            >(at.items())
            .clone();
            lists_of(call, list.items(), |row, chosen| {
                let (Some(items), Some(asked)) = (list.row(row), at.row(row)) else { return Ok(false) };
                refuse_nulls(&positions, asked.clone())?;
                chosen.extend(asked.map(|one| {
                    let position = positions.value(one);
                    let place = if position > 0 { place(position, items.len()) } else { None };
                    place.map(|at| narrow(items.start + at))
                }));
                Ok(true)
            })
        })],
        ..Function::LIST
    },
];

/// Returns the type of a list with an added item. Text, even a literal, can't be added to a list of another
/// type.
fn added(typing: &Typing, list: usize, item: usize) -> Result<DataType> {
    if typing.text(item).is_some() && typing.types[item] != DataType::Utf8 {
        let (list, item) = (type_name(&typing.types[list]), type_name(&typing.types[item]));
        return plan_err!("text can't be added to {list}: cast it to {item}");
    }
    Ok(typing.types[list].clone())
}

fn refuse_nulls(items: &dyn Array, range: std::ops::Range<usize>) -> Result<()> {
    for at in range {
        if items.is_null(at) {
            return fail("the second list must not have NULL in it");
        }
    }
    Ok(())
}

/// The index range of a row's items.
#[derive(Debug, Clone)]
struct ItemRange(std::ops::Range<usize>);

impl ItemRange {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn take(&self, count: usize) -> impl Iterator<Item = Option<u32>> + use<> {
        self.0.clone().take(count).map(|at| Some(narrow(at)))
    }

    fn skip(&self, count: usize) -> impl Iterator<Item = Option<u32>> + use<> {
        self.0.clone().skip(count).map(|at| Some(narrow(at)))
    }

    fn rev(&self) -> impl Iterator<Item = Option<u32>> + use<> {
        self.0.clone().rev().map(|at| Some(narrow(at)))
    }
}

/// Selects items of the only argument.
fn each(call: &Call, choose: impl Fn(&ItemRange, &mut Vec<Option<u32>>)) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    lists_of(call, list.items(), |row, chosen| {
        let Some(items) = list.row(row) else { return Ok(false) };
        choose(&ItemRange(items), chosen);
        Ok(true)
    })
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let position = call.column::<i64>(1)?;
    let at = |row| {
        let items = list.row(row)?;
        Some(narrow(items.start + place(position.at(row)?, items.len())?))
    };
    let indices: UInt32Array = (0..call.rows()).map(at).collect();
    Ok(take(list.items(), &indices, None)?)
}

/// Returns a slice's first index and the index after its last.
fn bounds(begin: i64, end: i64, length: usize) -> (usize, usize) {
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let begin = if begin < 0 { size.saturating_add(begin) } else { begin.saturating_sub(1) };
    let end = if end < 0 { size.saturating_add(end).saturating_add(1) } else { end };
    let within = |at: i64| usize::try_from(at.clamp(0, size)).unwrap_or(0);
    (within(begin), within(end))
}

fn slice(call: &Call) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let (begin, end) = (call.column::<i64>(1)?, call.column::<i64>(2)?);
    let step = if call.len() > 3 { Some(call.column::<i64>(3)?) } else { None };
    lists_of(call, list.items(), |row, chosen| {
        let (Some(items), Some(begin), Some(end)) = (list.row(row), begin.at(row), end.at(row)) else {
            return Ok(false);
        };
        let step = match &step {
            Some(step) => match step.at(row) {
                Some(0) => return fail("the step of a slice must not be 0"),
                Some(step) => step,
                None => return Ok(false),
            },
            None => 1,
        };
        // A negative step walks from `begin` down to `end`.
        let (low, high) = if step < 0 { (end, begin) } else { (begin, end) };
        let (first, after) = bounds(low, high, items.len());
        let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        let range = items.start + first..items.start + after.max(first);
        if step < 0 {
            chosen.extend(range.rev().step_by(stride).map(|at| Some(narrow(at))));
        } else {
            chosen.extend(range.step_by(stride).map(|at| Some(narrow(at))));
        }
        Ok(true)
    })
}

/// Adds one argument as an item to another argument's list.
fn add(call: &Call, list: usize, item: usize, front: bool) -> Result<ArrayRef> {
    let list = Lists::of(call, list)?;
    let item = call.array(item)?;
    let items = joined(&[list.items(), &item], call.returns())?;
    let base = list.items().len();
    lists_of(call, &items, |row, chosen| {
        let own = list.row(row).into_iter().flatten().map(|at| Some(narrow(at)));
        let new = Some(narrow(base + row));
        if front {
            chosen.push(new);
            chosen.extend(own);
        } else {
            chosen.extend(own);
            chosen.push(new);
        }
        Ok(true)
    })
}

fn resize(call: &Call) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let length = call.column::<i64>(1)?;
    let filling = if call.len() > 2 { Some(call.array(2)?) } else { None };
    let base = list.items().len();
    let items = match &filling {
        Some(filling) => joined(&[list.items(), filling], call.returns())?,
        None => ArrayRef::clone(list.items()),
    };
    lists_of(call, &items, |row, chosen| {
        let Some(own) = list.row(row) else { return Ok(false) };
        let length = length.at(row).unwrap_or(0);
        let Ok(length) = usize::try_from(length) else {
            return fail("the length of a list must not be negative");
        };
        if length > 100_000_000 {
            return fail(format!("a list of {length} items is too long"));
        }
        let missing = length.saturating_sub(own.len());
        chosen.extend(own.take(length).map(|at| Some(narrow(at))));
        let filled = filling.is_some().then(|| narrow(base + row));
        chosen.extend(std::iter::repeat_n(filled, missing));
        Ok(true)
    })
}
