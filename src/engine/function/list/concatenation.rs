//! Concatenation of lists.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray},
        compute::nullif,
    },
    error::Result,
    logical_expr::{Expr, ScalarUDF},
};

use super::lists::{Lists, joined, lists_of, narrow};
use crate::engine::function::{
    call::Call,
    description::{Function, takes},
    kind::ParameterKind::{List, T},
    scalar::ScalarFunction,
};

/// `list || list`: NULL if either list is NULL.
const JOINED: Function = Function {
    names: &["||"],
    overloads: &[takes(&[List(&T), List(&T)], List(&T), |call| {
        let nulls: Vec<ArrayRef> = call.arrays()?;
        let null = |row: usize| Some(nulls.iter().any(|list| list.is_null(row)));
        let either: BooleanArray = (0..call.rows()).map(null).collect();
        Ok(nullif(&concatenate(call)?, &either)?)
    })],
    ..Function::LIST
};

/// Joins two lists of one type as the operator `||` does.
pub(in crate::engine) fn joined_lists(left: Expr, right: Expr) -> Expr {
    let function = ScalarUDF::new_from_impl(ScalarFunction::new(&JOINED));
    function.call(vec![left, right])
}

pub(super) fn concatenate(call: &Call) -> Result<ArrayRef> {
    let lists: Vec<Lists> = (0..call.len()).map(|at| Lists::of(call, at)).collect::<Result<_>>()?;
    let items = joined(&lists.iter().map(Lists::items).collect::<Vec<_>>(), call.returns())?;
    lists_of(call, &items, |row, chosen| {
        let mut base = 0;
        for list in &lists {
            if let Some(own) = list.row(row) {
                chosen.extend(own.map(|at| Some(narrow(base + at))));
            }
            base += list.items().len();
        }
        Ok(true)
    })
}

pub(super) fn flatten(call: &Call) -> Result<ArrayRef> {
    let outer = Lists::of(call, 0)?;
    let Some(inner) = datafusion::arrow::array::AsArray::as_list_opt::<i32>(outer.items()) else {
        // Every item is NULL.
        let empty = datafusion::arrow::array::new_empty_array(&super::lists::item_type(call.returns()));
        return lists_of(call, &empty, |row, _| Ok(outer.row(row).is_some()));
    };
    let inner = Lists { list: inner.clone() };
    lists_of(call, inner.items(), |row, chosen| {
        let Some(lists) = outer.row(row) else { return Ok(false) };
        chosen.extend(lists.filter_map(|list| inner.row(list)).flatten().map(|at| Some(narrow(at))));
        Ok(true)
    })
}
