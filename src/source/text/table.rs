//! Table provider for text files: each scan divides the files among its partitions.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    error::DataFusionError,
    logical_expr::{Expr, TableType},
    physical_plan::{
        ExecutionPlan,
        streaming::{PartitionStream, StreamingTableExec},
    },
};

use super::{
    format::TextFormat,
    pace::ReadSizes,
    scan::{BigFile, ScanPart, TextPartition},
    shared_scan::TextScan,
};
use crate::{
    engine::memory::Budget,
    source::{drift::OnNewColumn, file::SourceFile, intake::Intake, reporting::Report, rows::ScanShape},
};

/// The table of a source of JSON or CSV files.
#[derive(Debug)]
pub(crate) struct TextTable {
    schema: SchemaRef,
    format: TextFormat,
    files: Vec<SourceFile>,
    report: Report,
    pace: ReadSizes,
}

impl TextTable {
    pub(crate) fn new(
        schema: SchemaRef,
        format: TextFormat,
        files: Vec<SourceFile>,
        report: Report,
        pace: ReadSizes,
    ) -> Self {
        Self { schema, format, files, report, pace }
    }

    /// Divides the work: small files in runs of about equal bytes, and each large file among all partitions.
    fn divide(&self, partitions: usize) -> Vec<Vec<ScanPart>> {
        // A compressed or encoded file is read by one partition, whatever its size.
        let encoded = |file: &SourceFile| self.format.text.is_encoded(&file.name);
        let (small, big): (Vec<_>, Vec<_>) =
            self.files.iter().partition(|file| file.size <= self.pace.whole || encoded(file));
        // Even an empty file has a cost, and a compressed one has a higher cost.
        let cost = |file: &SourceFile| file.size * if encoded(file) { 4 } else { 1 } + 4096;
        let total: u64 = small.iter().map(|file| cost(file)).sum();
        let wanted = if big.is_empty() { partitions.min(small.len()) } else { partitions }.max(1);
        let mut parts: Vec<Vec<ScanPart>> = (0..wanted).map(|_| Vec::new()).collect();
        let mut before = 0;
        for file in small {
            let to = before * wanted as u64 / total.max(1);
            before += cost(file);
            let to = usize::try_from(to).unwrap_or(0).min(wanted - 1);
            parts[to].push(ScanPart::Whole(file.clone()));
        }
        for file in big {
            let file = Arc::new(BigFile::new(file.clone()));
            for (share, part) in parts.iter_mut().enumerate() {
                part.push(ScanPart::Share { file: Arc::clone(&file), share, of: wanted });
            }
        }
        parts
    }
}

#[async_trait]
impl TableProvider for TextTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let shape = ScanShape::new(&self.schema, projection, self.format.drift.is_rescuing())?
            .inferred(self.format.drift.is_inferred);
        let parts = self.divide(session.config().target_partitions());
        let drift = &self.format.drift;
        let on_new = drift.on_new_column.unwrap_or(OnNewColumn::Warn);
        let names = Arc::clone(&self.format.names);
        let report = self.report.clone();
        let schema = Arc::clone(&shape.schema);
        let scan = Arc::new(TextScan {
            shape,
            format: self.format.clone(),
            intake: Intake::new(report.clone(), Arc::clone(drift), on_new, names, parts.len()),
            report,
            pace: self.pace,
            batch: session.config().batch_size(),
            batch_bytes: Budget::of(session.config()).batch_bytes(),
            limit,
        });
        let partitions = parts.into_iter().enumerate().map(|(at, parts)| {
            Arc::new(TextPartition { scan: Arc::clone(&scan), at, parts: parts.into() })
                as Arc<dyn PartitionStream>
        });
        Ok(Arc::new(StreamingTableExec::try_new(schema, partitions.collect(), None, None, false, limit)?))
    }
}
