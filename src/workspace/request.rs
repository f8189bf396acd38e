//! Requests of the commands that run nodes. They share one pipeline and differ in the kinds of nodes they
//! keep.

use std::{collections::BTreeSet, path::PathBuf};

use super::deferral::Deferral;
use crate::{
    compile::Wanted,
    interval::Interval,
    manifest::{Manifest, Node},
    name::{NodeId, NodeKind},
    report::LastRun,
    run::{planning::Rebuild, worker::Retain},
    select::Indirect,
};

/// The kinds of tests.
const TESTS: &[NodeKind] = &[NodeKind::Test, NodeKind::UnitTest];

/// The kinds of tables and tests.
const ALL: &[NodeKind] =
    &[NodeKind::Model, NodeKind::Seed, NodeKind::Snapshot, NodeKind::Test, NodeKind::UnitTest];

/// The nodes of a request, in the selection language. By default, all nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSelection {
    /// The nodes to include; if empty, all.
    pub select: Vec<String>,
    /// The selector of `selectors.yml` that replaces both lists.
    pub selector: Option<String>,
    /// The nodes to exclude.
    pub exclude: Vec<String>,
    /// The tests to select along with the nodes that they test.
    pub indirect: Indirect,
    /// The folder with the artifacts that `state:`, `result:` and `source_status:` compare with.
    pub state: Option<PathBuf>,
    /// The kinds of nodes to keep; if empty, all.
    pub kinds: Vec<NodeKind>,
    /// The kinds of nodes to leave out.
    pub without: Vec<NodeKind>,
}

impl NodeSelection {
    /// Selects nodes by one text: `+orders`, `tag:daily`.
    #[must_use]
    pub fn of(select: impl Into<String>) -> Self {
        Self { select: vec![select.into()], ..Self::default() }
    }

    /// Returns whether nodes of this kind are kept.
    #[must_use]
    pub fn keeps(&self, kind: NodeKind) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind)) && !self.without.contains(&kind)
    }
}

/// A request to run nodes.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Request {
    /// The name of the command in events and artifacts.
    pub command: &'static str,
    /// The nodes to select.
    pub selection: NodeSelection,
    /// The kinds of selected nodes to run.
    pub kinds: &'static [NodeKind],
    /// Whether to stop starting new steps after the first failure.
    pub fail_fast: bool,
    /// Which of the selected models, seeds and snapshots to rebuild.
    pub rebuild: Rebuild,
    /// Whether to move the files of unreadable tables away, so that they can be rebuilt.
    pub set_aside: bool,
    /// The rows to keep that would otherwise be discarded.
    pub retain: Retain,
    /// Which sources to check for freshness.
    pub freshness: FreshnessChecks,
    /// The requested time range of batches.
    pub event_time: Option<Interval>,
    /// The last run, to run only nodes again that it didn't finish.
    pub again: Option<LastRun>,
    /// Whether nodes are built as if what they read had no rows.
    pub empty: bool,
    /// The tables to read from another target.
    pub deferral: Option<Deferral>,
    /// Whether nodes are only compiled, so that templates query the lake as it is.
    pub is_compiled_only: bool,
    /// Whether to observe the state of tables and sources before they are read, for a
    /// [`super::RecordedRequest`].
    pub watch: bool,
}

/// Which sources to check for freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshnessChecks {
    /// None.
    Off,
    /// The selected ones.
    Selected,
    /// Those upstream of the selected models.
    Upstream,
}

impl Request {
    /// Builds and tests seeds, models and snapshots.
    #[must_use]
    pub fn build(selection: NodeSelection) -> Self {
        Self::new("build", ALL, selection)
    }

    /// Builds models only.
    #[must_use]
    pub fn run(selection: NodeSelection) -> Self {
        Self::new("run", &[NodeKind::Model], selection)
    }

    /// Loads seeds only.
    #[must_use]
    pub fn seed(selection: NodeSelection) -> Self {
        Self::new("seed", &[NodeKind::Seed], selection)
    }

    /// Takes snapshots only.
    #[must_use]
    pub fn snapshot(selection: NodeSelection) -> Self {
        Self::new("snapshot", &[NodeKind::Snapshot], selection)
    }

    /// Tests the published tables.
    #[must_use]
    pub fn test(selection: NodeSelection) -> Self {
        Self::new("test", TESTS, selection)
    }

    /// Checks the freshness of sources.
    #[must_use]
    pub fn freshness(selection: NodeSelection) -> Self {
        Self { freshness: FreshnessChecks::Selected, ..Self::new("freshness", &[], selection) }
    }

    /// Same as [`Request::build`], to be planned only.
    #[must_use]
    pub fn plan(selection: NodeSelection) -> Self {
        Self::new("plan", ALL, selection)
    }

    /// Runs no nodes: only an operation.
    #[must_use]
    pub fn operation() -> Self {
        Self::new("run-operation", &[], NodeSelection::default())
    }

    /// Same as [`Request::build`], to be compiled only.
    #[must_use]
    pub fn compile(selection: NodeSelection) -> Self {
        Self { is_compiled_only: true, ..Self::new("compile", ALL, selection) }
    }

    fn new(command: &'static str, kinds: &'static [NodeKind], selection: NodeSelection) -> Self {
        Self {
            command,
            selection,
            kinds,
            fail_fast: false,
            rebuild: Rebuild::Stale,
            set_aside: false,
            retain: Retain::default(),
            freshness: FreshnessChecks::Off,
            event_time: None,
            again: None,
            empty: false,
            deferral: None,
            is_compiled_only: false,
            watch: false,
        }
    }

    /// Sets which of the selected nodes to rebuild. A full refresh also rebuilds unreadable tables.
    #[must_use]
    pub fn rebuilding(mut self, full_refresh: bool, force: bool) -> Self {
        self.rebuild = match (full_refresh, force) {
            (true, _) => Rebuild::FullRefresh,
            (false, true) => Rebuild::All,
            (false, false) => Rebuild::Stale,
        };
        self.set_aside = full_refresh;
        self
    }

    /// Returns true if the command builds tables, which are tested before they are published.
    #[must_use]
    pub fn builds(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(kind, NodeKind::Model | NodeKind::Seed | NodeKind::Snapshot))
    }

    /// Returns whether an unchanged project leaves nothing to do.
    pub(super) fn may_be_idle(&self) -> bool {
        self.builds()
            && self.again.is_none()
            && self.rebuild == Rebuild::Stale
            && self.event_time.is_none()
            && !self.empty
            && self.deferral.is_none()
            && self.freshness == FreshnessChecks::Off
    }

    /// Returns the options for compilation.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            full_refresh: self.rebuild == Rebuild::FullRefresh,
            time: self.event_time,
            again: self.again.as_ref().map(LastRun::failed_batches).unwrap_or_default(),
            watch: self.watch,
            empty: self.empty,
            ..Wanted::default()
        }
    }

    /// Returns the selected nodes that the command runs, and the sources to check for freshness.
    pub(super) fn nodes(&self, selected: &BTreeSet<NodeId>, manifest: &Manifest) -> BTreeSet<NodeId> {
        let has_limits = |id: &NodeId| manifest.source(id).is_some_and(|source| source.freshness.is_some());
        let mut nodes: BTreeSet<NodeId> = selected
            .iter()
            .filter(|id| match manifest.nodes.get(*id) {
                Some(Node::Source(_)) => self.freshness == FreshnessChecks::Selected && has_limits(id),
                Some(_) => self.kinds.contains(&id.kind()),
                None => false,
            })
            .cloned()
            .collect();
        if self.freshness == FreshnessChecks::Upstream {
            let models: Vec<&NodeId> = nodes.iter().filter(|id| manifest.model(id).is_some()).collect();
            let sources: Vec<NodeId> =
                manifest.graph.upstream(models, None).into_iter().filter(has_limits).collect();
            nodes.extend(sources);
        }
        nodes
    }
}
