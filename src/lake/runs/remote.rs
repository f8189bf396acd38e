//! A diary in an object store: it is written from scratch with each note, and every few seconds to show that the run
//! lives.
//! Times are the store's own, which all runs share.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, Result, path::Path as Location};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

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

/// This run's diary. A thread of its own keeps it, with a runtime and connections of its own: however long the queries
/// of this process keep all others busy, the run shows that it lives.
#[derive(Debug)]
pub(super) struct Beating {
    requests: mpsc::UnboundedSender<Request>,
}

/// The run was silent for so long that another took it for dead.
#[derive(Debug)]
pub(super) struct Lost;

#[derive(Debug)]
enum Request {
    Write(String, oneshot::Sender<Result<Result<(), Lost>>>),
    Check(oneshot::Sender<Result<Result<(), Lost>>>),
    Remove(oneshot::Sender<Result<()>>),
}

impl Beating {
    /// Makes the diary, and a thread that keeps it alive until it is removed or dropped.
    pub(super) async fn open(
        store: Arc<dyn ObjectStore>,
        at: Location,
        pace: Pace,
        text: String,
    ) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(of_thread)?;
        let (requests, received) = mpsc::unbounded_channel();
        let lease = Lease { store, at, pace, text: String::new(), last: SystemTime::now(), lost: false };
        thread::Builder::new()
            .name("headwater-lease".to_owned())
            .spawn(move || runtime.block_on(lease.keep(received)))
            .map_err(of_thread)?;
        let beating = Self { requests };
        // A new diary is nobody's to take away.
        beating.write(text).await?.ok();
        Ok(beating)
    }

    /// Writes the diary from scratch, unless it was taken away.
    pub(super) async fn write(&self, text: String) -> Result<Result<(), Lost>> {
        self.ask(|reply| Request::Write(text, reply)).await?
    }

    /// Returns whether others still take this run for alive. Asks the store only after a silence.
    pub(super) async fn check(&self) -> Result<Result<(), Lost>> {
        self.ask(Request::Check).await?
    }

    /// Takes the diary away.
    pub(super) async fn remove(self) -> Result<()> {
        self.ask(Request::Remove).await?
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

fn of_thread(error: io::Error) -> Error {
    Error::Generic { store: "lease", source: error.into() }
}

/// Its thread panicked.
fn ended() -> Error {
    of_thread(io::Error::other("the thread that keeps the journal has ended"))
}

/// What the thread keeps.
struct Lease {
    store: Arc<dyn ObjectStore>,
    at: Location,
    pace: Pace,
    /// What stands in the diary.
    text: String,
    /// By a clock that goes on while the machine sleeps.
    last: SystemTime,
    lost: bool,
}

impl Lease {
    async fn keep(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut next = Instant::now() + self.pace.beat;
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                () = tokio::time::sleep_until(next) => {
                    // A beat that fails is followed by others; what is lost is told when something is published.
                    let _ = self.write().await;
                    next = Instant::now() + self.pace.beat;
                    continue;
                }
            };
            // Whoever asked may have been cancelled meanwhile.
            match request {
                Some(Request::Write(text, reply)) => {
                    self.text = text;
                    let _ = reply.send(self.write().await);
                    next = Instant::now() + self.pace.beat;
                }
                Some(Request::Check(reply)) => drop(reply.send(self.check().await)),
                Some(Request::Remove(reply)) => {
                    let _ = reply.send(self.remove().await);
                    return;
                }
                None => return,
            }
        }
    }

    async fn write(&mut self) -> Result<Result<(), Lost>> {
        if self.check().await?.is_err() {
            return Ok(Err(Lost));
        }
        let now = SystemTime::now();
        self.store.put(&self.at, self.text.clone().into()).await?;
        self.last = now;
        Ok(Ok(()))
    }

    async fn check(&mut self) -> Result<Result<(), Lost>> {
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

    async fn remove(&self) -> Result<()> {
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
