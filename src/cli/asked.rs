//! What a command that runs nodes is about. They are one pipeline, and differ in which kinds of node they keep.

use std::collections::BTreeSet;

use super::args::{BuildArgs, PlanArgs, RebuildArgs, RunArgs, SeedArgs, SelectArgs, SnapshotArgs, TestArgs};
use crate::{
    compile::Wanted,
    interval::Interval,
    manifest::{Manifest, Node},
    name::NodeId,
    report::LastRun,
    run::{planning::Rebuild, worker::Keep},
};

/// What judges.
const TESTS: &[&str] = &["test", "unit_test"];

/// What becomes a table, and what judges it.
const ALL: &[&str] = &["model", "seed", "snapshot", "test", "unit_test"];

/// What was asked for.
pub(super) struct Asked<'a> {
    /// The command's name.
    pub(super) command: &'static str,
    pub(super) select: &'a SelectArgs,
    pub(super) fail_fast: bool,
    /// Which of the models, seeds and snapshots are built.
    pub(super) rebuild: Rebuild,
    /// Whether the files of tables that can't be read are moved aside, so that they are built anew.
    pub(super) set_aside: bool,
    pub(super) keep: Keep,
    /// The kinds of node that it is about, by dbt's names for them.
    kinds: &'static [&'static str],
    pub(super) freshness: Freshness,
    /// The time whose batches are asked for.
    pub(super) event_time: Option<Interval>,
    /// For `retry`: the last run.
    pub(super) again: Option<&'a LastRun>,
}

/// Which sources are asked for their age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// None.
    Nobody,
    /// Those that are selected.
    Selected,
    /// Those that the selected models are built from.
    Demanded,
}

impl<'a> Asked<'a> {
    /// Seeds, models, snapshots and what judges them.
    pub(super) fn build(args: &'a BuildArgs) -> Self {
        let keep = Keep { failures: args.test.store_failures, withheld: args.keep_staged };
        let freshness = if args.fresh_sources { Freshness::Demanded } else { Freshness::Nobody };
        Self { command: "build", kinds: ALL, keep, freshness, ..Self::test(&args.test) }
    }

    /// Models alone.
    pub(super) fn run(args: &'a RunArgs) -> Self {
        Self {
            command: "run",
            select: &args.select,
            fail_fast: args.fail_fast,
            rebuild: rebuild(args.rebuild),
            set_aside: rebuild(args.rebuild) == Rebuild::FullRefresh,
            keep: Keep::default(),
            kinds: &["model"],
            freshness: Freshness::Nobody,
            event_time: args.rebuild.event_time(),
            again: None,
        }
    }

    /// Seeds alone.
    pub(super) fn seed(args: &'a SeedArgs) -> Self {
        Self {
            command: "seed",
            kinds: &["seed"],
            fail_fast: args.fail_fast,
            rebuild: if args.force || args.full_refresh { Rebuild::All } else { Rebuild::Stale },
            set_aside: args.full_refresh,
            freshness: Freshness::Nobody,
            ..Self::freshness(&args.select)
        }
    }

    /// Snapshots alone. A full refresh is nothing to them: it would lose what they are kept for.
    pub(super) fn snapshot(args: &'a SnapshotArgs) -> Self {
        Self {
            command: "snapshot",
            kinds: &["snapshot"],
            fail_fast: args.fail_fast,
            rebuild: if args.force { Rebuild::All } else { Rebuild::Stale },
            freshness: Freshness::Nobody,
            ..Self::freshness(&args.select)
        }
    }

    /// What judges, over what is published.
    pub(super) fn test(args: &'a TestArgs) -> Self {
        let keep = Keep { failures: args.store_failures, withheld: false };
        Self { command: "test", kinds: TESTS, keep, ..Self::run(&args.run) }
    }

    /// The age of sources.
    pub(super) fn freshness(select: &'a SelectArgs) -> Self {
        Self {
            command: "freshness",
            select,
            fail_fast: false,
            rebuild: Rebuild::Stale,
            set_aside: false,
            keep: Keep::default(),
            kinds: &[],
            freshness: Freshness::Selected,
            event_time: None,
            again: None,
        }
    }

    /// What `plan` shows: what `build` would do.
    pub(super) fn plan(args: &'a PlanArgs) -> Self {
        let event_time = args.rebuild.event_time();
        let rebuild = rebuild(args.rebuild);
        let set_aside = rebuild == Rebuild::FullRefresh;
        Self { rebuild, set_aside, event_time, ..Self::compile(&args.select) }
    }

    /// What `build` would be about, were it given this selection alone.
    pub(super) fn compile(select: &'a SelectArgs) -> Self {
        Self { command: "plan", kinds: ALL, freshness: Freshness::Nobody, ..Self::freshness(select) }
    }

    /// The same, for what did not end well the last time.
    pub(super) fn again(self, last: &'a LastRun) -> Self {
        Self { again: Some(last), ..self }
    }

    /// What compiling is asked for.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            full_refresh: self.rebuild == Rebuild::FullRefresh,
            time: self.event_time,
            again: self.again.map(LastRun::failed_batches).unwrap_or_default(),
            watch: false,
        }
    }

    /// Whether anything becomes a table, which is then judged before it is published.
    pub(super) fn builds(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(*kind, "model" | "seed" | "snapshot"))
    }

    /// Of the selected nodes those that the command is about, and the sources whose age matters.
    pub(super) fn nodes(&self, selected: &BTreeSet<NodeId>, manifest: &Manifest) -> BTreeSet<NodeId> {
        let is_asked = |id: &NodeId| manifest.source(id).is_some_and(|source| source.freshness.is_some());
        let mut nodes: BTreeSet<NodeId> = selected
            .iter()
            .filter(|id| match manifest.nodes.get(*id) {
                Some(Node::Source(_)) => self.freshness == Freshness::Selected && is_asked(id),
                Some(node) => self.kinds.contains(&node.resource_type()),
                None => false,
            })
            .cloned()
            .collect();
        if self.freshness == Freshness::Demanded {
            let models: Vec<&NodeId> = nodes.iter().filter(|id| manifest.model(id).is_some()).collect();
            let sources: Vec<NodeId> =
                manifest.graph.upstream(models, None).into_iter().filter(is_asked).collect();
            nodes.extend(sources);
        }
        nodes
    }
}

fn rebuild(args: RebuildArgs) -> Rebuild {
    match (args.full_refresh, args.force) {
        (true, _) => Rebuild::FullRefresh,
        (false, true) => Rebuild::All,
        (false, false) => Rebuild::Stale,
    }
}
