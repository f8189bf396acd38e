//! Queries: plan SQL text and type-check it against relations with known schemas but no rows yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::FieldRef,
    catalog::{Session, TableProvider},
    common::{
        ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    datasource::{empty::EmptyTable, source_as_provider},
    error::{DataFusionError, Result},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType, Volatility, cast, lit},
    physical_plan::ExecutionPlan,
    prelude::Column,
    sql::{
        parser::Statement,
        sqlparser::ast::{SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor},
    },
};

use super::{
    Engine, SchemaRef, SqlError, Table,
    plan::{
        exact_cast::{self, Destination},
        joins::Joins,
        read_cost::{self, ReadCost},
    },
};
use crate::name::Relation;

/// A planned query. Its types are final; its tables are `Pending` until it is bound.
#[derive(Debug, Clone)]
pub struct Query {
    plan: LogicalPlan,
    canonical: String,
    /// The cost of reading it, including its views.
    weight: ReadCost,
}

impl Query {
    /// Returns the names and types of the query's columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.plan.schema().inner())
    }

    /// Returns the statement without comments, layout and keyword case, for its fingerprint.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Returns the relations that the query reads, including those of its views.
    #[must_use]
    pub fn relations(&self) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        let visited = self.plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(pending) = pending(&scan.source)
            {
                relations.insert(pending.relation.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the visitor never fails");
        relations
    }

    /// Returns whether equal inputs can give different rows next time, as with `now()`, `random()` or
    /// `uuid()`.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        let mut volatile = false;
        let visited = self.plan.apply_with_subqueries(|node| {
            for expression in node.expressions() {
                volatile |= expression.exists(|part| Ok(is_volatile(part)))?;
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the visitor never fails");
        volatile
    }

    /// Casts the query to the columns of a table: matched by name, in the table's order and types, and NULL
    /// if the query lacks one. When the query runs, it fails at the first value that a cast would change.
    ///
    /// # Errors
    /// If a column can't have the table's type.
    pub fn as_columns_of(&self, table: &SchemaRef, destination: &Destination) -> Result<Self> {
        let own = self.plan.schema();
        let column = |field: &FieldRef| {
            let name = field.name();
            let wanted = field.data_type();
            Ok(match own.fields().iter().position(|own| own.name() == name) {
                Some(at) => {
                    let (qualifier, own) = own.qualified_field(at);
                    let column = Expr::Column(Column::new(qualifier.cloned(), name));
                    let same = own.data_type() == wanted;
                    let typed =
                        if same { column } else { exact_cast::cast(column, own, wanted, destination)? };
                    typed.alias(name)
                }
                None => cast(lit(ScalarValue::Null), wanted.clone()).alias(name),
            })
        };
        let columns = table.fields().iter().map(column).collect::<Result<Vec<Expr>>>()?;
        let plan = LogicalPlanBuilder::from(self.plan.clone()).project(columns)?.build()?;
        Ok(Self { plan, ..self.clone() })
    }

    /// Returns the query with at most `rows` rows.
    ///
    /// # Errors
    /// If no plan can be made of it, which would be a bug.
    pub fn limited(&self, rows: Option<u64>) -> Result<Self> {
        let Some(rows) = rows.and_then(|rows| usize::try_from(rows).ok()) else { return Ok(self.clone()) };
        let plan = LogicalPlanBuilder::from(self.plan.clone()).limit(0, Some(rows))?.build()?;
        Ok(Self { plan, ..self.clone() })
    }

    /// Returns the part of the query that combines several input rows into one; `None` if each output row
    /// comes from one input row.
    #[must_use]
    pub fn gathers(&self) -> Option<&'static str> {
        let mut found = None;
        let visited = self.plan.apply_with_subqueries(|node| {
            found = match node {
                LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::TableScan(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::Unnest(_) => return Ok(TreeNodeRecursion::Continue),
                LogicalPlan::Aggregate(_) => Some("an aggregate"),
                LogicalPlan::Window(_) => Some("a window"),
                LogicalPlan::Join(_) => Some("a join"),
                LogicalPlan::Sort(_) => Some("an order"),
                LogicalPlan::Limit(_) => Some("a limit"),
                LogicalPlan::Distinct(_) => Some("a distinct"),
                LogicalPlan::Union(_) => Some("a union"),
                _ => Some("more than a choice of rows and columns"),
            };
            Ok(TreeNodeRecursion::Stop)
        });
        debug_assert!(visited.is_ok(), "the visitor never fails");
        found
    }

    /// Wraps a plan that doesn't come from SQL.
    pub(super) fn of_plan(plan: LogicalPlan) -> Self {
        Self { plan, canonical: String::new(), weight: ReadCost::TABLE }
    }

    /// Returns the cost of reading the query.
    pub(super) fn weight(&self) -> ReadCost {
        self.weight
    }

    pub(super) fn plan(&self) -> &LogicalPlan {
        &self.plan
    }
}

fn is_volatile(expression: &Expr) -> bool {
    match expression {
        // `now()` is "stable" in DataFusion: constant within a query, but different in the next run.
        Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
        _ => expression.is_volatile_node(),
    }
}

impl Engine {
    /// Returns the tables that a statement names as `schema.name`; none if it can't be parsed.
    #[must_use]
    pub fn tables_named(&self, sql: &str) -> BTreeSet<Relation> {
        let state = self.planner(Joins::Hash);
        let named = self
            .dialect()
            .parse(state, sql)
            .and_then(|statement| state.resolve_table_references(&statement))
            .unwrap_or_default();
        named.iter().filter_map(|name| Some(Relation::new(name.schema()?, name.table()))).collect()
    }

    /// Parses and plans one SELECT statement against the declared relations.
    ///
    /// # Errors
    /// If a statement can't be parsed, isn't a query, has a clause that would be silently ignored, or doesn't
    /// type-check. The error has the position in `sql`.
    pub async fn plan(&self, sql: &str) -> std::result::Result<Query, SqlError> {
        let state = self.planner(Joins::Hash);
        let statement = self.dialect().parse(state, sql).map_err(|error| SqlError::new(&error, sql))?;
        let canonical = canonical(&statement, sql)?;
        let weight = read_cost::read_cost(&statement, sql, &|relation| self.weight(relation))?;
        let planned = self.dialect().plan(state, statement).await;
        let plan = planned.map_err(|error| SqlError::new(&error, sql))?;
        let query = Query { plan, canonical, weight };
        let Err(error) = self.check_subqueries(&query, false).await else { return Ok(query) };
        let refused = SqlError::of_subquery(&error, sql);
        // DataFusion can't plan it as it is, but may be able to plan it as joins.
        let Some(joined) = self.dialect().without_correlation(&query.plan) else { return Err(refused) };
        let plan = joined.map_err(|error| SqlError::of_subquery(&error, sql))?;
        let query = Query { plan, ..query };
        self.check_subqueries(&query, true).await.map_err(|_| refused)?;
        Ok(query)
    }

    /// Plans a query that has or `had` subqueries to a physical plan, over empty tables: only that shows
    /// whether a subquery can be computed.
    async fn check_subqueries(&self, query: &Query, had: bool) -> Result<()> {
        let (mut has_subqueries, mut tables) = (had, BTreeMap::new());
        query.plan.apply_with_subqueries(|node| {
            // The subquery of LATERAL.
            has_subqueries |= matches!(node, LogicalPlan::Subquery(_));
            node.apply_subqueries(|_| {
                has_subqueries = true;
                Ok(TreeNodeRecursion::Continue)
            })?;
            has_subqueries |= matches!(node, LogicalPlan::Subquery(_));
            if let LogicalPlan::TableScan(scan) = node
                && let Some(pending) = pending(&scan.source)
            {
                let empty: Table = Arc::new(EmptyTable::new(pending.schema));
                tables.insert(pending.relation, empty);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if has_subqueries { self.check(&query.bind(&tables)?).await } else { Ok(()) }
    }
}

fn canonical(statement: &Statement, sql: &str) -> std::result::Result<String, SqlError> {
    let Statement::Statement(inner) = statement else {
        return Err(SqlError::at_start(sql, "a model is one SELECT statement", None));
    };
    let SqlStatement::Query(query) = inner.as_ref() else {
        return Err(SqlError::at_start(
            sql,
            "a model is one SELECT statement",
            Some("write only the query: Headwater creates and replaces the table"),
        ));
    };
    if matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_)) {
        return Err(SqlError::at_start(sql, "a model reads; it can't change rows", None));
    }
    let mut ignored = Ignored(None);
    let _ = query.visit(&mut ignored);
    match ignored.0 {
        Some(clause) => Err(SqlError::about(
            sql,
            clause,
            &format!("{clause} is not supported"),
            "DataFusion would ignore the clause and read all rows of the newest version",
        )),
        None => Ok(query.to_string()),
    }
}

/// A visitor that finds clauses which DataFusion parses and then ignores.
struct Ignored(Option<&'static str>);

impl Visitor for Ignored {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> std::ops::ControlFlow<()> {
        if let TableFactor::Table { sample, version, .. } = factor {
            if sample.is_some() {
                self.0 = Some("TABLESAMPLE");
            } else if version.is_some() {
                self.0 = Some("AS OF");
            }
        }
        match self.0 {
            Some(_) => std::ops::ControlFlow::Break(()),
            None => std::ops::ControlFlow::Continue(()),
        }
    }
}

/// A declared relation without rows: a schema with a name. Planning reads the schema; scanning it is a bug.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) relation: Relation,
    schema: SchemaRef,
}

impl Pending {
    pub(super) fn new(relation: Relation, schema: SchemaRef) -> Self {
        Self { relation, schema }
    }
}

#[async_trait]
impl TableProvider for Pending {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal(format!("{} was not bound to its rows", self.relation)))
    }
}

/// Returns the pending relation behind a scan's source, if it is one.
pub(super) fn pending(source: &Arc<dyn datafusion::logical_expr::TableSource>) -> Option<PendingRef> {
    let provider = source_as_provider(source).ok()?;
    let pending: &Pending = provider.downcast_ref()?;
    Some(PendingRef { relation: pending.relation.clone(), schema: Arc::clone(&pending.schema) })
}

/// A pending relation as found in a scan.
pub(super) struct PendingRef {
    pub(super) relation: Relation,
    pub(super) schema: SchemaRef,
}
