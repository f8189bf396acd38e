//! What one partition of a scan does, on a thread of its own.

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
    chunk,
    document::Format,
    index::{self, Chunk, Index},
    json::Stop,
    pace::Pace,
    refusal::{Refused, raw},
    sniff::HEAD,
    whole::{self, Broken},
};
use crate::engine::source::{
    decode::{self, Text},
    files::SourceFile,
    provider::{Report, Where},
    rows::{Rows, Shape, pieces},
};

/// What all partitions of a scan share.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) shape: Shape,
    pub(super) format: Format,
    pub(super) report: Report,
    pub(super) pace: Pace,
    /// Rows of a batch, about.
    pub(super) batch: usize,
    pub(super) limit: Option<usize>,
}

/// A part of a partition's work.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// A small file.
    Whole(SourceFile),
    /// One of so many shares of a big file.
    Share { file: Arc<BigFile>, share: usize, of: usize },
}

/// A file that several partitions read, each its chunks.
#[derive(Debug)]
pub(super) struct BigFile {
    file: SourceFile,
    /// Made by whoever comes first; the others wait for it.
    index: Mutex<Option<Indexed>>,
}

type Indexed = Arc<Result<Index, Broken>>;

impl BigFile {
    pub(super) fn new(file: SourceFile) -> Self {
        Self { file, index: Mutex::default() }
    }
}

/// One partition.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) scan: Arc<Scan>,
    pub(super) parts: Arc<[Part]>,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.scan.shape.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(self.schema()), 2);
        let (scan, parts, to) = (Arc::clone(&self.scan), Arc::clone(&self.parts), builder.tx());
        builder.spawn_blocking(move || {
            let rows = Rows::new(scan.shape.clone(), scan.format.unit);
            let left = scan.limit.unwrap_or(usize::MAX);
            let mut reading =
                Reading { scan: &scan, to, runtime: Handle::current(), rows, left, bytes: Vec::new() };
            match parts.iter().try_for_each(|part| reading.part(part)).and_then(|()| reading.flush()) {
                Err(Ended::Failed(error)) => Err(error),
                Ok(()) | Err(Ended::Enough) => Ok(()),
            }
        });
        builder.build()
    }
}

/// A partition while it runs.
struct Reading<'a> {
    scan: &'a Scan,
    to: mpsc::Sender<Result<RecordBatch, DataFusionError>>,
    runtime: Handle,
    rows: Rows,
    /// How many rows are still wanted.
    left: usize,
    bytes: Vec<u8>,
}

/// Why a partition stops before its end.
enum Ended {
    /// The query has all it wants, or is gone.
    Enough,
    Failed(DataFusionError),
}

impl From<DataFusionError> for Ended {
    fn from(error: DataFusionError) -> Self {
        Self::Failed(error)
    }
}

impl Reading<'_> {
    fn part(&mut self, part: &Part) -> Result<(), Ended> {
        match part {
            Part::Whole(file) => self.whole(file),
            Part::Share { file, share, of } => self.share(file, *share, *of),
        }
    }

    fn whole(&mut self, file: &SourceFile) -> Result<(), Ended> {
        let options = self.scan.format.text;
        if file.size > self.scan.pace.whole && options.is_encoded(&file.name) {
            return self.sequence(file);
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        match decode::read(file, options, 4 * self.scan.pace.whole, &mut bytes, &self.runtime) {
            Ok(true) => {}
            Ok(false) => return self.sequence(file),
            Err(error) => {
                let Some(reason) = decode::reason(&error) else { return Err(self.unreadable(file, &error)) };
                let broken = Broken { offset: bytes.len() as u64, reason: reason.to_owned() };
                return Ok(self.broken(file, &broken)?);
            }
        }
        match whole::read(&bytes, &self.scan.format, &file.name, &mut self.rows) {
            Ok(refused) => self.refused(file, (0, 0), &bytes, &refused)?,
            Err(broken) => self.broken(file, &broken)?,
        }
        self.bytes = bytes;
        self.flush_if_full()
    }

    fn share(&mut self, big: &BigFile, share: usize, of: usize) -> Result<(), Ended> {
        let indexed = self.index(big)?;
        let index = match indexed.as_ref() {
            Ok(index) => index,
            Err(broken) => return Ok(self.broken(&big.file, broken)?),
        };
        if !index.is_direct {
            return if share == 0 { self.chunks_in_order(&big.file, index) } else { Ok(()) };
        }
        let count = index.chunks.len();
        for at in count * share / of..count * (share + 1) / of {
            self.chunk(&big.file, index, at as u64, &index.chunks[at])?;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// A file that only one can read, since its text is not its bytes.
    fn sequence(&mut self, file: &SourceFile) -> Result<(), Ended> {
        let big = BigFile::new(file.clone());
        match self.index(&big)?.as_ref() {
            Ok(index) => self.chunks_in_order(file, index),
            Err(broken) => Ok(self.broken(file, broken)?),
        }
    }

    fn chunks_in_order(&mut self, file: &SourceFile, index: &Index) -> Result<(), Ended> {
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
            self.decode(file, index, piece as u64, chunk, &bytes)?;
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// How many bytes past its end a chunk needs: JSON's numbers need to be seen to end; a CSV record brings its own.
    fn beyond(&self) -> u64 {
        u64::from(!self.scan.format.is_csv())
    }

    fn text<'f>(&self, file: &'f SourceFile, runtime: &'f Handle) -> Result<Text<'f>, Ended> {
        let text = decode::open(file, self.scan.format.text, HEAD, runtime);
        text.map_err(|error| self.unreadable(file, &error))
    }

    fn index(&self, big: &BigFile) -> Result<Indexed, Ended> {
        // A thread that died while it made the index left none.
        let mut index = big.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = index.as_ref() {
            return Ok(Arc::clone(index));
        }
        let unreadable = |error: io::Error| self.unreadable(&big.file, &error);
        let made = decode::open(&big.file, self.scan.format.text, HEAD, &self.runtime)
            .and_then(|text| index::build(text, &self.scan.format, self.scan.pace, || !self.to.is_closed()));
        let made = match made {
            Ok(made) => Arc::new(made),
            Err(_) if self.to.is_closed() => return Err(Ended::Enough),
            Err(error) => match decode::reason(&error) {
                Some(reason) => Arc::new(Err(Broken { offset: 0, reason: reason.to_owned() })),
                None => return Err(unreadable(error)),
            },
        };
        *index = Some(Arc::clone(&made));
        Ok(made)
    }

    fn chunk(&mut self, file: &SourceFile, index: &Index, piece: u64, chunk: &Chunk) -> Result<(), Ended> {
        let bytes = file.read_range(chunk.start, chunk.end + self.beyond(), &self.runtime);
        let bytes = bytes.map_err(|error| self.unreadable(file, &error))?;
        self.decode(file, index, piece, chunk, &bytes)
    }

    fn decode(
        &mut self,
        file: &SourceFile,
        index: &Index,
        piece: u64,
        chunk: &Chunk,
        bytes: &[u8],
    ) -> Result<(), Ended> {
        // The first pass found all of this sound.
        let changed =
            || Ended::Failed(self.scan.report.failure(&file.name, "the file changed while it was read"));
        let text = str::from_utf8(bytes).map_err(|_| changed())?;
        let mut reader = index.format.reader(index.header.as_deref()).map_err(|_| changed())?;
        self.rows.begin(&file.name, chunk.first.cast_signed());
        let refused = chunk::decode(text, &mut reader, chunk.first, &mut self.rows);
        let refused = refused.map_err(|_: Stop| changed())?;
        Ok(self.refused(file, (piece, chunk.start), bytes, &refused)?)
    }

    fn flush_if_full(&mut self) -> Result<(), Ended> {
        let full =
            self.rows.good() >= self.scan.batch.min(self.left) || self.rows.len() >= 4 * self.scan.batch;
        if full {
            self.flush()
        } else if self.to.is_closed() {
            Err(Ended::Enough)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), Ended> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let batch = self.rows.take()?;
        for piece in pieces(&batch, self.scan.batch) {
            self.left = self.left.saturating_sub(piece.num_rows());
            self.to.blocking_send(Ok(piece)).map_err(|_| Ended::Enough)?;
        }
        if self.left == 0 { Err(Ended::Enough) } else { Ok(()) }
    }

    /// Reports rows of the piece of a file that has a number and begins at some byte.
    fn refused(
        &self,
        file: &SourceFile,
        (piece, base): (u64, u64),
        bytes: &[u8],
        refused: &[Refused],
    ) -> Result<(), DataFusionError> {
        if refused.is_empty() || !self.scan.report.begin(&file.name, piece) {
            return Ok(());
        }
        let text = str::from_utf8(bytes).unwrap_or_default();
        for Refused { row, raw: at, refusal } in refused {
            let reason = refusal.reason(text, &self.scan.format.names, |column| self.rows.kind(column));
            let text = raw(text[at.clone()].trim_end_matches(['\r', '\n']).as_bytes());
            let place = Where { row: Some(*row), offset: Some(base + at.start as u64) };
            self.scan.report.set_aside(&file.name, place, reason, text)?;
        }
        Ok(())
    }

    fn broken(&self, file: &SourceFile, broken: &Broken) -> Result<(), DataFusionError> {
        if !self.scan.report.begin(&file.name, u64::MAX) {
            return Ok(());
        }
        // What stands around the break, though it may not be there any more.
        let around = broken.offset.saturating_sub(256)..broken.offset + 2048;
        let around = self.around(file, around).unwrap_or_default();
        let character = around.iter().take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        let place = Where { row: None, offset: Some(broken.offset) };
        self.scan.report.set_aside(&file.name, place, broken.reason.clone(), raw(&around[character..]))
    }

    /// The text of a file between two places, or as much of it as there is.
    fn around(&self, file: &SourceFile, places: std::ops::Range<u64>) -> io::Result<Vec<u8>> {
        let options = self.scan.format.text;
        let mut text = decode::open(file, options, HEAD, &self.runtime)?;
        if text.is_direct {
            return file.read_range(places.start, places.end, &self.runtime);
        }
        let mut around = Vec::new();
        text.head.truncate(usize::try_from(places.end).unwrap_or(HEAD));
        if places.start < text.head.len() as u64 {
            around = text.head.split_off(usize::try_from(places.start).unwrap_or(HEAD));
        }
        Ok(around)
    }

    fn unreadable(&self, file: &SourceFile, error: &io::Error) -> Ended {
        Ended::Failed(self.scan.report.failure(&file.name, &error.to_string()))
    }
}
