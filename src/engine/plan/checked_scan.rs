//! A table provider whose filters are always applied by the query, whatever its scan claims to have applied.
//!
//! delta-rs (deltalake-core 1.1.3, `table_provider/next/scan/plan.rs`, `process_predicate`) calls a predicate
//! `Exact` if all of its columns are partition columns, which is also true of a predicate without columns,
//! such as the NULL that the optimizer leaves of `a not in (1, null)`. DataFusion then drops its own filter.
//! But the kernel's file skipping keeps each file for which it can't decide, so predicates with arithmetic,
//! CASE or NULL in a list silently filter nothing.
//!
//! Here such a predicate is `Inexact`: the scan may still skip files by it, where `nan` allows that, and the
//! query filters the rows that the scan returns. This also keeps a limit above the filter. Delete this module
//! once delta-rs answers `Exact` only for what it evaluates; the property test in `lake/tests/filters.rs`
//! shows when.

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    catalog::{ScanArgs, ScanResult, Session, TableProvider},
    common::{Column, Constraints, Statistics},
    datasource::{provider_as_source, view::ViewTable},
    error::{DataFusionError, Result},
    functions::core::expr_fn::nullif,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, lit},
    physical_plan::ExecutionPlan,
};

use super::nan::may_skip;
use crate::engine::{SchemaRef, Table, message};

/// Wraps a table so that the query applies every filter itself. The columns, statistics and file skipping are
/// those of `table`. An error of its log names `place`, its location.
#[must_use]
pub fn checked(table: Table, place: &str) -> Table {
    Arc::new(CheckedScan { table, place: place.to_owned() })
}

/// The error about a table whose log can't be read, which shows when its files are listed for a query.
#[derive(Debug)]
pub struct UnreadableLog {
    /// The table's location.
    pub place: String,
    reason: String,
}

impl UnreadableLog {
    /// Returns the error about a log that is the cause of a query's error.
    #[must_use]
    pub fn of(error: &DataFusionError) -> Option<&Self> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for UnreadableLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Delta log of {} can't be read: {}", self.place, self.reason)
    }
}

impl Error for UnreadableLog {}

/// The kernel's prefix of errors about what a log says.
const KERNEL: &str = "Generic delta kernel error: ";

/// Returns the table with NULL in place of empty text in these columns.
///
/// # Errors
/// If the table lacks one of the columns.
pub fn with_null_for_empty(table: Table, columns: &[String]) -> Result<Table> {
    let schema = table.schema();
    let read = schema.fields().iter().map(|field| {
        let column = Expr::Column(Column::from_name(field.name()));
        if columns.contains(field.name()) { nullif(column, lit("")).alias(field.name()) } else { column }
    });
    let plan = LogicalPlanBuilder::scan("stored", provider_as_source(table), None)?.project(read)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// The table provider; see the module docs.
#[derive(Debug)]
struct CheckedScan {
    table: Table,
    place: String,
}

impl CheckedScan {
    /// Names the table in an error of the kernel, which says what is wrong and not where.
    fn named(&self, error: DataFusionError) -> DataFusionError {
        let text = message(&error);
        match text.split_once(KERNEL) {
            Some((_, reason)) => {
                let (place, reason) = (self.place.clone(), reason.to_owned());
                DataFusionError::External(Box::new(UnreadableLog { place, reason }))
            }
            None => error,
        }
    }
}

#[async_trait]
impl TableProvider for CheckedScan {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.table.constraints()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.table.get_table_definition()
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        self.table.get_logical_plan()
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.table.get_column_default(column)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let args = ScanArgs::default()
            .with_projection(projection.map(Vec::as_slice))
            .with_filters(Some(filters))
            .with_limit(limit);
        self.scan_with_args(state, args).await.map(ScanResult::into_inner)
    }

    async fn scan_with_args<'a>(&self, state: &dyn Session, args: ScanArgs<'a>) -> Result<ScanResult> {
        let schema = self.table.schema();
        let filters = args.filters().unwrap_or_default();
        let skipping: Vec<Expr> =
            filters.iter().filter(|filter| may_skip(filter, &schema)).cloned().collect();
        // A limit counts only rows that pass the filters.
        let limit = args.limit().filter(|_| filters.is_empty());
        let args = args.with_filters(Some(&skipping)).with_limit(limit);
        self.table.scan_with_args(state, args).await.map_err(|error| self.named(error))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let claimed = self.table.supports_filters_pushdown(filters)?;
        Ok(claimed
            .into_iter()
            .map(|claim| match claim {
                TableProviderFilterPushDown::Exact => TableProviderFilterPushDown::Inexact,
                honest => honest,
            })
            .collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        self.table.statistics()
    }
}
