//! Guards against wrong results of comparisons: rewrites them to the one form that DataFusion 55.2 handles
//! correctly.
//!
//! - DataFusion treats an item of IN as a constant if it evaluates to one value over a batch without rows
//!   (`try_evaluate_constant_list`), as `case when b then 4 end` does: `x in (5, case when b then 4 end)`
//!   becomes `x in (5, 4)`, whatever `b` is. This rule compares each item separately if one isn't a literal.
//!   Delete once only literals make a static filter.
//! - IN looks floats up by their bits, in which 0.0 and -0.0 differ. This rule adds the other zero to a list
//!   with one of them, and turns the zero of a comparison into 0.0. Delete once the static filter treats both
//!   as equal.
//! - DataFusion reduces `x = 1 and 1 = x`, which pushing filters across a join can produce, to nothing, and
//!   `x >= 1 and 1 < x` to its first half (`simplify_predicates`). This rule moves literals to the right.
//!   Delete once DataFusion handles both forms.

use datafusion::{
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, LogicalPlan, Operator, expr::InList, expr_rewriter::NamePreserver,
        utils::disjunction,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// Normalizes comparisons. Runs before all other rules, which would copy the original forms elsewhere.
#[derive(Debug)]
pub(crate) struct NormalComparisons;

impl OptimizerRule for NormalComparisons {
    fn name(&self) -> &'static str {
        "comparisons"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|part| {
                Ok(match part {
                    Expr::InList(list) => compared(list),
                    Expr::BinaryExpr(binary) => literal_right(binary),
                    other => Transformed::no(other),
                })
            })?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })
    }
}

/// Returns a comparison with its literal on the right and without negative zeros.
fn literal_right(binary: BinaryExpr) -> Transformed<Expr> {
    let is_literal = |side: &Expr| matches!(side, Expr::Literal(..));
    let BinaryExpr { mut left, mut op, mut right } = binary;
    let Some(swapped) = op.swap().filter(|_| is_comparison(op)) else {
        return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
    };
    let mut changed = is_literal(&left) && !is_literal(&right);
    if changed {
        (left, op, right) = (right, swapped, left);
    }
    for side in [&mut left, &mut right] {
        if let Some(zero) = other_zero(side).filter(|_| is_negative(side)) {
            **side = zero;
            changed = true;
        }
    }
    Transformed::new(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed, TreeNodeRecursion::Continue)
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn is_negative(zero: &Expr) -> bool {
    match zero {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => value.is_sign_negative(),
        Expr::Literal(ScalarValue::Float32(Some(value)), _) => value.is_sign_negative(),
        _ => false,
    }
}

fn compared(mut list: InList) -> Transformed<Expr> {
    if list.list.iter().all(|item| matches!(item, Expr::Literal(..))) {
        let zeros: Vec<Expr> = list.list.iter().filter_map(other_zero).collect();
        let more: Vec<Expr> = zeros.into_iter().filter(|zero| !list.list.contains(zero)).collect();
        let changed = !more.is_empty();
        list.list.extend(more);
        return Transformed::new(Expr::InList(list), changed, TreeNodeRecursion::Continue);
    }
    // Repeating a volatile expression would compare a different value each time.
    if list.expr.is_volatile() {
        return Transformed::no(Expr::InList(list));
    }
    let InList { expr, list, negated } = list;
    let equal = disjunction(list.into_iter().map(|item| expr.as_ref().clone().eq(item)));
    Transformed::yes(match equal {
        Some(equal) if negated => !equal,
        Some(equal) => equal,
        None => Expr::InList(InList { expr, list: Vec::new(), negated }),
    })
}

/// Returns the zero of the opposite sign, if the item is a zero.
fn other_zero(item: &Expr) -> Option<Expr> {
    let other = match item {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) if *value == 0.0 => {
            ScalarValue::Float64(Some(-value))
        }
        Expr::Literal(ScalarValue::Float32(Some(value)), _) if *value == 0.0 => {
            ScalarValue::Float32(Some(-value))
        }
        _ => return None,
    };
    Some(Expr::Literal(other, None))
}
