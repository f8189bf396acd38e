//! Implicit casts that only literals may have.
//!
//! DataFusion resolves a call by the types of its arguments alone. So planning takes text for a date anywhere, as it must
//! for `year('2020-01-31')`-like calls; this check then refuses the same for a column.

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, expr::ScalarFunction as ScalarCall},
};

use super::scalar::ScalarFunction;

/// Checks the calls of a plan as it was made from SQL, before the optimizer's casts.
///
/// # Errors
/// If an argument that is not a literal would be cast from text, or to a smaller integer; or if a text literal could be of
/// several types.
pub(in crate::engine) fn check_arguments(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        for input in node.inputs() {
            schema.merge(input.schema());
        }
        if let LogicalPlan::TableScan(scan) = node {
            schema.merge(&scan.projected_schema);
        }
        for expression in node.expressions() {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part {
                    check(call, &schema)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn check(call: &ScalarCall, schema: &DFSchema) -> Result<()> {
    let Some(own) = call.func.inner().downcast_ref::<ScalarFunction>() else {
        return Ok(());
    };
    // Lambda variables have no type outside their call.
    let Ok(types) = call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<DataType>>>()
    else {
        return Ok(());
    };
    let literal: Vec<bool> = call.args.iter().map(is_literal).collect();
    own.function.resolve(&types, &literal).map(drop)
}

/// True for literals, and numbers with a sign.
fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Literal(..) => true,
        Expr::Negative(inner) => is_literal(inner),
        Expr::Alias(alias) => is_literal(&alias.expr),
        _ => false,
    }
}
