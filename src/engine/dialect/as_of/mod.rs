//! ASOF JOIN: joins each left row with the last right row that isn't later.
//!
//! Until a query runs, it is a join whose condition carries a mark, so that lineage and incremental runs see
//! a join. Then the rows of both sides are sorted together, so that each left row follows its match:
//!
//! ```text
//! both sides ─▶ count of right rows so far, by key in order of time
//!            ─▶ first right row, by key and count ─▶ rows of the left
//! ```
//!
//! This costs two sorts, however many right rows a key has. `rewrite` builds the plan from the `parts` of a
//! join.

mod parts;
mod rewrite;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        config::ConfigOptions,
        exec_err, plan_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, Join, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility, expr::ScalarFunction, utils::split_conjunction,
    },
    optimizer::AnalyzerRule,
};

use self::parts::{AsOfParts, marked};
use super::marker::AS_OF;

/// The mark: a function that must be replaced before the query runs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    name: &'static str,
    signature: Signature,
}

impl Mark {
    /// Creates a mark with one argument.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Mark {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("this can only be planned as a part of another expression")
    }
}

/// Returns whether a join is an ASOF JOIN, which takes only the nearest match.
pub(in crate::engine) fn is_as_of(join: &Join) -> bool {
    join.filter.iter().flat_map(split_conjunction).any(|part| marked(part).is_some())
}

/// Moves the inequalities of all ASOF JOINs into their filters, including those of USING.
///
/// # Errors
/// If a condition doesn't compare an expression of each side.
pub(super) fn settle(plan: LogicalPlan) -> Result<LogicalPlan> {
    let settled = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Join(join) = node else { return Ok(Transformed::no(node)) };
        let join = last_of_using(join)?;
        if is_as_of(&join) {
            AsOfParts::of(&join)?;
        }
        Ok(Transformed::yes(LogicalPlan::Join(join)))
    })?;
    Ok(settled.data)
}

/// With USING, the last column is the inequality.
fn last_of_using(mut join: Join) -> Result<Join> {
    let mut found = false;
    let right = Arc::unwrap_or_clone(Arc::clone(&join.right)).transform_down(|node| {
        let is_mark = matches!(&node, LogicalPlan::Filter(filter)
            if marked(&filter.predicate).is_some_and(|inner| matches!(inner, Expr::Literal(..))));
        match node {
            LogicalPlan::Filter(filter) if is_mark => {
                found = true;
                let inner = Arc::unwrap_or_clone(filter.input);
                Ok(Transformed::new(inner, true, TreeNodeRecursion::Stop))
            }
            node @ (LogicalPlan::SubqueryAlias(_) | LogicalPlan::Projection(_)) => Ok(Transformed::no(node)),
            node => Ok(Transformed::new(node, false, TreeNodeRecursion::Jump)),
        }
    })?;
    if !found {
        return Ok(join);
    }
    join.right = Arc::new(right.data);
    let Some((left, right)) = join.on.pop() else { return plan_err!("an ASOF JOIN needs a column of time") };
    let inequality = BinaryExpr::new(Box::new(left), Operator::GtEq, Box::new(right));
    let function = Arc::new(ScalarUDF::from(Mark::new(AS_OF)));
    let mark = ScalarFunction::new_udf(function, vec![Expr::BinaryExpr(inequality)]);
    let mark = Expr::ScalarFunction(mark);
    join.filter = Some(match join.filter.take() {
        Some(filter) => filter.and(mark),
        None => mark,
    });
    Ok(join)
}

/// The analyzer rule that rewrites ASOF JOINs when a query runs.
#[derive(Debug)]
pub(super) struct AsOf;

impl AnalyzerRule for AsOf {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) if is_as_of(&join) => {
                let parts = AsOfParts::of(&join)?;
                rewrite::join(&join, &parts).map(Transformed::yes)
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &'static str {
        "as_of_join"
    }
}
