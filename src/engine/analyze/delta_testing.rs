//! Delta testing: restricts a test that passed on the previous version of a table to what a change can
//! affect: inserted rows, or groups with inserted or deleted rows. The rest is unchanged.
//!
//! A test that checks each row by itself, possibly joined with another table, reads only inserted rows. A
//! test that checks groups of rows reads only the groups that changed. Any other test reads everything.

use std::sync::Arc;

use datafusion::{
    common::{
        Column, JoinType, NullEquality,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    datasource::{provider_as_source, view::ViewTable},
    error::Result,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
};

use super::key_range::between;
use crate::{
    engine::{
        Engine, Query, Table, dialect::as_of::is_as_of, exec::binding::Bound, plan::joins::Joins,
        query::pending, rows::spool::Spool,
    },
    name::Relation,
};

/// The part of a table that must be read.
#[derive(Debug, Clone)]
pub enum DeltaScope {
    /// Inserted rows.
    Rows,
    /// The rows of changed groups, which share the values of these expressions over the table's columns.
    Groups(Vec<Expr>),
}

/// The part of a table that a query reads, in terms of the table's columns.
struct TracedColumns {
    scope: DeltaScope,
    /// Each output column of a node that is an expression over the table's columns. Other columns are
    /// missing.
    columns: Vec<(Column, Expr)>,
}

/// Returns whether a group's expression is this column of the table.
#[must_use]
pub fn is_column(group: &Expr, column: &str) -> bool {
    matches!(group, Expr::Column(one) if one.name == column)
}

impl Query {
    /// Returns the part of `own` that the query must read to find rows that exist only because of a change;
    /// `None` if it must read everything. All other inputs are unchanged.
    #[must_use]
    pub fn delta_scope(&self, own: &Relation) -> Option<DeltaScope> {
        follow(self.plan(), own).map(|traced| traced.scope)
    }
}

fn follow(node: &LogicalPlan, own: &Relation) -> Option<TracedColumns> {
    if node.expressions().iter().any(has_subquery) {
        return None;
    }
    match node {
        LogicalPlan::TableScan(scan) => {
            let is_own = pending(&scan.source).is_some_and(|pending| pending.relation == *own);
            let columns = scan.projected_schema.columns().into_iter();
            let columns =
                columns.map(|column| (column.clone(), Expr::Column(Column::from_name(column.name))));
            is_own.then(|| TracedColumns { scope: DeltaScope::Rows, columns: columns.collect() })
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let TracedColumns { scope, columns } = follow(&alias.input, own)?;
            let columns = columns
                .into_iter()
                .map(|(column, expr)| (Column::new(Some(alias.alias.clone()), column.name), expr));
            Some(TracedColumns { scope, columns: columns.collect() })
        }
        LogicalPlan::Filter(filter) => follow(&filter.input, own),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => follow(&sort.input, own),
        LogicalPlan::Projection(projection) => {
            let traced = follow(&projection.input, own)?;
            let columns = projection.expr.iter().filter_map(|expr| {
                let (qualifier, name) = expr.qualified_name();
                Some((Column::new(qualifier, name), traced.of_table(expr)?))
            });
            Some(TracedColumns { columns: columns.collect(), scope: traced.scope })
        }
        LogicalPlan::Join(join) => {
            use JoinType::{Inner, Left, LeftAnti, LeftSemi, Right, RightAnti, RightSemi};
            let (side, other) =
                if reads(&join.left, own) { (&join.left, &join.right) } else { (&join.right, &join.left) };
            let is_left = Arc::ptr_eq(side, &join.left);
            // Rows of the other table must not appear because rows of this one are left out.
            let kept = match join.join_type {
                Inner => is_left || !is_as_of(join),
                Left | LeftSemi | LeftAnti => is_left,
                Right | RightSemi | RightAnti => !is_left,
                _ => false,
            };
            let traced = follow(side, own)?;
            (kept && !reads(other, own) && matches!(traced.scope, DeltaScope::Rows)).then_some(traced)
        }
        LogicalPlan::Aggregate(aggregate) if !aggregate.group_expr.is_empty() => {
            let traced = follow(&aggregate.input, own)?;
            if !matches!(traced.scope, DeltaScope::Rows) {
                return None;
            }
            let groups: Option<Vec<Expr>> =
                aggregate.group_expr.iter().map(|expr| traced.of_table(expr)).collect();
            Some(TracedColumns { scope: DeltaScope::Groups(groups?), columns: Vec::new() })
        }
        _ => None,
    }
}

impl TracedColumns {
    /// Rewrites an expression in terms of the table's columns; `None` if it has other columns or is volatile.
    fn of_table(&self, expr: &Expr) -> Option<Expr> {
        let expr = expr.clone().unalias();
        if expr.is_volatile() || matches!(expr, Expr::GroupingSet(_)) {
            return None;
        }
        let mut known = true;
        let replaced = expr.transform(|part| match part {
            Expr::Column(column) => {
                if let Some((_, expr)) = self.columns.iter().find(|(own, _)| *own == column) {
                    return Ok(Transformed::new(expr.clone(), true, TreeNodeRecursion::Jump));
                }
                known = false;
                Ok(Transformed::no(Expr::Column(column)))
            }
            other => Ok(Transformed::no(other)),
        });
        replaced.ok().map(|replaced| replaced.data).filter(|_| known)
    }
}

fn has_subquery(expr: &Expr) -> bool {
    let is_one =
        |part: &Expr| Ok(matches!(part, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_)));
    expr.exists(is_one).unwrap_or(true)
}

fn reads(plan: &LogicalPlan, own: &Relation) -> bool {
    let mut found = false;
    let visited = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found |= pending(&scan.source).is_some_and(|pending| pending.relation == *own);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found || visited.is_err()
}

/// Returns the column name of a group's expression by its position.
fn key(place: usize) -> String {
    format!("_headwater_group_{place}")
}

impl Engine {
    /// Returns the rows of `table` in groups that contain a row of `inserted` or `deleted`. The spool must
    /// outlive the table.
    pub async fn changed_groups(
        &self,
        table: &Table,
        (inserted, deleted): (Table, Table),
        groups: &[Expr],
    ) -> Result<(Table, Spool)> {
        let keyed = |name: &str, table: Table| {
            let keys = groups.iter().enumerate().map(|(place, expr)| expr.clone().alias(key(place)));
            LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.project(keys)
        };
        let changed =
            keyed("inserted", inserted)?.union(keyed("deleted", deleted)?.build()?)?.distinct()?.build()?;
        let schema = Arc::clone(changed.schema().inner());
        let streams = self.streams(&Bound { plan: changed }, &[], Joins::Hash).await?;
        let spool = self.spool(&schema, streams, Arc::new(|_| {})).await?;

        let columns = || {
            table
                .schema()
                .fields()
                .iter()
                .map(|field| Expr::Column(Column::from_name(field.name())))
                .collect::<Vec<_>>()
        };
        let mut rows = LogicalPlanBuilder::scan("own", provider_as_source(Arc::clone(table)), None)?;
        // Skip files that can't have a row of these groups.
        for (place, group) in groups.iter().enumerate() {
            if let Expr::Column(_) = group
                && let Some((least, greatest)) = self.min_max(&spool.table(), &key(place)).await?
            {
                rows = rows.filter(between(group, least, greatest))?;
            }
        }
        let keys: Vec<String> = (0..groups.len()).map(key).collect();
        let own_keys = groups.iter().zip(&keys).map(|(expr, key)| expr.clone().alias(key));
        let changed = LogicalPlanBuilder::scan("changed", provider_as_source(spool.table()), None)?;
        let on =
            |side: &str| -> Vec<Column> { keys.iter().map(|key| Column::new(Some(side), key)).collect() };
        let rows = rows.project(columns().into_iter().chain(own_keys))?.alias("own")?.build()?;
        // The changed groups are the side that the join holds in memory.
        let plan = changed
            .join_detailed(
                rows,
                JoinType::RightSemi,
                (on("changed"), on("own")),
                None,
                NullEquality::NullEqualsNull,
            )?
            .project(columns())?
            .build()?;
        Ok((Arc::new(ViewTable::new(plan, None)), spool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        EngineSettings,
        arrow::datatypes::{DataType, Field, Schema},
        rows::fixture,
    };

    fn engine() -> Engine {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        for name in ["t", "other"] {
            engine.declare_table(&Relation::new("s", name), schema()).unwrap();
        }
        engine
    }

    fn schema() -> Arc<Schema> {
        let fields = [("a", DataType::Int64), ("b", DataType::Utf8), ("d", DataType::Date32)];
        Arc::new(Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec()))
    }

    fn table(csv: &str) -> Table {
        let csv = format!("a,b,d\n{csv}");
        fixture::table(fixture::rows(fixture::FixtureRows::Csv(&csv), &schema(), false).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_tests_query_decides_what_it_must_read() {
        let engine = engine();
        for (sql, expected) in [
            ("select * from s.t where a is null", "rows"),
            ("with t as (select a as x from s.t) select x from t where x > 3 order by x", "rows"),
            ("select t.a from s.t as t left anti join s.other as o on t.a = o.a", "rows"),
            ("select t.a from s.other as o right join s.t as t on t.a = o.a where o.a is null", "rows"),
            ("select a, count(*) from s.t where a is not null group by a having count(*) > 1", "a"),
            (
                "select n from (select date_trunc('month', x) as m, count(*) as n from (select d as x, a from s.t) group by 1) where n > 1",
                "date_trunc(Utf8(\"month\"), d)",
            ),
            ("select t.b, sum(o.a) from s.t as t join s.other as o on t.a = o.a group by t.b", "b"),
            // All others must read everything.
            ("select count(*) from s.t", "everything"),
            ("select a from s.t limit 3", "everything"),
            ("select distinct a from s.t", "everything"),
            ("select a, lag(a) over (order by a) from s.t", "everything"),
            ("select o.a from s.other as o left anti join s.t as t on t.a = o.a", "everything"),
            ("select o.a from s.other as o left join s.t as t on t.a = o.a where t.a is null", "everything"),
            ("select x.a from s.t as x join s.t as y on x.a = y.a", "everything"),
            ("select a from s.t where a > (select avg(a) from s.t)", "everything"),
            ("select a from s.t union all select a from s.other", "everything"),
            ("select o.b, count(*) from s.t as t join s.other as o on t.a = o.a group by o.b", "everything"),
            ("select max(n) from (select a, count(*) as n from s.t group by a)", "everything"),
            ("select a, random() as r, count(*) from s.t group by 1, 2", "everything"),
            ("select a from s.other", "everything"),
        ] {
            let scope = engine.plan(sql).await.unwrap().delta_scope(&Relation::new("s", "t"));
            let shown = match scope {
                None => "everything".to_owned(),
                Some(DeltaScope::Rows) => "rows".to_owned(),
                Some(DeltaScope::Groups(groups)) => {
                    groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                }
            };
            assert_eq!(shown, expected, "{sql}");
        }
    }

    #[tokio::test]
    async fn groups_with_inserted_or_deleted_rows_are_read() {
        let engine = engine();
        let own = table("1,x,2021-01-01\n1,y,2021-01-02\n2,z,2021-01-03\n,n,2021-01-04\n7,far,2021-01-05\n");
        let (inserted, deleted) =
            (table("1,y,2021-01-02\n,n,2021-01-04\n"), table("2,gone,2021-01-03\n5,gone,2021-01-03\n"));
        for (groups, expected) in [
            (vec![Expr::Column(Column::from_name("a"))], "n x y z"),
            (vec![Expr::Column(Column::from_name("d"))], "n y z"),
            (vec![Expr::Column(Column::from_name("a")), Expr::Column(Column::from_name("d"))], "n y z"),
        ] {
            let (rows, _spool) = engine
                .changed_groups(&own, (Arc::clone(&inserted), Arc::clone(&deleted)), &groups)
                .await
                .unwrap();
            let plan = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None).unwrap();
            let plan = plan.project([Expr::Column(Column::from_name("b"))]).unwrap().build().unwrap();
            let mut found = engine.texts(&Bound { plan }, Joins::Hash).await.unwrap();
            found.sort();
            assert_eq!(found.join(" "), expected, "{groups:?}");
        }
    }
}
