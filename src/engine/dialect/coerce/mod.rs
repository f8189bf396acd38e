//! The type check: assigns DuckDB's types to every expression of a plan, inserts casts where DuckDB casts
//! implicitly, and rejects what DuckDB rejects before anything runs. DataFusion's own coercion then has
//! nothing left to do.
//!
//! - `plan`: plans that combine inputs: VALUES, UNION, joins
//! - `operand`: the common type of operands
//! - `compare`: comparisons, conditions, `||`, CASE
//! - `call`: casts, arithmetic and functions
//! - `frame`: offsets of RANGE frames
//! - `place`: locates errors in the statement

mod call;
mod compare;
mod frame;
mod operand;
mod place;
mod plan;

use datafusion::{
    common::{
        DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, LogicalPlan, SortExpr, expr::ScalarFunction,
        expr_rewriter::NamePreserver, utils::merge_schema,
    },
};

pub(super) use self::place::located;
use self::{
    call::function,
    compare::{between, binary, case, in_list, in_subquery, like},
    operand::boolean,
    plan::{groupings, join_types, union_types, values_types},
};
use super::{cast, correlated, operator, order};
use crate::engine::function::with_backslashes;

/// Type-checks a plan with DuckDB's rules.
///
/// # Errors
/// For the first expression whose types don't fit, with its location where one is known.
pub(super) fn check(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(|node| node_types(node).map(Transformed::yes))?.data)
}

/// Type-checks an expression over a schema.
pub(super) fn typed(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|part| expression(part, schema).map(Transformed::yes))?.data)
}

/// Type-checks a comparison and its operands, and casts them to their common type.
pub(super) fn comparison_of(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let typed = |side: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(side.transform_up(|expr| expression(expr, schema).map(Transformed::yes))?.data))
    };
    let (left, right) = (typed(binary.left)?, typed(binary.right)?);
    self::binary(BinaryExpr::new(left, binary.op, right), schema)
}

fn node_types(node: LogicalPlan) -> Result<LogicalPlan> {
    let node = match node {
        LogicalPlan::Values(values) => return values_types(values),
        LogicalPlan::Union(union) => return union_types(union),
        LogicalPlan::Limit(_) => return Ok(node),
        other => other.recompute_schema()?,
    };
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let preserver = NamePreserver::new(&node);
    let node = node
        .map_expressions(|expr| {
            let name = preserver.save(&expr);
            let typed = expr.transform_up(|expr| expression(expr, &schema).map(Transformed::yes))?;
            Ok(typed.update_data(|expr| name.restore(expr)))
        })?
        .data;
    let node = match node {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = boolean(filter.predicate, &schema)?;
            LogicalPlan::Filter(filter)
        }
        LogicalPlan::Join(join) => join_types(join)?,
        LogicalPlan::Window(_) => frame::by_key(node.recompute_schema()?)?,
        LogicalPlan::Sort(mut sort) => {
            for key in &mut sort.expr {
                sort_key(key, &schema)?;
            }
            LogicalPlan::Sort(sort)
        }
        other => other,
    };
    groupings(node.recompute_schema()?)
}

/// Nested values need a sort key to be sorted in DuckDB's order.
fn sort_key(key: &mut SortExpr, schema: &DFSchema) -> Result<()> {
    if key.expr.get_type(schema)?.is_nested() {
        key.expr = order::sort_key(std::mem::take(&mut key.expr));
    }
    Ok(())
}

/// Type-checks one expression whose operands are already type-checked.
fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        // A numeric literal, which got its type from `statement`.
        Expr::Cast(cast) if matches!(cast.expr.as_ref(), Expr::Literal(ScalarValue::Int64(_), _)) => {
            match cast.expr.as_ref() {
                Expr::Literal(value, metadata) => {
                    Ok(Expr::Literal(value.cast_to(cast.field.data_type())?, metadata.clone()))
                }
                _ => Ok(Expr::Cast(cast)),
            }
        }
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::Negative(inner) => {
            let call = ScalarFunction::new_udf(
                operator::function(super::operation::Operation::Negate),
                vec![*inner],
            );
            function(call, schema)
        }
        Expr::BinaryExpr(binary) => self::binary(binary, schema),
        Expr::Not(inner) => Ok(Expr::Not(Box::new(boolean(*inner, schema)?))),
        Expr::IsTrue(inner) => Ok(Expr::IsTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsFalse(inner) => Ok(Expr::IsFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotTrue(inner) => Ok(Expr::IsNotTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotFalse(inner) => Ok(Expr::IsNotFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsUnknown(inner) => Ok(Expr::IsUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotUnknown(inner) => Ok(Expr::IsNotUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::Between(between) => self::between(between, schema),
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(subquery) => in_subquery(subquery, schema),
        Expr::Like(like) => self::like(like, schema).and_then(with_backslashes),
        Expr::Case(case) => self::case(case, schema),
        Expr::WindowFunction(mut window) => {
            for key in &mut window.params.order_by {
                sort_key(key, schema)?;
            }
            // The default of `lag` and `lead` takes the type of the value.
            if let [value, _, default] = window.params.args.as_mut_slice()
                && ["lag", "lead"].contains(&window.fun.name())
            {
                let (from, to) = (default.get_type(schema)?, value.get_type(schema)?);
                *default = cast::implicit(std::mem::take(default), &from, &to)?;
            }
            frame::range(&mut window.params, schema)?;
            Ok(Expr::WindowFunction(window))
        }
        Expr::ScalarSubquery(subquery) => Ok(Expr::ScalarSubquery(correlated::nullable(subquery)?)),
        Expr::Alias(_) | Expr::Column(_) | Expr::Literal(..) => Ok(expr),
        other => Ok(other),
    }
}
