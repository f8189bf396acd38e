//! Change detection for sources: a digest that differs whenever the rows do.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use chrono::{DateTime, Utc};
use datafusion::{catalog::Session, error::DataFusionError};
use tokio::runtime::Handle;
use xxhash_rust::xxh3::Xxh3;

use super::{
    disk::on_disk,
    file::SourceFile,
    files,
    spec::{Identity, SourceFormat, SourceSpec},
    unreadable::UnreadableSource,
};
use crate::local_file;

/// The read buffer's size, in bytes.
const BLOCK: usize = 1 << 16;

/// The bytes of an SQLite header with the file change counter (section 1.3 of the file format).
const CHANGE_COUNTER: std::ops::Range<usize> = 24..28;

/// The length of a write-ahead log's header (section 4.1 of the file format).
const WAL_HEADER: u64 = 32;

/// The state of a source's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// A hexadecimal digest. For files: of their paths, sizes and modification times, or of their content.
    /// For an SQLite database: of its change counter, size, modification time and write-ahead log.
    pub digest: String,
    /// The number of files.
    pub files: u64,
}

/// Returns a source's current state. Reads no rows, unless its identity is its content.
pub(super) async fn state(spec: &SourceSpec, session: &dyn Session) -> Result<SourceState, DataFusionError> {
    if let SourceFormat::Sqlite { table, .. } = &spec.format {
        let (spec, table) = (spec.clone(), table.clone());
        return on_disk(move || {
            let path = spec.base.join(&spec.location);
            database_state(&path, &table).map_err(|error| unreadable(&spec, &path, &error))
        })
        .await;
    }
    let found = files::list(spec, session).await?;
    if spec.identity != Identity::Content {
        return Ok(of_files(&found));
    }
    let mut digest = Xxh3::new();
    // The same bytes are other rows under other types.
    for (name, data_type) in &spec.columns {
        digest.update(format!("{name} {data_type}\n").as_bytes());
    }
    let files = found.len() as u64;
    let runtime = Handle::current();
    let digest = on_disk(move || content(&found, &mut digest, &runtime).map(|()| digest)).await?;
    Ok(SourceState { digest: format!("{:032x}", digest.digest128()), files })
}

/// The state of a table or view of the SQLite database at a path.
pub(super) fn database_state(path: &Path, table: &str) -> io::Result<SourceState> {
    local_file::regular(path)?;
    let mut digest = Xxh3::new();
    digest.update(table.as_bytes());
    digest.update(&change_counter(path)?);
    digest.update(stamp(path)?.as_bytes());
    digest.update(&pending(path)?);
    Ok(SourceState { digest: format!("{:032x}", digest.digest128()), files: 1 })
}

/// Returns the state of a source that consists of these files.
#[must_use]
pub fn of_files(files: &[SourceFile]) -> SourceState {
    let mut digest = Xxh3::new();
    for file in files {
        digest.update(file.name.as_bytes());
        digest.update(&file.size.to_le_bytes());
        digest.update(&file.modified.timestamp_nanos_opt().unwrap_or_default().to_le_bytes());
        digest.update(file.etag().unwrap_or_default().as_bytes());
    }
    SourceState { digest: format!("{:032x}", digest.digest128()), files: files.len() as u64 }
}

/// The error of a database that can't be inspected.
fn unreadable(spec: &SourceSpec, path: &Path, error: &io::Error) -> DataFusionError {
    let (problem, help) = local_file::problem(path, error);
    UnreadableSource::error(format!("{}: `{}` {problem}\n  hint: {help}", spec.name, spec.location))
}

/// Adds the files' content to a digest.
fn content(found: &[SourceFile], digest: &mut Xxh3, runtime: &Handle) -> Result<(), DataFusionError> {
    let mut bytes = vec![0; BLOCK];
    for file in found {
        let failed = |error: io::Error| UnreadableSource::error(format!("{}: {error}", file.name));
        let mut file = file.open(runtime).map_err(failed)?;
        loop {
            match io::Read::read(&mut file, &mut bytes).map_err(failed)? {
                0 => break,
                read => digest.update(&bytes[..read]),
            }
        }
    }
    Ok(())
}

/// Returns when a source was last modified: its newest file, or its database. `None` if unknown.
pub(super) async fn modified(
    spec: &SourceSpec,
    session: &dyn Session,
) -> Result<Option<DateTime<Utc>>, DataFusionError> {
    if matches!(spec.format, SourceFormat::Sqlite { .. }) {
        let spec = spec.clone();
        let last = on_disk(move || {
            let path = spec.base.join(&spec.location);
            last_write(&path).map_err(|error| unreadable(&spec, &path, &error))
        });
        return Ok(Some(last.await?));
    }
    Ok(files::list(spec, session).await?.into_iter().map(|file| file.modified).max())
}

/// Returns when the database at a path was last written to.
fn last_write(path: &Path) -> io::Result<DateTime<Utc>> {
    let database = fs::metadata(path)?.modified()?;
    let pending = write_ahead_log(path)?.map(|log| log.modified()).transpose()?;
    Ok(pending.map_or(database, |pending| pending.max(database)).into())
}

/// Returns the state of a database's write-ahead log. In WAL mode commits go there, and the database file
/// doesn't change until a checkpoint. A log without frames counts as none, because readers create and remove
/// such logs.
fn pending(path: &Path) -> io::Result<Vec<u8>> {
    let Some(log) = write_ahead_log(path)? else { return Ok(Vec::new()) };
    let modified = log.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut state = format!("wal {}/{modified}/", log.len()).into_bytes();
    // After a checkpoint the log restarts from the beginning, with new salts in its header.
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(wal(path))?, WAL_HEADER), &mut state)?;
    Ok(state)
}

/// Returns the metadata of a database's write-ahead log, if it exists and has frames.
fn write_ahead_log(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(wal(path)) {
        Ok(log) => Ok(Some(log).filter(|log| log.len() > WAL_HEADER)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn change_counter(path: &Path) -> io::Result<[u8; 4]> {
    use io::Read;
    let mut header = [0; CHANGE_COUNTER.end];
    let mut counter = [0; 4];
    match fs::File::open(path)?.read_exact(&mut header) {
        Ok(()) => counter.copy_from_slice(&header[CHANGE_COUNTER]),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    Ok(counter)
}

fn stamp(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    Ok(format!("{}/{modified}", metadata.len()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::source::{DateUnit, Drift, OnError};

    /// Returns the state, and the time of the last modification.
    async fn look(spec: &SourceSpec) -> (String, DateTime<Utc>) {
        let session = datafusion::prelude::SessionContext::new().state();
        let state = state(spec, &session).await.unwrap();
        (state.digest, modified(spec, &session).await.unwrap().unwrap())
    }

    #[tokio::test]
    async fn a_commit_in_the_write_ahead_log_is_another_state() {
        let directory = TempDir::new().unwrap();
        let writer = rusqlite::Connection::open(directory.path().join("a.db")).unwrap();
        writer
            .execute_batch("pragma journal_mode = wal; create table t (id); insert into t values (1);")
            .unwrap();
        let spec = SourceSpec {
            name: "db.t".to_owned(),
            format: SourceFormat::Sqlite { table: "t".to_owned(), date_unit: DateUnit::Seconds },
            location: "a.db".to_owned(),
            base: directory.path().to_owned(),
            columns: Vec::new(),
            on_error: OnError::SetAside,
            identity: Identity::Stamp,
            drift: Drift::default(),
            text: crate::source::TextOptions::default(),
        };
        let first = look(&spec).await;
        assert_eq!(look(&spec).await, first, "looking changes nothing");
        writer.execute_batch("insert into t values (2);").unwrap();
        let second = look(&spec).await;
        assert!(second.0 != first.0 && second.1 >= first.1);
        // After a checkpoint the log restarts, possibly with the same length.
        writer.execute_batch("pragma wal_checkpoint(restart); insert into t values (3);").unwrap();
        assert_ne!(look(&spec).await.0, second.0);
    }
}
