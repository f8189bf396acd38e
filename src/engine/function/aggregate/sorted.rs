//! ORDER BY within a window call: `list(x order by y) over (…)`. The keys become the aggregate's trailing
//! arguments.

use std::sync::Arc;

use datafusion::{
    arrow::{compute::SortOptions, datatypes::DataType},
    common::{ScalarValue, exec_err},
    error::Result,
    logical_expr::{
        AggregateUDF, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        WindowFunctionDefinition,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult, RawWindowExpr},
    },
};

use super::call::AggregateCall;

/// Marker function that carries an argument, sort directions and sort keys from the statement to the planner.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sorted {
    signature: Signature,
}

impl Sorted {
    pub(super) fn new() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Sorted {
    fn name(&self) -> &'static str {
        SORTED
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("ORDER BY within a call is for aggregates")
    }
}

/// Plans window aggregates whose rows are sorted within each frame.
#[derive(Debug)]
pub(super) struct OrderWithin;

impl ExprPlanner for OrderWithin {
    fn plan_window(&self, mut expr: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let Some((value, orders, keys)) = expr.args.first().and_then(parts) else {
            return Ok(PlannerResult::Original(expr));
        };
        expr.args[0] = value;
        // Every other aggregate gives the same result in any order.
        if let WindowFunctionDefinition::AggregateUDF(aggregate) = &expr.func_def
            && let Some(call) =
                (aggregate.inner().as_ref() as &dyn std::any::Any).downcast_ref::<AggregateCall>()
        {
            let ordered = AggregateUDF::new_from_impl(call.ordered_by(orders));
            expr.func_def = WindowFunctionDefinition::AggregateUDF(Arc::new(ordered));
            expr.args.extend(keys);
        }
        Ok(PlannerResult::Original(expr))
    }
}

/// Splits a call of [`Sorted`] into its argument, directions and keys.
fn parts(argument: &Expr) -> Option<(Expr, Vec<SortOptions>, Vec<Expr>)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = argument else { return None };
    if func.name() != SORTED {
        return None;
    }
    let [value, Expr::Literal(ScalarValue::Utf8(Some(directions)), _), keys @ ..] = args.as_slice() else {
        return None;
    };
    let orders = directions.chars().map(|direction| {
        SortOptions::new(direction.eq_ignore_ascii_case(&'d'), direction.is_ascii_uppercase())
    });
    Some((value.clone(), orders.collect(), keys.to_vec()))
}

/// The function that carries ORDER BY within a window function call. Its arguments are the call's first
/// argument, the directions and the sort keys.
pub(in crate::engine) const SORTED: &str = "$sorted";
