//! What is to be done and why: what was compiled against what stands in the lake.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    compile::{Compiled, CompiledModel},
    graph::Graph,
    lake::Observed,
    manifest::{Manifest, Materialized, Node, fingerprint::same_statement},
    name::{NodeId, Relation},
    plan::{Action, Job, Plan, Reason, Step},
};

/// The plan for the chosen nodes: the models are built in their order, each with the tests that judge it.
///
/// A test belongs to the job of the last of those it reads that is built; to that of what it is declared on if none
/// is. Views are checked, ephemeral models only planned into their readers; the jobs between which they lay keep their
/// order. Unit tests come before their model, a source's age before what is read from it. `gate`: whether what
/// a test judges waits for its verdict; a run of tests alone has no order.
#[must_use]
pub fn plan(
    manifest: &Manifest,
    chosen: &BTreeSet<NodeId>,
    compiled: &Compiled,
    seen: &BTreeMap<Relation, Observed>,
    gate: bool,
) -> Plan {
    let planner = Planner { manifest, chosen, compiled, seen };
    let tests = planner.tests();
    let kept: BTreeSet<NodeId> =
        chosen.iter().filter(|id| planner.maker(id).is_some()).chain(tests.keys()).cloned().collect();
    let order = manifest.graph.subgraph(&kept);
    let mut jobs = planner.unit_tests();
    jobs.extend(order.sorted().iter().filter_map(|id| planner.job(id, &tests, &order, gate)));
    Plan { jobs }
}

/// The chosen tests by the node in whose job they run.
type Tests<'a> = BTreeMap<NodeId, Vec<&'a NodeId>>;

struct Planner<'a> {
    manifest: &'a Manifest,
    chosen: &'a BTreeSet<NodeId>,
    compiled: &'a Compiled,
    seen: &'a BTreeMap<Relation, Observed>,
}

impl<'a> Planner<'a> {
    fn tests(&self) -> Tests<'a> {
        let place: BTreeMap<&NodeId, usize> =
            self.manifest.graph.sorted().iter().enumerate().map(|(at, id)| (id, at)).collect();
        let mut tests = Tests::new();
        for id in self.chosen.iter().filter(|id| self.compiled.tests.contains_key(*id)) {
            let Some(test) = self.manifest.test(id) else { continue };
            let parents = self.manifest.graph.parents(id);
            let built = parents
                .iter()
                .filter(|parent| self.chosen.contains(**parent) && self.maker(parent).is_some());
            let last = built.max_by_key(|parent| place.get(**parent)).copied();
            let of = last.or(test.attached.as_ref()).or(parents.first().copied()).unwrap_or(&test.id);
            tests.entry(of.clone()).or_default().push(id);
        }
        tests
    }

    fn unit_tests(&self) -> Vec<Job> {
        let chosen = self.chosen.iter().filter(|id| self.compiled.unit_tests.contains_key(*id));
        let job = |id: &NodeId| {
            let name = self.manifest.nodes.get(id)?.display_name();
            let step = Step {
                node: id.clone(),
                name,
                relation: None,
                action: Action::UnitTest,
                reason: Reason::Selected,
            };
            let none = || Arc::from([]);
            Some(Job { node: id.clone(), steps: vec![Arc::new(step)], after: none(), behind: none() })
        };
        chosen.filter_map(job).collect()
    }

    fn job(&self, id: &NodeId, tests: &Tests<'_>, order: &Graph, gate: bool) -> Option<Job> {
        let mut steps: Vec<Arc<Step>> = self.maker(id).map(Arc::new).into_iter().collect();
        let gates = gate && steps.iter().any(|step| step.action == Action::Table);
        let own = tests.get(id).map(Vec::as_slice).unwrap_or_default();
        steps.extend(own.iter().filter_map(|test| self.test(test, id, gates)).map(Arc::new));
        if steps.is_empty() {
            return None;
        }
        let (mut after, mut behind) = (BTreeSet::new(), BTreeSet::new());
        if gate {
            after.extend(order.parents(id).into_iter().cloned());
            after.extend(self.unit_tests_of(id));
            // What else the tests read is built before, if it is built at all.
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
            .filter(|id| self.chosen.contains(*id) && self.compiled.unit_tests.contains_key(*id))
            .cloned()
            .collect()
    }

    /// What makes a chosen node, or asks after it.
    fn maker(&self, id: &NodeId) -> Option<Step> {
        if !self.chosen.contains(id) {
            return None;
        }
        let node = self.manifest.nodes.get(id)?;
        let step = |name: String, relation, action, reason| Step {
            node: id.clone(),
            name,
            relation,
            action,
            reason,
        };
        match node {
            Node::Model(model) => {
                let compiled = self.compiled.models.get(id)?;
                let action = match model.config.materialized {
                    Materialized::Table => Action::Table,
                    Materialized::View => Action::View,
                    Materialized::Ephemeral => return None,
                };
                let reason = reason(action, compiled, self.seen.get(&model.relation));
                Some(step(model.relation.to_string(), Some(model.relation.clone()), action, reason))
            }
            Node::Source(_) if self.compiled.clocks.contains_key(id) => {
                Some(step(node.display_name(), None, Action::Freshness, Reason::Selected))
            }
            Node::Source(_) | Node::Test(_) | Node::UnitTest(_) => None,
        }
    }

    fn test(&self, id: &NodeId, of: &NodeId, gates: bool) -> Option<Step> {
        let test = self.manifest.test(id)?;
        let reason = if gates { Reason::Gates { node: of.clone() } } else { Reason::Selected };
        let relation = test.config.store_failures.then(|| test.audit.clone());
        Some(Step { node: id.clone(), name: test.name.clone(), relation, action: Action::Test, reason })
    }
}

fn reason(action: Action, compiled: &CompiledModel, seen: Option<&Observed>) -> Reason {
    match (action, seen) {
        (Action::Table, None) => Reason::FirstBuild,
        (Action::Table, Some(seen)) => match &seen.provenance {
            None => Reason::ModifiedOutside { version: seen.version },
            Some(made) if made.fingerprint == compiled.fingerprint => Reason::Selected,
            Some(made) if same_statement(&made.fingerprint, &compiled.fingerprint) => Reason::ConfigChanged,
            Some(_) => Reason::SqlChanged,
        },
        _ => Reason::Selected,
    }
}
