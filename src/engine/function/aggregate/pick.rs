//! Aggregates that pick rows: first and last values, and `arg_min`/`arg_max`.
//!
//! Where DataFusion has an equivalent, they are rewritten to it: `first_value` with the order and filter that
//! the name implies.

use std::{cmp::Ordering, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        buffer::OffsetBuffer,
        compute::{SortOptions, take},
        datatypes::{DataType, Field},
        row::{RowConverter, SortField},
    },
    common::{ScalarValue, exec_err},
    error::Result,
    functions_aggregate::first_last::{first_value_udaf, last_value_udaf},
    logical_expr::{
        Expr,
        expr::{AggregateFunction, NullTreatment},
        simplify::SimplifyContext,
    },
};

use super::{
    description::{Aggregate, ArgumentTypes, Typed},
    rows::{CallSettings, RowAggregate, Skip, VALUES},
};
use crate::engine::function::value::comparable;

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "first",
        aliases: &["arbitrary"],
        usage: "first(arg)",
        doc: "Returns the first value, NULL included; add ORDER BY to say which is first.",
        types: same,
        method: &RowAggregate { rewrite: Some(first), ..FIRST },
    },
    Aggregate {
        name: "last",
        aliases: &[],
        usage: "last(arg)",
        doc: "Returns the last value, NULL included; add ORDER BY to say which is last.",
        types: same,
        method: &RowAggregate {
            rewrite: Some(last),
            finish: |columns, settings| at(&columns[0], columns[0].len().checked_sub(1), settings),
            ..FIRST
        },
    },
    Aggregate {
        name: "any_value",
        aliases: &[],
        usage: "any_value(arg)",
        doc: "Returns the first value that is not NULL.",
        types: same,
        method: &RowAggregate { rewrite: Some(any), skip: Skip::Nulls, ..FIRST },
    },
    Aggregate {
        name: "arg_max",
        aliases: &["argmax", "max_by"],
        usage: "arg_max(arg, val[, n])",
        doc: "Returns `arg` of the row with the greatest `val`, or a list of `n` of them; rows with a NULL are left out.",
        types: beside,
        method: &RowAggregate {
            rewrite: Some(greatest),
            finish: |columns, settings| extreme(columns, settings, true),
            ..BESIDE
        },
    },
    Aggregate {
        name: "arg_min",
        aliases: &["argmin", "min_by"],
        usage: "arg_min(arg, val[, n])",
        doc: "Returns `arg` of the row with the least `val`, or a list of `n` of them; rows with a NULL are left out.",
        types: beside,
        method: &RowAggregate {
            rewrite: Some(least),
            finish: |columns, settings| extreme(columns, settings, false),
            ..BESIDE
        },
    },
    Aggregate {
        name: "arg_max_null",
        aliases: &[],
        usage: "arg_max_null(arg, val)",
        doc: "Returns `arg`, NULL included, of the row with the greatest `val`.",
        types: |given| given.expect(2..=2).and_then(|_| beside(given)),
        method: &RowAggregate {
            skip: Skip::NullsOf(1),
            rewrite: Some(greatest_null),
            finish: |columns, settings| extreme(columns, settings, true),
            ..BESIDE
        },
    },
    Aggregate {
        name: "arg_min_null",
        aliases: &[],
        usage: "arg_min_null(arg, val)",
        doc: "Returns `arg`, NULL included, of the row with the least `val`.",
        types: |given| given.expect(2..=2).and_then(|_| beside(given)),
        method: &RowAggregate {
            skip: Skip::NullsOf(1),
            rewrite: Some(least_null),
            finish: |columns, settings| extreme(columns, settings, false),
            ..BESIDE
        },
    },
    Aggregate {
        name: "arg_max_nulls_last",
        aliases: &[],
        usage: "arg_max_nulls_last(arg, val[, n])",
        doc: "Returns `arg`, NULL included, of the row with the greatest `val`, or a list of `n` of them; a NULL `val` comes last.",
        types: beside,
        method: &RowAggregate {
            skip: Skip::Nothing,
            finish: |columns, settings| extreme(columns, settings, true),
            ..BESIDE
        },
    },
    Aggregate {
        name: "arg_min_nulls_last",
        aliases: &[],
        usage: "arg_min_nulls_last(arg, val[, n])",
        doc: "Returns `arg`, NULL included, of the row with the least `val`, or a list of `n` of them; a NULL `val` comes last.",
        types: beside,
        method: &RowAggregate {
            skip: Skip::Nothing,
            finish: |columns, settings| extreme(columns, settings, false),
            ..BESIDE
        },
    },
];

/// Returns the only row's value, for scalar subqueries. SQL can't call it.
pub(super) const ONLY_ROW: Aggregate = Aggregate {
    name: "$only_row",
    aliases: &[],
    usage: "$only_row(arg)",
    doc: "Returns the value of the only row.",
    types: same,
    method: &RowAggregate {
        finish: |columns, settings| match columns[0].len() {
            0 => settings.null(),
            1 => at(&columns[0], Some(0), settings),
            rows => exec_err!(
                "a subquery gives {rows} rows where one value is wanted: use an aggregate, or `limit 1`"
            ),
        },
        ..FIRST
    },
};

fn same(given: &ArgumentTypes<'_>) -> Result<Typed> {
    let types = given.expect(1..=1)?;
    Typed::new(types, types[0].clone())
}

fn beside(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(2..=3)? {
        [arg, val] => Typed::new([arg.clone(), val.clone()], arg.clone()),
        [arg, val, n] if n.is_integer() || n.is_null() => {
            let list = DataType::List(Arc::new(Field::new_list_field(arg.clone(), true)));
            Typed::new([arg.clone(), val.clone(), DataType::Int64], list)
        }
        _ => given.refuse(),
    }
}

const FIRST: RowAggregate = RowAggregate {
    skip: Skip::Nothing,
    ordered: true,
    finish: |columns, settings| at(&columns[0], (!columns[0].is_empty()).then_some(0), settings),
    ..VALUES
};

const BESIDE: RowAggregate = RowAggregate { columns: 2, check: positive, ..VALUES };

fn at(column: &ArrayRef, row: Option<usize>, settings: &CallSettings) -> Result<ScalarValue> {
    row.map_or_else(|| settings.null(), |row| ScalarValue::try_from_array(column, row))
}

/// The exclusive upper bound of the number of values.
const MOST: i64 = 1_000_000;

/// Returns an error unless the number of values is positive and below the maximum.
pub(super) fn positive(settings: &CallSettings) -> Result<()> {
    match settings.constants.first() {
        Some(ScalarValue::Int64(Some(n))) if *n < 1 => {
            exec_err!("the number of values must be greater than 0, not {n}")
        }
        Some(ScalarValue::Int64(Some(n))) if *n >= MOST => {
            exec_err!("the number of values must be less than {MOST}, not {n}")
        }
        Some(ScalarValue::Int64(None)) => exec_err!("the number of values must not be NULL"),
        _ => Ok(()),
    }
}

/// Returns the values of the rows in which the last column is greatest or least.
pub(super) fn extreme(columns: &[ArrayRef], settings: &CallSettings, greatest: bool) -> Result<ScalarValue> {
    let (values, by) = (&columns[0], &columns[columns.len() - 1]);
    if by.is_empty() {
        return settings.null();
    }
    // NULL sorts as the greatest element within a nested value; NULL values themselves are already skipped.
    let nulls_first = greatest && by.data_type().is_nested();
    let field = SortField::new_with_options(by.data_type().clone(), SortOptions::new(greatest, nulls_first));
    let rows = RowConverter::new(vec![field])?.convert_columns(&[comparable(by)?])?;
    let order = |a: &u32, b: &u32| rows.row(*a as usize).cmp(&rows.row(*b as usize));
    let mut indices: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap_or(u32::MAX)).collect();
    let Some(ScalarValue::Int64(Some(n))) = settings.constants.first() else {
        // `min_by` returns the first of equal rows.
        let best = indices.iter().min_by(|a, b| order(a, b).then(Ordering::Less));
        return at(values, best.map(|best| *best as usize), settings);
    };
    indices.sort_by(order);
    indices.truncate(usize::try_from(*n).unwrap_or(usize::MAX));
    list(take(values, &datafusion::arrow::array::UInt32Array::from(indices), None)?)
}

/// Wraps an array as one list value.
pub(super) fn list(items: ArrayRef) -> Result<ScalarValue> {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, items, None)?)))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn first(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(Expr::AggregateFunction(AggregateFunction { func: first_value_udaf(), params: call.params }))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn last(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(Expr::AggregateFunction(AggregateFunction { func: last_value_udaf(), params: call.params }))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn any(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    let mut params = call.params;
    params.null_treatment = Some(NullTreatment::IgnoreNulls);
    Ok(Expr::AggregateFunction(AggregateFunction { func: first_value_udaf(), params }))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn greatest(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(ordered(call, false, true))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn least(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(ordered(call, true, true))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn greatest_null(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(ordered(call, false, false))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn least_null(call: AggregateFunction, _: &SimplifyContext) -> Result<Expr> {
    Ok(ordered(call, true, false))
}

/// Rewrites the call as the first value ordered by the second argument, over rows without NULL.
fn ordered(mut call: AggregateFunction, ascending: bool, both: bool) -> Expr {
    let params = &mut call.params;
    if params.args.len() != 2 || params.distinct || !params.order_by.is_empty() {
        return Expr::AggregateFunction(call);
    }
    let (Some(by), Some(value)) = (params.args.pop(), params.args.pop()) else {
        return Expr::AggregateFunction(call);
    };
    let mut condition = by.clone().is_not_null();
    if both {
        condition = condition.and(value.clone().is_not_null());
    }
    if let Some(filter) = params.filter.take() {
        condition = filter.and(condition);
    }
    params.filter = Some(Box::new(condition));
    params.order_by = vec![by.sort(ascending, false)];
    params.args = vec![value];
    call.func = first_value_udaf();
    Expr::AggregateFunction(call)
}
