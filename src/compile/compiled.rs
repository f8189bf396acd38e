//! The result of compilation: everything that a run needs to know about each node.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    InputNodes,
    contract::Check,
    data_test::{CompiledTest, ModelRule},
    freshness::FreshnessCheck,
    hooks::CompiledHooks,
    source::FoundColumns,
    strategy::{Refresh, Strategy},
    unit_test::CompiledUnitTest,
};
use crate::{
    diag::Diagnostic,
    engine::{Query, SchemaRef, analyze::lineage::QueryLineage},
    lake::Constraints,
    manifest::fingerprint::Fingerprint,
    name::{NodeId, NodeKind, Relation},
    source::{SourceSpec, WatchedSource, WatchedState},
};

/// The compiled nodes of a command.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The models, seeds and snapshots, including unselected ones that had to be planned as well.
    pub models: BTreeMap<NodeId, CompiledModel>,
    /// The file and database sources they read; for a seed, its file.
    pub sources: BTreeMap<NodeId, SourceSpec>,
    /// The state that each source on a local disk was in before it was read, if that was asked for.
    pub watched: BTreeMap<NodeId, (WatchedSource, WatchedState)>,
    /// The data tests.
    pub tests: BTreeMap<NodeId, CompiledTest>,
    pub unit_tests: BTreeMap<NodeId, CompiledUnitTest>,
    /// The freshness checks of the selected sources.
    pub freshness_checks: BTreeMap<NodeId, FreshnessCheck>,
    /// The inferred columns of sources that declare none, if not yet recorded.
    pub found: BTreeMap<NodeId, FoundColumns>,
    /// Warnings about sources, shown before anything runs.
    pub warnings: Vec<Diagnostic>,
    /// The nodes that couldn't be compiled: they or their inputs have errors, or a source can't be read.
    pub broken: BTreeSet<NodeId>,
    /// The columns of every examined node that has rows.
    pub schemas: BTreeMap<NodeId, SchemaRef>,
    /// The nodes that are compiled during the run, each with the node that is built before: their templates
    /// query its table, or they read what such a node builds.
    pub later: BTreeMap<NodeId, NodeId>,
    /// The nodes that couldn't be checked because a source can't be read, with that source.
    pub unreadable: BTreeMap<NodeId, Unreadable>,
}

/// The reason why a node can't be checked now although the project may be correct: a locked database, a
/// damaged log, or a table whose columns another writer changed. Or the errors of a node that fails alone.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The source that can't be read, the model or snapshot whose table has other columns, or the node whose
    /// query failed or that has errors.
    pub source: NodeId,
    /// The kind of cause.
    pub cause: UncheckedCause,
    /// The errors in it.
    pub findings: Arc<[Diagnostic]>,
}

/// The kind of cause why a node can't be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncheckedCause {
    /// A source can't be read.
    Source,
    /// The table of a model or snapshot has other columns.
    Columns,
    /// A query of a template failed.
    Query,
    /// It has errors, and its static analysis isn't strict.
    Errors,
}

impl Compiled {
    /// Returns one finding for each node whose columns differ from its table's, or whose template's query
    /// failed.
    #[must_use]
    pub fn other_columns(&self) -> Vec<Diagnostic> {
        let of_models = |id: &NodeId, cause: &Unreadable| {
            id.kind() != NodeKind::Source && cause.cause != UncheckedCause::Errors
        };
        self.causes(of_models).flat_map(|(_, cause)| cause.findings.iter().cloned()).collect()
    }

    /// Returns the nodes that fail alone, with their errors.
    pub fn errors_by_node(&self) -> impl Iterator<Item = (&NodeId, &[Diagnostic])> {
        let causes = self.causes(|_, cause| cause.cause == UncheckedCause::Errors);
        causes.map(|(id, cause)| (id, &*cause.findings))
    }

    fn causes(
        &self,
        keeps: impl Fn(&NodeId, &Unreadable) -> bool,
    ) -> impl Iterator<Item = (&NodeId, &Unreadable)> {
        self.unreadable.iter().filter(move |(id, cause)| **id == cause.source && keeps(id, cause))
    }

    /// Returns `self` if everything could be checked.
    ///
    /// # Errors
    /// One finding for each source that can't be read, and all errors of nodes that fail alone.
    pub fn whole(self) -> Result<Self, Vec<Diagnostic>> {
        self.without_causes(|_| true)
    }

    /// Returns `self` if everything could be read. Nodes that fail alone may be missing.
    ///
    /// # Errors
    /// One finding for each source that can't be read.
    pub fn readable(self) -> Result<Self, Vec<Diagnostic>> {
        self.without_causes(|cause| cause != UncheckedCause::Errors)
    }

    fn without_causes(self, refuses: impl Fn(UncheckedCause) -> bool) -> Result<Self, Vec<Diagnostic>> {
        let causes = self.causes(|_, cause| refuses(cause.cause));
        let findings: Vec<Diagnostic> =
            causes.flat_map(|(_, cause)| cause.findings.iter().cloned()).collect();
        if findings.is_empty() { Ok(self) } else { Err(findings) }
    }
}

/// A model, seed or snapshot that will run.
#[derive(Debug)]
pub struct CompiledModel {
    /// The rendered SQL.
    pub sql: String,
    /// The planned query.
    pub query: Query,
    /// The nodes that its table is made from. Its own table, which an incremental model may read, isn't among
    /// them.
    pub inputs: InputNodes,
    /// The columns of its table.
    pub schema: SchemaRef,
    /// The strategy that brings its table up to date.
    pub strategy: Strategy,
    /// The reason for a full refresh, if its table exists and gets one.
    pub refresh: Option<Refresh>,
    /// The fingerprint of everything that shapes the table.
    pub fingerprint: Fingerprint,
    /// Whether the same inputs may give different rows next time.
    pub volatile: bool,
    /// The tests that remove rows from the table.
    pub rules: Vec<ModelRule>,
    /// The constraints that the table's log enforces on every writer.
    pub constraints: Constraints,
    /// The constraints to check in each new version.
    pub checks: Vec<Check>,
    /// The hooks of a build from scratch. If the table is always rebuilt, its query includes their changes.
    pub hooks: CompiledHooks,
    /// The hooks of a build that adds new rows.
    pub new_rows_hooks: CompiledHooks,
}

impl CompiledModel {
    /// Returns the queries that its rows come from: for a full refresh, and for new rows if it is
    /// incremental.
    pub fn queries(&self) -> impl Iterator<Item = &Query> {
        std::iter::once(&self.query).chain(self.strategy.new_rows().map(|rows| &rows.query))
    }

    /// Returns the columns that its columns depend on, in terms of the relations accepted by `is_known`.
    /// Excludes its own table, which an incremental model may read.
    #[must_use]
    pub fn lineage(&self, own: &Relation, is_known: &dyn Fn(&Relation) -> bool) -> QueryLineage {
        let is_other = |relation: &Relation| relation != own && is_known(relation);
        if let Strategy::Snapshot(snapshot) = &self.strategy {
            return snapshot.arrived.lineage(&is_other);
        }
        let mut lineage = self.query.lineage(&is_other);
        if let Some(rows) = self.strategy.new_rows() {
            lineage.and(rows.query.lineage(&is_other));
        }
        lineage
    }
}
