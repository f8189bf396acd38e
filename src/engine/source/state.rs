//! The state that a source's data is in: what must differ if its rows do.

use std::{fs, io, path::Path, time::UNIX_EPOCH};

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

/// What tells the states of a source's data apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// A digest, in hexadecimal: for files of the set of their paths, sizes and modification times, or of what they
    /// hold; for an SQLite database of its change counter, size and modification time.
    pub digest: String,
    /// How many files it is.
    pub files: u64,
}

/// The state that a source is in. No row is read, unless the content is what counts.
pub async fn state(spec: &SourceSpec, session: &dyn Session) -> Result<SourceState, DataFusionError> {
    let mut digest = Xxh3::new();
    let mut files = 1;
    if let SourceFormat::Sqlite { table } = &spec.format {
        let path = spec.base.join(&spec.location);
        digest.update(table.as_bytes());
        digest.update(&change_counter(&path)?);
        digest.update(stamp(&path)?.as_bytes());
    } else if spec.identity == Identity::Content {
        // The same bytes are other rows under other types.
        for (name, data_type) in &spec.columns {
            digest.update(format!("{name} {data_type}\n").as_bytes());
        }
        let found = files::list(spec, session).await?;
        files = found.len() as u64;
        let runtime = Handle::current();
        let read =
            tokio::task::spawn_blocking(move || content(&found, &mut digest, &runtime).map(|()| digest));
        digest = read.await.map_err(|error| DataFusionError::External(Box::new(error)))??;
    } else {
        return Ok(of_files(&files::list(spec, session).await?));
    }
    Ok(SourceState { digest: format!("{:032x}", digest.digest128()), files })
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
        return Ok(Some(fs::metadata(spec.base.join(&spec.location))?.modified()?.into()));
    }
    Ok(files::list(spec, session).await?.into_iter().map(|file| file.modified).max())
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
