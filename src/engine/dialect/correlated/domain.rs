//! Domains: the distinct values of the outer columns that a subquery reads.

use std::sync::Arc;

use datafusion::{
    common::{DFSchemaRef, JoinType, NullEquality},
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, Operator, utils::conjunction,
    },
    prelude::Column,
};

use super::{
    fault::refused,
    outside::{Outside, columns_of},
    settled,
};

/// The distinct values of the outer columns that a subquery reads. See the [module's documentation](self).
pub(super) struct Domain {
    /// The rows, in the columns `$outside…`.
    pub(super) plan: LogicalPlan,
    /// The outer columns.
    outside: Vec<Column>,
    /// The schema of the outer rows.
    schema: DFSchemaRef,
    /// A number that is unique to this domain.
    number: usize,
}

impl Outside for Domain {
    fn column(&self, outside: &Column) -> Option<Column> {
        let at = self.outside.iter().position(|column| column == outside)?;
        Some(self.column_at(at))
    }
}

impl Domain {
    /// Builds the domain of a subquery over these rows.
    ///
    /// # Errors
    /// If the outer columns may have different values each time they are read.
    pub(super) fn of(rows: &LogicalPlan, subquery: &LogicalPlan, number: usize) -> Result<Self> {
        let outside = columns_of(subquery, rows.schema());
        if !settled::are_settled(rows, &outside) {
            return Err(refused(
                "a subquery reads columns of rows that may differ each time they are read",
                "make these rows a separate model, or order them by a key before LIMIT and row_number() pick some",
            ));
        }
        let empty = LogicalPlan::EmptyRelation(datafusion::logical_expr::EmptyRelation {
            produce_one_row: false,
            schema: Arc::new(datafusion::common::DFSchema::empty()),
        });
        let domain = Self { plan: empty, outside, schema: Arc::clone(rows.schema()), number };
        let values = domain
            .outside
            .iter()
            .zip(domain.names())
            .map(|(column, name)| Expr::Column(column.clone()).alias(name));
        let plan = LogicalPlanBuilder::from(rows.clone()).project(values)?.distinct()?.build()?;
        Ok(Self { plan, ..domain })
    }

    /// Builds a domain of all rows of the left side of a lateral join, including duplicates.
    pub(super) fn of_all(rows: &LogicalPlan, number: usize) -> Result<Self> {
        let outside = rows.schema().columns();
        let schema = Arc::clone(rows.schema());
        let domain = Self { plan: rows.clone(), outside, schema, number };
        let values = domain
            .outside
            .iter()
            .zip(domain.names())
            .map(|(column, name)| Expr::Column(column.clone()).alias(name));
        let plan = LogicalPlanBuilder::from(rows.clone()).project(values)?.build()?;
        Ok(Self { plan, ..domain })
    }

    /// Returns the same domain with other key names for the join back.
    pub(super) fn named(&self, number: usize) -> Again<'_> {
        Again { domain: self, number }
    }

    /// Returns the schema of the outer rows.
    pub(super) fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let number = self.number;
        (0..self.outside.len()).map(move |at| format!("$outside{number}_{at}"))
    }

    fn column_at(&self, at: usize) -> Column {
        Column::from_name(format!("$outside{}_{at}", self.number))
    }

    /// Returns the domain's columns in a step that carries them.
    pub(super) fn columns(&self) -> Vec<Expr> {
        self.names().map(|name| Expr::Column(Column::from_name(name))).collect()
    }

    /// Renames the domain's columns in a plan. Returns the plan, and the conditions that the copies equal the
    /// originals.
    pub(super) fn copied(&self, plan: LogicalPlan, number: usize) -> Result<(LogicalPlan, Vec<Expr>)> {
        let own = self.columns();
        let copies: Vec<String> = (0..own.len()).map(|at| format!("$copy{number}_{at}")).collect();
        let exprs = plan.schema().columns().into_iter().map(|column| {
            let at = own.iter().position(|known| matches!(known, Expr::Column(known) if *known == column));
            let expr = Expr::Column(column);
            match at {
                Some(at) => expr.alias(&copies[at]),
                None => expr,
            }
        });
        let exprs: Vec<Expr> = exprs.collect();
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        let equal =
            own.into_iter().zip(copies).map(|(own, copy)| same(own, Expr::Column(Column::from_name(copy))));
        Ok((plan, equal.collect()))
    }

    /// Projects a subquery's result to columns with these names, with the domain's columns as keys.
    pub(super) fn keyed(&self, found: LogicalPlan, values: &[(usize, &String)]) -> Result<LogicalPlan> {
        self.named(self.number).keyed(found, values)
    }

    /// Projects a subquery's whole result with the domain's columns as keys. Returns the plan, and the
    /// conditions that outer rows match the keys.
    pub(super) fn keyed_whole(&self, found: LogicalPlan) -> Result<(LogicalPlan, Vec<Expr>)> {
        let again = self.named(self.number);
        let own = found.schema().fields().len() - self.outside.len();
        let values = found.schema().columns().into_iter().take(own).map(Expr::Column);
        let keys = self.columns().into_iter().enumerate().map(|(at, key)| key.alias(again.key(at)));
        let exprs: Vec<Expr> = values.chain(keys).collect();
        Ok((LogicalPlanBuilder::from(found).project(exprs)?.build()?, again.matches()))
    }

    /// Joins the rows with their results, or with NULLs if there are none.
    pub(super) fn joined_back(
        &self,
        rows: LogicalPlan,
        found: LogicalPlan,
        condition: Option<Expr>,
    ) -> Result<LogicalPlan> {
        self.named(self.number).joined_back(rows, found, condition)
    }
}

/// A domain with other key names.
pub(super) struct Again<'a> {
    domain: &'a Domain,
    number: usize,
}

impl Again<'_> {
    fn key(&self, at: usize) -> String {
        format!("$key{}_{at}", self.number)
    }

    /// See [`Domain::keyed`].
    pub(super) fn keyed(&self, found: LogicalPlan, values: &[(usize, &String)]) -> Result<LogicalPlan> {
        let values = values.iter().map(|(at, name)| {
            let (qualifier, field) = found.schema().qualified_field(*at);
            Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(name.as_str())
        });
        let keys = self.domain.columns().into_iter().enumerate().map(|(at, key)| key.alias(self.key(at)));
        let exprs: Vec<Expr> = values.chain(keys).collect();
        LogicalPlanBuilder::from(found).project(exprs)?.build()
    }

    /// Returns the conditions that outer rows match the keys.
    pub(super) fn matches(&self) -> Vec<Expr> {
        let keys = self.domain.outside.iter().enumerate();
        keys.map(|(at, column)| {
            same(Expr::Column(column.clone()), Expr::Column(Column::from_name(self.key(at))))
        })
        .collect()
    }

    /// See [`Domain::joined_back`].
    pub(super) fn joined_back(
        &self,
        rows: LogicalPlan,
        found: LogicalPlan,
        condition: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let filter = conjunction(self.matches().into_iter().chain(condition));
        join(rows, found, JoinType::Left, filter)
    }
}

/// Returns the condition that both are equal, or both NULL.
pub(super) fn same(left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::IsNotDistinctFrom, Box::new(right)))
}

/// Joins two plans on a condition.
pub(super) fn join(
    left: LogicalPlan,
    right: LogicalPlan,
    join_type: JoinType,
    filter: Option<Expr>,
) -> Result<LogicalPlan> {
    let (left, right) = (Arc::new(left), Arc::new(right));
    let nulls = NullEquality::NullEqualsNothing;
    Join::try_new(left, right, Vec::new(), filter, join_type, JoinConstraint::On, nulls, false)
        .map(LogicalPlan::Join)
}
