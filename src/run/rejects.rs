//! Rejects: the rows and files rejected by a table's sources, recorded in its newest commit until they are
//! gone or acknowledged.

use std::collections::BTreeMap;

use chrono::DateTime;
use futures::TryStreamExt;

use super::{
    clock,
    companion_tables::CompanionTable,
    tables::{LedgerError, Tables},
};
use crate::{
    engine::{
        Engine, EngineError, SqlError,
        arrow::{
            array::{Array, AsArray, RecordBatch},
            compute::cast,
            datatypes::{DataType, Int64Type},
            error::ArrowError,
        },
        exec::streams::one_stream,
    },
    ingest::{Acceptances, Ledger},
    lake::{CurrentVersion, LakeError, LakeWriter, Provenance, RejectNote, Replaces},
    manifest::Manifest,
    name::{NodeId, Relation},
    outcome::Rejected,
    source::RejectedFile,
};

pub(super) type RejectsByFile = BTreeMap<String, RejectedFile>;

/// Summarizes the rejects for a commit.
pub(super) fn note(by_file: &RejectsByFile, accepted: &Acceptances, sample: Vec<String>) -> RejectNote {
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

/// Returns the summary of a table's rejects that aren't acknowledged, and of notes on columns; `None` if
/// there are none.
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

/// Returns the rejects in a ledger.
pub(super) fn of_ledger(ledger: &Ledger, source: &str) -> RejectsByFile {
    let entries = ledger.files.iter().filter(|(_, entry)| {
        entry.status != crate::ingest::FileStatus::Removed
            && (entry.rejected_rows > 0 || entry.reason.is_some())
    });
    entries
        .map(|(file, entry)| {
            let of = RejectedFile {
                source: source.into(),
                rows: entry.rejected_rows,
                reason: entry.reason.clone(),
                digest: entry.rejected_digest,
            };
            (file.clone(), of)
        })
        .collect()
}

/// The acknowledged rejects of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRejects {
    /// The table whose sources had the rejects.
    pub relation: Relation,
    /// The number of rejected rows, not counting rejected files.
    pub rows: u64,
    /// The number of files rejected as a whole.
    pub files: u64,
}

/// An error from acknowledging rejects.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// A table can't be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The rejects can't be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The query for the rejects can't be planned.
    #[error("{}", .0.message)]
    Sql(SqlError),
    /// The rejects don't have the columns that Headwater writes.
    #[error(transparent)]
    Rows(#[from] ArrowError),
}

/// Acknowledges all rejects of a source in the tables built from it, so that they are no longer a warning.
///
/// # Errors
/// If a table can't be read or written, or if another writer commits first.
pub async fn accept(
    engine: &Engine,
    (tables, writer): (&Tables, &LakeWriter),
    manifest: &Manifest,
    source: &NodeId,
    name: &str,
    by: &str,
) -> Result<Vec<AcceptedRejects>, AcceptError> {
    let mut done = Vec::new();
    let now = clock::now();
    for model in manifest.refables() {
        let relation = &model.relation;
        let Some(own) = tables.observe(relation).await? else { continue };
        let Some(made) = own.provenance.clone() else { continue };
        let Some(note) = &made.rejected else { continue };
        let is_of = note.sources.contains(name) || made.inputs.contains_key(source);
        if !is_of || note.rows + note.files == note.accepted_rows + note.accepted_files {
            continue;
        }
        let by_file = current_rejects(engine, tables, relation).await?;
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
        write(writer, relation, &accepted, &made, &own, self::note(&by_file, &accepted, note.sample.clone()))
            .await?;
        done.push(AcceptedRejects { relation: relation.clone(), rows, files });
    }
    Ok(done)
}

/// Publishes the acknowledgements, and then records them in the table's commit.
async fn write(
    writer: &LakeWriter,
    relation: &Relation,
    accepted: &Acceptances,
    made: &Provenance,
    own: &CurrentVersion,
    note: RejectNote,
) -> Result<(), AcceptError> {
    let rows = accepted.to_batch()?;
    let companion = CompanionTable {
        relation: relation.accepted(),
        schema: Acceptances::schema(),
        rows: one_stream(rows),
        description: format!("Rejects of {} that were acknowledged", made.node),
        replaces: Replaces::Everything,
    };
    let provenance = Provenance { rejected: Some(note), stands_for: Some(own.data_version), ..made.clone() };
    let cancel = tokio_util::sync::CancellationToken::new();
    companion.stage(writer, made, &cancel).await?.publish().await?;
    writer.commit_metadata(relation, own.version, &provenance, None).await?;
    Ok(())
}

/// Reads the rejects of each file from the companion table.
async fn current_rejects(
    engine: &Engine,
    tables: &Tables,
    relation: &Relation,
) -> Result<RejectsByFile, AcceptError> {
    let rejected = relation.rejected();
    let Some(table) = tables.provider(&rejected).await? else { return Ok(RejectsByFile::new()) };
    engine.declare_table(&rejected, table.schema())?;
    let sql = format!("select source, file, \"row\", reason, raw from {}", rejected.quoted());
    let query = engine.plan(&sql).await.map_err(AcceptError::Sql)?;
    let bound = query.bind(&BTreeMap::from([(rejected, table)]))?;
    let mut rows = engine.stream(&bound, None).await?;
    let mut by_file = RejectsByFile::new();
    while let Some(batch) = rows.try_next().await? {
        add(&mut by_file, &batch)?;
    }
    Ok(by_file)
}

fn add(by_file: &mut RejectsByFile, batch: &RecordBatch) -> Result<(), ArrowError> {
    let text = |at: usize| cast(batch.column(at), &DataType::Utf8);
    let (sources, files, reasons, raw) = (text(0)?, text(1)?, text(3)?, text(4)?);
    let [sources, files, reasons, raw] = [&sources, &files, &reasons, &raw].map(AsArray::as_string::<i32>);
    let places = cast(batch.column(2), &DataType::Int64)?;
    let places = places.as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        let of = by_file
            .entry(files.value(row).to_owned())
            .or_insert_with(|| RejectedFile::none(sources.value(row).into()));
        let place = (!places.is_null(row)).then(|| places.value(row).cast_unsigned());
        of.add(place, reasons.value(row), raw.value(row));
    }
    Ok(())
}
