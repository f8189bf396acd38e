//! What is to be done and why: the compiled models against what stands in the lake.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    compile::{Compiled, CompiledModel},
    lake::Observed,
    manifest::{Manifest, Materialized, fingerprint::same_statement},
    name::{NodeId, Relation},
    plan::{Action, Job, Plan, Reason, Step},
};

/// The plan for the chosen models. Views are checked, ephemeral models only planned into their readers; the steps
/// between which they lay keep their order.
#[must_use]
pub fn plan(
    manifest: &Manifest,
    chosen: &BTreeSet<NodeId>,
    compiled: &Compiled,
    seen: &BTreeMap<Relation, Observed>,
) -> Plan {
    let kept: BTreeSet<NodeId> = chosen
        .iter()
        .filter(|id| action(manifest, id).is_some() && compiled.models.contains_key(*id))
        .cloned()
        .collect();
    let graph = manifest.graph.subgraph(&kept);
    let jobs = graph
        .sorted()
        .iter()
        .filter_map(|id| {
            let model = manifest.model(id)?;
            let compiled = compiled.models.get(id)?;
            let action = action(manifest, id)?;
            let step = Step {
                node: id.clone(),
                name: model.relation.to_string(),
                relation: Some(model.relation.clone()),
                action,
                reason: reason(action, compiled, seen.get(&model.relation)),
            };
            Some(Job {
                node: id.clone(),
                steps: vec![Arc::new(step)],
                after: graph.parents(id).into_iter().cloned().collect(),
                behind: Arc::new([]),
            })
        })
        .collect();
    Plan { jobs }
}

fn action(manifest: &Manifest, id: &NodeId) -> Option<Action> {
    match manifest.model(id)?.config.materialized {
        Materialized::Table => Some(Action::Table),
        Materialized::View => Some(Action::View),
        Materialized::Ephemeral => None,
    }
}

fn reason(action: Action, compiled: &CompiledModel, seen: Option<&Observed>) -> Reason {
    match (action, seen) {
        (Action::View | Action::Test | Action::UnitTest | Action::Freshness, _) => Reason::Selected,
        (Action::Table, None) => Reason::FirstBuild,
        (Action::Table, Some(seen)) => match &seen.provenance {
            None => Reason::ModifiedOutside { version: seen.version },
            Some(made) if made.fingerprint == compiled.fingerprint => Reason::Selected,
            Some(made) if same_statement(&made.fingerprint, &compiled.fingerprint) => Reason::ConfigChanged,
            Some(_) => Reason::SqlChanged,
        },
    }
}
