//! Comparisons of any types, some of which DataFusion rejects before the type check.

use datafusion::{
    common::DFSchema,
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Operator,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use super::check::comparison_of;

/// The planner of comparisons.
#[derive(Debug)]
pub(super) struct ComparisonPlanner;

impl ExprPlanner for ComparisonPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match &expr.op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::And => Operator::And,
            BinaryOperator::Or => Operator::Or,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // Leave unknown columns to the planner, which knows the location.
        let known = expr.left.get_type(schema).is_ok() && expr.right.get_type(schema).is_ok();
        let binary = BinaryExpr::new(Box::new(expr.left), op, Box::new(expr.right));
        let planned = Expr::BinaryExpr(binary.clone());
        if !known || planned.get_type(schema).is_ok() {
            return Ok(PlannerResult::Planned(planned));
        }
        comparison_of(binary, schema).map(PlannerResult::Planned)
    }
}
