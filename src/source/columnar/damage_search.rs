//! The search for damaged files: reads each file to its end.

use std::sync::Arc;

use datafusion::{catalog::Session, error::DataFusionError, physical_plan::ExecutionPlan};
use futures::StreamExt;

use super::{look, opening::open, table::partitions};
use crate::{
    panics::caught,
    source::{
        file::SourceFile,
        reporting::Report,
        spec::{DateUnit, SourceSpec},
    },
};

/// Reads each file to its end, and records the damaged ones. Returns whether there are any.
pub(in crate::source) async fn find_damage(
    spec: &SourceSpec,
    unit: DateUnit,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<bool, DataFusionError> {
    let table = open(spec, unit, session, files, report).await?;
    let mut is_found = false;
    for group in &table.groups {
        for file in &group.files {
            let mut one = group.clone();
            one.files = vec![file.clone()];
            let scan = table.files(session, &one, &|_| true, None).await?;
            let reason = match caught(read(&scan, session)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) if look::is_of_store(&error) => return Err(error),
                Ok(Err(error)) => look::undecodable(&error),
                Err(_) => "it is damaged: its decoder gave up".to_owned(),
            };
            if let Some(file) = table.looked.iter().find(|looked| looked.name == file.0) {
                spec.drift.damaged.add(file, reason);
                is_found = true;
            }
        }
    }
    Ok(is_found)
}

/// Reads all rows of a scan, and discards them.
async fn read(scan: &Arc<dyn ExecutionPlan>, session: &dyn Session) -> Result<(), DataFusionError> {
    for partition in 0..partitions(scan) {
        let mut batches = scan.execute(partition, session.task_ctx())?;
        while let Some(batch) = batches.next().await {
            batch?;
        }
    }
    Ok(())
}
