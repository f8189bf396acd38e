//! The state that a source's data is in: what must differ if its rows do.

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
    files::{self, SourceFile},
    spec::{Identity, SourceFormat, SourceSpec},
};

/// How much of a file is read at once.
const BLOCK: usize = 1 << 16;

/// The bytes of an SQLite header that count the changes of the file (its format's section 1.3).
const CHANGE_COUNTER: std::ops::Range<usize> = 24..28;

/// The bytes of a write-ahead log before its first frame (its format's section 4.1).
const WAL_HEADER: u64 = 32;

/// What tells the states of a source's data apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// A digest, in hexadecimal: for files of the set of their paths, sizes and modification times, or of what they
    /// hold; for an SQLite database of its change counter, size and modification time, and of its write-ahead log.
    pub digest: String,
    /// How many files it is.
    pub files: u64,
}

/// The state that a source is in. No row is read, unless the content is what counts.
pub async fn state(spec: &SourceSpec, session: &dyn Session) -> Result<SourceState, DataFusionError> {
    if let SourceFormat::Sqlite { table, .. } = &spec.format {
        return Ok(database_state(&spec.base.join(&spec.location), table)?);
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
    let read = tokio::task::spawn_blocking(move || content(&found, &mut digest, &runtime).map(|()| digest));
    let digest = read.await.map_err(|error| DataFusionError::External(Box::new(error)))??;
    Ok(SourceState { digest: format!("{:032x}", digest.digest128()), files })
}

/// The state of a table or view of the SQLite database at a path.
pub(super) fn database_state(path: &Path, table: &str) -> io::Result<SourceState> {
    let mut digest = Xxh3::new();
    digest.update(table.as_bytes());
    digest.update(&change_counter(path)?);
    digest.update(stamp(path)?.as_bytes());
    digest.update(&pending(path)?);
    Ok(SourceState { digest: format!("{:032x}", digest.digest128()), files: 1 })
}

/// The state of a source that is these files.
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

/// Adds all that the files hold to a digest.
fn content(found: &[SourceFile], digest: &mut Xxh3, runtime: &Handle) -> io::Result<()> {
    let mut bytes = vec![0; BLOCK];
    for file in found {
        let mut file = file.open(runtime)?;
        loop {
            match io::Read::read(&mut file, &mut bytes)? {
                0 => break,
                read => digest.update(&bytes[..read]),
            }
        }
    }
    Ok(())
}

/// When a source was last modified: the newest of its files, or its database; none if the store does not say.
pub async fn modified(
    spec: &SourceSpec,
    session: &dyn Session,
) -> Result<Option<DateTime<Utc>>, DataFusionError> {
    if matches!(spec.format, SourceFormat::Sqlite { .. }) {
        let path = spec.base.join(&spec.location);
        let database = fs::metadata(&path)?.modified()?;
        let pending = write_ahead_log(&path)?.map(|log| log.modified()).transpose()?;
        return Ok(Some(pending.map_or(database, |pending| pending.max(database)).into()));
    }
    Ok(files::list(spec, session).await?.into_iter().map(|file| file.modified).max())
}

/// What tells the states of a database's write-ahead log apart: what was committed in WAL mode lies there, and the database
/// file stays as it is until a checkpoint. A log without a frame is as none: readers make and remove such.
fn pending(path: &Path) -> io::Result<Vec<u8>> {
    let Some(log) = write_ahead_log(path)? else { return Ok(Vec::new()) };
    let modified = log.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut state = format!("wal {}/{modified}/", log.len()).into_bytes();
    // The log is written again from its start after a checkpoint: its header has other salts then.
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(wal(path))?, WAL_HEADER), &mut state)?;
    Ok(state)
}

/// The metadata of a database's write-ahead log, if it has one with anything in it.
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
    use crate::engine::source::{DateUnit, Drift, OnError};

    /// The state, and when it was last modified.
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
            text: crate::engine::source::TextOptions::default(),
        };
        let first = look(&spec).await;
        assert_eq!(look(&spec).await, first, "looking changes nothing");
        writer.execute_batch("insert into t values (2);").unwrap();
        let second = look(&spec).await;
        assert!(second.0 != first.0 && second.1 >= first.1);
        // The log is begun again after a checkpoint, and may be as long as it was.
        writer.execute_batch("pragma wal_checkpoint(restart); insert into t values (3);").unwrap();
        assert_ne!(look(&spec).await.0, second.0);
    }
}
