//! Joins within a subquery that is carried with its domain.

use std::sync::Arc;

use datafusion::{
    common::{JoinType, NullEquality},
    error::Result,
    logical_expr::{Expr, Filter, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, utils::conjunction},
};

use super::{
    Joined,
    columns::{ordered, reads},
    domain::Domain,
    fault::refused,
    outside::{self, scope},
};

impl Joined {
    /// Joins a lateral side within a subquery: its outer columns become columns of its left side.
    pub(super) fn lateral_side(
        &mut self,
        join: &Join,
        plan: &LogicalPlan,
        domain: &Domain,
    ) -> Result<LogicalPlan> {
        let left = self.carried(&join.left, domain)?;
        let hidden = join.left.schema().as_ref().clone();
        let right = outside::replaced_within(&join.right, domain, hidden)?;
        Self::rejoined(join, plan, left, right, Vec::new(), domain)
    }

    /// Joins two sides that may both read the domain, in which case only rows of one combination match.
    pub(super) fn side_by_side(
        &mut self,
        join: &Join,
        plan: &LogicalPlan,
        domain: &Domain,
    ) -> Result<LogicalPlan> {
        let (left_reads, right_reads) = (reads(&join.left, domain), reads(&join.right, domain));
        let keys = join.on.iter().flat_map(|(left, right)| [left, right]);
        let condition_reads = keys.chain(&join.filter).any(|expr| {
            let probe = Filter::try_new(expr.clone().is_null(), Arc::new(LogicalPlan::default()));
            probe.is_ok_and(|probe| reads(&LogicalPlan::Filter(probe), domain))
        });
        let (carry_left, carry_right) = match join.join_type {
            JoinType::Inner => (left_reads || !right_reads, right_reads),
            JoinType::Left => (true, right_reads || condition_reads),
            JoinType::Right => (left_reads || condition_reads, true),
            JoinType::Full => (true, true),
            JoinType::LeftSemi | JoinType::LeftAnti => (true, right_reads),
            _ => {
                return Err(refused(
                    "a subquery reads columns from outside on a side of a join that keeps none of its columns",
                    "write it as EXISTS, or join the other way round",
                ));
            }
        };
        let left = if carry_left { self.carried(&join.left, domain)? } else { join.left.as_ref().clone() };
        let right =
            if carry_right { self.carried(&join.right, domain)? } else { join.right.as_ref().clone() };
        let (right, equal) = if carry_left && carry_right {
            let number = self.next();
            let (right, equal) = domain.copied(right, number)?;
            (right, equal)
        } else {
            (right, Vec::new())
        };
        Self::rejoined(join, plan, left, right, equal, domain)
    }

    fn rejoined(
        join: &Join,
        plan: &LogicalPlan,
        left: LogicalPlan,
        right: LogicalPlan,
        equal: Vec<Expr>,
        domain: &Domain,
    ) -> Result<LogicalPlan> {
        let scope = scope(plan);
        let replaced = |expr: &Expr| outside::replaced(expr.clone(), domain, &scope);
        let mut on = join.on.iter().map(|(left, right)| Ok((replaced(left)?, replaced(right)?)));
        let mut on = on.by_ref().collect::<Result<Vec<_>>>()?;
        let filter = join.filter.as_ref().map(replaced).transpose()?;
        let copies: Vec<Expr> = equal
            .iter()
            .filter_map(|equal| match equal {
                Expr::BinaryExpr(binary) => Some(binary.right.as_ref().clone()),
                _ => None,
            })
            .collect();
        let filter = if join.null_equality == NullEquality::NullEqualsNull {
            on.extend(domain.columns().into_iter().zip(copies.clone()));
            filter
        } else {
            conjunction(equal.into_iter().chain(filter))
        };
        let made = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on,
            filter,
            join.join_type,
            JoinConstraint::On,
            join.null_equality,
            join.null_aware,
        )?;
        let made = LogicalPlan::Join(made);
        let missing_left = matches!(join.join_type, JoinType::Right | JoinType::Full) && !copies.is_empty();
        if !missing_left {
            return ordered(made, plan.schema(), domain);
        }
        let exprs = plan.schema().columns().into_iter().map(Expr::Column);
        let keys = domain.columns().into_iter().zip(copies).map(|(own, copy)| {
            let name = own.schema_name().to_string();
            datafusion::functions::core::expr_fn::coalesce(vec![own, copy]).alias(name)
        });
        let exprs: Vec<Expr> = exprs.chain(keys).collect();
        LogicalPlanBuilder::from(made).project(exprs)?.build()
    }
}
