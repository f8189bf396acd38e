//! Cleans up after one killed run: removes the files in its journal that no commit refers to, temporary files
//! of the local store, and folders left empty.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use deltalake::logstore::commit_uri_from_version;
use futures::TryStreamExt;
use object_store::{Error, ObjectStoreExt, path::Path as Location};

use super::{Journal, JournalEntry, links::link_above, local_journal};
use crate::lake::{
    error::LakeError,
    error_cause::{causes, is_too_long},
    guarded_store::EmptyEntry,
    layout::{LOG, MARKER},
    mount,
    operation::LakeOperation,
    synced_disk::{store_error, temporaries},
};

/// The first entry of a log.
const FIRST: &str = "00000000000000000000.json";

/// Removes the files that these entries announced and that were never published. Returns the number of files
/// removed.
///
/// # Errors
/// If any of them can't be removed, once all others are.
pub(super) async fn clean_up(
    journal: &Journal,
    run: &str,
    entries: &[JournalEntry],
) -> Result<usize, LakeError> {
    let entries: Vec<&JournalEntry> = entries.iter().filter(|entry| entry.is_sound()).collect();
    let mut published = BTreeMap::new();
    for entry in &entries {
        if let JournalEntry::Commit { table, version } = entry {
            let found = committed(journal, table, *version).await?;
            published.entry(table.as_str()).or_insert_with(Vec::new).push(found);
        }
    }
    let mut files: Vec<&str> = entries
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::File(file) => Some(file.as_str()),
            JournalEntry::Commit { .. } => None,
        })
        .collect();
    // Remove markers last, because they identify the other files.
    files.sort_by_key(|file| (file.contains(MARKER), *file));
    let (mut removed, mut failure) = (0, None);
    let mut logs = BTreeMap::new();
    for file in &files {
        if file.contains(MARKER) && failure.is_some() {
            break;
        }
        let table = published.iter().find(|(table, _)| file.starts_with(&format!("{table}/")));
        let named = match table {
            Some((_, commits)) => commits.iter().any(|commit| commit.names(file)),
            // No commit was announced. Trust that none was made only if the log doesn't mention the file.
            None => logged(journal, file, &mut logs).await?,
        };
        if !named {
            match remove(journal, file).await {
                Ok(files) => removed += files,
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
    }
    if let Some(folder) = &journal.folder {
        for entry in &entries {
            if let JournalEntry::Commit { table, version } = entry {
                match remove_unwritten(folder, table, *version, run) {
                    Ok(files) => removed += files,
                    Err(error) => drop(failure.get_or_insert(error)),
                }
            }
        }
        remove_empty(folder, &files, &published.keys().copied().collect::<Vec<_>>());
    }
    failure.map_or(Ok(removed), Err)
}

/// The result of an announced commit.
enum Committed {
    /// A commit with its version exists, possibly another writer's; this is its content.
    Says(Bytes),
    /// No commit with its version exists.
    Never,
    /// The log starts later, so the result is unknown.
    Forgotten,
}

impl Committed {
    /// Returns true if the commit may have published the file. Names of data files are unique.
    fn names(&self, file: &str) -> bool {
        let name = file.rsplit('/').next().unwrap_or(file);
        match self {
            Self::Says(entry) => String::from_utf8_lossy(entry).contains(name),
            Self::Never => false,
            Self::Forgotten => !name.starts_with(MARKER),
        }
    }
}

async fn committed(journal: &Journal, place: &str, version: u64) -> Result<Committed, LakeError> {
    let failed = |error| LakeError::of_store(LakeOperation::Read, place, error);
    let table = located(journal, place);
    let entry: Location = table.parts().chain(commit_uri_from_version(Some(version)).parts()).collect();
    match journal.store.get(&entry).await {
        Ok(found) => {
            let bytes = found.bytes().await.map_err(failed)?;
            // Its content is lost, so it is unknown which files it published.
            return if bytes.is_empty() {
                Err(LakeError::Corrupt { place: place.to_owned(), source: EmptyEntry { version }.into() })
            } else {
                Ok(Committed::Says(bytes))
            };
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(failed(error)),
    }
    let later = journal.store.list_with_offset(Some(&table.join("_delta_log")), &entry).try_next().await;
    // A missing folder counts as empty.
    Ok(match later {
        Ok(None) | Err(Error::NotFound { .. }) => Committed::Never,
        Ok(Some(_)) => Committed::Forgotten,
        Err(error) => return Err(failed(error)),
    })
}

/// Returns whether the log of a file's table has added the file, or may have, as its first entries may be
/// gone. `logs` caches logs by table folder.
async fn logged(
    journal: &Journal,
    file: &str,
    logs: &mut BTreeMap<String, Added>,
) -> Result<bool, LakeError> {
    let name = file.rsplit('/').next().unwrap_or(file);
    if name.starts_with(MARKER) {
        return Ok(false);
    }
    for (end, _) in file.rmatch_indices('/') {
        let table = &file[..end];
        if !logs.contains_key(table) {
            logs.insert(table.to_owned(), added(journal, table).await?);
        }
        match logs.get(table) {
            Some(Added::Unknown) => return Ok(true),
            Some(Added::Names(names)) => return Ok(names.contains(name)),
            // A partition folder, or there is no table yet.
            Some(Added::NoLog) | None => {}
        }
    }
    Ok(false)
}

/// The files that a table's log has added.
enum Added {
    /// The folder has no log.
    NoLog,
    /// The log's first entries are gone.
    Unknown,
    /// The file names, without folders.
    Names(BTreeSet<String>),
}

async fn added(journal: &Journal, table: &str) -> Result<Added, LakeError> {
    let failed = |error| LakeError::of_store(LakeOperation::Read, table, error);
    let folder = located(journal, table).join("_delta_log");
    let mut entries: Vec<Location> = match journal.store.list(Some(&folder)).try_collect::<Vec<_>>().await {
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
        let words = journal.store.get(entry).await.map_err(failed)?.bytes().await.map_err(failed)?;
        for line in words.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // An unreadable entry may refer to any file.
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

fn located(journal: &Journal, place: &str) -> Location {
    let renamed = journal.folder.is_some().then(|| mount::renamed(place, mount::encode));
    let place = renamed.as_deref().unwrap_or(place);
    // `Location::from` would encode what is already encoded.
    let place = Location::parse(place).unwrap_or_else(|_| Location::from(place));
    journal.prefix.parts().chain(place.parts()).collect()
}

/// Removes a file and, on a local disk, its temporary files. Returns the number of files removed.
async fn remove(journal: &Journal, file: &str) -> Result<usize, LakeError> {
    let failed = |error| LakeError::of_store(LakeOperation::CleanUp, file, error);
    let location = located(journal, file);
    let mut removed = 0;
    if let Some(folder) = &journal.folder
        && let Some(link) = link_above(folder, file)
    {
        let path = folder.join(file);
        let is_left = path.exists() || temporaries(&path).next().is_some();
        return if is_left { Err(behind(&link, &path)) } else { Ok(0) };
    }
    // Check first: some stores silently ignore deletes of missing files.
    match journal.store.head(&location).await {
        Ok(_) => {
            journal.store.delete(&location).await.map_err(failed)?;
            removed += 1;
        }
        Err(Error::NotFound { .. }) => {}
        // No file can have such a name.
        Err(error) if causes(&error).any(is_too_long) => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(folder) = &journal.folder {
        for temporary in temporaries(&folder.join(file)) {
            std::fs::remove_file(temporary).map_err(|error| failed(store_error(error)))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Returns the error for a file that a symbolic link leads to.
fn behind(link: &Path, file: &Path) -> LakeError {
    let link = link.display();
    let source = std::io::Error::other(format!(
        "{link} is a symbolic link, and nothing is removed through one; no commit refers to the file: remove it yourself"
    ));
    LakeError::of_store(LakeOperation::CleanUp, &file.display().to_string(), store_error(source))
}

/// Removes the temporary files of the killed run's commit or checkpoint from the log of a table in this lake.
/// Returns their number.
fn remove_unwritten(root: &Path, table: &str, version: u64, run: &str) -> Result<usize, LakeError> {
    let failed = |error| LakeError::of_store(LakeOperation::CleanUp, table, store_error(error));
    let log = format!("{table}/{LOG}");
    let files = unwritten(&root.join(&log), version, run).map_err(failed)?;
    if let (Some(link), Some(file)) = (link_above(root, &log), files.first()) {
        return Err(behind(&link, file));
    }
    for file in &files {
        std::fs::remove_file(file).map_err(failed)?;
    }
    Ok(files.len())
}

/// Returns the temporary files of the killed run's commit or checkpoint in a local log. Another run's commit
/// in progress contains that run's id.
fn unwritten(log: &Path, version: u64, run: &str) -> std::io::Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(log) else { return Ok(Vec::new()) };
    let number = format!("{version:020}");
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(becomes) = local_journal::becomes(&name) else { continue };
        let own = if becomes == format!("{number}.json") {
            let text = std::fs::read(&path).unwrap_or_default();
            text.is_empty() || String::from_utf8_lossy(&text).contains(run)
        } else {
            becomes.starts_with(&number) || becomes == "_last_checkpoint"
        };
        if own {
            found.push(path);
        }
    }
    Ok(found)
}

/// Removes the empty folders of these files and tables, up to the lake's root.
fn remove_empty(root: &Path, files: &[&str], tables: &[&str]) {
    let logs = tables.iter().map(|table| root.join(table).join("_delta_log"));
    let folders = files.iter().filter_map(|file| root.join(file).parent().map(Path::to_owned)).chain(logs);
    let all: BTreeSet<PathBuf> = folders
        .flat_map(|folder| folder.ancestors().map(Path::to_owned).collect::<Vec<_>>())
        .filter(|folder| folder.starts_with(root) && folder != root)
        .filter(|folder| {
            let below = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
            link_above(root, &below).is_none()
        })
        .collect();
    // Deepest first: a folder sorts before its contents.
    for folder in all.iter().rev() {
        // Fails if the folder isn't empty, which is intended.
        let _ = std::fs::remove_dir(folder);
    }
}
