//! Calls with a syntax of their own: `extract(year from d)`, `position('a' in t)`, `substring(t from 2 for 3)`.
//!
//! DataFusion plans these as its own functions, whatever is registered under their names.

use datafusion::{
    error::Result,
    logical_expr::{
        Expr,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult},
    },
};

/// Plans such calls as the dialect's functions.
#[derive(Debug)]
pub(super) struct CallSyntax;

impl ExprPlanner for CallSyntax {
    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(call("date_part", args))
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(call("strpos", args))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(call("substring", args))
    }
}

fn call(name: &str, args: Vec<Expr>) -> PlannerResult<Vec<Expr>> {
    match super::function(name) {
        Some(udf) => PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))),
        None => PlannerResult::Original(args),
    }
}
