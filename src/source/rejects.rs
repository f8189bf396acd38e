//! Rejected rows and files: a bounded channel, so that no number of rejects fills the memory.
//!
//! The plan that reads holds the [`RejectSink`]. Another task must drain the [`RejectStream`] at the same
//! time, because a full channel blocks the readers. [`RejectSink::close`] ends the stream once the plan has
//! run.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringViewArray},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    error::DataFusionError,
    execution::SendableRecordBatchStream,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::stream;
use tokio::sync::mpsc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::drift::Deviation;

/// The number of rejects kept as lines for a summary.
const SAMPLE: usize = 5;
/// The maximum number of rows in a batch of rejects.
const BATCH: usize = 1024;

/// A rejected row, or a file that was rejected as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The source's name, such as `files.readings`.
    pub source: Arc<str>,
    /// The file's name, as in `_source_file`.
    pub file: Arc<str>,
    /// The row's number in the file, from 1. `None` if the whole file was rejected.
    pub row: Option<u64>,
    /// The byte offset at which the row begins or the file is damaged.
    pub offset: Option<u64>,
    pub reason: String,
    /// The rejected text: at most 1 KiB, ending in `…` if it was longer.
    pub raw: String,
}

impl Reject {
    /// Formats as `file:row: reason`, or as `file: reason (byte n)` for a whole file.
    #[must_use]
    pub fn line(&self) -> String {
        match (self.row, self.offset) {
            (Some(row), _) => format!("{}:{row}: {}", self.file, self.reason),
            (None, Some(offset)) => format!("{}: {} (byte {offset})", self.file, self.reason),
            (None, None) => format!("{}: {}", self.file, self.reason),
        }
    }
}

/// The counts of rejected rows and files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectCounts {
    /// The number of rows rejected individually.
    pub rows: u64,
    /// The number of files rejected as a whole.
    pub files: u64,
    /// A few of the first rejects, sorted by file and row.
    pub sample: Vec<String>,
    /// The rejects of each file that has any.
    pub by_file: BTreeMap<Arc<str>, RejectedFile>,
    /// Notes on how the files' columns differ from the declared ones.
    pub notes: Vec<String>,
    /// The files whose columns differ from the declared ones, and how.
    pub deviations: BTreeMap<Arc<str>, Deviation>,
}

/// The rejects of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedFile {
    /// The source that the file belongs to.
    pub source: Arc<str>,
    /// The number of rows rejected individually.
    pub rows: u64,
    /// The reason, if the whole file was rejected.
    pub reason: Option<String>,
    /// An order-independent digest of all rejects, or `None` if unknown.
    pub digest: Option<u64>,
}

impl RejectedFile {
    /// Creates an empty entry for a file of this source.
    #[must_use]
    pub fn none(source: Arc<str>) -> Self {
        Self { source, rows: 0, reason: None, digest: Some(0) }
    }

    /// Adds a rejected row, or the whole file if `row` is `None`, with the reason and the rejected text.
    pub fn add(&mut self, row: Option<u64>, reason: &str, raw: &str) {
        match row {
            Some(_) => self.rows += 1,
            None => self.reason = Some(reason.to_owned()),
        }
        let one = xxh3_64(format!("{row:?}\0{reason}\0{raw}").as_bytes());
        self.digest = self.digest.map(|digest| digest.wrapping_add(one));
    }

    /// Returns whether the rejects are the same, as far as both are known.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let known = self.digest.zip(other.digest);
        (&self.source, self.rows, &self.reason) == (&other.source, other.rows, &other.reason)
            && known.is_none_or(|(one, other)| one == other)
    }
}

/// The sending end, which readers hold.
#[derive(Debug)]
pub struct RejectSink {
    sender: Mutex<Option<mpsc::Sender<Reject>>>,
    counts: Mutex<RejectCounters>,
    /// The pieces already reported, so that a plan that scans a source twice reports them once. Only pieces
    /// with rejects are in it.
    claimed: Mutex<HashSet<u128>>,
}

#[derive(Debug, Default)]
struct RejectCounters {
    rows: u64,
    files: u64,
    by_file: BTreeMap<Arc<str>, RejectedFile>,
    sample: BTreeSet<(Arc<str>, Option<u64>, String)>,
    notes: BTreeSet<String>,
    deviations: BTreeMap<Arc<str>, Deviation>,
}

/// The receiving end.
#[derive(Debug)]
pub struct RejectStream {
    receiver: mpsc::Receiver<Reject>,
}

impl RejectSink {
    /// Creates a sink and its stream. The stream buffers `capacity` rejects before it blocks readers.
    #[must_use]
    pub fn new(capacity: usize) -> (Arc<Self>, RejectStream) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let sink =
            Self { sender: Mutex::new(Some(sender)), counts: Mutex::default(), claimed: Mutex::default() };
        (Arc::new(sink), RejectStream { receiver })
    }

    /// Ends the stream after the rejects reported so far. Later ones are only counted.
    pub fn close(&self) {
        lock(&self.sender).take();
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn counts(&self) -> RejectCounts {
        let counts = lock(&self.counts);
        let sample = counts.sample.iter().map(|(_, _, line)| line.clone()).collect();
        RejectCounts {
            rows: counts.rows,
            files: counts.files,
            sample,
            by_file: counts.by_file.clone(),
            notes: counts.notes.iter().cloned().collect(),
            deviations: counts.deviations.clone(),
        }
    }

    /// Records the notes on a source, and how the columns of its files differ from the declared ones.
    /// Duplicates from a second scan are dropped.
    pub(crate) fn note(
        &self,
        source: &Arc<str>,
        notes: &[String],
        files: impl Iterator<Item = (Arc<str>, Deviation)>,
    ) {
        let mut counts = lock(&self.counts);
        counts.notes.extend(notes.iter().map(|note| format!("{source}: {note}")));
        counts.deviations.extend(files.filter(|(_, deviation)| !deviation.is_none()));
    }

    /// Adds notes for the run's report.
    pub(crate) fn note_all(&self, notes: impl IntoIterator<Item = String>) {
        lock(&self.counts).notes.extend(notes);
    }

    /// Returns true if the caller is the first to claim a piece of a source's file.
    pub(crate) fn claim(&self, source: &str, file: &str, piece: u64) -> bool {
        let key = format!("{source}\0{file}\0{piece}");
        lock(&self.claimed).insert(xxh3_128(key.as_bytes()))
    }

    /// Reports a reject. Blocks while the stream is full, so never call it on a thread of the async runtime.
    pub(crate) fn report(&self, reject: Reject) {
        {
            let mut counts = lock(&self.counts);
            let counts = &mut *counts;
            let of_file = counts.by_file.entry(Arc::clone(&reject.file));
            of_file.or_insert_with(|| RejectedFile::none(Arc::clone(&reject.source))).add(
                reject.row,
                &reject.reason,
                &reject.raw,
            );
            *if reject.row.is_some() { &mut counts.rows } else { &mut counts.files } += 1;
            counts.sample.insert((Arc::clone(&reject.file), reject.row, reject.line()));
            if counts.sample.len() > SAMPLE {
                counts.sample.pop_last();
            }
        }
        let sender = lock(&self.sender).clone();
        if let Some(sender) = sender {
            // The stream was dropped. The reject is already counted.
            let _ = sender.blocking_send(reject);
        }
    }
}

impl RejectStream {
    /// Returns the schema of the batches: source, file, row, offset, reason, raw.
    #[must_use]
    pub fn schema() -> SchemaRef {
        let text = |name: &str, null: bool| Field::new(name, DataType::Utf8View, null);
        let count = |name: &str| Field::new(name, DataType::Int64, true);
        Arc::new(Schema::new(vec![
            text("source", false),
            text("file", false),
            count("row"),
            count("offset"),
            text("reason", false),
            text("raw", false),
        ]))
    }

    /// Returns the rejects as record batches, until the sink is closed or dropped.
    #[must_use]
    pub fn into_stream(self) -> SendableRecordBatchStream {
        let batches = stream::unfold(self.receiver, async |mut receiver| {
            let mut rejects = Vec::new();
            if receiver.recv_many(&mut rejects, BATCH).await == 0 {
                return None;
            }
            Some((batch(&rejects), receiver))
        });
        Box::pin(RecordBatchStreamAdapter::new(Self::schema(), batches))
    }
}

fn batch(rejects: &[Reject]) -> Result<RecordBatch, DataFusionError> {
    fn text<'a>(rejects: &'a [Reject], of: impl Fn(&'a Reject) -> &'a str) -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(rejects.iter().map(of)))
    }
    let count = |of: fn(&Reject) -> Option<u64>| -> ArrayRef {
        Arc::new(rejects.iter().map(|one| of(one).map(u64::cast_signed)).collect::<Int64Array>())
    };
    let columns = vec![
        text(rejects, |one| &one.source),
        text(rejects, |one| &one.file),
        count(|one| one.row),
        count(|one| one.offset),
        text(rejects, |one| &one.reason),
        text(rejects, |one| &one.raw),
    ];
    Ok(RecordBatch::try_new(RejectStream::schema(), columns)?)
}

/// The guarded data is consistent between any two statements, so a poisoned lock is safe to use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    fn reject(row: Option<u64>) -> Reject {
        let (source, file) = ("s".into(), "f.json".into());
        Reject { source, file, row, offset: Some(7), reason: "bad".to_owned(), raw: "x".to_owned() }
    }

    #[tokio::test]
    async fn more_than_it_holds_flows_through_while_it_is_drained() {
        let (sink, stream) = RejectSink::new(2);
        let reader = Arc::clone(&sink);
        let reading = tokio::task::spawn_blocking(move || {
            (1..=3000).for_each(|row| reader.report(reject(Some(row))));
            reader.report(reject(None));
            reader.close();
        });
        let batches: Vec<RecordBatch> = stream.into_stream().try_collect().await.unwrap();
        reading.await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 3001);
        let counts = sink.counts();
        assert_eq!((counts.rows, counts.files), (3000, 1));
        insta::assert_snapshot!(counts.sample.join("\n"), @"
        f.json: bad (byte 7)
        f.json:1: bad
        f.json:2: bad
        f.json:3: bad
        f.json:4: bad
        ");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_listener_that_left() {
        let (sink, stream) = RejectSink::new(1);
        drop(stream);
        let counting = Arc::clone(&sink);
        tokio::task::spawn_blocking(move || (1..9).for_each(|row| counting.report(reject(Some(row)))))
            .await
            .unwrap();
        assert_eq!(sink.counts().rows, 8);
    }

    #[test]
    fn a_piece_is_claimed_once() {
        let (sink, _stream) = RejectSink::new(1);
        assert!(sink.claim("s", "f", 0) && sink.claim("s", "f", 1) && sink.claim("t", "f", 0));
        assert!(!sink.claim("s", "f", 0));
    }
}
