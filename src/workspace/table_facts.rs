//! Facts about existing tables, read from the lake: statistics, versions and ledgers.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::error::WorkspaceError;
use crate::{
    compile::{Compiled, CompiledModel},
    engine::Engine,
    ingest::Ledger,
    lake::{LakeError, PastVersion, TableStatistics},
    name::{NodeId, Relation},
    run::{
        tables::{LedgerError, Tables},
        version_history::{VersionCause, causes},
    },
};

/// The number of tables whose logs are read concurrently.
const CONCURRENT_READS: usize = 16;

/// The statistics of a table's newest version, and its newest versions.
#[derive(Default)]
pub struct NodeHistory {
    /// The statistics, if the table's log has them.
    pub facts: Option<TableStatistics>,
    /// The versions, newest first, with the reason for each.
    pub versions: Vec<(PastVersion, VersionCause)>,
}

impl NodeHistory {
    /// Reads a table's statistics and its `limit` newest versions.
    pub async fn of(tables: &Tables, relation: &Relation, limit: usize) -> Result<Self, LakeError> {
        // Read one extra version, to compare the last one returned with its predecessor.
        let past = tables.history(relation, limit.saturating_add(1));
        let (facts, past) = tokio::try_join!(tables.statistics(relation), past)?;
        let causes = causes(&past, past.len() <= limit);
        Ok(Self { facts, versions: past.into_iter().zip(causes).take(limit).collect() })
    }
}

/// Facts about the tables of many nodes.
#[derive(Default)]
pub(super) struct TableFacts {
    /// The statistics of the newest versions.
    pub(super) facts: BTreeMap<NodeId, TableStatistics>,
    /// The newest versions, newest first, with the reason for each.
    pub(super) history: BTreeMap<NodeId, Vec<(PastVersion, VersionCause)>>,
    /// The ledgers of models that load files.
    pub(super) ledgers: BTreeMap<NodeId, Ledger>,
}

impl TableFacts {
    /// Reads the facts about existing tables, with up to `versions` versions of each.
    pub(super) async fn read(
        tables: &Tables,
        engine: &Engine,
        existing: &[(&NodeId, &Relation)],
        compiled: &Compiled,
        versions: usize,
    ) -> Result<Self, WorkspaceError> {
        let reads = existing.iter().map(|(id, relation)| async move {
            Ok::<_, LakeError>((*id, NodeHistory::of(tables, relation, versions).await?))
        });
        // Collect first: a stream that borrows from its items isn't a `Send` future.
        let reads: Vec<_> = reads.collect();
        let mut reads = stream::iter(reads).buffer_unordered(CONCURRENT_READS);
        let mut all = Self::default();
        while let Some((id, NodeHistory { facts, versions })) = reads.try_next().await? {
            all.history.insert(id.clone(), versions);
            all.facts.extend(facts.map(|facts| (id.clone(), facts)));
        }
        for (id, relation) in existing {
            let loads_files = |model: &CompiledModel| model.strategy.file_load().is_some();
            if compiled.models.get(*id).is_some_and(loads_files)
                && let Some(ledger) = tables.ledger(engine, relation).await.map_err(unread)?
            {
                all.ledgers.insert((*id).clone(), ledger);
            }
        }
        Ok(all)
    }
}

fn unread(error: LedgerError) -> WorkspaceError {
    match error {
        LedgerError::Lake(error) => error.into(),
        other => WorkspaceError::message(other.to_string()),
    }
}
