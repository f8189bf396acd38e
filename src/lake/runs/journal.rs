//! This run's journal: the writes that it has announced and not settled yet. It is created with the first
//! entry.

use std::{
    collections::BTreeSet,
    fs, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use object_store::{ObjectStore, path::Path as Location};
use url::Url;

use super::{
    FOLDER, JournalEntry,
    journal_entry::{JournalHeader, line},
    journal_error::JournalError,
    lease::{LeaseLost, LeaseTimes, LeasedJournal},
    local_journal::LockedJournal,
};
use crate::lake::{
    directories::Directories, error::LakeError, mount, operation::LakeOperation, root::Root,
    synced_disk::temporaries,
};

/// See the module documentation.
#[derive(Debug)]
pub(in crate::lake) struct Journal {
    pub(super) run: String,
    header: JournalHeader,
    /// The lake's folder, if it is on a local disk.
    pub(super) folder: Option<PathBuf>,
    /// The lake's root in the store.
    pub(super) prefix: Location,
    pub(super) store: Arc<dyn ObjectStore>,
    /// The same store with separate connections, for the heartbeat thread.
    lease_store: Arc<dyn ObjectStore>,
    pub(super) times: LeaseTimes,
    root: Arc<Root>,
    entries: Mutex<JournalEntries>,
    storage: tokio::sync::Mutex<JournalStorage>,
}

#[derive(Debug, Default)]
struct JournalEntries {
    /// The announced writes that are neither published nor removed.
    open: BTreeSet<JournalEntry>,
    /// The entries that aren't in the stored journal yet.
    fresh: Vec<JournalEntry>,
}

/// The storage of the journal.
#[derive(Debug)]
enum JournalStorage {
    Nowhere,
    Local(LockedJournal, Directories),
    Remote(LeasedJournal),
    /// It has ended or can't be kept. If this run is killed, its files won't be cleaned up.
    Closed,
    /// The journal can be neither written nor removed, for this reason. Nothing more may be published,
    /// because a later run would treat the files in the stored journal as unpublished and delete them.
    Stuck(JournalError),
}

impl Journal {
    /// Creates the journal of a run over the lake at `root`. Writes nothing yet.
    pub(in crate::lake) fn new(
        run: &str,
        root: &Arc<Root>,
        store: Arc<dyn ObjectStore>,
        lease_store: Arc<dyn ObjectStore>,
        times: LeaseTimes,
    ) -> Arc<Self> {
        Arc::new(Self {
            run: run.to_owned(),
            header: JournalHeader::new(run),
            folder: root.folder().map(Path::to_owned),
            // A URL path always converts to a location, as it has no empty segments except at its ends.
            prefix: Location::from_url_path(root.mount().path()).unwrap_or_default(),
            store,
            lease_store,
            times,
            root: Arc::clone(root),
            entries: Mutex::default(),
            storage: tokio::sync::Mutex::new(JournalStorage::Nowhere),
        })
    }

    /// Returns the entry that announces a file, by its location in the store.
    pub(in crate::lake) fn file(&self, location: &Location) -> JournalEntry {
        JournalEntry::File(self.relative(location))
    }

    /// Returns the entry that announces a commit to the table at this URL.
    pub(in crate::lake) fn commit(&self, table: &Url, version: u64) -> JournalEntry {
        let table = Location::from_url_path(table.path()).unwrap_or_default();
        JournalEntry::Commit { table: self.relative(&table), version }
    }

    /// Returns a location relative to the lake's root, with names as on disk.
    fn relative(&self, location: &Location) -> String {
        let whole = location.as_ref();
        let below = whole.strip_prefix(self.prefix.as_ref()).unwrap_or(whole).trim_start_matches('/');
        if self.folder.is_some() { mount::renamed(below, mount::decode) } else { below.to_owned() }
    }

    /// Announces writes. Returns once the entries would survive a crash of this process.
    ///
    /// # Errors
    /// If this run lost its lease, or the journal can't be created. One that can't be kept is not an error.
    pub(in crate::lake) async fn announce(
        &self,
        entries: impl IntoIterator<Item = JournalEntry>,
    ) -> Result<(), LakeError> {
        {
            let mut own = self.entries();
            for entry in entries {
                if own.open.insert(entry.clone()) {
                    own.fresh.push(entry);
                }
            }
        }
        let mut storage = self.storage.lock().await;
        // The previous holder of the lock may have written these entries too.
        if self.entries().fresh.is_empty() { Ok(()) } else { self.write(&mut storage).await }
    }

    /// Settles entries whose files are published or removed. An entry stays if its temporary file can't be
    /// removed now; the next run removes it.
    pub(in crate::lake) fn settle<'a>(&self, entries: impl IntoIterator<Item = &'a JournalEntry>) {
        for entry in entries {
            if self.is_tidy(entry) {
                self.entries().open.remove(entry);
            }
        }
    }

    /// Removes temporary files of the local store, which are left only if the disk fails. Returns whether
    /// none are left.
    fn is_tidy(&self, entry: &JournalEntry) -> bool {
        let Some(folder) = &self.folder else { return true };
        let place = match entry {
            JournalEntry::File(file) => folder.join(file),
            JournalEntry::Commit { table, version } => {
                folder.join(table).join(format!("_delta_log/{version:020}.json"))
            }
        };
        // Data files have unique names, but another run may be writing the same log entry.
        let is_own = |temporary: &PathBuf| match entry {
            JournalEntry::File(_) => true,
            JournalEntry::Commit { .. } => {
                fs::read(temporary).is_ok_and(|text| String::from_utf8_lossy(&text).contains(&self.run))
            }
        };
        let left: Vec<PathBuf> = temporaries(&place).filter(is_own).collect();
        left.iter().all(|temporary| fs::remove_file(temporary).is_ok())
    }

    /// Checks before publishing that this run hasn't lost its lease.
    ///
    /// # Errors
    /// If it has, or if the store can't be read.
    pub(in crate::lake) async fn check(&self) -> Result<(), LakeError> {
        let JournalStorage::Remote(journal) = &mut *self.storage.lock().await else { return Ok(()) };
        match journal.check().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(LeaseLost)) => Err(self.lost()),
            Err(error) => Err(LakeError::of_store(LakeOperation::Read, &self.place(), error)),
        }
    }

    /// Writes a heartbeat, and creates the journal if needed.
    pub(super) async fn heartbeat(&self) -> Result<(), LakeError> {
        let mut storage = self.storage.lock().await;
        self.write(&mut storage).await
    }

    /// Ends the journal. If entries are open, it is kept for the next run to repair.
    pub(in crate::lake) async fn end(&self) {
        let storage = mem::replace(&mut *self.storage.lock().await, JournalStorage::Closed);
        if !self.entries().open.is_empty() {
            return;
        }
        let removed = match storage {
            JournalStorage::Nowhere | JournalStorage::Closed | JournalStorage::Stuck(_) => return,
            JournalStorage::Local(journal, directories) => {
                let removed = journal.remove().map_err(JournalError::from);
                directories.remove_empty(&[]);
                removed
            }
            JournalStorage::Remote(journal) => journal.remove().await.map_err(JournalError::from),
        };
        if let Err(error) = removed {
            tracing::warn!("can't remove {}: {error}", self.place());
        }
    }

    pub(super) fn location(&self) -> Location {
        self.journals().join(self.run.as_str())
    }

    pub(super) fn journals(&self) -> Location {
        FOLDER.into_iter().fold(self.prefix.clone(), Location::join)
    }

    async fn write(&self, storage: &mut JournalStorage) -> Result<(), LakeError> {
        let unwritten = self.entries().fresh.clone();
        let publishes = unwritten.iter().any(|entry| matches!(entry, JournalEntry::Commit { .. }));
        let written = match storage {
            JournalStorage::Closed => return Ok(()),
            JournalStorage::Stuck(error) => Err(error.clone()),
            JournalStorage::Nowhere => match self.open().await {
                Ok(JournalStorage::Stuck(error)) => {
                    *storage = JournalStorage::Stuck(error.clone());
                    Err(error)
                }
                Ok(opened) => {
                    *storage = opened;
                    Ok(Ok(()))
                }
                Err(error) => {
                    // No file has been written yet that a later run would have to remove.
                    self.entries().fresh = unwritten;
                    return Err(self.unwritable(error));
                }
            },
            JournalStorage::Local(journal, _) => {
                let lines: String = mem::take(&mut self.entries().fresh).iter().map(line).collect();
                let appended = match journal.append(&lines) {
                    // The files that it announces are synced next, so it must be found with them.
                    Ok(()) if publishes => journal.sync().await,
                    appended => appended,
                };
                appended.map(Ok).map_err(JournalError::from)
            }
            JournalStorage::Remote(journal) => {
                let text = self.text();
                journal.write(text).await.map_err(JournalError::from)
            }
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(LeaseLost)) => Err(self.lost()),
            Err(error) => {
                tracing::warn!(
                    "can't write {}: {error}; if this run is killed, what it leaves behind stays",
                    self.place()
                );
                // A journal that lists the files but not their publication would get them deleted.
                let misleads = match mem::replace(storage, JournalStorage::Closed) {
                    JournalStorage::Local(journal, _) if journal.remove().is_ok() => false,
                    JournalStorage::Local(..) | JournalStorage::Stuck(_) => {
                        *storage = JournalStorage::Stuck(error.clone());
                        true
                    }
                    // The store may respond next time.
                    JournalStorage::Remote(journal) => {
                        *storage = JournalStorage::Remote(journal);
                        publishes
                    }
                    JournalStorage::Nowhere | JournalStorage::Closed => false,
                };
                if !misleads {
                    return Ok(());
                }
                // The next attempt to publish must write these first.
                self.entries().fresh = unwritten;
                Err(self.unwritable(error))
            }
        }
    }

    async fn open(&self) -> Result<JournalStorage, JournalError> {
        let text = self.text();
        if let Some(folder) = &self.folder {
            let directories = Directories::before(Some(folder.clone()), self.root.mount());
            let mut journal = LockedJournal::open(folder, &self.run)?;
            let appended = match journal.append(&text) {
                Ok(()) => journal.sync().await,
                appended => appended,
            };
            return match appended {
                Ok(()) => Ok(JournalStorage::Local(journal, directories)),
                Err(error) if journal.remove().is_ok() => Err(error.into()),
                Err(error) => Ok(JournalStorage::Stuck(error.into())),
            };
        }
        let opened = LeasedJournal::open(Arc::clone(&self.lease_store), self.location(), self.times, text);
        Ok(JournalStorage::Remote(opened.await?))
    }

    /// Renders the whole journal without settled entries.
    fn text(&self) -> String {
        let mut own = self.entries();
        own.fresh.clear();
        line(&self.header) + &own.open.iter().map(line).collect::<String>()
    }

    fn entries(&self) -> MutexGuard<'_, JournalEntries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> String {
        self.root.show() + "/" + &FOLDER.join("/") + "/" + &self.run
    }

    fn unwritable(&self, error: JournalError) -> LakeError {
        LakeError::Storage { operation: LakeOperation::Write, place: self.place(), source: error.into() }
    }

    fn lost(&self) -> LakeError {
        LakeError::LeaseLost { run: self.run.clone() }
    }
}
