//! Type check of aggregate and window function calls.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::Result,
    logical_expr::{
        Expr, ExprSchemable,
        expr::{AggregateFunction, WindowFunction},
    },
};

use super::{
    fault::{apart, by_interval},
    operand::{as_type, boolean, is_plain, place, placed, side},
};
use crate::engine::dialect::postgres::{refuse::at, types};

fn no_interval<'a>(keys: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Result<()> {
    for key in keys {
        if matches!(key.get_type(schema)?, DataType::Interval(_)) {
            return Err(by_interval("ordered or made distinct here", place(key)));
        }
    }
    Ok(())
}

/// Casts the arguments of an aggregate; text literals become text.
fn arguments(args: &mut [Expr], types: &[DataType], schema: &DFSchema) -> Result<()> {
    for (arg, wanted) in args.iter_mut().zip(types) {
        *arg = as_type(std::mem::take(arg), wanted, schema)?;
    }
    Ok(())
}

pub(super) fn aggregate(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
    let params = &mut aggregate.params;
    if let Some(filter) = params.filter.take() {
        params.filter = Some(Box::new(boolean(*filter, schema)?));
    }
    no_interval(params.order_by.iter().map(|order| &order.expr), schema)?;
    if params.distinct {
        no_interval(&params.args, schema)?;
    }
    if params.distinct && !params.order_by.is_empty() {
        let same = params.order_by.iter().all(|order| params.args.contains(&order.expr));
        if !same {
            return Err(at(
                place(&params.order_by[0].expr),
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                "order by the argument",
            ));
        }
    }
    if !matches!(aggregate.func.name(), "count" | "grouping" | "first_value") {
        let own: Vec<DataType> =
            aggregate.params.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<_>>()?;
        let place = aggregate.params.args.iter().find_map(place);
        let wanted = aggregate.func.coerce_types(&own).map_err(|error| placed(error, place))?;
        arguments(&mut aggregate.params.args, &wanted, schema)?;
    }
    Ok(Expr::AggregateFunction(aggregate))
}

pub(super) fn window(mut window: WindowFunction, schema: &DFSchema) -> Result<Expr> {
    use datafusion::logical_expr::WindowFunctionDefinition as Definition;
    let params = &mut window.params;
    if let Some(filter) = params.filter.take() {
        params.filter = Some(Box::new(boolean(*filter, schema)?));
    }
    let keys = params.order_by.iter().map(|order| &order.expr).chain(&params.partition_by);
    no_interval(keys, schema)?;
    let own: Vec<DataType> = params.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<_>>()?;
    let place = params.args.iter().find_map(place);
    match &window.fun {
        Definition::AggregateUDF(function) if function.name() != "count" => {
            let wanted = function.coerce_types(&own).map_err(|error| placed(error, place))?;
            arguments(&mut params.args, &wanted, schema)?;
        }
        Definition::AggregateUDF(_) => {}
        Definition::WindowUDF(function) => match (function.name(), own.as_slice()) {
            ("lag" | "lead", [of, rest @ ..]) if !is_plain(of) || rest.len() > 2 => {
                return Err(at(
                    place,
                    format!("`{}` doesn't take these arguments", function.name()),
                    "write lag(x, 1, y)",
                ));
            }
            ("lag" | "lead", [_, _, _]) => {
                let sides = [side(&params.args[0], schema)?, side(&params.args[2], schema)?];
                let Some(meeting) = types::common(&sides) else {
                    return Err(apart(function.name(), &sides, place));
                };
                params.args[0] = as_type(std::mem::take(&mut params.args[0]), &meeting, schema)?;
                params.args[2] = as_type(std::mem::take(&mut params.args[2]), &meeting, schema)?;
            }
            _ => {}
        },
    }
    Ok(Expr::WindowFunction(Box::new(window)))
}
