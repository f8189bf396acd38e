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
    FOLDER, Note,
    local::{Held, temporaries},
    note::{Heading, line},
    remote::{Beating, Lost, Pace},
};
use crate::lake::{
    error::{LakeError, WRITE},
    mount,
    place::{Directories, Root},
};

/// See the module documentation.
#[derive(Debug)]
pub(in crate::lake) struct Diary {
    pub(super) run: String,
    heading: Heading,
    /// The lake's folder, if it is on a local disk.
    pub(super) folder: Option<PathBuf>,
    /// The lake's root in the store.
    pub(super) prefix: Location,
    pub(super) store: Arc<dyn ObjectStore>,
    /// The same store with separate connections, for the heartbeat thread.
    lease_store: Arc<dyn ObjectStore>,
    pub(super) pace: Pace,
    root: Arc<Root>,
    notes: Mutex<Notes>,
    keeper: tokio::sync::Mutex<Keeper>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The announced writes that are neither published nor removed.
    open: BTreeSet<Note>,
    /// The entries that aren't in the stored journal yet.
    fresh: Vec<Note>,
}

/// The storage of the journal.
#[derive(Debug)]
enum Keeper {
    Nowhere,
    Local(Held, Directories),
    Remote(Beating),
    /// It has ended or can't be kept. If this run is killed, its files won't be cleaned up.
    Closed,
    /// It can neither be kept nor removed, for this reason. Nothing may be published any more, because a
    /// later run would treat the files in the stored journal as unpublished and delete them.
    Stuck(String),
}

impl Diary {
    /// Creates the journal of a run over the lake at `root`. Writes nothing yet.
    pub(in crate::lake) fn new(
        run: &str,
        root: &Arc<Root>,
        store: Arc<dyn ObjectStore>,
        lease_store: Arc<dyn ObjectStore>,
        pace: Pace,
    ) -> Arc<Self> {
        Arc::new(Self {
            run: run.to_owned(),
            heading: Heading::new(run),
            folder: root.folder().map(Path::to_owned),
            // A URL path always converts to a location, as it has no empty segments except at its ends.
            prefix: Location::from_url_path(root.mount().path()).unwrap_or_default(),
            store,
            lease_store,
            pace,
            root: Arc::clone(root),
            notes: Mutex::default(),
            keeper: tokio::sync::Mutex::new(Keeper::Nowhere),
        })
    }

    /// Returns the entry that announces a file, by its location in the store.
    pub(in crate::lake) fn file(&self, location: &Location) -> Note {
        Note::File(self.relative(location))
    }

    /// Returns the entry that announces a commit to the table at this URL.
    pub(in crate::lake) fn commit(&self, table: &Url, version: u64) -> Note {
        let table = Location::from_url_path(table.path()).unwrap_or_default();
        Note::Commit { table: self.relative(&table), version }
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
    /// If this run lost its lease. A journal that can't be kept is not an error.
    pub(in crate::lake) async fn note(&self, notes: impl IntoIterator<Item = Note>) -> Result<(), LakeError> {
        {
            let mut own = self.notes();
            for note in notes {
                if own.open.insert(note.clone()) {
                    own.fresh.push(note);
                }
            }
        }
        let mut keeper = self.keeper.lock().await;
        // The previous holder of the lock may have written these entries too.
        if self.notes().fresh.is_empty() { Ok(()) } else { self.write(&mut keeper).await }
    }

    /// Settles entries whose files are published or removed. An entry stays if its temporary file can't be
    /// removed now; the next run removes it.
    pub(in crate::lake) fn settle<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) {
        for note in notes {
            if self.is_tidy(note) {
                self.notes().open.remove(note);
            }
        }
    }

    /// Removes temporary files of the local store, which are left only if the disk fails. Returns whether
    /// none are left.
    fn is_tidy(&self, note: &Note) -> bool {
        let Some(folder) = &self.folder else { return true };
        let place = match note {
            Note::File(file) => folder.join(file),
            Note::Commit { table, version } => {
                folder.join(table).join(format!("_delta_log/{version:020}.json"))
            }
        };
        // Data files have unique names, but another run may be writing the same log entry.
        let is_own = |temporary: &PathBuf| match note {
            Note::File(_) => true,
            Note::Commit { .. } => {
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
        let Keeper::Remote(beating) = &mut *self.keeper.lock().await else { return Ok(()) };
        match beating.check().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Lost)) => Err(self.lost()),
            Err(error) => Err(LakeError::of_store("read", &self.place(), error)),
        }
    }

    /// Writes a heartbeat, and creates the journal if needed.
    pub(super) async fn beat(&self) -> Result<(), LakeError> {
        let mut keeper = self.keeper.lock().await;
        self.write(&mut keeper).await
    }

    /// Ends the journal. If entries are open, it is kept for the next run to repair.
    pub(in crate::lake) async fn end(&self) {
        let keeper = mem::replace(&mut *self.keeper.lock().await, Keeper::Closed);
        if !self.notes().open.is_empty() {
            return;
        }
        let removed = match keeper {
            Keeper::Nowhere | Keeper::Closed | Keeper::Stuck(_) => return,
            Keeper::Local(held, directories) => {
                let removed = held.remove().map_err(|error| error.to_string());
                directories.remove_empty(&[]);
                removed
            }
            Keeper::Remote(beating) => beating.remove().await.map_err(|error| error.to_string()),
        };
        if let Err(error) = removed {
            tracing::warn!("can't remove {}: {error}", self.place());
        }
    }

    pub(super) fn location(&self) -> Location {
        self.diaries().join(self.run.as_str())
    }

    pub(super) fn diaries(&self) -> Location {
        FOLDER.into_iter().fold(self.prefix.clone(), Location::join)
    }

    async fn write(&self, keeper: &mut Keeper) -> Result<(), LakeError> {
        let unwritten = self.notes().fresh.clone();
        let publishes = unwritten.iter().any(|note| matches!(note, Note::Commit { .. }));
        let written = match keeper {
            Keeper::Closed => return Ok(()),
            Keeper::Stuck(error) => Err(error.clone()),
            Keeper::Nowhere => match self.open().await {
                Ok(Keeper::Stuck(error)) => {
                    *keeper = Keeper::Stuck(error.clone());
                    Err(error)
                }
                Ok(opened) => {
                    *keeper = opened;
                    Ok(Ok(()))
                }
                Err(error) => Err(error),
            },
            Keeper::Local(held, _) => {
                let lines: String = mem::take(&mut self.notes().fresh).iter().map(line).collect();
                held.append(&lines).map(Ok).map_err(|error| error.to_string())
            }
            Keeper::Remote(beating) => {
                let text = self.text();
                beating.write(text).await.map_err(|error| error.to_string())
            }
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Lost)) => Err(self.lost()),
            Err(error) => {
                tracing::warn!(
                    "can't write {}: {error}; if this run is killed, what it leaves behind stays",
                    self.place()
                );
                // A journal that lists the files but not their publication would get them deleted.
                let misleads = match mem::replace(keeper, Keeper::Closed) {
                    Keeper::Local(held, _) if held.remove().is_ok() => false,
                    Keeper::Local(..) | Keeper::Stuck(_) => {
                        *keeper = Keeper::Stuck(error.clone());
                        true
                    }
                    // The store may respond next time.
                    Keeper::Remote(beating) => {
                        *keeper = Keeper::Remote(beating);
                        publishes
                    }
                    Keeper::Nowhere | Keeper::Closed => false,
                };
                if !misleads {
                    return Ok(());
                }
                // The next attempt to publish must write these first.
                self.notes().fresh = unwritten;
                let source = std::io::Error::other(error).into();
                Err(LakeError::Storage { doing: WRITE, place: self.place(), source })
            }
        }
    }

    async fn open(&self) -> Result<Keeper, String> {
        let text = self.text();
        if let Some(folder) = &self.folder {
            let directories = Directories::before(Some(folder.clone()), self.root.mount());
            let mut held = Held::open(folder, &self.run).map_err(|error| error.to_string())?;
            return match held.append(&text) {
                Ok(()) => Ok(Keeper::Local(held, directories)),
                Err(error) if held.remove().is_ok() => Err(error.to_string()),
                Err(error) => Ok(Keeper::Stuck(error.to_string())),
            };
        }
        let opened = Beating::open(Arc::clone(&self.lease_store), self.location(), self.pace, text).await;
        opened.map(Keeper::Remote).map_err(|error| error.to_string())
    }

    /// Renders the whole journal without settled entries.
    fn text(&self) -> String {
        let mut own = self.notes();
        own.fresh.clear();
        line(&self.heading) + &own.open.iter().map(line).collect::<String>()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> String {
        self.root.show() + "/" + &FOLDER.join("/") + "/" + &self.run
    }

    fn lost(&self) -> LakeError {
        LakeError::TakenForDead { run: self.run.clone() }
    }
}
