//! Requests of the commands that run nodes. They share one pipeline and differ in the kinds of nodes they
//! keep.

use std::collections::BTreeSet;

use super::{
    args::{BuildArgs, PlanArgs, RunArgs, SeedArgs, SelectArgs, SnapshotArgs, TestArgs},
    failure,
};
use crate::{
    compile::Wanted,
    interval::Interval,
    manifest::{Manifest, Node},
    name::{NodeId, NodeKind},
    report::LastRun,
    run::{planning::Rebuild, worker::Retain},
};

/// The kinds of tests.
const TESTS: &[NodeKind] = &[NodeKind::Test, NodeKind::UnitTest];

/// The kinds of tables and tests.
const ALL: &[NodeKind] =
    &[NodeKind::Model, NodeKind::Seed, NodeKind::Snapshot, NodeKind::Test, NodeKind::UnitTest];

/// A command's request.
pub(super) struct CommandRequest<'a> {
    /// The name of the command.
    pub(super) command: &'static str,
    pub(super) select: &'a SelectArgs,
    pub(super) fail_fast: bool,
    /// Which of the selected models, seeds and snapshots to rebuild.
    pub(super) rebuild: Rebuild,
    /// Whether to move the files of unreadable tables away, so that they can be rebuilt.
    pub(super) set_aside: bool,
    pub(super) keep: Retain,
    /// The kinds of nodes to run.
    kinds: &'static [NodeKind],
    pub(super) freshness: FreshnessChecks,
    /// The requested time range of batches.
    pub(super) event_time: Option<Interval>,
    /// The last run, for `retry`.
    pub(super) again: Option<&'a LastRun>,
}

/// Which sources to check for freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FreshnessChecks {
    /// None.
    Off,
    /// The selected ones.
    Selected,
    /// Those upstream of the selected models.
    Upstream,
}

impl<'a> CommandRequest<'a> {
    /// Seeds, models, snapshots and their tests.
    pub(super) fn build(args: &'a BuildArgs) -> Self {
        let keep = Retain { failures: args.test.store_failures, withheld: args.keep_staged };
        let freshness = if args.fresh_sources { FreshnessChecks::Upstream } else { FreshnessChecks::Off };
        Self { command: "build", kinds: ALL, keep, freshness, ..Self::test(&args.test) }
    }

    /// Models only.
    pub(super) fn run(args: &'a RunArgs) -> Self {
        Self {
            command: "run",
            select: &args.select,
            fail_fast: args.fail_fast,
            rebuild: rebuild(args.rebuild.full_refresh, args.rebuild.force),
            set_aside: args.rebuild.full_refresh,
            keep: Retain::default(),
            kinds: &[NodeKind::Model],
            freshness: FreshnessChecks::Off,
            event_time: args.rebuild.event_time(),
            again: None,
        }
    }

    /// Seeds only.
    pub(super) fn seed(args: &'a SeedArgs) -> Self {
        Self {
            command: "seed",
            kinds: &[NodeKind::Seed],
            fail_fast: args.fail_fast,
            rebuild: rebuild(args.full_refresh, args.force),
            set_aside: args.full_refresh,
            freshness: FreshnessChecks::Off,
            ..Self::freshness(&args.select)
        }
    }

    /// Snapshots only. They ignore full refreshes, which would lose the history that snapshots exist to keep.
    pub(super) fn snapshot(args: &'a SnapshotArgs) -> Self {
        Self {
            command: "snapshot",
            kinds: &[NodeKind::Snapshot],
            fail_fast: args.fail_fast,
            rebuild: if args.force { Rebuild::All } else { Rebuild::Stale },
            freshness: FreshnessChecks::Off,
            ..Self::freshness(&args.select)
        }
    }

    /// Tests of the published tables.
    pub(super) fn test(args: &'a TestArgs) -> Self {
        let keep = Retain { failures: args.store_failures, withheld: false };
        Self { command: "test", kinds: TESTS, keep, ..Self::run(&args.run) }
    }

    /// Source freshness.
    pub(super) fn freshness(select: &'a SelectArgs) -> Self {
        Self {
            command: "freshness",
            select,
            fail_fast: false,
            rebuild: Rebuild::Stale,
            set_aside: false,
            keep: Retain::default(),
            kinds: &[],
            freshness: FreshnessChecks::Selected,
            event_time: None,
            again: None,
        }
    }

    /// The request of `plan`: what `build` would do.
    pub(super) fn plan(args: &'a PlanArgs) -> Self {
        let event_time = args.rebuild.event_time();
        let rebuild = rebuild(args.rebuild.full_refresh, args.rebuild.force);
        let set_aside = rebuild == Rebuild::FullRefresh;
        Self { rebuild, set_aside, event_time, ..Self::compile(&args.select) }
    }

    /// The request of `build` with this selection and no other options.
    pub(super) fn compile(select: &'a SelectArgs) -> Self {
        Self { command: "plan", kinds: ALL, freshness: FreshnessChecks::Off, ..Self::freshness(select) }
    }

    /// Restricts the request to nodes that didn't succeed in the last run.
    pub(super) fn again(self, last: &'a LastRun) -> Self {
        Self { again: Some(last), ..self }
    }

    /// Returns the options for compilation.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            full_refresh: self.rebuild == Rebuild::FullRefresh,
            time: self.event_time,
            again: self.again.map(LastRun::failed_batches).unwrap_or_default(),
            watch: false,
        }
    }

    /// Returns true if the command builds tables, which are tested before they are published.
    pub(super) fn builds(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(kind, NodeKind::Model | NodeKind::Seed | NodeKind::Snapshot))
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

fn rebuild(full_refresh: bool, force: bool) -> Rebuild {
    match (full_refresh, force) {
        (true, _) => Rebuild::FullRefresh,
        (false, true) => Rebuild::All,
        (false, false) => Rebuild::Stale,
    }
}

/// Returns the nodes to retry: the unfinished ones, and the `selected` tests on them. A version is published
/// if all its tests pass, not only those that failed last time. Warns on stderr about nodes that no longer
/// exist.
pub(super) fn retried(
    unfinished: &BTreeSet<NodeId>,
    selected: BTreeSet<NodeId>,
    manifest: &Manifest,
) -> BTreeSet<NodeId> {
    let (mut nodes, gone): (BTreeSet<NodeId>, Vec<&NodeId>) = (
        unfinished.iter().filter(|id| manifest.nodes.contains_key(*id)).cloned().collect(),
        unfinished.iter().filter(|id| !manifest.nodes.contains_key(*id)).collect(),
    );
    for id in gone {
        failure::warn(&format!("{id} is not in the project any more and is not retried"));
    }
    let judges = |id: &NodeId| {
        matches!(manifest.nodes.get(id), Some(Node::Test(_) | Node::UnitTest(_)))
            && manifest.graph.parents(id).into_iter().any(|parent| unfinished.contains(parent))
    };
    nodes.extend(selected.into_iter().filter(judges));
    nodes
}
