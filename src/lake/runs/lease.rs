//! A journal in an object store, used as a lease: it is rewritten with each entry, and every few seconds as a
//! heartbeat. Times are those of the store, which all runs share.

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

/// The heartbeat interval and lease times.
#[derive(Debug, Clone, Copy)]
pub(in crate::lake) struct LeaseTimes {
    /// The time between two heartbeats.
    pub(super) heartbeat: Duration,
    /// The silence after which a run checks its lease before it goes on.
    pub(super) doubt: Duration,
    /// The silence after which a lease has expired.
    pub(super) expiry: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { heartbeat: seconds(15), doubt: seconds(30), expiry: seconds(60) }
    }
}

/// This run's journal. It is kept by a thread with its own runtime and connections, so that heartbeats
/// continue even if queries occupy all other threads.
#[derive(Debug)]
pub(super) struct LeasedJournal {
    requests: mpsc::UnboundedSender<LeaseRequest>,
}

/// The run lost its lease: it was silent for too long and another run took its journal.
#[derive(Debug)]
pub(super) struct LeaseLost;

#[derive(Debug)]
enum LeaseRequest {
    Write(String, oneshot::Sender<Result<Result<(), LeaseLost>>>),
    Check(oneshot::Sender<Result<Result<(), LeaseLost>>>),
    Remove(oneshot::Sender<Result<()>>),
}

impl LeasedJournal {
    /// Creates the journal and a thread that sends heartbeats until the journal is removed or dropped.
    #[expect(clippy::disallowed_methods, reason = "the lease is compared with this clock")]
    pub(super) async fn open(
        store: Arc<dyn ObjectStore>,
        at: Location,
        times: LeaseTimes,
        text: String,
    ) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(of_thread)?;
        let (requests, received) = mpsc::unbounded_channel();
        let lease = Lease { store, at, times, text: String::new(), last: SystemTime::now(), lost: false };
        thread::Builder::new()
            .name("headwater-lease".to_owned())
            .spawn(move || runtime.block_on(lease.keep(received)))
            .map_err(of_thread)?;
        let journal = Self { requests };
        // No other run can have claimed a journal that is just being created.
        journal.write(text).await?.ok();
        Ok(journal)
    }

    /// Rewrites the journal, unless the lease is lost.
    pub(super) async fn write(&self, text: String) -> Result<Result<(), LeaseLost>> {
        self.ask(|reply| LeaseRequest::Write(text, reply)).await?
    }

    /// Checks whether this run still holds its lease. Asks the store only after a silence.
    pub(super) async fn check(&self) -> Result<Result<(), LeaseLost>> {
        self.ask(LeaseRequest::Check).await?
    }

    /// Removes the journal.
    pub(super) async fn remove(self) -> Result<()> {
        self.ask(LeaseRequest::Remove).await?
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> LeaseRequest) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

fn of_thread(error: io::Error) -> Error {
    Error::Generic { store: "lease", source: error.into() }
}

/// The error if the thread panicked.
fn ended() -> Error {
    of_thread(io::Error::other("the thread that keeps the journal has ended"))
}

/// The state of the heartbeat thread.
struct Lease {
    store: Arc<dyn ObjectStore>,
    at: Location,
    times: LeaseTimes,
    /// The content of the journal.
    text: String,
    /// The time of the last write, on a clock that also counts suspended time.
    last: SystemTime,
    lost: bool,
}

impl Lease {
    async fn keep(mut self, mut requests: mpsc::UnboundedReceiver<LeaseRequest>) {
        let mut next = Instant::now() + self.times.heartbeat;
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                () = tokio::time::sleep_until(next) => {
                    // A failed heartbeat is retried at the next one; a lost lease is reported at the next
                    // publish.
                    let _ = self.write().await;
                    next = Instant::now() + self.times.heartbeat;
                    continue;
                }
            };
            // The requester may have been cancelled in the meantime.
            match request {
                Some(LeaseRequest::Write(text, reply)) => {
                    self.text = text;
                    let _ = reply.send(self.write().await);
                    next = Instant::now() + self.times.heartbeat;
                }
                Some(LeaseRequest::Check(reply)) => drop(reply.send(self.check().await)),
                Some(LeaseRequest::Remove(reply)) => {
                    let _ = reply.send(self.remove().await);
                    return;
                }
                None => return,
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the lease is compared with this clock")]
    async fn write(&mut self) -> Result<Result<(), LeaseLost>> {
        if self.check().await?.is_err() {
            return Ok(Err(LeaseLost));
        }
        let now = SystemTime::now();
        self.store.put(&self.at, self.text.clone().into()).await?;
        self.last = now;
        Ok(Ok(()))
    }

    async fn check(&mut self) -> Result<Result<(), LeaseLost>> {
        let silent = self.last.elapsed().map_or(true, |silent| silent >= self.times.doubt);
        if silent && !self.lost {
            match self.store.head(&self.at).await {
                Ok(_) => {}
                Err(Error::NotFound { .. }) => self.lost = true,
                Err(error) => return Err(error),
            }
        }
        Ok(if self.lost { Err(LeaseLost) } else { Ok(()) })
    }

    async fn remove(&self) -> Result<()> {
        match self.store.delete(&self.at).await {
            Err(Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }
}

/// Lists all journals in a folder.
pub(super) async fn list(store: &dyn ObjectStore, folder: &Location) -> Result<Vec<ObjectMeta>> {
    store.list(Some(folder)).try_collect().await
}

/// Returns the journals with expired leases. `own` was just written, so its modification time is the store's
/// current time.
pub(super) fn expired(all: Vec<ObjectMeta>, own: &Location, times: LeaseTimes) -> Vec<ObjectMeta> {
    let Some(now) = all.iter().find(|one| one.location == *own).map(|own| own.last_modified) else {
        return Vec::new();
    };
    all.into_iter()
        .filter(|one| one.location != *own)
        .filter(|one| (now - one.last_modified).to_std().is_ok_and(|silent| silent > times.expiry))
        .collect()
}
