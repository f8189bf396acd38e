//! Functions that search, sort and deduplicate lists.

use std::collections::HashSet;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt64Array},
        compute::SortOptions,
        datatypes::DataType,
        row::{Row, RowConverter, Rows, SortField},
    },
    error::Result,
};

use super::super::{
    call::{Call, fail},
    description::{Function, keeps, takes},
    kind::ParameterKind::{AnyList, BigInt, Boolean, Integer, List, T, UBigInt, Varchar},
    value::comparable,
};
use super::lists::{Lists, lists_of, narrow};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["list_contains", "list_has", "array_contains", "array_has"],
        syntax: "list_contains(list, item)",
        doc: "Returns whether a list has an item.",
        example: ("list_contains([1, 2], 2)", "true"),
        overloads: &[takes(&[List(&T), T], Boolean, contains)],
        ..Function::LIST
    },
    Function {
        names: &["list_position", "list_indexof", "array_position", "array_indexof"],
        syntax: "list_position(list, item)",
        doc: "Returns the position of the first item that equals another; NULL if there is none.",
        example: ("list_position([4, 5], 5)", "2"),
        overloads: &[takes(&[List(&T), T], Integer, |call| {
            let (list, item) = (Lists::of(call, 0)?, call.array(1)?);
            let [items, wanted] = values([list.items(), &item])?;
            call.each(|row| {
                let Some(mut range) = list.row(row) else { return Ok(None) };
                let found = range.position(|at| items.row(at) == wanted.row(row));
                Ok(found.and_then(|found| i32::try_from(found + 1).ok()))
            })
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_has_any", "array_has_any"],
        syntax: "list_has_any(list, others)",
        doc: "Returns whether two lists have an item in common; NULL items are none.",
        example: ("list_has_any([1, 2], [2, 3])", "true"),
        overloads: &[takes(&[List(&T), List(&T)], Boolean, |call| {
            two(call, |own, others| Ok(Some(others.iter().any(|item| own.contains(item)))))
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_has_all", "array_has_all"],
        syntax: "list_has_all(list, others)",
        doc: "Returns whether a list has all items of another; NULL items don't count.",
        example: ("list_has_all([1, 2, 3], [3, 1])", "true"),
        overloads: &[takes(&[List(&T), List(&T)], Boolean, |call| {
            two(call, |own, others| Ok(Some(others.iter().all(|item| own.contains(item)))))
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_intersect", "array_intersect"],
        syntax: "list_intersect(list, others)",
        doc: "Returns the distinct items that two lists have in common, in the order of the first.",
        example: ("list_intersect([1, 2, 3], [2, 3, 4])", "[2, 3]"),
        overloads: &[takes(&[List(&T), List(&T)], List(&T), |call| {
            let (list, others) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
            let [own, wanted] = values([list.items(), others.items()])?;
            lists_of(call, list.items(), |row, chosen| {
                let Some(items) = list.row(row) else { return Ok(false) };
                let range = others.row(row).unwrap_or_default();
                let mut wanted: HashSet<Row<'_>> = range.map(|at| wanted.row(at)).collect();
                for at in items {
                    if list.has_value(at) && wanted.remove(&own.row(at)) {
                        chosen.push(Some(narrow(at)));
                    }
                }
                Ok(true)
            })
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_distinct", "array_distinct"],
        syntax: "list_distinct(list)",
        doc: "Returns the distinct items that are not NULL, in the order of their first.",
        example: ("list_distinct([1, 1, 2])", "[1, 2]"),
        overloads: &[keeps(&[AnyList], |call| {
            let list = Lists::of(call, 0)?;
            let [items] = values([list.items()])?;
            lists_of(call, list.items(), |row, chosen| {
                let Some(range) = list.row(row) else { return Ok(false) };
                let mut seen = HashSet::new();
                let first = range.filter(|at| list.has_value(*at) && seen.insert(items.row(*at)));
                chosen.extend(first.map(|at| Some(narrow(at))));
                Ok(true)
            })
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_unique", "array_unique"],
        syntax: "list_unique(list)",
        doc: "Returns the number of distinct items that are not NULL.",
        example: ("list_unique([1, 1, 2])", "2"),
        overloads: &[takes(&[AnyList], UBigInt, |call| {
            let list = Lists::of(call, 0)?;
            let [items] = values([list.items()])?;
            let counts = (0..call.rows()).map(|row| {
                let range = list.row(row)?;
                let distinct: HashSet<Row<'_>> =
                    range.filter(|at| list.has_value(*at)).map(|at| items.row(at)).collect();
                Some(distinct.len() as u64)
            });
            Ok(std::sync::Arc::new(counts.collect::<UInt64Array>()))
        })],
        ..Function::LIST
    },
    Function {
        names: &["list_sort", "array_sort"],
        syntax: "list_sort(list[, order[, nulls]])",
        doc: "Sorts the items: ascending with NULL last, unless `'DESC'` or `'NULLS FIRST'` say otherwise.",
        example: ("list_sort([3, 1, 2], 'DESC')", "[3, 2, 1]"),
        overloads: &[
            keeps(&[AnyList], |call| sort(call, false)),
            keeps(&[AnyList, Varchar], |call| sort(call, false)),
            keeps(&[AnyList, Varchar, Varchar], |call| sort(call, false)),
        ],
        ..Function::LIST
    },
    Function {
        names: &["list_reverse_sort", "array_reverse_sort"],
        syntax: "list_reverse_sort(list[, nulls])",
        doc: "Sorts the items in descending order, with NULL last unless `'NULLS FIRST'` says otherwise.",
        example: ("list_reverse_sort([3, 1, 2])", "[3, 2, 1]"),
        overloads: &[
            keeps(&[AnyList], |call| sort(call, true)),
            keeps(&[AnyList, Varchar], |call| sort(call, true)),
        ],
        ..Function::LIST
    },
    Function {
        names: &["list_grade_up", "array_grade_up", "grade_up"],
        syntax: "list_grade_up(list[, order[, nulls]])",
        doc: "Returns the positions of the items in sorted order.",
        example: ("list_grade_up([3, 1, 2])", "[2, 3, 1]"),
        overloads: &[
            takes(&[AnyList], List(&BigInt), grades),
            takes(&[AnyList, Varchar], List(&BigInt), grades),
            takes(&[AnyList, Varchar, Varchar], List(&BigInt), grades),
        ],
        ..Function::LIST
    },
];

/// Checks whether lists contain an item.
pub(in crate::engine::function) fn contains(call: &Call) -> Result<ArrayRef> {
    let (list, item) = (Lists::of(call, 0)?, call.array(1)?);
    let [items, wanted] = values([list.items(), &item])?;
    call.each(|row| {
        let Some(range) = list.row(row) else { return Ok(None) };
        if item.is_null(row) || item.data_type().is_null() {
            return Ok(None);
        }
        Ok(Some(range.into_iter().any(|at| items.row(at) == wanted.row(row))))
    })
}

/// Converts columns of one type to rows that compare as their values do.
fn values<const N: usize>(columns: [&ArrayRef; N]) -> Result<[Rows; N]> {
    ordered(columns, SortOptions::new(false, false))
}

fn ordered<const N: usize>(columns: [&ArrayRef; N], order: SortOptions) -> Result<[Rows; N]> {
    let data_type = columns.iter().map(Array::data_type).find(|of| !of.is_null()).unwrap_or(&DataType::Null);
    let converter = RowConverter::new(vec![SortField::new_with_options(data_type.clone(), order)])?;
    let rows = columns.into_iter().map(|column| {
        let column = datafusion::arrow::compute::cast(column, data_type)?;
        Ok(converter.convert_columns(&[comparable(&column)?])?)
    });
    let rows: Vec<Rows> = rows.collect::<Result<_>>()?;
    rows.try_into().map_err(|_| datafusion::error::DataFusionError::Internal("columns were lost".into()))
}

/// Compares the non-NULL items of two lists.
fn two(
    call: &Call,
    compare: impl Fn(&HashSet<Row<'_>>, &[Row<'_>]) -> Result<Option<bool>>,
) -> Result<ArrayRef> {
    let (list, others) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
    let [own, wanted] = values([list.items(), others.items()])?;
    call.each(|row| {
        let (Some(items), Some(range)) = (list.row(row), others.row(row)) else { return Ok(None) };
        let items = items.filter(|at| list.has_value(*at)).map(|at| own.row(at)).collect();
        let range: Vec<Row<'_>> = range.filter(|at| others.has_value(*at)).map(|at| wanted.row(at)).collect();
        compare(&items, &range)
    })
}

/// Parses the sort order given by the text arguments after the list.
fn order(call: &Call, reverse: bool) -> Result<SortOptions> {
    let mut options = SortOptions::new(reverse, false);
    for argument in 1..call.len() {
        let Some(text) = call.constant_value::<&str>(argument)? else {
            return fail(
                "the order of a list must be a constant: 'ASC', 'DESC', 'NULLS FIRST' or 'NULLS LAST'",
            );
        };
        match text.to_ascii_uppercase().as_str() {
            "ASC" | "DEFAULT" if argument == 1 && !reverse => {}
            "DESC" if argument == 1 && !reverse => options.descending = true,
            "NULLS FIRST" if argument == 2 || reverse => options.nulls_first = true,
            "NULLS LAST" if argument == 2 || reverse => options.nulls_first = false,
            _ => {
                return fail(format!(
                    "unknown order `{text}`: write 'ASC', 'DESC', then 'NULLS FIRST' or 'NULLS LAST'"
                ));
            }
        }
    }
    Ok(options)
}

fn sort(call: &Call, reverse: bool) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let [items] = ordered([list.items()], order(call, reverse)?)?;
    lists_of(call, list.items(), |row, chosen| {
        let Some(range) = list.row(row) else { return Ok(false) };
        let mut sorted: Vec<usize> = range.collect();
        sorted.sort_by(|a, b| items.row(*a).cmp(&items.row(*b)));
        chosen.extend(sorted.into_iter().map(|at| Some(narrow(at))));
        Ok(true)
    })
}

fn grades(call: &Call) -> Result<ArrayRef> {
    let list = Lists::of(call, 0)?;
    let [items] = ordered([list.items()], order(call, false)?)?;
    call.each(|row| {
        let Some(range) = list.row(row) else { return Ok(None) };
        let start = range.start;
        let mut sorted: Vec<usize> = range.collect();
        sorted.sort_by(|a, b| items.row(*a).cmp(&items.row(*b)));
        let grade = |at: usize| i64::try_from(at - start + 1).ok();
        Ok(Some(sorted.into_iter().map(grade).collect::<Vec<Option<i64>>>()))
    })
}
