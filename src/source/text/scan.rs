//! The work of one partition of a scan, on its own thread.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{stream::RecordBatchReceiverStream, streaming::PartitionStream},
};
use tokio::{runtime::Handle, sync::mpsc};

use super::{
    broken::Broken,
    chunk,
    index::{self, Index, RowChunk},
    refusal::RefusedRow,
    shared_scan::{FilePiece, TextScan},
    sniff::HEAD,
    whole,
};
use crate::{
    local_file,
    source::{
        decode::{self, Text},
        drift::Deviation,
        file::SourceFile,
        guess::Notation,
        hive::Folders,
        json::JsonStop,
        rows::{SourceRows, pieces},
        undecodable,
    },
};

/// A part of a partition's work.
#[derive(Debug, Clone)]
pub(super) enum ScanPart {
    /// A small file.
    Whole(SourceFile),
    /// One of `of` shares of a large file.
    Share { file: Arc<BigFile>, share: usize, of: usize },
}

/// A file that several partitions read, each its own chunks.
#[derive(Debug)]
pub(super) struct BigFile {
    file: SourceFile,
    /// Built by the first partition that needs it, while the others wait.
    index: Mutex<Option<Indexed>>,
}

type Indexed = Arc<Result<Index, Broken>>;

impl BigFile {
    pub(super) fn new(file: SourceFile) -> Self {
        Self { file, index: Mutex::default() }
    }
}

/// A partition of the scan.
#[derive(Debug)]
pub(super) struct TextPartition {
    pub(super) scan: Arc<TextScan>,
    /// The partition's index.
    pub(super) at: usize,
    pub(super) parts: Arc<[ScanPart]>,
}

impl PartitionStream for TextPartition {
    fn schema(&self) -> &SchemaRef {
        &self.scan.shape.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(self.schema()), 2);
        let (scan, parts, to, at) = (Arc::clone(&self.scan), Arc::clone(&self.parts), builder.tx(), self.at);
        builder.spawn_blocking(move || {
            let written = if scan.format.is_csv() { Notation::Cells } else { Notation::Json };
            let rows = SourceRows::new(scan.shape.clone(), scan.format.unit, written);
            let left = scan.limit.unwrap_or(usize::MAX);
            let mut reading = TextReading {
                scan: &scan,
                to,
                runtime: Handle::current(),
                rows,
                left,
                bytes: Vec::new(),
                taken: 0,
            };
            match parts.iter().try_for_each(|part| reading.part(part)).and_then(|()| reading.flush()) {
                Err(ScanEnd::Failed(error)) => Err(error),
                Ok(()) => scan.intake.finish(at),
                // Limits can't be checked on rows that weren't read.
                Err(ScanEnd::Enough) => Ok(()),
            }
        });
        builder.build()
    }
}

/// A running partition.
struct TextReading<'a> {
    scan: &'a TextScan,
    to: mpsc::Sender<Result<RecordBatch, DataFusionError>>,
    runtime: Handle,
    rows: SourceRows,
    /// The number of rows still wanted.
    left: usize,
    bytes: Vec<u8>,
    /// Bytes of text that the rows were read from.
    taken: usize,
}

/// The reason why a partition stopped early.
enum ScanEnd {
    /// The query has enough rows, or was dropped.
    Enough,
    Failed(DataFusionError),
}

impl From<DataFusionError> for ScanEnd {
    fn from(error: DataFusionError) -> Self {
        Self::Failed(error)
    }
}

impl TextReading<'_> {
    fn part(&mut self, part: &ScanPart) -> Result<(), ScanEnd> {
        match part {
            ScanPart::Whole(file) => self.whole(file),
            ScanPart::Share { file, share, of } => self.share(file, *share, *of),
        }
    }

    fn whole(&mut self, file: &SourceFile) -> Result<(), ScanEnd> {
        let Some(folders) = self.folders(file)? else { return Ok(()) };
        let options = self.scan.format.text;
        if file.size > self.scan.pace.whole && options.is_encoded(&file.name) {
            return self.sequence(file, &folders);
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        match decode::read(file, options, 4 * self.scan.pace.whole, &mut bytes, &self.runtime) {
            Ok(true) => {}
            Ok(false) => return self.sequence(file, &folders),
            Err(error) => {
                let Some(reason) = undecodable::reason(&error) else {
                    return Err(self.unreadable(file, &error));
                };
                let broken =
                    Broken { offset: bytes.len() as u64, reason: reason.to_owned(), is_header: false };
                return Ok(self.broken(file, &broken)?);
            }
        }
        self.taken += bytes.len();
        match whole::read(&bytes, &self.scan.format, &file.name, &folders, &mut self.rows) {
            Ok(decoded) => {
                self.columns(file, decoded.columns, decoded.count)?;
                self.scan.intake.rows(&file.name, decoded.count, decoded.refused.len() as u64);
                let piece = FilePiece { number: 0, base: 0, line: 1, is_document: decoded.is_document };
                self.refused(file, piece, &bytes, &decoded.refused)?;
            }
            Err(broken) => self.broken(file, &broken)?,
        }
        self.bytes = bytes;
        self.flush_if_full()
    }

    fn share(&mut self, big: &BigFile, share: usize, of: usize) -> Result<(), ScanEnd> {
        let Some(folders) = self.folders(&big.file)? else { return Ok(()) };
        let indexed = self.index(big, &folders)?;
        let index = match indexed.as_ref() {
            Ok(index) => index,
            Err(broken) => return Ok(self.broken(&big.file, broken)?),
        };
        if !index.is_direct {
            return if share == 0 { self.chunks_in_order(&big.file, &folders, index) } else { Ok(()) };
        }
        let count = index.chunks.len();
        self.columns(&big.file, index.columns.clone(), count as u64)?;
        for at in count * share / of..count * (share + 1) / of {
            self.chunk(&big.file, &folders, index, at)?;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Returns the partition values of a file's path. If one doesn't fit its column, rejects the file and
    /// returns `None`.
    fn folders(&self, file: &SourceFile) -> Result<Option<Folders>, DataFusionError> {
        let names = &self.scan.format.names;
        let folders = Folders::of(&file.name, names);
        let Some(reason) = folders.fault(names, |column| self.rows.wanted(column)) else {
            return Ok(Some(folders));
        };
        self.broken(file, &Broken { offset: 0, reason, is_header: false })?;
        Ok(None)
    }

    /// Records a file's columns, unless it has neither columns nor rows.
    fn columns(
        &self,
        file: &SourceFile,
        (own, deviation): (Vec<String>, Deviation),
        rows: u64,
    ) -> Result<(), DataFusionError> {
        if rows == 0 && own.is_empty() {
            return Ok(());
        }
        if !deviation.new.is_empty() {
            self.scan.format.drift.sample.contradict();
        }
        self.scan.intake.columns(&file.name, own, deviation)
    }

    /// Reads an encoded file, whose chunks can't be read in parallel.
    fn sequence(&mut self, file: &SourceFile, folders: &Folders) -> Result<(), ScanEnd> {
        let big = BigFile::new(file.clone());
        match self.index(&big, folders)?.as_ref() {
            Ok(index) => self.chunks_in_order(file, folders, index),
            Err(broken) => Ok(self.broken(file, broken)?),
        }
    }

    fn chunks_in_order(
        &mut self,
        file: &SourceFile,
        folders: &Folders,
        index: &Index,
    ) -> Result<(), ScanEnd> {
        self.columns(file, index.columns.clone(), index.chunks.len() as u64)?;
        let runtime = self.runtime.clone();
        let text = self.text(file, &runtime)?;
        let mut reader = text.reader();
        let (mut at, mut bytes) = (0, Vec::new());
        for (piece, chunk) in index.chunks.iter().enumerate() {
            let unreadable = |error: io::Error| self.unreadable(file, &error);
            io::copy(&mut (&mut reader).take(chunk.start - at), &mut io::sink()).map_err(unreadable)?;
            bytes.clear();
            let length = chunk.end + self.beyond() - chunk.start;
            let read = (&mut reader).take(length).read_to_end(&mut bytes).map_err(unreadable)?;
            at = chunk.start + read as u64;
            self.decode(file, folders, index, piece, &bytes)?;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Returns how many bytes past its end a chunk needs: one after a JSON number, to see where it ends, and
    /// none after a CSV record.
    fn beyond(&self) -> u64 {
        u64::from(!self.scan.format.is_csv())
    }

    fn text<'f>(&self, file: &'f SourceFile, runtime: &'f Handle) -> Result<Text<'f>, ScanEnd> {
        let text = decode::open(file, self.scan.format.text, HEAD, runtime);
        text.map_err(|error| self.unreadable(file, &error))
    }

    fn index(&self, big: &BigFile, folders: &Folders) -> Result<Indexed, ScanEnd> {
        // A thread that panicked while it built the index left `None`.
        let mut index = big.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = index.as_ref() {
            return Ok(Arc::clone(index));
        }
        let unreadable = |error: io::Error| self.unreadable(&big.file, &error);
        let go_on = || !self.to.is_closed();
        let made = decode::open(&big.file, self.scan.format.text, HEAD, &self.runtime)
            .and_then(|text| index::build(text, &self.scan.format, folders, self.scan.pace, go_on));
        let made = match made {
            Ok(made) => Arc::new(made),
            Err(_) if self.to.is_closed() => return Err(ScanEnd::Enough),
            Err(error) => match undecodable::reason(&error) {
                Some(reason) => {
                    Arc::new(Err(Broken { offset: 0, reason: reason.to_owned(), is_header: false }))
                }
                None => return Err(unreadable(error)),
            },
        };
        *index = Some(Arc::clone(&made));
        Ok(made)
    }

    fn chunk(
        &mut self,
        file: &SourceFile,
        folders: &Folders,
        index: &Index,
        at: usize,
    ) -> Result<(), ScanEnd> {
        let chunk: &RowChunk = &index.chunks[at];
        let bytes = file.read_range(chunk.start, chunk.end + self.beyond(), &self.runtime);
        let bytes = bytes.map_err(|error| self.unreadable(file, &error))?;
        self.decode(file, folders, index, at, &bytes)
    }

    fn decode(
        &mut self,
        file: &SourceFile,
        folders: &Folders,
        index: &Index,
        at: usize,
        bytes: &[u8],
    ) -> Result<(), ScanEnd> {
        // The first pass found all of this valid.
        let changed =
            || ScanEnd::Failed(self.scan.report.failure(&file.name, "the file changed while it was read"));
        let text = str::from_utf8(bytes).map_err(|_| changed())?;
        let chunk: &RowChunk = &index.chunks[at];
        let mut reader = index.format.reader(index.header.as_deref(), folders).map_err(|_| changed())?;
        self.taken += bytes.len();
        self.rows.begin(&file.name, chunk.first.cast_signed(), folders);
        let refused = chunk::decode(text, &mut reader, chunk.first, &mut self.rows);
        let (refused, count) = refused.map_err(|_: JsonStop| changed())?;
        self.scan.intake.rows(&file.name, count, refused.len() as u64);
        let is_document = index.format.is_document();
        let piece = FilePiece { number: at as u64, base: chunk.start, line: chunk.line, is_document };
        Ok(self.refused(file, piece, bytes, &refused)?)
    }

    fn flush_if_full(&mut self) -> Result<(), ScanEnd> {
        let is_full = self.rows.good() >= self.scan.batch.min(self.left)
            || self.rows.len() >= 4 * self.scan.batch
            || self.taken >= self.scan.batch_bytes;
        if is_full {
            self.flush()
        } else if self.to.is_closed() {
            Err(ScanEnd::Enough)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), ScanEnd> {
        self.taken = 0;
        if self.rows.len() == 0 {
            return Ok(());
        }
        let batch = self.rows.take()?;
        for piece in pieces(&batch, self.scan.batch) {
            self.left = self.left.saturating_sub(piece.num_rows());
            self.to.blocking_send(Ok(piece)).map_err(|_| ScanEnd::Enough)?;
        }
        if self.left == 0 { Err(ScanEnd::Enough) } else { Ok(()) }
    }

    fn refused(
        &self,
        file: &SourceFile,
        piece: FilePiece,
        bytes: &[u8],
        refused: &[RefusedRow],
    ) -> Result<(), DataFusionError> {
        self.scan.refused(file, piece, bytes, refused, |column| self.rows.wanted(column))
    }

    fn broken(&self, file: &SourceFile, broken: &Broken) -> Result<(), DataFusionError> {
        self.scan.broken(file, broken, &self.runtime)
    }

    fn unreadable(&self, file: &SourceFile, error: &io::Error) -> ScanEnd {
        let message = format!("can't be read: {error}\n  hint: {}", local_file::help(error));
        ScanEnd::Failed(self.scan.report.failure(&file.name, &message))
    }
}
