//! Repairs: finds killed runs and cleans up after each exactly once.

use std::path::Path;

use object_store::{Error, ObjectStoreExt};

use super::{
    Diary,
    clean::{CLEAN, clean, io},
    local,
    note::notes,
    remote,
};
use crate::{
    lake::{error::LakeError, store::Lake},
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

impl Lake {
    /// Removes what killed runs left behind. Touches nothing that is published, belongs to a live run, or
    /// isn't known to be a killed run's. Does nothing unless the lake belongs to a run ([`Lake::with_run`]).
    /// Failures are part of the result; none of them stops a run.
    pub async fn repair(&self) -> Repair {
        let Some(diary) = self.diary() else { return Repair::default() };
        match &diary.folder {
            Some(folder) => repair_local(diary, folder).await,
            None => repair_remote(diary).await,
        }
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
async fn repair_local(diary: &Diary, folder: &Path) -> Repair {
    let failed = |error| LakeError::of_store(CLEAN, &folder.display().to_string(), io(error));
    let dead = match local::dead(folder) {
        Ok(dead) => dead,
        Err(error) => return Repair::of(failed(error)),
    };
    let mut repair = Repair::default();
    for dead in dead {
        let cleaned = clean(diary, &dead.run, &notes(&dead.text)).await;
        if repair.add(&dead.run.clone(), cleaned)
            && let Err(error) = dead.remove()
        {
            repair.failed.push(failed(error));
        }
    }
    repair
}

/// Repairs a lake in an object store. First copies a killed run's entries to this run's own journal, then
/// removes the killed run's journal, so that the run learns of its lost lease if it wakes up, and then
/// removes its files. If this run dies too, its own journal has the entries.
async fn repair_remote(diary: &Diary) -> Repair {
    let place = diary.location().to_string();
    let failed = |error| LakeError::of_store(CLEAN, &place, error);
    let others = async {
        let all = remote::list(diary.store.as_ref(), &diary.diaries()).await?;
        Ok(all.iter().any(|one| one.location != diary.location()))
    };
    match others.await {
        Ok(true) => {}
        Ok(false) => return Repair::default(),
        Err(error) => return Repair::of(failed(error)),
    }
    // This run's heartbeat, whose modification time is the store's current time.
    if let Err(error) = diary.beat().await {
        return Repair::of(error);
    }
    let dead = match remote::list(diary.store.as_ref(), &diary.diaries()).await {
        Ok(all) => remote::dead(all, &diary.location(), diary.pace),
        Err(error) => return Repair::of(failed(error)),
    };
    let mut repair = Repair::default();
    for one in dead {
        let run = one.location.filename().unwrap_or_default().to_owned();
        let taken = async {
            let text = diary.store.get(&one.location).await?.bytes().await?;
            Ok(notes(&String::from_utf8_lossy(&text)))
        };
        let notes = match taken.await {
            Ok(notes) => notes,
            // Another run was faster.
            Err(Error::NotFound { .. }) => continue,
            Err(error) => return Repair::of(failed(error)),
        };
        let cleaned = async {
            diary.note(notes.iter().cloned()).await?;
            diary.store.delete(&one.location).await.map_err(failed)?;
            clean(diary, &run, &notes).await
        };
        if repair.add(&run, cleaned.await) {
            diary.settle(&notes);
        }
    }
    repair
}
