//! RANGE frames with offsets: computes in the type of `key - offset`, as DuckDB does.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, IntervalMonthDayNanoType},
    common::{DFSchema, ScalarValue},
    error::{DataFusionError, Result},
    logical_expr::{
        Expr, ExprSchemable, LogicalPlan, Projection, Window, WindowFrame, WindowFrameBound,
        WindowFrameUnits, expr::WindowFunctionParams, utils::generate_sort_key,
    },
};

use super::super::arithmetic;
use super::place::at;
use crate::engine::{
    cast::{
        self,
        types::{self, INTERVAL, MAX_DIGITS, TIMESTAMP, common, is_number},
    },
    operation::Operation,
};

/// Casts the key and the offsets of a RANGE frame to types that can be added.
///
/// # Errors
/// If DuckDB can't add them, or an offset is negative.
pub(super) fn range(params: &mut WindowFunctionParams, schema: &DFSchema) -> Result<()> {
    let frame = &params.window_frame;
    let bounds = [&frame.start_bound, &frame.end_bound];
    if frame.units != WindowFrameUnits::Range || bounds.iter().all(|bound| text(bound).is_none()) {
        return Ok(());
    }
    // DataFusion rejects other keys.
    let [order] = params.order_by.as_mut_slice() else { return Ok(()) };
    let own = order.expr.get_type(schema)?;
    let mut offsets = Vec::with_capacity(bounds.len());
    for offset in bounds.into_iter().filter_map(text) {
        let offset = crate::engine::dialect::offset::offset(offset)?;
        if is_negative(&offset) {
            let message = "an offset of a RANGE frame is negative".to_owned();
            let help = "write 0 or more; FOLLOWING is the opposite of PRECEDING";
            return Err(at(&order.expr, message, help));
        }
        offsets.push(offset);
    }
    let Some(meeting) = meeting(&own, &offsets) else { return Err(unfit(&order.expr, &own, &offsets)) };
    let key = std::mem::take(&mut order.expr);
    order.expr = match (&own, &meeting) {
        (own, meeting) if own == meeting => key,
        // Days, or microseconds of a day, as stored.
        (DataType::Date32, DataType::Int32) => datafusion::logical_expr::cast(key, DataType::Int32),
        (DataType::Time64(_), _) => {
            datafusion::logical_expr::cast(datafusion::logical_expr::cast(key, DataType::Int64), TIMESTAMP)
        }
        _ => cast::implicit(key, &own, &meeting)?,
    };
    let mut offsets = offsets.into_iter();
    let mut settled = |bound: &WindowFrameBound| -> Result<WindowFrameBound> {
        if text(bound).is_none() {
            return Ok(bound.clone());
        }
        let Some(offset) = offsets.next() else { return Ok(bound.clone()) };
        let offset = addable(offset, &meeting)?;
        Ok(match bound {
            WindowFrameBound::Preceding(_) => WindowFrameBound::Preceding(offset),
            WindowFrameBound::Following(_) => WindowFrameBound::Following(offset),
            WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
        })
    };
    let (start, end) = (settled(&frame.start_bound)?, settled(&frame.end_bound)?);
    params.window_frame = WindowFrame::new_bounds(frame.units, start, end);
    Ok(())
}

/// Splits windows into one node per sort key: DataFusion sorts the rows of a node only once, but casts may
/// have split one key into several.
pub(super) fn by_key(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Window(window) = &plan else { return Ok(plan) };
    let mut groups: Vec<(Vec<_>, Vec<Expr>)> = Vec::new();
    for expr in &window.window_expr {
        let Expr::WindowFunction(call) = expr.clone().unalias_nested().data else { return Ok(plan) };
        let key = generate_sort_key(&call.params.partition_by, &call.params.order_by)?;
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(expr.clone()),
            None => groups.push((key, vec![expr.clone()])),
        }
    }
    if groups.len() < 2 {
        return Ok(plan);
    }
    let columns: Vec<Expr> = window.schema.columns().into_iter().map(Expr::Column).collect();
    let mut input = Arc::clone(&window.input);
    for (_, group) in groups {
        input = Arc::new(LogicalPlan::Window(Window::try_new(group, input)?));
    }
    Projection::try_new(columns, input).map(LogicalPlan::Projection)
}

/// Returns the offset of a bound that has no type yet.
fn text(bound: &WindowFrameBound) -> Option<&str> {
    match bound {
        WindowFrameBound::Preceding(ScalarValue::Utf8(Some(text)))
        | WindowFrameBound::Following(ScalarValue::Utf8(Some(text))) => Some(text),
        _ => None,
    }
}

fn is_negative(offset: &ScalarValue) -> bool {
    if let ScalarValue::IntervalMonthDayNano(Some(interval)) = offset {
        return cast::length(*interval) < 0;
    }
    // NaN isn't a distance either.
    matches!(offset.cast_to(&DataType::Float64), Ok(ScalarValue::Float64(Some(number)))
        if number < 0.0 || number.is_nan())
}

/// Returns the type in which keys are compared; `None` if DuckDB can't add the offsets to the key.
fn meeting(own: &DataType, offsets: &[ScalarValue]) -> Option<DataType> {
    let is_interval = |offset: &ScalarValue| offset.data_type() == INTERVAL;
    match own {
        DataType::Date32 => {
            let days = |offset: &ScalarValue| {
                let integer = offset.data_type().is_integer();
                integer && common(&offset.data_type(), &DataType::Int32) == Some(DataType::Int32)
            };
            if offsets.iter().all(days) {
                return Some(DataType::Int32);
            }
            offsets.iter().all(|offset| days(offset) || is_interval(offset)).then_some(TIMESTAMP)
        }
        DataType::Timestamp(..) => offsets.iter().all(is_interval).then(|| own.clone()),
        DataType::Time64(_) => offsets.iter().all(is_interval).then_some(TIMESTAMP),
        own if is_number(own) => {
            let mut meeting = own.clone();
            for offset in offsets {
                let of_offset = offset.data_type();
                if !is_number(&of_offset) {
                    return None;
                }
                // An offset that fits needs no wider type: a sum that overflows is beyond every row.
                let fits = own.is_integer()
                    && of_offset.is_integer()
                    && offset.cast_to(own).is_ok_and(|offset| !offset.is_null());
                if !fits {
                    let sum = arithmetic::resolve(Operation::Add, &[own.clone(), of_offset])?.result;
                    meeting = common(&meeting, &sum)?;
                }
            }
            Some(match meeting {
                // The sum then has the same precision as the key, as the comparison requires.
                DataType::Decimal128(_, scale) => DataType::Decimal128(MAX_DIGITS, scale),
                other => other,
            })
        }
        _ => None,
    }
}

fn unfit(key: &Expr, own: &DataType, offsets: &[ScalarValue]) -> DataFusionError {
    let name = types::name(own);
    let (takes, help) = match own {
        DataType::Date32 => ("whole days or an interval", "write `10` or `interval 10 day`"),
        DataType::Timestamp(..) | DataType::Time64(_) => ("an interval", "write `interval 10 minute`"),
        own if is_number(own) => ("a number", "write a number, or order by a date or a timestamp"),
        _ => {
            let message = format!("a RANGE frame with an offset can't be ordered by {name}");
            let help = "order by a number, a date or a timestamp, or count rows: `rows between …`";
            return at(key, message, help);
        }
    };
    let found: Vec<String> = offsets.iter().map(|offset| types::name(&offset.data_type())).collect();
    at(key, format!("a RANGE frame over {name} takes {takes}, not {}", found.join(" and ")), help)
}

/// Converts an offset to the form that DataFusion adds to a key of this type.
fn addable(offset: ScalarValue, key: &DataType) -> Result<ScalarValue> {
    if is_number(key) {
        return offset.cast_to(key);
    }
    if offset.data_type() == INTERVAL {
        return Ok(offset);
    }
    let ScalarValue::Int32(Some(days)) = offset.cast_to(&DataType::Int32)? else { return Ok(offset) };
    Ok(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNanoType::make_value(0, days, 0))))
}
