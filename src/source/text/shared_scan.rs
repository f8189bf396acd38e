//! The state that all partitions of a scan share, and reports of the rows and files that they reject.

use std::{io, ops::Range};

use datafusion::error::DataFusionError;
use tokio::runtime::Handle;

use super::{
    broken::{self, Broken},
    format::TextFormat,
    pace::ReadSizes,
    refusal::{Refusal, RefusedRow, raw},
    sniff::HEAD,
};
use crate::source::{
    decode,
    drift::OnMissingColumn,
    file::SourceFile,
    intake::Intake,
    kind::ColumnKind,
    reporting::{Report, Where},
    rows::ScanShape,
};

/// The state shared by all partitions of a scan.
#[derive(Debug)]
pub(super) struct TextScan {
    pub(super) shape: ScanShape,
    pub(super) format: TextFormat,
    pub(super) report: Report,
    pub(super) intake: Intake,
    pub(super) pace: ReadSizes,
    /// The approximate number of rows in a batch.
    pub(super) batch: usize,
    /// Bytes of text that a batch is made of, about.
    pub(super) batch_bytes: usize,
    pub(super) limit: Option<usize>,
}

/// A piece of a file: its number, the byte offset and the line where it begins, and whether all rows may be
/// on one line.
pub(super) struct FilePiece {
    pub(super) number: u64,
    pub(super) base: u64,
    pub(super) line: u64,
    pub(super) is_document: bool,
}

impl TextScan {
    /// Reports the rejected rows of a piece of a file.
    pub(super) fn refused(
        &self,
        file: &SourceFile,
        FilePiece { number, base, mut line, is_document }: FilePiece,
        bytes: &[u8],
        refused: &[RefusedRow],
        column_kind: impl Fn(usize) -> (ColumnKind, bool),
    ) -> Result<(), DataFusionError> {
        if refused.is_empty() {
            return Ok(());
        }
        if refused.iter().any(|refused| matches!(refused.refusal, Refusal::Cell { .. })) {
            self.format.drift.sample.contradict();
        }
        let is_reported = self.report.begin(&file.name, number);
        let text = str::from_utf8(bytes).unwrap_or_default();
        let mut counted = 0;
        for RefusedRow { row, raw: at, refusal } in refused {
            line += broken::lines(&bytes[counted..at.start]);
            counted = at.start;
            let mut reason = refusal.reason(text, &self.format.names, &column_kind);
            if is_document {
                // All rows of a document may be on one line.
                reason = format!("row {row}: {reason}");
            }
            self.intake.sample(&file.name, || format!("{}:{line}: {reason}", file.name));
            if !is_reported {
                continue;
            }
            let text = raw(text[at.clone()].trim_end_matches(['\r', '\n']).as_bytes());
            let place = Where { row: Some(line), offset: Some(base + at.start as u64) };
            self.report.set_aside(&file.name, place, reason, text)?;
        }
        Ok(())
    }

    /// Reports a file that is rejected as a whole.
    pub(super) fn broken(
        &self,
        file: &SourceFile,
        broken: &Broken,
        runtime: &Handle,
    ) -> Result<(), DataFusionError> {
        let drift = &self.format.drift;
        let is_tolerated = drift.on_missing_column == OnMissingColumn::RejectFile || drift.is_lenient;
        if broken.is_header && !is_tolerated {
            return Err(self.report.error(format!("{}: {}", file.name, broken.reason)));
        }
        let is_opened = file.irregular().is_none();
        let offset = is_opened.then_some(broken.offset);
        let at = offset.map_or_else(String::new, |offset| format!(" (byte {offset})"));
        self.intake.set_aside(&file.name, format!("{}: {}{at}", file.name, broken.reason));
        if !self.report.begin(&file.name, u64::MAX) {
            return Ok(());
        }
        // The text around the damage, if it can still be read.
        let around = broken.offset.saturating_sub(256)..broken.offset + 2048;
        let around = self.around(file, around, runtime).unwrap_or_default();
        let character = around.iter().take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        let place = Where { row: None, offset };
        self.report.set_aside(&file.name, place, broken.reason.clone(), raw(&around[character..]))
    }

    /// Returns the file's text between two offsets, as far as it is available.
    fn around(&self, file: &SourceFile, places: Range<u64>, runtime: &Handle) -> io::Result<Vec<u8>> {
        let options = self.format.text;
        let mut text = decode::open(file, options, HEAD, runtime)?;
        if text.is_direct {
            return file.read_range(places.start, places.end, runtime);
        }
        let mut around = Vec::new();
        text.head.truncate(usize::try_from(places.end).unwrap_or(HEAD));
        if places.start < text.head.len() as u64 {
            around = text.head.split_off(usize::try_from(places.start).unwrap_or(HEAD));
        }
        Ok(around)
    }
}
