//! Batch sizes of wide rows. A Parquet scan decodes batches of a fixed number of rows, whatever their size:
//! 8,192 rows of 100 kB are 800 MB, which the scan doesn't reserve from the pool. If statistics say that rows
//! are wide, scans make smaller batches.

use std::sync::Arc;

use datafusion::{
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    error::Result,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::ExecutionPlan,
};

use super::Budget;

/// Sets the batch size of scans. Runs last, to keep what other rules decided.
#[derive(Debug)]
pub(in crate::engine) struct WideRows(pub(in crate::engine) Budget);

/// The approximate ratio of the size of rows in memory to their size in files, for files without column
/// sizes.
const UNPACKED: usize = 4;

impl PhysicalOptimizerRule for WideRows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let most = options.execution.batch_size.get();
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let Some(scan) = node.downcast_ref::<DataSourceExec>() else { return Ok(Transformed::no(node)) };
            let Some(files) = scan.data_source().downcast_ref::<FileScanConfig>() else {
                return Ok(Transformed::no(node));
            };
            let Some(bytes) = row_bytes(files).filter(|_| files.batch_size.is_none()) else {
                return Ok(Transformed::no(node));
            };
            let rows = self.0.batch_rows(bytes, most);
            if rows == most {
                return Ok(Transformed::no(node));
            }
            let mut files = files.clone();
            files.batch_size = Some(rows);
            Ok(Transformed::yes(DataSourceExec::from_data_source(files) as Arc<dyn ExecutionPlan>))
        };
        plan.transform_up(replace).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "WideRows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns the smallest batch size, in rows, that the plan's scans set, if any.
pub(in crate::engine) fn smallest_batch(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
    let own = source.and_then(|source| source.downcast_ref::<FileScanConfig>()?.batch_size);
    plan.children().into_iter().filter_map(smallest_batch).chain(own).min()
}

/// Returns the size of a row of files, in bytes, as far as their statistics allow.
fn row_bytes(files: &FileScanConfig) -> Option<usize> {
    let statistics = files.statistics();
    let rows = *statistics.num_rows.get_value().filter(|rows| **rows > 0)?;
    let (table, read) = (files.file_source.table_schema().table_schema(), files.projected_schema().ok()?);
    let sizes = read.fields().iter().filter_map(|field| {
        let column = statistics.column_statistics.get(table.index_of(field.name()).ok()?)?;
        column.byte_size.get_value().copied()
    });
    let known: usize = sizes.sum();
    if known > 0 {
        return Some(known / rows);
    }
    let stored = files.file_groups.iter().flat_map(datafusion::datasource::physical_plan::FileGroup::iter);
    let stored: u64 = stored.map(|file| file.object_meta.size).sum();
    Some(usize::try_from(stored).unwrap_or(usize::MAX).saturating_mul(UNPACKED) / rows)
}
