//! Removing what one dead run left behind: the files in its diary that no commit refers to, what a disk's
//! store had not given its name yet, and the folders that are empty then.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use deltalake::logstore::commit_uri_from_version;
use futures::TryStreamExt;
use object_store::{Error, ObjectStoreExt, path::Path as Location};

use super::{Diary, Note, local};
use crate::lake::{
    error::{LakeError, READ},
    mount,
    store::MARKER,
};

/// The first entry of a log.
const FIRST: &str = "00000000000000000000.json";

/// What is being done when files of a dead run are removed.
pub(super) const CLEAN: &str = "remove files of a run that was killed from";

/// Removes what these notes announced and nobody published; how many files that were.
pub(super) async fn clean(diary: &Diary, run: &str, notes: &[Note]) -> Result<usize, LakeError> {
    let notes: Vec<&Note> = notes.iter().filter(|note| note.is_sound()).collect();
    let mut published = BTreeMap::new();
    for note in &notes {
        if let Note::Commit { table, version } = note {
            let found = committed(diary, table, *version).await?;
            published.entry(table.as_str()).or_insert_with(Vec::new).push(found);
        }
    }
    let mut files: Vec<&str> = notes
        .iter()
        .filter_map(|note| match note {
            Note::File(file) => Some(file.as_str()),
            Note::Commit { .. } => None,
        })
        .collect();
    // A marker says what the other files are; it goes after them.
    files.sort_by_key(|file| (file.contains(MARKER), *file));
    let mut removed = 0;
    let mut logs = BTreeMap::new();
    for file in &files {
        let table = published.iter().find(|(table, _)| file.starts_with(&format!("{table}/")));
        let named = match table {
            Some((_, commits)) => commits.iter().any(|commit| commit.names(file)),
            // No commit was announced. That none was made is believed only of a log that has no word of the
            // file.
            None => logged(diary, file, &mut logs).await?,
        };
        if !named {
            removed += remove(diary, file).await?;
        }
    }
    if let Some(folder) = &diary.folder {
        for note in &notes {
            if let Note::Commit { table, version } = note {
                removed += unwritten(&folder.join(table).join("_delta_log"), *version, run)
                    .map_err(|error| LakeError::of_store(CLEAN, table, io(error)))?;
            }
        }
        remove_empty(folder, &files, &published.keys().copied().collect::<Vec<_>>());
    }
    Ok(removed)
}

/// What became of a commit that was announced.
enum Committed {
    /// There is one of its number: these are its words, whoever wrote it.
    Says(Bytes),
    /// There is none of its number.
    Never,
    /// The log begins later, so nobody knows any more.
    Forgotten,
}

impl Committed {
    /// Whether it may have made the file everybody's. Names of data files are like no others.
    fn names(&self, file: &str) -> bool {
        let name = file.rsplit('/').next().unwrap_or(file);
        match self {
            Self::Says(entry) => String::from_utf8_lossy(entry).contains(name),
            Self::Never => false,
            Self::Forgotten => !name.starts_with(MARKER),
        }
    }
}

async fn committed(diary: &Diary, table: &str, version: u64) -> Result<Committed, LakeError> {
    let failed = |error| LakeError::of_store(READ, table, error);
    let table = located(diary, table);
    let entry: Location = table.parts().chain(commit_uri_from_version(Some(version)).parts()).collect();
    match diary.store.get(&entry).await {
        Ok(found) => return found.bytes().await.map(Committed::Says).map_err(failed),
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(failed(error)),
    }
    let later = diary.store.list_with_offset(Some(&table.join("_delta_log")), &entry).try_next().await;
    // A folder that is not there has nothing in it.
    Ok(match later {
        Ok(None) | Err(Error::NotFound { .. }) => Committed::Never,
        Ok(Some(_)) => Committed::Forgotten,
        Err(error) => return Err(failed(error)),
    })
}

/// Returns whether the log of a file's table has added the file, or may have: its first entries may be gone. `logs` has
/// what was read, by the folder of the table.
async fn logged(diary: &Diary, file: &str, logs: &mut BTreeMap<String, Added>) -> Result<bool, LakeError> {
    let name = file.rsplit('/').next().unwrap_or(file);
    if name.starts_with(MARKER) {
        return Ok(false);
    }
    for (end, _) in file.rmatch_indices('/') {
        let table = &file[..end];
        if !logs.contains_key(table) {
            logs.insert(table.to_owned(), added(diary, table).await?);
        }
        match logs.get(table) {
            Some(Added::Unknown) => return Ok(true),
            Some(Added::Names(names)) => return Ok(names.contains(name)),
            // The folder of a partition, or there is no table yet.
            Some(Added::NoLog) | None => {}
        }
    }
    Ok(false)
}

/// The files that a table's log has added.
enum Added {
    /// There is no log in this folder.
    NoLog,
    /// The log's first entries are gone.
    Unknown,
    /// Their names, without folders.
    Names(BTreeSet<String>),
}

async fn added(diary: &Diary, table: &str) -> Result<Added, LakeError> {
    let failed = |error| LakeError::of_store(READ, table, error);
    let folder = located(diary, table).join("_delta_log");
    let mut entries: Vec<Location> = match diary.store.list(Some(&folder)).try_collect::<Vec<_>>().await {
        Ok(entries) => entries.into_iter().map(|entry| entry.location).collect(),
        Err(Error::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(failed(error)),
    };
    entries.retain(|entry| entry.extension() == Some("json"));
    entries.sort();
    match entries.first() {
        None => return Ok(Added::NoLog),
        Some(first) if first.filename() != Some(FIRST) => return Ok(Added::Unknown),
        Some(_) => {}
    }
    let mut names = BTreeSet::new();
    for entry in &entries {
        let words = diary.store.get(entry).await.map_err(failed)?.bytes().await.map_err(failed)?;
        for line in words.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // What can't be read may tell of any file.
            let Ok(action) = serde_json::from_slice::<serde_json::Value>(line) else {
                return Ok(Added::Unknown);
            };
            if let Some(path) = action.pointer("/add/path").and_then(serde_json::Value::as_str) {
                names.insert(path.rsplit('/').next().unwrap_or(path).to_owned());
            }
        }
    }
    Ok(Added::Names(names))
}

fn located(diary: &Diary, place: &str) -> Location {
    let renamed = diary.folder.is_some().then(|| mount::renamed(place, mount::encode));
    let place = renamed.as_deref().unwrap_or(place);
    // Not `Location::from`, which would encode what is encoded.
    let place = Location::parse(place).unwrap_or_else(|_| Location::from(place));
    diary.prefix.parts().chain(place.parts()).collect()
}

/// Removes a file, and on a disk what was to become it; how many files that were.
async fn remove(diary: &Diary, file: &str) -> Result<usize, LakeError> {
    let failed = |error| LakeError::of_store(CLEAN, file, error);
    let location = located(diary, file);
    let mut removed = 0;
    // Asked first: some stores delete what is not there without a word.
    match diary.store.head(&location).await {
        Ok(_) => {
            diary.store.delete(&location).await.map_err(failed)?;
            removed += 1;
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(folder) = &diary.folder {
        for temporary in local::temporaries(&folder.join(file)) {
            std::fs::remove_file(temporary).map_err(|error| failed(io(error)))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes from a log on a disk what was to become a commit of the dead run, or a summary beside it. What
/// another run is just writing has that run's id in it.
fn unwritten(log: &Path, version: u64, run: &str) -> std::io::Result<usize> {
    let Ok(entries) = std::fs::read_dir(log) else { return Ok(0) };
    let number = format!("{version:020}");
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(becomes) = local::becomes(&name) else { continue };
        let own = if becomes == format!("{number}.json") {
            let text = std::fs::read(&path).unwrap_or_default();
            text.is_empty() || String::from_utf8_lossy(&text).contains(run)
        } else {
            becomes.starts_with(&number) || becomes == "_last_checkpoint"
        };
        if own {
            std::fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes the folders of these files and tables that are empty, up to the lake's own.
fn remove_empty(root: &Path, files: &[&str], tables: &[&str]) {
    let logs = tables.iter().map(|table| root.join(table).join("_delta_log"));
    let folders = files.iter().filter_map(|file| root.join(file).parent().map(Path::to_owned)).chain(logs);
    let all: BTreeSet<PathBuf> = folders
        .flat_map(|folder| folder.ancestors().map(Path::to_owned).collect::<Vec<_>>())
        .filter(|folder| folder.starts_with(root) && folder != root)
        .collect();
    // Deepest first: a folder sorts before what is in it.
    for folder in all.iter().rev() {
        // Fails on a folder with anything in it, which is the point.
        let _ = std::fs::remove_dir(folder);
    }
}

/// A disk's error as a store's.
pub(super) fn io(error: std::io::Error) -> Error {
    Error::Generic { store: "LocalFileSystem", source: Box::new(error) }
}
