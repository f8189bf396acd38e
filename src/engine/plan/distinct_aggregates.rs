//! Distinct aggregates that can spill: rewrites several distinct aggregates as two groupings, the first by
//! each argument. `count(distinct a), count(distinct b)` keeps a set of values for each group, which can't
//! spill; groupings can. DataFusion 55.2 does this only for a single argument (`SingleDistinctToGroupBy`).
//!
//! ```text
//! Aggregate [g] [count(distinct a), count(distinct b), sum(x)]
//!   becomes
//! Aggregate [g] [count(a) filter (set of a), count(b) filter (set of b), first_value(s) filter (plain set)]
//!   Aggregate [grouping sets ((g, a), (g, b), (g))] [sum(x) as s]
//! ```
//!
//! The rewrite reads the rows once but costs a grouping for each argument, so it is used only in sessions
//! with a memory limit.

use std::sync::Arc;

use datafusion::{
    common::{Column, Result, ScalarValue, tree_node::Transformed},
    functions_aggregate::first_last::first_value_udaf,
    logical_expr::{
        Aggregate, Expr, ExprSchemable, GroupingSet, LogicalPlan, LogicalPlanBuilder,
        expr::{AggregateFunction, AggregateFunctionParams},
        lit, when,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// The optimizer rule; see the module docs.
#[derive(Debug)]
pub(crate) struct DistinctGroups;

impl OptimizerRule for DistinctGroups {
    fn name(&self) -> &'static str {
        "distinct_groups"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        match DistinctSplit::of(aggregate) {
            Some(split) => split.plan(aggregate).map(Transformed::yes),
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// The calls of an aggregate, sorted by kind.
struct DistinctSplit {
    /// The arguments of distinct calls, without duplicates.
    arguments: Vec<Expr>,
    calls: Vec<AggregateCall>,
}

enum AggregateCall {
    /// A call on the distinct values of the argument with this index.
    Distinct(usize, AggregateFunction),
    /// A call on all rows, and whether it is 0 for no rows.
    Plain(Expr, bool),
}

/// The maximum number of keys and arguments for which a grouping set's ID has bits.
const MOST: usize = 60;

/// Functions that are NULL for no rows. An ungrouped aggregate with other functions (except `count`) isn't
/// rewritten.
const NULL_OF_NOTHING: [&str; 20] = [
    "sum",
    "min",
    "max",
    "avg",
    "mean",
    "median",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "var_samp",
    "var_pop",
    "variance",
    "bool_and",
    "bool_or",
    "first_value",
    "last_value",
    "first",
    "last",
    "any_value",
    "arbitrary",
];

impl DistinctSplit {
    /// Returns `None` if a call has another form, or if there is only one set of rows to aggregate.
    fn of(aggregate: &Aggregate) -> Option<Self> {
        if matches!(aggregate.group_expr.first(), Some(Expr::GroupingSet(_))) {
            return None;
        }
        let mut split = Self { arguments: Vec::new(), calls: Vec::new() };
        for expr in &aggregate.aggr_expr {
            let Expr::AggregateFunction(call) = expr.clone().unalias() else { return None };
            let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = &call.params;
            if !distinct {
                let name = call.func.name().to_lowercase();
                let counts = name == "count";
                if aggregate.group_expr.is_empty() && !counts && !NULL_OF_NOTHING.contains(&name.as_str()) {
                    return None;
                }
                split.calls.push(AggregateCall::Plain(Expr::AggregateFunction(call), counts));
                continue;
            }
            let [argument] = args.as_slice() else { return None };
            let plain = filter.is_none() && order_by.is_empty() && null_treatment.is_none();
            if !plain || argument.column_refs().is_empty() || aggregate.group_expr.contains(argument) {
                return None;
            }
            let number = split.arguments.iter().position(|known| known == argument);
            let number = number.unwrap_or_else(|| {
                split.arguments.push(argument.clone());
                split.arguments.len() - 1
            });
            split.calls.push(AggregateCall::Distinct(number, call));
        }
        let plain = split.calls.iter().any(|call| matches!(call, AggregateCall::Plain(..)));
        let is_several = split.arguments.len() > 1 || (split.arguments.len() == 1 && plain);
        let columns = aggregate.group_expr.len() + split.arguments.len();
        (is_several && columns <= MOST).then_some(split)
    }

    fn plan(self, aggregate: &Aggregate) -> Result<LogicalPlan> {
        let groups = aggregate.group_expr.len();
        let inner = self.inner(aggregate)?;
        let calls = self.outer(&inner)?;
        let keys: Vec<Expr> = (0..groups).map(|at| column("group", at)).collect();
        let outer = calls.iter().enumerate().map(|(at, (call, _))| call.clone().alias(alias("call", at)));
        let made = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(inner), keys, outer.collect())?);
        let values = made.schema().columns().into_iter().map(Expr::Column).enumerate();
        let values = values.map(|(at, value)| {
            let counts = at.checked_sub(groups).is_some_and(|at| calls[at].1);
            let value =
                if counts { when(value.clone().is_null(), lit(0_i64)).otherwise(value)? } else { value };
            let (qualifier, field) = aggregate.schema.qualified_field(at);
            let value = if value.get_type(made.schema())? == *field.data_type() {
                value
            } else {
                datafusion::logical_expr::cast(value, field.data_type().clone())
            };
            Ok(value.alias_qualified(qualifier.cloned(), field.name()))
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        LogicalPlanBuilder::from(made).project(values)?.build()
    }

    /// Returns the first grouping: by the keys and each argument, with the plain calls.
    fn inner(&self, aggregate: &Aggregate) -> Result<LogicalPlan> {
        let groups = &aggregate.group_expr;
        // Use unique aliases: two expressions may share a name here, but not below.
        let inputs = groups.iter().enumerate().map(|(at, group)| group.clone().alias(alias("group", at)));
        let arguments = self.arguments.iter().enumerate();
        let inputs: Vec<Expr> = inputs
            .chain(arguments.map(|(at, argument)| argument.clone().alias(alias("distinct", at))))
            .collect();
        let keys: Vec<Expr> = (0..groups.len()).map(|at| column("group", at)).collect();
        let with_keys = |more: Option<Expr>| keys.iter().cloned().chain(more).collect::<Vec<_>>();

        let mut plain = Vec::new();
        for call in &self.calls {
            if let AggregateCall::Plain(call, _) = call {
                plain.push(call.clone());
            }
        }
        // Columns that the plain calls read pass through under their own names.
        let below = aggregate.input.schema();
        let read: std::collections::BTreeSet<Column> =
            plain.iter().flat_map(|call| call.column_refs().into_iter().cloned()).collect();
        let through = below.columns().into_iter().filter(|column| read.contains(column)).map(Expr::Column);
        let input = LogicalPlanBuilder::from(aggregate.input.as_ref().clone())
            .project(inputs.into_iter().chain(through))?
            .build()?;
        let mut sets: Vec<Vec<Expr>> =
            (0..self.arguments.len()).map(|at| with_keys(Some(column("distinct", at)))).collect();
        if !plain.is_empty() {
            sets.push(with_keys(None));
        }
        let plain: Vec<Expr> =
            plain.into_iter().enumerate().map(|(at, call)| call.alias(alias("plain", at))).collect();
        let sets = Expr::GroupingSet(GroupingSet::GroupingSets(sets));
        Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), vec![sets], plain)?))
    }

    /// Returns the calls of the second grouping, and whether each is 0 for no rows.
    fn outer(self, inner: &LogicalPlan) -> Result<Vec<(Expr, bool)>> {
        let id = Column::from_name(Aggregate::INTERNAL_GROUPING_ID);
        let id_type = inner.schema().field_with_unqualified_name(&id.name)?.data_type().clone();
        // The ID has a bit for each column that a set leaves out. The bits of the keys come first and are
        // never set.
        let all = (1_u64 << self.arguments.len()) - 1;
        let is_set = |left_out: u64| -> Result<Expr> {
            let left_out = ScalarValue::UInt64(Some(left_out)).cast_to(&id_type)?;
            Ok(Expr::Column(id.clone()).eq(lit(left_out)))
        };
        let mut plain = 0..;
        let calls = self.calls.into_iter().map(|call| {
            let (func, argument, set, counts) = match call {
                AggregateCall::Distinct(number, call) => {
                    let bit = 1_u64 << (self.arguments.len() - 1 - number);
                    (call.func, column("distinct", number), is_set(all & !bit)?, false)
                }
                AggregateCall::Plain(_, counts) => {
                    let at = plain.next().unwrap_or_default();
                    (first_value_udaf(), column("plain", at), is_set(all)?, counts)
                }
            };
            let filter = Some(Box::new(set));
            let call = AggregateFunction::new_udf(func, vec![argument], false, filter, Vec::new(), None);
            Ok((Expr::AggregateFunction(call), counts))
        });
        calls.collect()
    }
}

/// Returns the name of a column of the rewritten plan.
fn alias(prefix: &str, number: usize) -> String {
    format!("__{prefix}_{number}")
}

fn column(prefix: &str, number: usize) -> Expr {
    Expr::Column(Column::from_name(alias(prefix, number)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::util::pretty::pretty_format_batches;

    use crate::engine::{Engine, EngineSettings};

    async fn answer(sql: &str, memory_limit: Option<u64>) -> String {
        let settings = EngineSettings {
            threads: 2,
            memory_limit,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{sql}: {}", error.message));
        let batch = engine.gathered(&query.bind(&BTreeMap::new()).unwrap()).await.unwrap();
        let types: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| format!("{} {}", field.name(), field.data_type()))
            .collect();
        format!("{types:?}\n{}", pretty_format_batches(&[batch]).unwrap())
    }

    #[tokio::test]
    async fn groupings_count_what_sets_count() {
        let rows = "(values (1, 1, 'a', 1.5::double), (1, 1, 'b', 'nan'::double), (1, 2, null, -0.0::double),
             (2, null, null, 0.0::double), (2, null, 'a', 'nan'::double), (null, 3, 'a', null), (null, 3, 'a', 7))
             t(g, a, b, f)";
        for select in [
            "count(distinct a), count(distinct b) from {}",
            "count(distinct a), count(distinct f), sum(distinct a), avg(distinct f), count(*) from {}",
            "count(distinct a), count(distinct b), sum(a), min(b), max(b), count(*), count(b) from {} where a > 100",
            "g, count(distinct a) as x, count(distinct b) as y, count(*) as n from {} group by g order by g",
            "g, a + 1 as k, count(distinct b), count(distinct f), list(a order by a), string_agg(b, ',' order by b)
             from {} group by g, a + 1 order by g, k",
            "g, count(distinct b), max(f), count(distinct f) from {} group by g having count(distinct f) > 0 order by g",
            "g, count(distinct a + 1), count(distinct lower(b)), bool_or(a > 1) from {} group by g order by g",
            "g, count(distinct a) from {} group by g order by g",
            "g, count(distinct g), count(distinct a) from {} group by g order by g",
            "g, count(distinct a) filter (where a > 1), count(distinct b) from {} group by g order by g",
            "a.g, count(distinct a.a), count(distinct b.b) from {} join (select 1 as k, 'z' as b) b on a.g = b.k group by a.g",
        ] {
            let rows = if select.contains("a.g") { rows.replace("t(g", "a(g") } else { rows.to_owned() };
            let sql = format!("select {}", select.replace("{}", &rows));
            assert_eq!(answer(&sql, Some(1 << 30)).await, answer(&sql, None).await, "{sql}");
        }
    }
}
