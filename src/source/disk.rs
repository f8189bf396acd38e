//! Disk access from async code.

use datafusion::error::DataFusionError;

/// Does work that waits for a disk on a thread of its own, so that the async runtime's threads go on with
/// other sources.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DataFusionError> + Send + 'static,
) -> Result<T, DataFusionError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DataFusionError::External(Box::new(error)))?
}
