//! What the sources of a table have rejected: as its newest commit says it, and until it is gone or acknowledged.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    side::Side,
    tables::{LedgerError, Tables},
    version::Version,
    worker::{StepError, Worker},
};
use crate::{
    engine::{
        Engine,
        arrow::{
            array::{Array, AsArray, RecordBatch},
            compute::cast,
            datatypes::{DataType, Int64Type},
        },
        execute::one_stream,
        source::RejectedFile,
    },
    ingest::{Accepted, Ledger},
    lake::{LakeError, Observed, Provenance, RejectNote, Replaces},
    manifest::Manifest,
    name::{NodeId, Relation},
    outcome::Rejected,
};

/// Lines on rejects that a commit keeps.
const SAMPLE: usize = 5;

/// What was rejected, by file.
pub(super) type ByFile = BTreeMap<String, RejectedFile>;

impl Worker {
    /// Notes with a version what its sources have rejected, so that later runs can say it.
    pub(super) async fn note_rejects(
        &self,
        version: &mut Version,
        made: Option<&Provenance>,
    ) -> Result<(), StepError> {
        let Some(sink) = &version.rejects else { return Ok(()) };
        let counts = sink.counts();
        let by_file = match version.rejected_files.take() {
            Some(by_file) => by_file,
            None => counts.by_file.iter().map(|(file, of)| (file.to_string(), of.clone())).collect(),
        };
        if by_file.is_empty() {
            return Ok(());
        }
        let accepted = self.tables.accepted(&self.engine, &version.relation).await?;
        let mut sample = counts.sample;
        // Lines on files of earlier runs, whose rejects are still there.
        let earlier = made.and_then(|made| made.rejected.as_ref()).into_iter().flat_map(|note| &note.sample);
        let is_there = |line: &&String| by_file.keys().any(|file| line.starts_with(file.as_str()));
        let earlier: Vec<String> =
            earlier.filter(is_there).filter(|line| !sample.contains(line)).cloned().collect();
        sample.extend(earlier);
        sample.truncate(SAMPLE);
        version.note = Some(note(&by_file, &accepted, sample));
        Ok(())
    }
}

/// What is said of rejects with a table.
fn note(by_file: &ByFile, accepted: &Accepted, sample: Vec<String>) -> RejectNote {
    let mut note = RejectNote { sample, ..RejectNote::default() };
    for (file, of) in by_file {
        let files = u64::from(of.reason.is_some());
        (note.rows, note.files) = (note.rows + of.rows, note.files + files);
        if accepted.covers(file, of) {
            (note.accepted_rows, note.accepted_files) =
                (note.accepted_rows + of.rows, note.accepted_files + files);
        }
        note.sources.insert(of.source.to_string());
    }
    if let Some(newest) = accepted.newest().filter(|_| note.accepted_rows + note.accepted_files > 0) {
        note.accepted_by = Some(newest.by.clone());
        note.accepted_at = DateTime::from_timestamp_micros(newest.at);
    }
    note
}

/// What a summary says of the rejects of a table, if there are any that nobody acknowledged, and of how columns differ.
pub(super) fn rejected(
    note: Option<&RejectNote>,
    notes: Vec<String>,
    relation: &Relation,
) -> Option<Rejected> {
    let open = note.map(|note| (note.rows - note.accepted_rows, note.files - note.accepted_files));
    let (rows, files) = open.unwrap_or_default();
    if rows + files == 0 && notes.is_empty() {
        return None;
    }
    let note = note.filter(|_| rows + files > 0);
    Some(Rejected {
        rows,
        files,
        relation: relation.rejected(),
        sample: note.map(|note| note.sample.clone()).unwrap_or_default(),
        sources: note.map(|note| note.sources.iter().cloned().collect()).unwrap_or_default(),
        notes,
    })
}

/// What is known of a ledger's rejects.
pub(super) fn of_ledger(ledger: &Ledger, source: &str) -> ByFile {
    let entries = ledger.files.iter().filter(|(_, entry)| {
        entry.status != crate::ingest::Status::Removed && (entry.rejected_rows > 0 || entry.reason.is_some())
    });
    entries
        .map(|(file, entry)| {
            let of = RejectedFile {
                source: source.into(),
                rows: entry.rejected_rows,
                reason: entry.reason.clone(),
            };
            (file.clone(), of)
        })
        .collect()
}

/// What was acknowledged of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRejects {
    /// The table whose sources had them.
    pub relation: Relation,
    /// Rows that were rejected alone.
    pub rows: u64,
    /// Files that were set aside whole.
    pub files: u64,
}

/// Why rejects could not be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// A table could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// What is known of files could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Acknowledges all that a source has rejected in the tables that were made from it: it is no warning any more.
///
/// # Errors
/// If a table can't be read or written, or if another writer was faster.
pub async fn accept(
    engine: &Engine,
    tables: &Tables,
    manifest: &Manifest,
    source: &NodeId,
    name: &str,
    by: &str,
) -> Result<Vec<AcceptedRejects>, AcceptError> {
    let mut done = Vec::new();
    let now = Utc::now();
    for model in manifest.refables() {
        let relation = &model.relation;
        let Some(own) = tables.observe(relation).await? else { continue };
        let Some(made) = own.provenance.clone() else { continue };
        let Some(note) = &made.rejected else { continue };
        let is_of = note.sources.contains(name) || made.inputs.contains_key(source);
        if !is_of || note.rows + note.files == note.accepted_rows + note.accepted_files {
            continue;
        }
        let by_file = standing(engine, tables, relation).await?;
        let before = tables.accepted(engine, relation).await?;
        let accepted = before.and(&by_file, &|of| &*of.source == name, by, now);
        let new = accepted.files.iter().filter(|(file, one)| !before.covers(file, &one.rejected));
        let (mut rows, mut files) = (0, 0);
        for (_, acceptance) in new {
            rows += acceptance.rejected.rows;
            files += u64::from(acceptance.rejected.reason.is_some());
        }
        if rows + files == 0 {
            continue;
        }
        write(tables, relation, &accepted, &made, &own, self::note(&by_file, &accepted, note.sample.clone()))
            .await?;
        done.push(AcceptedRejects { relation: relation.clone(), rows, files });
    }
    Ok(done)
}

/// Makes the acknowledgement durable, and then says it with the table.
async fn write(
    tables: &Tables,
    relation: &Relation,
    accepted: &Accepted,
    made: &Provenance,
    own: &Observed,
    note: RejectNote,
) -> Result<(), AcceptError> {
    let rows = accepted.to_batch().map_err(|error| AcceptError::Other(error.to_string()))?;
    let side = Side {
        relation: relation.accepted(),
        schema: Accepted::schema(),
        rows: one_stream(rows),
        description: format!("Rejects of {} that were acknowledged", made.node),
        replaces: Replaces::Everything,
    };
    let provenance = Provenance { rejected: Some(note), stands_for: Some(own.data_version), ..made.clone() };
    let cancel = tokio_util::sync::CancellationToken::new();
    let other = |error: StepError| AcceptError::Other(error.to_string());
    side.stage(tables.lake(), made, &cancel).await.map_err(other)?.publish().await?;
    tables.lake().attest(relation, own.version, &provenance, None).await?;
    Ok(())
}

/// What was rejected of each file, as the table of rejects has it.
async fn standing(engine: &Engine, tables: &Tables, relation: &Relation) -> Result<ByFile, AcceptError> {
    let rejected = relation.rejected();
    let Some(table) = tables.provider(&rejected).await? else { return Ok(ByFile::new()) };
    let other = |error: String| AcceptError::Other(error);
    engine.declare_table(&rejected, table.schema()).map_err(|error| other(error.to_string()))?;
    let sql = format!(
        "select source, file, count(\"row\") as n, max(case when \"row\" is null then reason end) as reason \
         from {} group by source, file",
        rejected.quoted()
    );
    let query = engine.plan(&sql).await.map_err(|error| other(error.message))?;
    let bound = query.bind(&BTreeMap::from([(rejected, table)])).map_err(|error| other(error.to_string()))?;
    let rows = engine.gathered(&bound).await.map_err(|error| other(error.to_string()))?;
    by_file(&rows).map_err(|error| other(error.to_string()))
}

fn by_file(batch: &RecordBatch) -> Result<ByFile, crate::engine::arrow::error::ArrowError> {
    let column = |at: usize, data_type: &DataType| cast(batch.column(at), data_type);
    let (sources, files) = (column(0, &DataType::Utf8)?, column(1, &DataType::Utf8)?);
    let (rows, reasons) = (column(2, &DataType::Int64)?, column(3, &DataType::Utf8)?);
    let mut by_file = ByFile::new();
    for row in 0..batch.num_rows() {
        let reasons = reasons.as_string::<i32>();
        let of = RejectedFile {
            source: sources.as_string::<i32>().value(row).into(),
            rows: rows.as_primitive::<Int64Type>().value(row).cast_unsigned(),
            reason: (!reasons.is_null(row)).then(|| reasons.value(row).to_owned()),
        };
        by_file.insert(files.as_string::<i32>().value(row).to_owned(), of);
    }
    Ok(by_file)
}
