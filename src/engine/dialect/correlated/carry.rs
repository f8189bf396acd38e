//! Steps of a subquery with its domain: each step computes its rows for all combinations of outer columns at
//! once. The domain's columns come last.

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema, JoinType,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    functions_window::expr_fn::row_number,
    logical_expr::{
        Aggregate, Distinct, DistinctOn, Expr, ExprFunctionExt, FetchType, Filter, Limit, LogicalPlan,
        LogicalPlanBuilder, Projection, SkipType, Sort, SubqueryAlias, Union, Values, Window,
        expr::{AggregateFunction, GroupingSet, Sort as SortExpr},
        expr_rewriter::NamePreserver,
        lit,
        utils::conjunction,
    },
    prelude::Column,
};

use super::{
    Joined,
    columns::{ordered, reads, replaced_all, shaped, sorts},
    domain::{self, Domain},
    fault::refused,
    outside::{self, is_lateral, scope},
};

impl Joined {
    /// Computes a subquery for its whole domain. The result has its columns, followed by the domain's.
    ///
    /// # Errors
    /// If a step doesn't support that.
    pub(super) fn carried(&mut self, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        if !reads(plan, domain) {
            return LogicalPlanBuilder::from(plan.clone()).cross_join(domain.plan.clone())?.build();
        }
        match plan {
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                let input = self.carried(input, domain)?;
                let exprs = replaced_all(expr, domain, plan)?.into_iter().chain(domain.columns());
                Projection::try_new(exprs.collect(), Arc::new(input)).map(LogicalPlan::Projection)
            }
            LogicalPlan::Filter(filter) => {
                let input = self.carried(&filter.input, domain)?;
                let predicate = outside::replaced(filter.predicate.clone(), domain, &scope(plan))?;
                Filter::try_new(predicate, Arc::new(input)).map(LogicalPlan::Filter)
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => {
                let input = self.carried(input, domain)?;
                shaped(input, plan.schema(), domain)
            }
            LogicalPlan::Subquery(subquery) => self.carried(&subquery.subquery, domain),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, plan, domain),
            LogicalPlan::Window(window) => self.window(window, plan, domain),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
                let input = self.carried(&sort.input, domain)?;
                let expr = sorts(&sort.expr, domain, &scope(plan))?;
                Ok(LogicalPlan::Sort(Sort { expr, input: Arc::new(input), fetch: None }))
            }
            LogicalPlan::Limit(limit) => self.limit(limit, plan, domain),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.carried(input, domain)?;
                Ok(LogicalPlan::Distinct(Distinct::All(Arc::new(input))))
            }
            LogicalPlan::Distinct(Distinct::On(on)) => self.distinct_on(on, plan, domain),
            LogicalPlan::Union(union) => self.union(union, plan, domain),
            LogicalPlan::Values(values) => values_of(values, plan, domain),
            LogicalPlan::Unnest(unnest) => {
                let input = self.carried(&unnest.input, domain)?;
                let columns = unnest.exec_columns.clone();
                LogicalPlanBuilder::from(input)
                    .unnest_columns_with_options(columns, unnest.options.clone())?
                    .build()
            }
            LogicalPlan::Join(join) if is_lateral(&join.right) => self.lateral_side(join, plan, domain),
            LogicalPlan::Join(join) => self.side_by_side(join, plan, domain),
            _ => Err(refused(
                "a subquery reads columns from outside within WITH RECURSIVE",
                "compute it for all rows, with the column among its own, and join it",
            )),
        }
    }

    /// Makes the rows of each combination distinct by their keys.
    fn distinct_on(&mut self, on: &DistinctOn, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        let input = self.carried(&on.input, domain)?;
        let keys = replaced_all(&on.on_expr, domain, plan)?;
        let selected = replaced_all(&on.select_expr, domain, plan)?;
        let order = on.sort_expr.as_ref().map(|order| sorts(order, domain, &scope(plan))).transpose()?;
        // DISTINCT ON requires its keys at the start of the order.
        let order = order.map(|order| {
            let keys = domain.columns().into_iter().map(|key| SortExpr::new(key, true, false));
            keys.chain(order).collect()
        });
        let keys = domain.columns().into_iter().chain(keys).collect();
        let selected = selected.into_iter().chain(domain.columns()).collect();
        let on = DistinctOn::try_new(keys, selected, order, Arc::new(input))?;
        Ok(LogicalPlan::Distinct(Distinct::On(on)))
    }

    fn union(&mut self, union: &Union, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        let inputs = union.inputs.iter().map(|input| {
            let input = self.carried(input, domain)?;
            shaped(input, plan.schema(), domain).map(Arc::new)
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        shaped(LogicalPlan::Union(Union::try_new(inputs)?), plan.schema(), domain)
    }

    /// Computes an aggregate for each combination. Without GROUP BY, combinations without rows get a result
    /// too.
    fn aggregate(
        &mut self,
        aggregate: &Aggregate,
        plan: &LogicalPlan,
        domain: &Domain,
    ) -> Result<LogicalPlan> {
        if aggregate.aggr_expr.iter().any(is_of_outside) {
            return Err(refused(
                "an aggregate in a subquery reads only columns from outside, so it is one of the outer query",
                "compute it in the outer query, under a name, and use that",
            ));
        }
        let input = self.carried(&aggregate.input, domain)?;
        let groups = replaced_all(&aggregate.group_expr, domain, plan)?;
        let results = replaced_all(&aggregate.aggr_expr, domain, plan)?;
        let (input, groups, results) = match groups.as_slice() {
            [] => {
                let number = self.next();
                let mark = format!("$row{number}");
                let exprs = input.schema().columns().into_iter().map(Expr::Column);
                let exprs = exprs.chain([lit(true).alias(&mark)]).collect::<Vec<_>>();
                let marked = LogicalPlanBuilder::from(input).project(exprs)?.build()?;
                let (marked, equal) = domain.copied(marked, number)?;
                let all = domain::join(domain.plan.clone(), marked, JoinType::Left, conjunction(equal))?;
                let is_row = Expr::Column(Column::from_name(mark));
                let results = results.into_iter().map(|result| counting(result, &is_row));
                (all, domain.columns(), results.collect::<Result<Vec<_>>>()?)
            }
            [Expr::GroupingSet(set)] => {
                let sets: Vec<Vec<Expr>> = match set {
                    GroupingSet::GroupingSets(sets) => sets.clone(),
                    GroupingSet::Rollup(_) | GroupingSet::Cube(_) => Vec::new(),
                };
                if sets.is_empty() || sets.iter().any(Vec::is_empty) {
                    return Err(refused(
                        "a subquery groups by ROLLUP, CUBE or an empty set, and reads columns from outside",
                        "group by the columns from outside too, and join the result",
                    ));
                }
                let sets = sets.into_iter().map(|set| domain.columns().into_iter().chain(set).collect());
                (input, vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets.collect()))], results)
            }
            _ => (input, groups.into_iter().chain(domain.columns()).collect(), results),
        };
        let made = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), groups, results)?);
        ordered(made, plan.schema(), domain)
    }

    /// Adds the domain's columns to the partitions of windows.
    fn window(&mut self, window: &Window, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        let input = self.carried(&window.input, domain)?;
        let preserver = NamePreserver::new_for_projection();
        let exprs = replaced_all(&window.window_expr, domain, plan)?.into_iter().map(|expr| {
            let name = preserver.save(&expr);
            let parted = expr.transform(|part| {
                let Expr::WindowFunction(mut function) = part else { return Ok(Transformed::no(part)) };
                function.params.partition_by.extend(domain.columns());
                Ok(Transformed::yes(Expr::WindowFunction(function)))
            })?;
            Ok(name.restore(parted.data))
        });
        let made = Window::try_new(exprs.collect::<Result<_>>()?, Arc::new(input))?;
        ordered(LogicalPlan::Window(made), plan.schema(), domain)
    }

    /// Limits the rows of each combination.
    fn limit(&mut self, limit: &Limit, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        // Push the limit below steps that keep each row.
        match limit.input.as_ref() {
            LogicalPlan::Projection(projection) => {
                let below = Limit { input: Arc::clone(&projection.input), ..limit.clone() };
                let input = Arc::new(LogicalPlan::Limit(below));
                let exprs = projection.expr.clone();
                let projected = LogicalPlan::Projection(Projection::try_new(exprs, input)?);
                return self.carried(&projected, domain);
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let below = Limit { input: Arc::clone(&alias.input), ..limit.clone() };
                let input = Arc::new(LogicalPlan::Limit(below));
                let aliased = SubqueryAlias::try_new(input, alias.alias.clone())?;
                return self.carried(&LogicalPlan::SubqueryAlias(aliased), domain);
            }
            _ => {}
        }
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return Err(refused(
                "LIMIT in a subquery that reads columns from outside takes a constant",
                "number the rows with row_number(), and compare the number",
            ));
        };
        let (rows, order) = match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => {
                let order = sorts(&sort.expr, domain, &scope(&limit.input))?;
                (self.carried(&sort.input, domain)?, order)
            }
            other => (self.carried(other, domain)?, Vec::new()),
        };
        let name = format!("$number{}", self.next());
        let number = row_number().partition_by(domain.columns());
        let number = if order.is_empty() { number } else { number.order_by(order) };
        let number = number.build()?.alias(&name);
        let numbered = LogicalPlan::Window(Window::try_new(vec![number], Arc::new(rows))?);
        let number = Expr::Column(Column::from_name(name));
        let bound = |rows: usize| lit(i64::try_from(rows).unwrap_or(i64::MAX));
        let mut within = number.clone().gt(bound(skip));
        if let Some(fetch) = fetch {
            within = within.and(number.lt_eq(bound(skip.saturating_add(fetch))));
        }
        let kept = LogicalPlan::Filter(Filter::try_new(within, Arc::new(numbered))?);
        ordered(kept, plan.schema(), domain)
    }
}

/// Computes VALUES for each combination.
fn values_of(values: &Values, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let rows = values.values.iter().map(|row| {
        let row = row.iter().zip(&columns).map(|(value, column)| {
            Ok(outside::replaced(value.clone(), domain, &DFSchema::empty())?.alias(&column.name))
        });
        let exprs = row.collect::<Result<Vec<_>>>()?.into_iter().chain(domain.columns());
        LogicalPlanBuilder::from(domain.plan.clone()).project(exprs)?.build().map(Arc::new)
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let rows = match <[_; 1]>::try_from(rows) {
        Ok([only]) => Arc::unwrap_or_clone(only),
        Err(many) => LogicalPlan::Union(Union::try_new(many)?),
    };
    shaped(rows, plan.schema(), domain)
}

/// Returns whether an aggregate's arguments are only outer columns.
fn is_of_outside(expr: &Expr) -> bool {
    let of_outside = expr.exists(|part| {
        let Expr::AggregateFunction(call) = part else { return Ok(false) };
        let has = |inner: bool| {
            call.params.args.iter().any(|arg| {
                let found = arg.exists(|part| {
                    Ok(match part {
                        Expr::Column(_) => inner,
                        Expr::OuterReferenceColumn(..) => !inner,
                        _ => false,
                    })
                });
                found.unwrap_or(false)
            })
        };
        Ok(has(false) && !has(true))
    });
    of_outside.unwrap_or(false)
}

/// Restricts an aggregate to marked rows.
fn counting(aggregate: Expr, is_row: &Expr) -> Result<Expr> {
    let name = NamePreserver::new_for_projection().save(&aggregate);
    let counting = aggregate.transform(|part| {
        let Expr::AggregateFunction(AggregateFunction { func, mut params }) = part else {
            return Ok(Transformed::no(part));
        };
        let filter = params.filter.take().map(|filter| *filter);
        let is_row = is_row.clone().is_true();
        params.filter = Some(Box::new(filter.map_or(is_row.clone(), |filter| is_row.and(filter))));
        Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
    })?;
    Ok(name.restore(counting.data))
}
