//! Tables: the location of each node's Delta table and its current state.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, stream};

use crate::{
    engine::{Engine, EngineError, Table, arrow::error::ArrowError, rows::change_feed},
    ingest::{Acceptances, Ledger},
    lake::{CurrentVersion, Damage, Lake, LakeError, PastVersion, TableStatistics, VersionDifference},
    manifest::{Manifest, Node},
    name::{NodeId, Relation},
};

/// The lake, and the Delta tables outside it.
pub struct Tables {
    lake: Arc<Lake>,
    elsewhere: BTreeMap<Relation, (Lake, Relation)>,
}

/// An error from reading a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Its table can't be opened.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Its rows can't be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its rows don't have the form of a ledger.
    #[error("{0} is not what Headwater writes: {1}; `--full-refresh` of its model writes it again")]
    Form(Relation, ArrowError),
}

/// The number of tables that are observed concurrently; each takes a few small reads.
const CONCURRENT_READS: usize = 16;

impl Tables {
    /// Locates the tables of a project in its lake.
    ///
    /// # Errors
    /// If a source of format `delta` has an invalid location.
    pub fn new(lake: Arc<Lake>, manifest: &Manifest, root: &Path) -> Result<Self, LakeError> {
        let mut elsewhere = BTreeMap::new();
        for node in manifest.nodes.values() {
            if let Node::Source(source) = node
                && let Some(location) = source.delta_location()
            {
                elsewhere.insert(source.relation.clone(), lake.elsewhere(location, root)?);
            }
        }
        Ok(Self { lake, elsewhere })
    }

    /// Returns these tables, with some read from other lakes.
    #[must_use]
    pub fn with_elsewhere(&self, more: BTreeMap<Relation, (Lake, Relation)>) -> Self {
        let mut elsewhere = self.elsewhere.clone();
        elsewhere.extend(more);
        Self { lake: Arc::clone(&self.lake), elsewhere }
    }

    /// Returns the lake that models are written to.
    #[must_use]
    pub fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// Returns the published rows of a relation; `None` if there is no table. For a change feed, returns all
    /// rows as inserted.
    pub async fn provider(&self, relation: &Relation) -> Result<Option<Table>, LakeError> {
        if let Some(relation) = relation.changes_of() {
            let (lake, relation) = self.place(&relation);
            let table = lake.provider(relation).await?;
            return Ok(table.as_ref().map(change_feed::all_inserted).transpose()?);
        }
        let (lake, relation) = self.place(relation);
        lake.provider(relation).await
    }

    /// Returns the rows written to and deleted from a relation's table between two of its versions; `None` if
    /// they can't be determined.
    pub async fn difference(
        &self,
        relation: &Relation,
        from: u64,
        to: u64,
    ) -> Result<Option<VersionDifference>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.difference(relation, from, to).await
    }

    /// Observes the current state of a relation's table; `None` if there is no table.
    pub async fn observe(&self, relation: &Relation) -> Result<Option<CurrentVersion>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.observe(relation).await
    }

    /// Returns the first unreadable data file of a relation's table, if one is found.
    pub async fn damage(&self, relation: &Relation) -> Result<Option<Damage>, LakeError> {
        let (lake, relation) = self.place(relation);
        match lake.base(relation).await? {
            Some(base) => base.damage().await,
            None => Ok(None),
        }
    }

    /// Returns the size of a relation's table; `None` if there is no table.
    pub async fn statistics(&self, relation: &Relation) -> Result<Option<TableStatistics>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.statistics(relation).await
    }

    /// Returns the newest versions of a relation's table, newest first.
    pub async fn history(&self, relation: &Relation, limit: usize) -> Result<Vec<PastVersion>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.history(relation, limit).await
    }

    /// Returns the ledger of the files that a relation's table was loaded from; `None` if there is none.
    pub async fn ledger(&self, engine: &Engine, relation: &Relation) -> Result<Option<Ledger>, LedgerError> {
        let Some(table) = self.provider(&relation.files()).await? else { return Ok(None) };
        let rows = engine.read(table).await?;
        Ok(Some(Ledger::of_batch(&rows).map_err(|error| LedgerError::Form(relation.files(), error))?))
    }

    /// Returns the acknowledged rejects of a relation's table.
    pub async fn accepted(&self, engine: &Engine, relation: &Relation) -> Result<Acceptances, LedgerError> {
        let Some(table) = self.provider(&relation.accepted()).await? else {
            return Ok(Acceptances::default());
        };
        let rows = engine.read(table).await?;
        Acceptances::of_batch(&rows).map_err(|error| LedgerError::Form(relation.accepted(), error))
    }

    /// Observes every relation of the project that is or should be a Delta table.
    pub async fn observe_all(
        &self,
        manifest: &Manifest,
    ) -> BTreeMap<Relation, Result<Option<CurrentVersion>, LakeError>> {
        let relations = manifest.nodes.values().filter(|node| is_table(node)).filter_map(Node::relation);
        stream::iter(relations)
            .map(|relation| async move { (relation.clone(), self.observe(relation).await) })
            .buffer_unordered(CONCURRENT_READS)
            .collect()
            .await
    }

    /// Observes the relations of these nodes that are or should be Delta tables.
    pub async fn observe_nodes(
        &self,
        manifest: &Manifest,
        nodes: &BTreeSet<NodeId>,
    ) -> BTreeMap<Relation, Result<Option<CurrentVersion>, LakeError>> {
        let nodes = nodes.iter().filter_map(|id| manifest.nodes.get(id)).filter(|node| is_table(node));
        let observing = nodes.filter_map(Node::relation);
        let observing: Vec<_> = observing
            .map(|relation| async move { (relation.clone(), self.observe(relation).await) })
            .collect();
        stream::iter(observing).buffer_unordered(CONCURRENT_READS).collect().await
    }

    /// Returns every relation of the project that is or should be a Delta table, with its lake's folder;
    /// `None` if any isn't on a local disk.
    #[must_use]
    pub fn folders(&self, manifest: &Manifest) -> Option<Vec<(PathBuf, Relation)>> {
        let relations = manifest.nodes.values().filter(|node| is_table(node)).filter_map(Node::relation);
        let folder = |relation| {
            let (lake, relation) = self.place(relation);
            Some((lake.folder()?.to_owned(), relation.clone()))
        };
        relations.map(folder).collect()
    }

    fn place<'a>(&'a self, relation: &'a Relation) -> (&'a Lake, &'a Relation) {
        match self.elsewhere.get(relation) {
            Some((lake, relation)) => (lake, relation),
            None => (&self.lake, relation),
        }
    }
}

fn is_table(node: &Node) -> bool {
    match node {
        Node::Model(model) => model.config.materialized.is_table(),
        Node::Seed(_) | Node::Snapshot(_) => true,
        Node::Source(source) => source.is_delta(),
        Node::Test(_) | Node::UnitTest(_) | Node::Exposure(_) => false,
    }
}
