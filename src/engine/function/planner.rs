//! Calls with special syntax: `extract(year from d)`, `position('a' in t)`, `substring(t from 2 for 3)`.
//!
//! DataFusion plans these with its own functions, even if others are registered under their names.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    error::Result,
    logical_expr::{
        Expr,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult},
    },
};

/// Plans special call syntax with the dialect's functions.
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

    fn plan_array_literal(&self, items: Vec<Expr>, _: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(match constant_texts(&items) {
            Some(list) => PlannerResult::Planned(list),
            None => PlannerResult::Original(items),
        })
    }
}

/// Folds a list into one constant if all of its items are text literals: part and group names determine types
/// during planning.
fn constant_texts(items: &[Expr]) -> Option<Expr> {
    let texts = items.iter().map(|item| match item {
        Expr::Literal(text @ ScalarValue::Utf8(Some(_)), _) => Some(text.clone()),
        _ => None,
    });
    let texts: Vec<ScalarValue> = texts.collect::<Option<_>>()?;
    (!texts.is_empty()).then(|| {
        Expr::Literal(ScalarValue::List(ScalarValue::new_list_nullable(&texts, &DataType::Utf8)), None)
    })
}

fn call(name: &str, args: Vec<Expr>) -> PlannerResult<Vec<Expr>> {
    match super::catalog::function(name) {
        Some(udf) => PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))),
        None => PlannerResult::Original(args),
    }
}
