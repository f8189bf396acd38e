//! Planning: compares the compiled project with the state of the lake to decide what to do and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    observed::ObservedState,
    staleness::{found_before, question, why},
};
use crate::{
    compile::{Compiled, Refresh, Strategy, UncheckedCause, Unreadable},
    graph::Graph,
    manifest::{Manifest, Materialized, Model, Node},
    name::NodeId,
    plan::{Action, Job, Plan, Reason, Step},
};

/// The options of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// True if downstream jobs wait for tests; a run of only tests has no order.
    pub gate: bool,
    /// The models, seeds and snapshots to build.
    pub rebuild: Rebuild,
    /// True if unreadable tables are moved aside. Snapshots never are: their versions can't be rebuilt.
    pub set_aside: bool,
}

/// The subset of the selected models, seeds and snapshots to build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rebuild {
    /// Those that aren't up to date.
    #[default]
    Stale,
    /// All of them.
    All,
    /// All of them with a full refresh, except for those that are never rebuilt from scratch: snapshots, and
    /// models that forbid it. Of these, those that aren't up to date.
    FullRefresh,
}

/// Returns the plan for the selected nodes: models, seeds and snapshots are built in order, each followed by
/// the tests on it.
///
/// The plan includes up-to-date models, and tests that passed on the current rows, with that as their reason.
/// A test runs in the job of the last of its inputs that is built; of the last selected one if none is built;
/// of the node it is declared on if none is selected. Views are checked. Ephemeral models are only planned
/// into their readers; the jobs on both sides of one keep their order. Unit tests run before their model, and
/// freshness checks before the readers of the source.
#[must_use]
pub fn plan(
    manifest: &Manifest,
    chosen: &BTreeSet<NodeId>,
    compiled: &Compiled,
    observed: &ObservedState,
    options: PlanOptions,
) -> Plan {
    let mut planner = Planner { manifest, chosen, compiled, observed, options, reasons: BTreeMap::new() };
    planner.reasons = planner.reasons();
    let tests = planner.tests();
    let kept: BTreeSet<NodeId> =
        chosen.iter().filter(|id| planner.maker(id).is_some()).chain(tests.keys()).cloned().collect();
    let order = manifest.graph.subgraph(&kept);
    let mut jobs = planner.unit_tests();
    jobs.extend(order.sorted().iter().filter_map(|id| planner.job(id, &tests, &order)));
    Plan { jobs }
}

/// The selected tests by the node in whose job they run.
type TestsByNode<'a> = BTreeMap<NodeId, Vec<&'a NodeId>>;

struct Planner<'a> {
    manifest: &'a Manifest,
    chosen: &'a BTreeSet<NodeId>,
    compiled: &'a Compiled,
    observed: &'a ObservedState,
    options: PlanOptions,
    /// The reason of each selected table model, seed and snapshot, including [`Reason::UpToDate`].
    reasons: BTreeMap<NodeId, Reason>,
}

impl<'a> Planner<'a> {
    fn reasons(&self) -> BTreeMap<NodeId, Reason> {
        let mut reasons: BTreeMap<NodeId, Reason> = BTreeMap::new();
        for model in self.manifest.refables().filter(|model| self.chosen.contains(&model.id)) {
            if model.config.materialized.is_table()
                && let Some(reason) = self.reason(model, &reasons)
            {
                reasons.insert(model.id.clone(), reason);
            }
        }
        reasons
    }

    /// Returns the reason of a model; `above` has the reasons of its ancestors.
    fn reason(&self, model: &Model, above: &BTreeMap<NodeId, Reason>) -> Option<Reason> {
        let own = self.observed.tables.get(&model.relation);
        if let Some(after) = self.compiled.later.get(&model.id) {
            return Some(self.late(model, after));
        }
        let compiled = self.compiled.models.get(&model.id)?;
        if self.observed.damaged.contains(&model.relation) {
            let is_snapshot = matches!(self.manifest.nodes.get(&model.id), Some(Node::Snapshot(_)));
            return Some(Reason::Damaged { set_aside: self.options.set_aside && !is_snapshot });
        }
        if own.is_none() && self.observed.unreadable.contains_key(&model.relation) && !self.options.set_aside
        {
            return Some(Reason::Damaged { set_aside: false });
        }
        if own.is_none() {
            let gone = self.manifest.nodes.get(&model.id).is_some_and(|node| self.observed.has_readers(node));
            return Some(if gone { Reason::TableMissing } else { Reason::FirstBuild });
        }
        let inputs = self.observed.inputs(&compiled.inputs);
        match (self.options.rebuild, compiled.refresh) {
            (Rebuild::All, _)
                if compiled.strategy.time_batches().is_none_or(|batches| batches.asked.is_none()) =>
            {
                return Some(Reason::Forced);
            }
            // With `--empty` again, it may be up to date.
            (_, Some(Refresh::BuiltEmpty)) if why(compiled, own, &inputs).is_some() => {
                return Some(Reason::FullRefresh { columns_changed: false });
            }
            (_, Some(Refresh::ColumnsChanged)) => return Some(Reason::FullRefresh { columns_changed: true }),
            // Other tables are always built from scratch.
            (Rebuild::FullRefresh, refresh)
                if refresh.is_some() || matches!(compiled.strategy, Strategy::Rebuild | Strategy::Seed) =>
            {
                return Some(Reason::FullRefresh { columns_changed: false });
            }
            _ => {}
        }
        if let Some(time) = compiled.strategy.time_batches().and_then(|batches| batches.asked.clone()) {
            return Some(Reason::Backfill { time });
        }
        if let Some(reason) = why(compiled, own, &inputs) {
            return Some(reason);
        }
        let built = |node: &&NodeId| above.get(*node).is_some_and(|reason| *reason != Reason::UpToDate);
        let mut nodes = compiled.inputs.values().map(|input| &input.id);
        let upstream = nodes.find(built).map(|node| Reason::UpstreamChanged { node: node.clone() });
        Some(upstream.unwrap_or(Reason::UpToDate))
    }

    /// Returns the reason of a model that is compiled during the run, after `after` was built.
    fn late(&self, model: &Model, after: &NodeId) -> Reason {
        let is_snapshot = matches!(self.manifest.nodes.get(&model.id), Some(Node::Snapshot(_)));
        match self.options.rebuild {
            _ if self.observed.damaged.contains(&model.relation) => {
                Reason::Damaged { set_aside: self.options.set_aside && !is_snapshot }
            }
            Rebuild::All => Reason::Forced,
            Rebuild::FullRefresh if !is_snapshot => Reason::FullRefresh { columns_changed: false },
            Rebuild::FullRefresh | Rebuild::Stale => Reason::CompiledLater { node: after.clone() },
        }
    }

    fn is_up_to_date(&self, id: &NodeId) -> bool {
        self.reasons.get(id) == Some(&Reason::UpToDate)
    }

    /// Returns the depth of each node in the graph and its position in the order. The deepest node is built
    /// last.
    fn depths(&self) -> BTreeMap<&'a NodeId, (usize, usize)> {
        let mut depths: BTreeMap<&NodeId, (usize, usize)> = BTreeMap::new();
        for (place, id) in self.manifest.graph.sorted().iter().enumerate() {
            let parents = self.manifest.graph.parents(id).into_iter();
            let above = parents.filter_map(|parent| Some(depths.get(parent)?.0)).max().unwrap_or_default();
            depths.insert(id, (above + 1, place));
        }
        depths
    }

    fn tests(&self) -> TestsByNode<'a> {
        let depths = self.depths();
        let mut tests = TestsByNode::new();
        let known = |id: &&NodeId| {
            self.compiled.tests.contains_key(*id)
                || self.compiled.unreadable.contains_key(*id)
                || self.compiled.later.contains_key(*id)
        };
        for id in self.chosen.iter().filter(known) {
            let Some(test) = self.manifest.test(id) else { continue };
            if let Some(broken) = self.fails_with(id) {
                tests.entry(broken.clone()).or_default().push(id);
                continue;
            }
            let parents = self.manifest.graph.parents(id);
            let built = parents
                .iter()
                .filter(|parent| self.chosen.contains(**parent) && self.maker(parent).is_some());
            let last =
                built.max_by_key(|parent| (!self.is_up_to_date(parent), depths.get(**parent))).copied();
            let of = last.or(test.attached.as_ref()).or(parents.first().copied()).unwrap_or(&test.id);
            tests.entry(of.clone()).or_default().push(id);
        }
        tests
    }

    /// Returns the node with errors that a test reads directly or indirectly, if it has a step: when that
    /// fails, the test is skipped.
    fn fails_with(&self, test: &NodeId) -> Option<&NodeId> {
        let cause = self.compiled.unreadable.get(test)?;
        let is_failing = cause.cause == UncheckedCause::Errors && cause.source != *test;
        Some(&cause.source).filter(|source| is_failing && self.maker(source).is_some())
    }

    /// Returns whether a node has errors of its own and fails alone.
    fn is_invalid(&self, id: &NodeId) -> bool {
        let cause = self.compiled.unreadable.get(id);
        cause.is_some_and(|cause| cause.cause == UncheckedCause::Errors && cause.source == *id)
    }

    fn unit_tests(&self) -> Vec<Job> {
        let chosen = self.chosen.iter().filter(|id| self.manifest.unit_test(id).is_some());
        let chosen = chosen.filter(|id| {
            self.compiled.unit_tests.contains_key(*id)
                || self.compiled.unreadable.contains_key(*id)
                || self.compiled.later.contains_key(*id)
        });
        let job = |id: &NodeId| {
            let name = self.manifest.nodes.get(id)?.display_name();
            let reason = match self.compiled.unreadable.get(id) {
                Some(unreadable) => unchecked(unreadable),
                None => self.unit_test_result(id).map_or(Reason::Selected, |_| Reason::UpToDate),
            };
            let step = Step { node: id.clone(), name, relation: None, action: Action::UnitTest, reason };
            let after = self.compiled.later.get(id).cloned().into_iter().collect();
            Some(Job { node: id.clone(), steps: vec![Arc::new(step)], after, behind: Arc::from([]) })
        };
        chosen.filter_map(job).collect()
    }

    /// Returns the number of failures of a unit test, if its model hasn't changed since.
    fn unit_test_result(&self, id: &NodeId) -> Option<u64> {
        let test = self.manifest.unit_test(id).filter(|test| self.is_up_to_date(&test.model))?;
        let own = self.observed.tables.get(&self.manifest.model(&test.model)?.relation)?;
        found_before(own, id, &self.compiled.unit_tests.get(id)?.fingerprint)
    }

    /// Returns the number of failures that a test found in an up-to-date model, if its other inputs don't
    /// change either.
    fn test_result(&self, id: &NodeId, of: &NodeId) -> Option<u64> {
        let own = &self.manifest.refable(of).filter(|_| self.is_up_to_date(of))?.relation;
        let test = self.compiled.tests.get(id)?;
        let changes = |node: &NodeId| self.reasons.contains_key(node) && !self.is_up_to_date(node);
        if test.inputs_besides(own).any(|(_, input)| changes(&input.id)) {
            return None;
        }
        let asked = question(test.fingerprint.as_ref()?, &self.observed.inputs(test.inputs_besides(own)));
        found_before(self.observed.tables.get(own)?, id, &asked)
    }

    fn job(&self, id: &NodeId, tests: &TestsByNode<'_>, order: &Graph) -> Option<Job> {
        let gate = self.options.gate;
        let mut steps: Vec<Arc<Step>> = self.maker(id).map(Arc::new).into_iter().collect();
        let gates = gate && steps.iter().any(|step| step.action.is_table());
        let own = tests.get(id).map(Vec::as_slice).unwrap_or_default();
        steps.extend(own.iter().filter_map(|test| self.test(test, id, gates)).map(Arc::new));
        if steps.is_empty() {
            return None;
        }
        let (mut after, mut behind) = (BTreeSet::new(), BTreeSet::new());
        if gate {
            after.extend(order.parents(id).into_iter().cloned());
            after.extend(self.unit_tests_of(id));
            // Other inputs of the tests are built first, if they are built at all.
            behind.extend(own.iter().flat_map(|test| self.manifest.graph.parents(test)).cloned());
            behind.remove(id);
            behind.retain(|other| order.contains(other) && !after.contains(other));
        }
        let list = |ids: BTreeSet<NodeId>| ids.into_iter().collect();
        Some(Job { node: id.clone(), steps, after: list(after), behind: list(behind) })
    }

    fn unit_tests_of(&self, model: &NodeId) -> Vec<NodeId> {
        let children = self.manifest.graph.children(model).into_iter();
        children
            .filter(|id| self.chosen.contains(*id) && self.manifest.unit_test(id).is_some())
            .filter(|id| {
                self.compiled.unit_tests.contains_key(*id)
                    || self.compiled.later.contains_key(*id)
                    || self.is_invalid(id)
            })
            .filter(|id| self.unit_test_result(id).is_none())
            .cloned()
            .collect()
    }

    /// Returns the step that builds or checks a selected node.
    fn maker(&self, id: &NodeId) -> Option<Step> {
        if !self.chosen.contains(id) {
            return None;
        }
        let node = self.manifest.nodes.get(id)?;
        if let Some(step) = self.unreadable(node) {
            return Some(step);
        }
        let step = |name: String, relation, action, reason| Step {
            node: id.clone(),
            name,
            relation,
            action,
            reason,
        };
        match node {
            Node::Model(model) => {
                let (action, reason) = match model.config.materialized {
                    Materialized::Table => (Action::Table, self.reasons.get(id)?.clone()),
                    Materialized::Incremental => (Action::Incremental, self.reasons.get(id)?.clone()),
                    Materialized::View
                        if self.compiled.models.contains_key(id) || self.compiled.later.contains_key(id) =>
                    {
                        (Action::View, Reason::Selected)
                    }
                    Materialized::View | Materialized::Ephemeral => return None,
                };
                Some(step(model.relation.to_string(), Some(model.relation.clone()), action, reason))
            }
            Node::Seed(seed) => {
                let relation = &seed.model.relation;
                let reason = self.reasons.get(id)?.clone();
                Some(step(relation.to_string(), Some(relation.clone()), Action::Seed, reason))
            }
            Node::Snapshot(snapshot) => {
                let relation = &snapshot.model.relation;
                let reason = self.reasons.get(id)?.clone();
                Some(step(relation.to_string(), Some(relation.clone()), Action::Snapshot, reason))
            }
            Node::Source(_) if self.compiled.freshness_checks.contains_key(id) => {
                Some(step(node.display_name(), None, Action::Freshness, Reason::Selected))
            }
            Node::Source(_) | Node::Test(_) | Node::UnitTest(_) | Node::Exposure(_) => None,
        }
    }

    /// Returns the step of a node that can't be checked because a source is unreadable, and `None` for other
    /// nodes. A source itself has a step only for its freshness.
    fn unreadable(&self, node: &Node) -> Option<Step> {
        let unreadable = self.compiled.unreadable.get(node.id())?;
        let action = match node {
            Node::Model(model) => match model.config.materialized {
                Materialized::Table => Action::Table,
                Materialized::Incremental => Action::Incremental,
                Materialized::View => Action::View,
                Materialized::Ephemeral => return None,
            },
            Node::Snapshot(_) => Action::Snapshot,
            Node::Seed(_) => Action::Seed,
            Node::Source(source) if source.freshness.is_some() => Action::Freshness,
            Node::Source(_) | Node::Test(_) | Node::UnitTest(_) | Node::Exposure(_) => return None,
        };
        let relation = node.relation().filter(|_| action != Action::Freshness).cloned();
        Some(Step {
            node: node.id().clone(),
            name: relation.as_ref().map_or_else(|| node.display_name(), ToString::to_string),
            relation,
            action,
            reason: unchecked(unreadable),
        })
    }

    fn test(&self, id: &NodeId, of: &NodeId, gates: bool) -> Option<Step> {
        let test = self.manifest.test(id)?;
        let unreadable = self.compiled.unreadable.get(id);
        let reason = match (gates, self.test_result(id, of)) {
            _ if unreadable.is_some() => unchecked(unreadable?),
            (false, _) => Reason::Selected,
            (true, Some(0)) => Reason::UpToDate,
            (true, Some(failures)) => Reason::Warned { failures },
            (true, None) if self.is_up_to_date(of) => Reason::Selected,
            (true, None) => Reason::Gates { node: of.clone() },
        };
        let relation = test.config.store_failures.then(|| test.audit.clone());
        Some(Step { node: id.clone(), name: test.name.clone(), relation, action: Action::Test, reason })
    }
}

/// Returns the reason of a step whose node couldn't be checked.
fn unchecked(cause: &Unreadable) -> Reason {
    let node = cause.source.clone();
    match cause.cause {
        UncheckedCause::Source => Reason::Unreadable { node },
        UncheckedCause::Columns => Reason::ColumnsDiffer { node },
        UncheckedCause::Query => Reason::QueryFailed { node },
        UncheckedCause::Errors => Reason::Invalid { node },
    }
}
