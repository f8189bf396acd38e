//! Small query results: one value, or the rows of a unit test. Not for the rows of a model.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::{cast, concat_batches},
        datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
        error::ArrowError,
    },
    datasource::provider_as_source,
    error::{DataFusionError, Result},
    logical_expr::LogicalPlanBuilder,
};
use futures::TryStreamExt;

use super::{binding::Bound, crash::QueryPanic};
use crate::{
    engine::{Engine, RecordBatch, Table},
    panics::catch,
};

impl Engine {
    /// Runs the query and returns all rows as one batch.
    pub async fn gather(&self, bound: &Bound) -> Result<RecordBatch> {
        let stream = self.stream(bound, None).await?;
        let schema = stream.schema();
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        match catch(|| concat_batches(&schema, &batches)) {
            Ok(batch) => Ok(batch?),
            Err(panic) => Err(QueryPanic(panic).into()),
        }
    }

    /// Runs the query and returns its rows, at most `rows`. Fails if they take more than `bytes` bytes.
    pub async fn gather_within(
        &self,
        bound: &Bound,
        rows: Option<usize>,
        bytes: usize,
    ) -> Result<Vec<RecordBatch>> {
        let mut stream = self.stream(bound, rows).await?;
        let (mut batches, mut left) = (Vec::new(), bytes);
        while let Some(batch) = stream.try_next().await? {
            // What a slice shares with other batches doesn't count.
            let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
            let size: usize = sizes.sum::<std::result::Result<usize, ArrowError>>()?;
            left = left.checked_sub(size).ok_or_else(|| {
                let message =
                    format!("the rows of this query take more than {} MB: ask for less", bytes >> 20);
                DataFusionError::Execution(message)
            })?;
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Reads all rows of a table as one batch.
    pub async fn read(&self, table: Table) -> Result<RecordBatch> {
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(table), None)?.build()?;
        self.gather(&Bound { plan }).await
    }

    /// Runs a query with a small result and returns all rows as one batch.
    pub async fn gathered(&self, bound: &Bound) -> Result<RecordBatch> {
        self.gather(bound).await
    }

    /// Returns the first column of the first row as a point in time, or `None` if there is no row or it is
    /// NULL. A timestamp without a time zone is taken as UTC.
    pub async fn instant(&self, bound: &Bound) -> Result<Option<DateTime<Utc>>> {
        let batch = self.gather(bound).await?;
        if batch.num_rows() == 0 || batch.num_columns() == 0 {
            return Ok(None);
        }
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        let times = cast(batch.column(0), &utc)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        Ok((!times.is_null(0)).then(|| DateTime::from_timestamp_micros(times.value(0))).flatten())
    }
}
