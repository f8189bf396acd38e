//! Repairs: finds killed runs and cleans up after each exactly once.

use std::path::Path;

use object_store::{Error, ObjectStoreExt};

use super::{Journal, cleanup::clean_up, journal_entry::entries, lease, local_journal};
use crate::{
    lake::{error::LakeError, operation::LakeOperation, synced_disk::store_error},
    outcome::Repaired,
};

/// The result of a repair.
#[derive(Debug, Default)]
pub struct Repair {
    /// The killed runs whose files were removed.
    pub done: Vec<Repaired>,
    /// The repairs that failed; the next run tries again.
    pub failed: Vec<LakeError>,
}

/// Removes what killed runs left behind. Touches nothing that is published, belongs to a live run, or isn't
/// known to be a killed run's. Failures are part of the result; none of them stops a run.
pub(in crate::lake) async fn repair(journal: &Journal) -> Repair {
    match &journal.folder {
        Some(folder) => repair_local(journal, folder).await,
        None => repair_remote(journal).await,
    }
}

impl Repair {
    fn of(failure: LakeError) -> Self {
        Self { failed: vec![failure], ..Self::default() }
    }

    /// Records the result of one run's repair. Returns whether it is complete.
    fn add(&mut self, run: &str, cleaned: Result<usize, LakeError>) -> bool {
        let run = run.to_owned();
        match cleaned {
            Ok(0) => {}
            Ok(files) => self.done.push(Repaired { run, files }),
            Err(error) => {
                self.failed.push(error);
                return false;
            }
        }
        true
    }
}

/// Repairs a local lake. Holds the lock of a killed run's journal until its repair is over, so that only one
/// run repairs it.
async fn repair_local(journal: &Journal, folder: &Path) -> Repair {
    let failed = |path: &Path, error| {
        LakeError::of_store(LakeOperation::CleanUp, &path.display().to_string(), store_error(error))
    };
    let journals = match local_journal::paths(folder) {
        Ok(journals) => journals,
        Err(error) => return Repair::of(failed(folder, error)),
    };
    let mut repair = Repair::default();
    for path in journals {
        let abandoned = match local_journal::abandoned(&path) {
            Ok(Some(abandoned)) => abandoned,
            Ok(None) => continue,
            Err(error) => {
                repair.failed.push(LakeError::of_store(
                    LakeOperation::Read,
                    &path.display().to_string(),
                    store_error(error),
                ));
                continue;
            }
        };
        let cleaned = clean_up(journal, &abandoned.run, &entries(&abandoned.text)).await;
        if repair.add(&abandoned.run.clone(), cleaned)
            && let Err(error) = abandoned.remove()
        {
            repair.failed.push(failed(&path, error));
        }
    }
    repair
}

/// Repairs a lake in an object store. First copies a killed run's entries to this run's own journal, then
/// removes the killed run's journal, so that the run learns of its lost lease if it wakes up, and then
/// removes its files. If this run dies too, its own journal has the entries.
async fn repair_remote(journal: &Journal) -> Repair {
    let place = journal.location().to_string();
    let failed = |error| LakeError::of_store(LakeOperation::CleanUp, &place, error);
    let others = async {
        let all = lease::list(journal.store.as_ref(), &journal.journals()).await?;
        Ok(all.iter().any(|one| one.location != journal.location()))
    };
    match others.await {
        Ok(true) => {}
        Ok(false) => return Repair::default(),
        Err(error) => return Repair::of(failed(error)),
    }
    // This run's heartbeat, whose modification time is the store's current time.
    if let Err(error) = journal.heartbeat().await {
        return Repair::of(error);
    }
    let expired = match lease::list(journal.store.as_ref(), &journal.journals()).await {
        Ok(all) => lease::expired(all, &journal.location(), journal.times),
        Err(error) => return Repair::of(failed(error)),
    };
    let mut repair = Repair::default();
    for one in expired {
        let run = one.location.filename().unwrap_or_default().to_owned();
        let taken = async {
            let text = journal.store.get(&one.location).await?.bytes().await?;
            Ok(entries(&String::from_utf8_lossy(&text)))
        };
        let entries = match taken.await {
            Ok(entries) => entries,
            // Another run was faster.
            Err(Error::NotFound { .. }) => continue,
            Err(error) => {
                repair.failed.push(failed(error));
                continue;
            }
        };
        let cleaned = async {
            journal.announce(entries.iter().cloned()).await?;
            journal.store.delete(&one.location).await.map_err(failed)?;
            clean_up(journal, &run, &entries).await
        };
        if repair.add(&run, cleaned.await) {
            journal.settle(&entries);
        }
    }
    repair
}
