//! The late compiler: holds the inputs for compiling nodes while others are built.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use futures::FutureExt;

use super::tables::Tables;
use crate::{
    compile::{Compiled, DamageFinder, RecordedColumns, TableReader, Wanted},
    jinja::Jinja,
    name::NodeId,
};

/// The inputs of compiling during a run.
pub struct LateCompiler {
    /// The project's templates.
    pub jinja: Arc<Jinja>,
    /// The project folder.
    pub root: PathBuf,
    /// The recorded columns of sources that declare none.
    pub found: BTreeMap<NodeId, RecordedColumns>,
    /// The start time of the invocation.
    pub now: DateTime<Utc>,
    /// The command's options.
    pub wanted: Wanted,
    /// Relations are declared to the engine that all share.
    pub(super) declaring: tokio::sync::Mutex<()>,
    done: Mutex<Vec<Arc<Compiled>>>,
}

impl LateCompiler {
    /// Creates a compiler that has compiled nothing yet.
    #[must_use]
    pub fn new(
        jinja: Arc<Jinja>,
        root: PathBuf,
        found: BTreeMap<NodeId, RecordedColumns>,
        now: DateTime<Utc>,
        wanted: Wanted,
    ) -> Self {
        let (declaring, done) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { jinja, root, found, now, wanted, declaring, done }
    }

    /// Records what was compiled during the run.
    pub(super) fn note(&self, compiled: Arc<Compiled>) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(compiled);
    }

    /// Returns what was compiled during the run.
    #[must_use]
    pub fn done(&self) -> Vec<Arc<Compiled>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns a finder of damaged data files of the published tables.
#[must_use]
pub fn damage_finder(tables: &Arc<Tables>) -> DamageFinder {
    let tables = Arc::clone(tables);
    Arc::new(move |relation| {
        let tables = Arc::clone(&tables);
        async move { tables.damage(&relation).await.ok().flatten() }.boxed()
    })
}

/// Returns a reader of the published tables.
#[must_use]
pub fn table_reader(tables: &Arc<Tables>) -> TableReader {
    let tables = Arc::clone(tables);
    Arc::new(move |relation| {
        let tables = Arc::clone(&tables);
        async move { tables.provider(&relation).await }.boxed()
    })
}
