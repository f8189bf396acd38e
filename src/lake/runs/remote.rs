//! A diary in an object store: it is written anew with each note, and every few seconds to show that the run lives.
//! Times are the store's own, which all runs share.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, Result, path::Path as Location};
use tokio_util::task::AbortOnDropHandle;

/// How often a run shows that it lives, and what silence means.
#[derive(Debug, Clone, Copy)]
pub(in crate::lake) struct Pace {
    /// Between two signs of life.
    pub(super) beat: Duration,
    /// After this silence a run asks whether it was taken for dead before it goes on.
    pub(super) doubt: Duration,
    /// After this silence a run is dead to others.
    pub(super) dead: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { beat: seconds(15), doubt: seconds(30), dead: seconds(60) }
    }
}

/// This run's diary.
#[derive(Debug)]
pub(super) struct Beating {
    store: Arc<dyn ObjectStore>,
    at: Location,
    pace: Pace,
    /// By a clock that goes on while the machine sleeps.
    last: SystemTime,
    lost: bool,
    _task: AbortOnDropHandle<()>,
}

/// The run was silent for so long that another took it for dead.
#[derive(Debug)]
pub(super) struct Lost;

impl Beating {
    /// Makes the diary; `task` keeps it alive.
    pub(super) async fn open(
        store: Arc<dyn ObjectStore>,
        at: Location,
        pace: Pace,
        text: String,
        task: AbortOnDropHandle<()>,
    ) -> Result<Self> {
        store.put(&at, text.into()).await?;
        Ok(Self { store, at, pace, last: SystemTime::now(), lost: false, _task: task })
    }

    /// Writes the diary anew, unless it was taken away.
    pub(super) async fn write(&mut self, text: String) -> Result<Result<(), Lost>> {
        if self.check().await?.is_err() {
            return Ok(Err(Lost));
        }
        let now = SystemTime::now();
        self.store.put(&self.at, text.into()).await?;
        self.last = now;
        Ok(Ok(()))
    }

    /// Whether others still take this run for alive. Asks the store only after a silence.
    pub(super) async fn check(&mut self) -> Result<Result<(), Lost>> {
        let silent = self.last.elapsed().map_or(true, |silent| silent >= self.pace.doubt);
        if silent && !self.lost {
            match self.store.head(&self.at).await {
                Ok(_) => {}
                Err(Error::NotFound { .. }) => self.lost = true,
                Err(error) => return Err(error),
            }
        }
        Ok(if self.lost { Err(Lost) } else { Ok(()) })
    }

    /// Takes the diary away.
    pub(super) async fn remove(self) -> Result<()> {
        match self.store.delete(&self.at).await {
            Err(Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }
}

/// All diaries in a folder.
pub(super) async fn list(store: &dyn ObjectStore, folder: &Location) -> Result<Vec<ObjectMeta>> {
    store.list(Some(folder)).try_collect().await
}

/// Those of runs that were silent for too long, `own` being alive.
pub(super) fn dead(all: Vec<ObjectMeta>, own: &Location, pace: Pace) -> Vec<ObjectMeta> {
    let Some(now) = all.iter().find(|one| one.location == *own).map(|own| own.last_modified) else {
        return Vec::new();
    };
    all.into_iter()
        .filter(|one| one.location != *own)
        .filter(|one| (now - one.last_modified).to_std().is_ok_and(|silent| silent > pace.dead))
        .collect()
}
