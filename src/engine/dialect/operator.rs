//! Operators as functions: plans `+`, `/` or `**` as function calls before types are checked.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::Result,
    functions_nested::expr_fn::array_element,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, GetFieldAccess, Operator,
        expr::ScalarFunction,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use super::arithmetic::function;
use crate::engine::{grammar::POWER, operation::Operation};

/// The planner of DuckDB's operators.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operation = match &expr.op {
            BinaryOperator::Plus => Operation::Add,
            BinaryOperator::Minus => Operation::Subtract,
            BinaryOperator::Multiply => Operation::Multiply,
            BinaryOperator::Divide => Operation::Divide,
            BinaryOperator::DuckIntegerDivide => Operation::DivideWhole,
            BinaryOperator::Modulo => Operation::Modulo,
            BinaryOperator::PGBitwiseShiftLeft => Operation::ShiftLeft,
            BinaryOperator::PGBitwiseShiftRight => Operation::ShiftRight,
            BinaryOperator::Custom(name) if name == POWER => Operation::Power,
            op => {
                // DataFusion rejects some comparisons immediately, but DuckDB can cast their operands.
                let Some(op) = kept(op) else { return Ok(PlannerResult::Original(expr)) };
                if matches!(op, Operator::And | Operator::Or) {
                    // Conditions always have a type. Asking for it would visit a long chain once for each
                    // term.
                    let binary = BinaryExpr::new(Box::new(expr.left), op, Box::new(expr.right));
                    return Ok(PlannerResult::Planned(Expr::BinaryExpr(binary)));
                }
                // Leave unknown columns to the planner, which knows the location.
                let known = expr.left.get_type(schema).is_ok() && expr.right.get_type(schema).is_ok();
                let binary = BinaryExpr::new(Box::new(expr.left), op, Box::new(expr.right));
                let planned = Expr::BinaryExpr(binary.clone());
                if !known || planned.get_type(schema).is_ok() {
                    return Ok(PlannerResult::Planned(planned));
                }
                return super::coerce::comparison_of(binary, schema).map(PlannerResult::Planned);
            }
        };
        let call = ScalarFunction::new_udf(function(operation), vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }

    /// Plans `value[position]`, which depends on the value's type.
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let GetFieldAccess::ListIndex { key } = &access.field_access else {
            return Ok(PlannerResult::Original(access));
        };
        let function = match access.expr.get_type(schema) {
            Ok(DataType::Struct(_)) => "struct_extract",
            Ok(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => "list_extract",
            _ if matches!(access.expr, Expr::AggregateFunction(_)) => {
                // DataFusion would plan `array_agg(x)[1]` as an aggregate of its own, which accepts only a
                // BIGINT position.
                let element = array_element(access.expr, key.as_ref().clone());
                return Ok(PlannerResult::Planned(element));
            }
            _ => return Ok(PlannerResult::Original(access)),
        };
        Ok(match super::super::function::function(function) {
            Some(function) => {
                let arguments = vec![access.expr, key.as_ref().clone()];
                let call = ScalarFunction::new_udf(function, arguments);
                PlannerResult::Planned(Expr::ScalarFunction(call))
            }
            None => PlannerResult::Original(access),
        })
    }
}

/// Returns the operators that stay DataFusion's own; DuckDB's rules choose their operand types.
fn kept(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::StringConcat => Operator::StringConcat,
        BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
        BinaryOperator::BitwiseOr => Operator::BitwiseOr,
        _ => return None,
    })
}
