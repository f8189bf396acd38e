//! Key-range pruning: predicates on key columns that bound which target rows a merge can touch. A scan with
//! these predicates opens only files that can hold such rows.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{ScalarValue, tree_node::Transformed},
    datasource::provider_as_source,
    error::Result,
    functions_aggregate::expr_fn::{max, min, sum},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit, when},
    prelude::Column,
};
use futures::TryStreamExt;

use crate::{
    engine::{
        Engine, RecordBatch, Table, exec::binding::Bound, plan::joins::Joins, rows::spool::Spool,
        session::reference,
    },
    name::Relation,
};

/// The values or the range of a key column among new rows.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRange {
    column: String,
    values: KeyValues,
}

#[derive(Debug, Clone, PartialEq)]
enum KeyValues {
    /// A list of all values.
    Listed(Vec<ScalarValue>),
    /// The minimum and the maximum.
    Between(ScalarValue, ScalarValue),
}

/// The maximum number of values of a partition column that are listed.
const LISTED: usize = 1000;

impl Engine {
    /// Returns the key range of new rows, by column: a list of values if the table is partitioned by the
    /// column, otherwise the minimum and maximum.
    pub async fn key_ranges(
        &self,
        new: &Spool,
        key: &[String],
        partition_by: &[String],
    ) -> Result<Vec<KeyRange>> {
        let schema = new.table().schema();
        let mut ranges = Vec::new();
        for column in key {
            if !is_ordered(schema.field_with_name(column)?.data_type()) {
                continue;
            }
            let listed = if partition_by.contains(column) { self.listed(new, column).await? } else { None };
            let values = match listed {
                Some(values) => Some(values),
                None => self.between(new, column).await?,
            };
            ranges.extend(values.map(|values| KeyRange { column: column.clone(), values }));
        }
        Ok(ranges)
    }

    /// Returns the distinct values of a column; `None` if there are too many.
    async fn listed(&self, new: &Spool, column: &str) -> Result<Option<KeyValues>> {
        let plan = scan(new)?.project([Expr::Column(Column::from_name(column))])?.distinct()?;
        let batches = self.all(&plan.limit(0, Some(LISTED + 1))?.build()?).await?;
        let mut values = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                values.push(ScalarValue::try_from_array(batch.column(0), row)?);
            }
        }
        values.retain(|value| !value.is_null());
        Ok((values.len() <= LISTED).then_some(KeyValues::Listed(values)))
    }

    /// Returns the minimum and maximum of a column; `None` if it has no values.
    async fn between(&self, new: &Spool, column: &str) -> Result<Option<KeyValues>> {
        let column = Expr::Column(Column::from_name(column));
        let plan = scan(new)?.aggregate(Vec::<Expr>::new(), [min(column.clone()), max(column)])?;
        let batches = self.all(&plan.build()?).await?;
        let Some(batch) = batches.first().filter(|batch| batch.num_rows() > 0) else { return Ok(None) };
        let least = ScalarValue::try_from_array(batch.column(0), 0)?;
        let greatest = ScalarValue::try_from_array(batch.column(1), 0)?;
        // Without values no target row can match; the query itself finds that out.
        Ok((!least.is_null()).then_some(KeyValues::Between(least, greatest)))
    }

    /// Returns the minimum and maximum of a table's column; `None` if it has no values, has a NULL, or has a
    /// type without a meaningful order.
    pub(crate) async fn min_max(
        &self,
        table: &Table,
        column: &str,
    ) -> Result<Option<(ScalarValue, ScalarValue)>> {
        if !is_ordered(table.schema().field_with_name(column)?.data_type()) {
            return Ok(None);
        }
        let column = Expr::Column(Column::from_name(column));
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(table)), None)?;
        let nulls = when(column.clone().is_null(), lit(1_i64)).otherwise(lit(0_i64))?;
        let bounds = [min(column.clone()), max(column), sum(nulls)];
        let batches = self.all(&plan.aggregate(Vec::<Expr>::new(), bounds)?.build()?).await?;
        let Some(batch) = batches.first().filter(|batch| batch.num_rows() > 0) else { return Ok(None) };
        let value = |at: usize| ScalarValue::try_from_array(batch.column(at), 0);
        let (least, greatest, nulls) = (value(0)?, value(1)?, value(2)?);
        let known = !least.is_null() && nulls == ScalarValue::Int64(Some(0));
        Ok(known.then_some((least, greatest)))
    }

    async fn all(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
        let plan = self.physical(self.planner(Joins::Hash), plan).await?;
        self.start(plan)?.try_collect().await
    }

    /// Returns the first column of a query as text, without NULLs.
    pub async fn texts(&self, bound: &Bound, joins: Joins) -> Result<Vec<String>> {
        use datafusion::arrow::{array::AsArray, compute::cast};
        let plan = self.physical(self.planner(joins), &bound.plan).await?;
        let batches: Vec<RecordBatch> = self.start(plan)?.try_collect().await?;
        let mut texts = Vec::new();
        for batch in &batches {
            let column = cast(batch.column(0), &DataType::Utf8)?;
            texts.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(texts)
    }
}

/// Returns the condition that a value lies between two others, inclusive.
pub(crate) fn between(value: &Expr, least: ScalarValue, greatest: ScalarValue) -> Expr {
    value.clone().between(lit(least), lit(greatest))
}

fn scan(new: &Spool) -> Result<LogicalPlanBuilder> {
    LogicalPlanBuilder::scan("new_rows", provider_as_source(new.table()), None)
}

/// Returns whether values of this type have an order on which all readers of file statistics agree.
fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8
                | DataType::Utf8View
                | DataType::LargeUtf8
                | DataType::Date32
                | DataType::Timestamp(..)
                | DataType::Decimal128(..)
        )
}

impl Bound {
    /// Adds predicates on the key range to the scans of a relation.
    ///
    /// # Errors
    /// If the relation lacks one of the columns.
    pub fn within_key_ranges(self, relation: &Relation, ranges: &[KeyRange]) -> Result<Self> {
        let name = reference(relation);
        let conditions: Vec<Expr> = ranges
            .iter()
            .map(|KeyRange { column, values }| {
                let column = Expr::Column(Column::new(Some(name.clone()), column));
                match values {
                    KeyValues::Listed(values) => {
                        column.in_list(values.iter().cloned().map(lit).collect(), false)
                    }
                    KeyValues::Between(least, greatest) => {
                        column.between(lit(least.clone()), lit(greatest.clone()))
                    }
                }
            })
            .collect();
        let Some(condition) = datafusion::logical_expr::utils::conjunction(conditions) else {
            return Ok(self);
        };
        let plan = self.plan.transform_down_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) if scan.table_name == name => {
                let scan = LogicalPlanBuilder::from(LogicalPlan::TableScan(scan));
                let plan = scan.filter(condition.clone())?.build()?;
                // Skip the scan below the filter, which is the one just wrapped.
                Ok(Transformed::new(plan, true, datafusion::common::tree_node::TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(Self { plan: plan.data })
    }
}
