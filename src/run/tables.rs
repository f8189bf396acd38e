//! Where each node's Delta table lies, and what stands there now.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, stream};

use crate::{
    engine::{Engine, EngineError, Table, arrow::error::ArrowError, net},
    ingest::{Accepted, Ledger},
    lake::{Between, Facts, Lake, LakeError, Observed, Past},
    manifest::{Manifest, Node},
    name::Relation,
};

/// The lake, and the Delta tables that lie elsewhere.
pub struct Tables {
    lake: Arc<Lake>,
    elsewhere: BTreeMap<Relation, (Lake, Relation)>,
}

/// A ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Its table could not be found out about.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Its rows could not be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its rows are not a ledger's.
    #[error("{0} is not what Headwater writes: {1}")]
    Form(Relation, ArrowError),
}

/// Tables that are looked at side by side: each look is a few small reads.
const LOOKS: usize = 16;

impl Tables {
    /// The tables of a project whose lake this is.
    ///
    /// # Errors
    /// If a source of the format `delta` has a location that can't be one.
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

    /// The lake that models are written to.
    #[must_use]
    pub fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// The published rows of a relation; none if there is no table. All of them are changes to who has not read any.
    pub async fn provider(&self, relation: &Relation) -> Result<Option<Table>, LakeError> {
        if let Some(relation) = relation.changes_of() {
            let (lake, relation) = self.place(&relation);
            let table = lake.provider(relation).await?;
            return Ok(table.as_ref().map(net::all).transpose()?);
        }
        let (lake, relation) = self.place(relation);
        lake.provider(relation).await
    }

    /// What was written to a relation's table, and taken out of it, between two of its versions; none if nobody can tell.
    pub async fn between(
        &self,
        relation: &Relation,
        from: u64,
        to: u64,
    ) -> Result<Option<Between>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.between(relation, from, to).await
    }

    /// What stands at a relation now; none if there is no table.
    pub async fn observe(&self, relation: &Relation) -> Result<Option<Observed>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.observe(relation).await
    }

    /// How large a relation's table is; none if there is no table.
    pub async fn facts(&self, relation: &Relation) -> Result<Option<Facts>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.facts(relation).await
    }

    /// The newest versions of a relation's table, newest first.
    pub async fn history(&self, relation: &Relation, limit: usize) -> Result<Vec<Past>, LakeError> {
        let (lake, relation) = self.place(relation);
        lake.history(relation, limit).await
    }

    /// What is known of the files that a relation's table was loaded from; none if nothing is.
    pub async fn ledger(&self, engine: &Engine, relation: &Relation) -> Result<Option<Ledger>, LedgerError> {
        let Some(table) = self.provider(&relation.files()).await? else { return Ok(None) };
        let rows = engine.read(table).await?;
        Ok(Some(Ledger::of_batch(&rows).map_err(|error| LedgerError::Form(relation.files(), error))?))
    }

    /// The rejects of a relation's table that were acknowledged.
    pub async fn accepted(&self, engine: &Engine, relation: &Relation) -> Result<Accepted, LedgerError> {
        let Some(table) = self.provider(&relation.accepted()).await? else { return Ok(Accepted::default()) };
        let rows = engine.read(table).await?;
        Accepted::of_batch(&rows).map_err(|error| LedgerError::Form(relation.accepted(), error))
    }

    /// What stands at every relation of the project that is or should be a Delta table.
    pub async fn observe_all(
        &self,
        manifest: &Manifest,
    ) -> BTreeMap<Relation, Result<Option<Observed>, LakeError>> {
        let relations = manifest.nodes.values().filter(|node| is_table(node)).filter_map(Node::relation);
        stream::iter(relations)
            .map(|relation| async move { (relation.clone(), self.observe(relation).await) })
            .buffer_unordered(LOOKS)
            .collect()
            .await
    }

    /// The Delta tables of the project that are or should be there, each after the folder of its lake; `None` if one
    /// is not on a local disk.
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
