//! Batch scope: decides whether one query can build many batches at once, which holds if no output row
//! depends on rows of more than one batch.
//!
//! Follows the plan from its inputs upwards. For each node, tracks whether its rows belong to a batch, and
//! which of its columns determine the batch. A group, a window partition and a distinct row must lie within
//! one batch, and so must both sides of a join; if the plan doesn't prove that, the answer is no.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, JoinType, TableReference, tree_node::TreeNodeRecursion},
    logical_expr::{
        Aggregate, BinaryExpr, Distinct, Expr, Join, LogicalPlan, Operator, Union, Window,
        expr::WindowFunction, utils::split_conjunction,
    },
};

use super::event_time::{TimedRelation, stands_for};
use crate::{
    engine::{Query, dialect::as_of::is_as_of},
    interval::BatchSize,
};

/// The batch scope of a node's rows.
enum BatchScope {
    /// The rows are the same for all batches.
    AllBatches,
    /// Each row belongs to a batch, which any of these columns determines. Equal values in two of them mean
    /// the same batch.
    InBatches(BTreeSet<Column>),
}

impl Query {
    /// Returns whether the rows of several batches can be built by one query: it returns the same rows as
    /// each batch's own query, and the column `event_time` determines the batch of each. `inputs` are
    /// filtered by event time, all other tables are read whole.
    #[must_use]
    pub fn is_separable(&self, inputs: &[TimedRelation], event_time: &str, size: BatchSize) -> bool {
        let tracer = Tracer { inputs, size };
        match tracer.follow(self.plan()) {
            Some(BatchScope::InBatches(columns)) => columns.iter().any(|column| column.name == event_time),
            Some(BatchScope::AllBatches) | None => false,
        }
    }
}

struct Tracer<'a> {
    inputs: &'a [TimedRelation],
    size: BatchSize,
}

impl Tracer<'_> {
    /// Returns the scope of a node's rows; `None` if they may depend on rows of several batches.
    fn follow(&self, node: &LogicalPlan) -> Option<BatchScope> {
        if !self.subqueries_cover_all_batches(node) {
            return None;
        }
        match node {
            LogicalPlan::TableScan(scan) => Some(self.read(&scan.table_name)),
            LogicalPlan::SubqueryAlias(alias) if stands_for(&alias.alias).is_some() => {
                Some(self.read(&alias.alias))
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let scope = self.follow(&alias.input)?;
                Some(scope.mapped(|column| Column::new(Some(alias.alias.clone()), &column.name)))
            }
            LogicalPlan::Projection(projection) => {
                let scope = self.follow(&projection.input)?;
                Some(self.projected(&scope, &projection.expr))
            }
            LogicalPlan::Filter(filter) => self.follow(&filter.input),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.follow(&sort.input),
            LogicalPlan::Distinct(Distinct::All(input)) => self.follow(input)?.if_determined(),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => Some(BatchScope::AllBatches),
            other => {
                // Any operation returns equal rows for equal inputs.
                let same = other
                    .inputs()
                    .into_iter()
                    .all(|input| matches!(self.follow(input), Some(BatchScope::AllBatches)));
                same.then_some(BatchScope::AllBatches)
            }
        }
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Option<BatchScope> {
        let scope = self.follow(&aggregate.input)?;
        if matches!(scope, BatchScope::AllBatches) {
            return Some(scope);
        }
        let is_set = |expr: &Expr| matches!(expr, Expr::GroupingSet(_));
        if aggregate.group_expr.iter().any(is_set) {
            return None;
        }
        self.projected(&scope, &aggregate.group_expr).if_determined()
    }

    fn window(&self, window: &Window) -> Option<BatchScope> {
        let scope = self.follow(&window.input)?;
        let BatchScope::InBatches(columns) = &scope else { return Some(scope) };
        let parted = |expr: &Expr| match expr.clone().unalias() {
            Expr::WindowFunction(function) => {
                let WindowFunction { params, .. } = *function;
                params.partition_by.iter().any(|expr| self.determines(expr, columns))
            }
            _ => false,
        };
        window.window_expr.iter().all(parted).then_some(scope)
    }

    fn join(&self, join: &Join) -> Option<BatchScope> {
        let sides = (self.follow(&join.left)?, self.follow(&join.right)?);
        // The nearest row of all batches may lie outside the current batch.
        if is_as_of(join) && matches!(sides, (BatchScope::AllBatches, BatchScope::InBatches(_))) {
            return None;
        }
        // The optimizer hasn't yet extracted join keys from the filter.
        let equal = join.filter.iter().flat_map(split_conjunction).filter_map(|part| match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => Some((&**left, &**right)),
            _ => None,
        });
        let on = join.on.iter().map(|(left, right)| (left, right)).chain(equal);
        self.joined(sides, on, join.join_type)
    }

    fn union(&self, union: &Union) -> Option<BatchScope> {
        let mut scopes = union.inputs.iter().map(|input| {
            let scope = self.follow(input)?;
            Some((scope, input.schema().columns()))
        });
        let own = union.schema.columns();
        let (first, named) = scopes.next()??;
        let first = first.at(&named);
        scopes
            .try_fold(first, |known, scope| {
                let (scope, named) = scope?;
                match (known, scope.at(&named)) {
                    (None, None) => Some(None),
                    (Some(one), Some(other)) => Some(Some(&one & &other)),
                    // Rows that are the same for all batches would appear once per batch.
                    _ => None,
                }
            })
            .map(|places| match places {
                None => BatchScope::AllBatches,
                Some(places) => BatchScope::InBatches(
                    places.into_iter().filter_map(|place| own.get(place).cloned()).collect(),
                ),
            })
    }

    fn read(&self, name: &TableReference) -> BatchScope {
        let timed = |(relation, _): &&TimedRelation| stands_for(name).as_ref() == Some(relation);
        match self.inputs.iter().find(timed) {
            Some((_, column)) => {
                BatchScope::InBatches(BTreeSet::from([Column::new(Some(name.clone()), column)]))
            }
            None => BatchScope::AllBatches,
        }
    }

    /// Checks that the subqueries of a node's expressions don't depend on the batch.
    fn subqueries_cover_all_batches(&self, node: &LogicalPlan) -> bool {
        let mut same = true;
        let visited = node.apply_subqueries(|subquery| {
            same &= matches!(self.follow(subquery), Some(BatchScope::AllBatches));
            Ok(TreeNodeRecursion::Continue)
        });
        same && visited.is_ok()
    }

    /// Returns the scope of rows with these expressions as columns.
    fn projected(&self, scope: &BatchScope, expressions: &[Expr]) -> BatchScope {
        let BatchScope::InBatches(columns) = scope else { return BatchScope::AllBatches };
        let determining = expressions.iter().filter(|expr| self.determines(expr, columns));
        BatchScope::InBatches(determining.map(own_column).collect())
    }

    /// Returns whether an expression determines the batch, as a time within the batch does.
    fn determines(&self, expr: &Expr, columns: &BTreeSet<Column>) -> bool {
        match expr {
            Expr::Column(column) => columns.contains(column),
            Expr::Alias(alias) => self.determines(&alias.expr, columns),
            Expr::Cast(cast) => {
                let kept = match cast.field.data_type() {
                    DataType::Timestamp(..) => true,
                    DataType::Date32 => self.size != BatchSize::Hour,
                    _ => false,
                };
                kept && self.determines(&cast.expr, columns)
            }
            Expr::ScalarFunction(call) if call.func.name() == "date_trunc" => match call.args.as_slice() {
                [Expr::Literal(unit, _), time] => {
                    let unit = unit.try_as_str().flatten().unwrap_or_default().to_lowercase();
                    let units: &[&str] = match self.size {
                        BatchSize::Hour => &["second", "minute", "hour"],
                        BatchSize::Day => &["second", "minute", "hour", "day"],
                        BatchSize::Month => &["second", "minute", "hour", "day", "month"],
                        BatchSize::Year => &["second", "minute", "hour", "day", "month", "quarter", "year"],
                    };
                    units.contains(&unit.as_str()) && self.determines(time, columns)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Returns the scope of a join's rows. Each pair of expressions in `on` is equal in every match.
    fn joined<'a>(
        &self,
        sides: (BatchScope, BatchScope),
        mut on: impl Iterator<Item = (&'a Expr, &'a Expr)>,
        kind: JoinType,
    ) -> Option<BatchScope> {
        use JoinType::{
            Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi,
        };
        match sides {
            (BatchScope::AllBatches, BatchScope::AllBatches) => Some(BatchScope::AllBatches),
            // A row that is the same for all batches must not appear because one of them has no match for it.
            (scope @ BatchScope::InBatches(_), BatchScope::AllBatches) => {
                matches!(kind, Inner | Left | LeftSemi | LeftAnti | LeftMark).then_some(scope)
            }
            (BatchScope::AllBatches, scope @ BatchScope::InBatches(_)) => {
                matches!(kind, Inner | Right | RightSemi | RightAnti | RightMark).then_some(scope)
            }
            (BatchScope::InBatches(left), BatchScope::InBatches(right)) => {
                let same = |(one, other): (&Expr, &Expr)| {
                    self.determines(one, &left) && self.determines(other, &right)
                        || self.determines(one, &right) && self.determines(other, &left)
                };
                let columns = match kind {
                    Inner => &left | &right,
                    Left | LeftSemi | LeftAnti | LeftMark => left.clone(),
                    Right | RightSemi | RightAnti | RightMark => right.clone(),
                    // Either side may be NULL.
                    Full => BTreeSet::new(),
                };
                on.any(same).then_some(BatchScope::InBatches(columns))
            }
        }
    }
}

impl BatchScope {
    fn mapped(self, map: impl Fn(Column) -> Column) -> Self {
        match self {
            Self::AllBatches => Self::AllBatches,
            Self::InBatches(columns) => Self::InBatches(columns.into_iter().map(map).collect()),
        }
    }

    /// Returns `None` if no column determines the batch.
    fn if_determined(self) -> Option<Self> {
        match &self {
            Self::InBatches(columns) if columns.is_empty() => None,
            _ => Some(self),
        }
    }

    /// Returns the positions of the columns that determine the batch.
    fn at(&self, all: &[Column]) -> Option<BTreeSet<usize>> {
        let Self::InBatches(columns) = self else { return None };
        let places = all.iter().enumerate().filter(|(_, column)| columns.contains(column));
        Some(places.map(|(place, _)| place).collect())
    }
}

/// Returns the output column of an expression.
fn own_column(expr: &Expr) -> Column {
    let (qualifier, name) = expr.qualified_name();
    Column::new(qualifier, name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};

    use super::*;
    use crate::{
        engine::{Engine, EngineSettings},
        name::Relation,
    };

    /// Readings and prices have an event time, meters don't; `v` is a view of readings without its own event
    /// time.
    async fn engine() -> Engine {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let at = || Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let kwh = || Field::new("kwh", DataType::Float64, true);
        for (name, fields) in [
            ("readings", vec![text("meter"), at(), kwh()]),
            ("prices", vec![text("region"), at(), kwh()]),
            ("meters", vec![text("meter"), text("region"), at()]),
        ] {
            engine.declare_table(&Relation::new("s", name), Arc::new(Schema::new(fields))).unwrap();
        }
        let view = engine.plan("select meter, max(at) as last from s.readings group by meter").await.unwrap();
        engine.declare_view(&Relation::new("s", "v"), &view).unwrap();
        engine
    }

    async fn is_separable(engine: &Engine, sql: &str, size: BatchSize) -> bool {
        let timed = |name: &str| (Relation::new("s", name), "at".to_owned());
        engine.plan(sql).await.unwrap().is_separable(&[timed("readings"), timed("prices")], "at", size)
    }

    #[tokio::test]
    async fn queries_that_keep_batches_apart() {
        let engine = engine().await;
        for sql in [
            "select * from s.readings",
            "select meter, at, kwh * 2 as twice from s.readings where kwh > 0 order by at",
            "select cast(at as date) as at, sum(kwh) as kwh, count(distinct meter) as meters from s.readings group by 1",
            "select date_trunc('day', at) as at, meter, max(kwh) as most from s.readings group by all",
            "with r as (select meter, at as t, kwh from s.readings), d as (select t, avg(kwh) as kwh from r group by t) select t as at, kwh from d",
            "select distinct meter, cast(at as date) as at from s.readings",
            "select at, kwh, row_number() over (partition by meter, cast(at as date) order by at) as n from s.readings",
            "select * from s.readings qualify row_number() over (partition by meter, at order by kwh) = 1",
            "select r.at, r.kwh, m.region from s.readings as r left join s.meters as m on r.meter = m.meter",
            "select r.at, r.kwh * p.kwh as cost from s.readings as r join s.prices as p on r.at = p.at",
            "select coalesce(r.kwh, 0) as kwh, r.at from s.readings as r left join s.prices as p on cast(r.at as date) = cast(p.at as date) and r.kwh > p.kwh",
            "select at, kwh from s.readings union all select at, kwh from s.prices",
            "select * from s.readings where meter in (select meter from s.meters)",
            "select r.* from s.readings as r where exists (select 1 from s.meters as m where m.meter = r.meter)",
            "select r.at, v.last from s.readings as r join s.v as v on r.meter = v.meter",
            "select r.at from s.readings as r join (select meter, count(*) as n from s.meters group by meter limit 3) as m on r.meter = m.meter",
        ] {
            assert!(is_separable(&engine, sql, BatchSize::Day).await, "{sql}");
        }
    }

    #[tokio::test]
    async fn queries_that_look_across_batches() {
        let engine = engine().await;
        for sql in [
            // Groups, partitions and rows that span several days.
            "select max(at) as at, sum(kwh) as kwh from s.readings",
            "select meter, max(at) as at from s.readings group by meter",
            "select date_trunc('month', at) as at, sum(kwh) as kwh from s.readings group by 1",
            "select date_trunc('week', at) as at, sum(kwh) as kwh from s.readings group by 1",
            "select at, kwh - lag(kwh) over (partition by meter order by at) as more from s.readings",
            "select at, sum(kwh) as kwh from s.readings group by grouping sets ((at), ())",
            "select * from s.readings order by at limit 10",
            "select distinct on (meter) * from s.readings order by meter, at",
            // Rows that would appear once per batch.
            "select at, kwh from s.readings union all select at, null from s.meters",
            "select m.meter, r.at from s.meters as m left join s.readings as r on m.meter = r.meter",
            "select m.meter, r.at from s.meters as m full join s.readings as r on m.meter = r.meter",
            "select at, meter from s.meters",
            "select m.at, m.meter from s.meters as m where m.meter not in (select meter from s.readings)",
            // Joins without a common batch, and subqueries that depend on the batch.
            "select r.at, p.kwh from s.readings as r join s.prices as p on r.kwh = p.kwh",
            "select r.at, p.kwh from s.readings as r cross join s.prices as p",
            "select r.at, r.kwh / (select sum(kwh) from s.readings) as share from s.readings as r",
            // The event-time column isn't the one that determines the batch.
            "select at + interval '1 day' as at, kwh from s.readings",
            "select at as t, cast(null as timestamp) as at from s.readings",
            "select p.at from s.readings as r left join s.prices as p on r.at = p.at",
        ] {
            assert!(!is_separable(&engine, sql, BatchSize::Day).await, "{sql}");
        }
    }

    #[tokio::test]
    async fn the_size_of_a_batch_counts() {
        let engine = engine().await;
        let sql = "select date_trunc('month', at) as at, sum(kwh) as kwh from s.readings group by 1";
        assert!(is_separable(&engine, sql, BatchSize::Month).await);
        assert!(is_separable(&engine, sql, BatchSize::Year).await);
        let sql = "select cast(at as date) as at, sum(kwh) as kwh from s.readings group by 1";
        assert!(!is_separable(&engine, sql, BatchSize::Hour).await);
    }
}
