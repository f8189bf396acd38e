//! Panics within queries, as errors of the query. Arrow's kernels panic where a column outgrows what an array
//! can hold, and some decoders do on damaged files.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use datafusion::{
    error::{DataFusionError, Result},
    execution::{RecordBatchStream, SendableRecordBatchStream},
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned},
};
use futures::Stream;

pub use crate::engine::message::too_long;
use crate::{
    engine::{Engine, RecordBatch, SchemaRef, Session, Streams},
    panics::{catch, caught},
};

/// A panic of a query.
#[derive(Debug, thiserror::Error)]
#[error("{}", too_long(.0).unwrap_or_else(|| format!("the query crashed, which is a bug in Headwater: {}", .0)))]
pub struct QueryPanic(pub(super) String);

impl From<QueryPanic> for DataFusionError {
    fn from(panic: QueryPanic) -> Self {
        Self::External(Box::new(panic))
    }
}

impl Engine {
    /// Plans how to run a query.
    pub(in crate::engine) async fn physical(
        &self,
        session: &Session,
        plan: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        caught(session.create_physical_plan(plan)).await.map_err(QueryPanic)?
    }

    /// Starts a planned query as one stream that keeps its order.
    pub(in crate::engine) fn start(&self, plan: Arc<dyn ExecutionPlan>) -> Result<SendableRecordBatchStream> {
        let task = self.task_of(&plan);
        catch(|| execute_stream(plan, task)).map_err(QueryPanic)?.map(guarded)
    }

    /// Starts a planned query with one stream for each partition.
    pub(in crate::engine) fn start_partitions(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Streams> {
        let task = self.task_of(&plan);
        let streams = catch(|| execute_stream_partitioned(plan, task)).map_err(QueryPanic)??;
        Ok(streams.into_iter().map(guarded).collect())
    }
}

/// Returns a stream that ends with an error if the other one panics.
fn guarded(stream: SendableRecordBatchStream) -> SendableRecordBatchStream {
    Box::pin(Guarded { schema: stream.schema(), stream: Some(stream) })
}

struct Guarded {
    schema: SchemaRef,
    /// `None` after a panic.
    stream: Option<SendableRecordBatchStream>,
}

impl Stream for Guarded {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        match catch(|| stream.as_mut().poll_next(context)) {
            Ok(polled) => polled,
            Err(panic) => {
                // What it holds may be in no state to be dropped, either.
                let broken = self.stream.take();
                let _ = catch(|| drop(broken));
                Poll::Ready(Some(Err(QueryPanic(panic).into())))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl RecordBatchStream for Guarded {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::{arrow::datatypes::Schema, physical_plan::stream::RecordBatchStreamAdapter};
    use futures::{StreamExt, stream};

    use super::*;
    use crate::engine::{EngineSettings, exec::streams::is_unreadable, message};

    #[tokio::test]
    async fn a_stream_that_panics_ends_with_an_error() {
        let batches = stream::poll_fn(|_| -> Poll<Option<Result<RecordBatch>>> { panic!("offset overflow") });
        let schema = Arc::new(Schema::empty());
        let mut stream = guarded(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
        let error = stream.next().await.unwrap().unwrap_err();
        assert!(message(&error).contains("longer than 2 GB in one batch") && is_unreadable(&error));
        assert!(stream.next().await.is_none());
    }

    async fn failure(sql: &str) -> String {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let bound = engine.plan(sql).await.unwrap().bind(&BTreeMap::new()).unwrap();
        message(&engine.gather(&bound).await.unwrap_err())
    }

    #[tokio::test]
    async fn columns_that_outgrow_an_array_are_errors_in_plain_words() {
        let sql = "select range as k, first(repeat('x', 30000000)) as a from range(75) group by 1";
        let found = failure(sql).await;
        assert!(found.contains("longer than 2 GB in one batch"), "{found}");
        for arrow in
            ["Offset overflow error: 2200000000", "task 41 panicked with message \"offset overflow\""]
        {
            let found = message(&DataFusionError::Execution(arrow.to_owned()));
            assert!(found.contains("longer than 2 GB in one batch"), "{found}");
        }
        assert_eq!(
            message(&DataFusionError::Execution("can't cast 'offset overflow'".into())),
            "can't cast 'offset overflow'"
        );
    }
}
