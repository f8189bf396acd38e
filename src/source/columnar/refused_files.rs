//! Files that are rejected as a whole, and the partition of a scan that reports them.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{stream::RecordBatchReceiverStream, streaming::PartitionStream},
};

use crate::source::{
    intake::Intake,
    reporting::{Report, Where},
};

/// A file that is rejected as a whole.
#[derive(Debug, Clone)]
pub(super) struct RefusedFile {
    pub(super) file: Arc<str>,
    /// The byte offset of the damage, if known.
    pub(super) offset: Option<u64>,
    pub(super) reason: String,
}

/// Reports the files that are rejected as a whole: a partition without rows.
#[derive(Debug)]
pub(super) struct RefusedFiles {
    pub(super) schema: SchemaRef,
    pub(super) files: Vec<RefusedFile>,
    pub(super) report: Report,
    pub(super) intake: Arc<Intake>,
    /// The partition's index in the scan.
    pub(super) at: usize,
}

impl PartitionStream for RefusedFiles {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 1);
        let (files, report) = (self.files.clone(), self.report.clone());
        let (intake, at) = (Arc::clone(&self.intake), self.at);
        builder.spawn_blocking(move || {
            for RefusedFile { file, offset, reason } in files {
                let place = offset.map_or_else(String::new, |offset| format!(" (byte {offset})"));
                intake.set_aside(&file, format!("{file}: {reason}{place}"));
                if report.begin(&file, u64::MAX) {
                    report.set_aside(&file, Where { row: None, offset }, reason, String::new())?;
                }
            }
            intake.finish(at)
        });
        builder.build()
    }
}
