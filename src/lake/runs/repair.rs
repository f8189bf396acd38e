//! Which runs are dead, and that each is cleaned up after once.

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

/// What a repair did.
#[derive(Debug, Default)]
pub struct Repair {
    /// The dead runs that left files behind, which are gone now.
    pub done: Vec<Repaired>,
    /// What could not be repaired, and why; the next run tries again.
    pub failed: Vec<LakeError>,
}

impl Lake {
    /// Removes what runs that were killed left behind. Touches nothing of a run that lives, nothing that is published
    /// and nothing that is not known to be a dead run's. Does nothing to a lake without a run of its own
    /// ([`Lake::with_run`]). What goes wrong is among what it returns: none of it keeps a run from going on.
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

    /// Takes note of how one run's repair ended; whether all of it is done.
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

/// The lock of a dead run's diary is held until its repair is over, so each is repaired by one run only.
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

/// What a dead run noted is taken over into this run's own diary first, then its diary goes, so that it learns of its
/// death if it wakes up; then its files. If this run dies too, its own diary tells of them.
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
    // A sign of life of this run, whose time is the store's now.
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
