//! Column lineage of a query: the columns that its columns are derived from, and the columns that decide
//! about its rows.
//!
//! - here: the result, and the walk over a plan's nodes
//! - `expression`: the lineage of one expression
//! - `trace`: intermediate lineage of a node's columns
//!
//! The walk sees the plan before optimization, so the lineage covers everything that a query says, even parts
//! that could be optimized away. The kinds follow OpenLineage's column lineage facet (direct and indirect).

mod expression;
#[cfg(test)]
mod tests;
mod trace;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use datafusion::{
    common::TableReference,
    logical_expr::{Aggregate, Distinct, Join, JoinType, LogicalPlan, TableScan, Unnest, Window},
};

use self::trace::{ColumnScope, Trace, ValueLineage, add_uses, add_values};

use crate::{
    engine::{Query, query::pending},
    name::Relation,
};

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnOrigin {
    pub relation: Relation,
    /// The column's name.
    pub column: String,
}

/// The derivation of a value from another. If there are several ways, the last of these variants wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Derivation {
    /// Copied under the same name.
    Copied,
    /// Copied under another name.
    Renamed,
    /// Computed within one row.
    Transformed,
    /// Computed over several rows.
    Aggregated,
}

/// The influence of a column on a result that doesn't contain its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnUse {
    /// Selects rows: WHERE, HAVING, QUALIFY.
    Filter,
    /// Matches rows: ON, USING, INTERSECT, EXCEPT.
    Join,
    /// Groups rows: GROUP BY, DISTINCT.
    Group,
    /// Sorts rows: ORDER BY.
    Order,
    /// Defines the rows of a window function: OVER.
    Window,
    /// Selects one of several values: CASE WHEN, FILTER.
    Condition,
}

/// The uses of each column.
pub type ColumnUses = BTreeMap<ColumnOrigin, BTreeSet<ColumnUse>>;

/// The lineage of one column of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnLineage {
    /// The column's name.
    pub name: String,
    /// The columns that its values are derived from.
    pub values: BTreeMap<ColumnOrigin, Derivation>,
    /// The columns that decide which value it takes.
    pub uses: ColumnUses,
}

/// The lineage of a query's columns and rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryLineage {
    /// The columns, in order.
    pub columns: Vec<ColumnLineage>,
    /// The columns that decide about the rows, their groups and their order.
    pub rows: ColumnUses,
}

impl QueryLineage {
    /// Merges the lineage of another query for the same table. Ignores columns that this query doesn't have.
    pub fn and(&mut self, other: Self) {
        for column in other.columns {
            let Some(own) = self.columns.iter_mut().find(|own| own.name == column.name) else { continue };
            add_values(&mut own.values, column.values);
            add_uses(&mut own.uses, column.uses);
        }
        add_uses(&mut self.rows, other.rows);
    }

    /// Returns every column that this lineage mentions.
    #[must_use]
    pub fn reads(&self) -> BTreeSet<&ColumnOrigin> {
        let columns = self.columns.iter().flat_map(|column| column.values.keys().chain(column.uses.keys()));
        columns.chain(self.rows.keys()).collect()
    }
}

impl Derivation {
    /// Returns the name of the kind.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Renamed => "renamed",
            Self::Transformed => "transformed",
            Self::Aggregated => "aggregated",
        }
    }
}

impl ColumnUse {
    /// Returns the name of the use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Join => "join",
            Self::Group => "group",
            Self::Order => "order",
            Self::Window => "window",
            Self::Condition => "condition",
        }
    }
}

impl Query {
    /// Returns the lineage of the query in terms of the relations for which `is_known` returns true. Other
    /// views are expanded to their queries; other tables are ignored.
    #[must_use]
    pub fn lineage(&self, is_known: &dyn Fn(&Relation) -> bool) -> QueryLineage {
        let mut walk = LineageWalk { is_known, working: HashMap::new() };
        let Trace { columns, rows } = walk.node(self.plan(), None);
        let fields = self.plan().schema().fields().iter();
        let columns = fields.zip(columns).map(|(field, values)| values.named(field.name())).collect();
        QueryLineage { columns, rows }
    }
}

struct LineageWalk<'a> {
    is_known: &'a dyn Fn(&Relation) -> bool,
    /// For each recursive query by name, the lineage of the rows that its next iteration starts with.
    working: HashMap<String, Vec<ValueLineage>>,
}

impl LineageWalk<'_> {
    /// Traces a node's columns and rows; `outer` is the scope that a correlated subquery may refer to.
    fn node(&mut self, plan: &LogicalPlan, outer: Option<&ColumnScope<'_>>) -> Trace {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::SubqueryAlias(alias) => match self.view(&alias.alias) {
                Some(view) => Trace::of_relation(&view, alias.schema.fields()),
                None => self.node(&alias.input, outer),
            },
            LogicalPlan::Projection(projection) => {
                let input = self.node(&projection.input, outer);
                let scope = ColumnScope::new(&projection.input, &input.columns, outer);
                let columns = projection.expr.iter().map(|expr| self.values(expr, &scope)).collect();
                Trace { columns, rows: input.rows }
            }
            LogicalPlan::Filter(filter) => {
                let mut input = self.node(&filter.input, outer);
                let scope = ColumnScope::new(&filter.input, &input.columns, outer);
                let uses = self.values(&filter.predicate, &scope).used_for(ColumnUse::Filter);
                add_uses(&mut input.rows, uses);
                input
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, outer),
            LogicalPlan::Window(window) => self.window(window, outer),
            LogicalPlan::Join(join) => self.join(join, outer),
            LogicalPlan::Sort(sort) => {
                let mut input = self.node(&sort.input, outer);
                let scope = ColumnScope::new(&sort.input, &input.columns, outer);
                for key in &sort.expr {
                    let uses = self.values(&key.expr, &scope).used_for(ColumnUse::Order);
                    add_uses(&mut input.rows, uses);
                }
                input
            }
            LogicalPlan::Distinct(distinct) => self.distinct(distinct, outer),
            LogicalPlan::Union(union) => {
                let mut inputs = union.inputs.iter();
                let mut all = inputs.next().map(|input| self.node(input, outer)).unwrap_or_default();
                for input in inputs {
                    all.and(self.node(input, outer));
                }
                all
            }
            LogicalPlan::RecursiveQuery(query) => {
                self.recursive(&query.name, (&query.static_term, &query.recursive_term), outer)
            }
            LogicalPlan::Unnest(unnest) => self.unnest(unnest, outer),
            LogicalPlan::Limit(limit) => self.node(&limit.input, outer),
            LogicalPlan::Repartition(repartition) => self.node(&repartition.input, outer),
            LogicalPlan::Subquery(subquery) => self.node(&subquery.subquery, outer),
            // Literal rows have no origin. A SELECT contains no other nodes.
            other => Trace::from_nowhere(other.schema().fields().len()),
        }
    }

    fn scan(&self, scan: &TableScan) -> Trace {
        let fields = scan.projected_schema.fields();
        if let Some(rows) = self.working.get(scan.table_name.table())
            && rows.len() == fields.len()
            && pending(&scan.source).is_none()
        {
            return Trace { columns: rows.clone(), ..Trace::default() };
        }
        match pending(&scan.source).map(|pending| pending.relation.table()) {
            Some(relation) if (self.is_known)(&relation) => Trace::of_relation(&relation, fields),
            _ => Trace::from_nowhere(fields.len()),
        }
    }

    /// Returns the view behind an alias. Only views have qualified aliases; an alias in SQL is a single name.
    fn view(&self, alias: &TableReference) -> Option<Relation> {
        let relation = Relation::new(alias.schema()?, alias.table());
        (self.is_known)(&relation).then_some(relation)
    }

    fn aggregate(&mut self, aggregate: &Aggregate, outer: Option<&ColumnScope<'_>>) -> Trace {
        let input = self.node(&aggregate.input, outer);
        let scope = ColumnScope::new(&aggregate.input, &input.columns, outer);
        let groups = datafusion::logical_expr::utils::grouping_set_to_exprlist(&aggregate.group_expr);
        let groups: Vec<ValueLineage> =
            groups.unwrap_or_default().into_iter().map(|expr| self.values(expr, &scope)).collect();
        let made = aggregate.aggr_expr.iter().map(|expr| self.values(expr, &scope)).collect::<Vec<_>>();
        let mut rows = input.rows;
        for group in &groups {
            add_uses(&mut rows, group.clone().used_for(ColumnUse::Group));
        }
        // With several grouping sets, the grouping set ID comes between the groups and the aggregates.
        let others = aggregate.schema.fields().len().saturating_sub(groups.len() + made.len());
        let columns =
            groups.into_iter().chain((0..others).map(|_| ValueLineage::default())).chain(made).collect();
        Trace { columns, rows }
    }

    fn window(&mut self, window: &Window, outer: Option<&ColumnScope<'_>>) -> Trace {
        let mut input = self.node(&window.input, outer);
        let scope = ColumnScope::new(&window.input, &input.columns, outer);
        let made: Vec<ValueLineage> =
            window.window_expr.iter().map(|expr| self.values(expr, &scope)).collect();
        input.columns.extend(made);
        input
    }

    fn join(&mut self, join: &Join, outer: Option<&ColumnScope<'_>>) -> Trace {
        let mut left = self.node(&join.left, outer);
        // A lateral subquery may refer to the left side.
        let right = self.node(&join.right, Some(&ColumnScope::new(&join.left, &left.columns, outer)));
        let mut uses = ColumnUses::new();
        let scope = ColumnScope::new(&join.left, &left.columns, outer).and(&join.right, &right.columns);
        let keys = join.on.iter().flat_map(|(left, right)| [left, right]);
        for expr in keys.chain(&join.filter) {
            add_uses(&mut uses, self.values(expr, &scope).used_for(ColumnUse::Join));
        }
        let columns = match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.columns.into_iter().chain(right.columns).collect()
            }
            JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
            JoinType::RightSemi | JoinType::RightAnti => right.columns,
            JoinType::LeftMark => left.columns.into_iter().chain([ValueLineage::default()]).collect(),
            JoinType::RightMark => right.columns.into_iter().chain([ValueLineage::default()]).collect(),
        };
        add_uses(&mut left.rows, right.rows);
        add_uses(&mut left.rows, uses);
        Trace { columns, rows: left.rows }
    }

    fn distinct(&mut self, distinct: &Distinct, outer: Option<&ColumnScope<'_>>) -> Trace {
        match distinct {
            Distinct::All(input) => {
                let mut trace = self.node(input, outer);
                for column in &trace.columns {
                    add_uses(&mut trace.rows, column.clone().used_for(ColumnUse::Group));
                }
                trace
            }
            Distinct::On(on) => {
                let mut input = self.node(&on.input, outer);
                let scope = ColumnScope::new(&on.input, &input.columns, outer);
                let groups = on.on_expr.iter().map(|expr| (expr, ColumnUse::Group));
                let order = on.sort_expr.iter().flatten().map(|key| (&key.expr, ColumnUse::Order));
                for (expr, used_for) in groups.chain(order) {
                    add_uses(&mut input.rows, self.values(expr, &scope).used_for(used_for));
                }
                let columns = on.select_expr.iter().map(|expr| self.values(expr, &scope)).collect();
                Trace { columns, rows: input.rows }
            }
        }
    }

    /// Each iteration starts with the rows of the previous one; repeats until the lineage is stable.
    fn recursive(
        &mut self,
        name: &str,
        (first, next): (&LogicalPlan, &LogicalPlan),
        outer: Option<&ColumnScope<'_>>,
    ) -> Trace {
        let mut known = self.node(first, outer);
        loop {
            let hidden = self.working.insert(name.to_owned(), known.columns.clone());
            let round = self.node(next, outer);
            match hidden {
                Some(hidden) => self.working.insert(name.to_owned(), hidden),
                None => self.working.remove(name),
            };
            let before = known.clone();
            known.and(round);
            if known == before {
                return known;
            }
        }
    }

    fn unnest(&mut self, unnest: &Unnest, outer: Option<&ColumnScope<'_>>) -> Trace {
        let input = self.node(&unnest.input, outer);
        let taken_apart: BTreeSet<usize> = unnest
            .list_type_columns
            .iter()
            .map(|(at, _)| *at)
            .chain(unnest.struct_type_columns.iter().copied())
            .collect();
        let column = |at: &usize| {
            let values = input.columns.get(*at).cloned().unwrap_or_default();
            if taken_apart.contains(at) { values.at_least(Derivation::Transformed) } else { values }
        };
        Trace { columns: unnest.dependency_indices.iter().map(column).collect(), rows: input.rows }
    }
}
