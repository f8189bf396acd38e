//! Whatever the graph and whatever fails: each step ends exactly once, after its parents, within the limits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    name::{NodeId, Relation},
    plan::{Action, Reason},
};

fn id(at: usize) -> NodeId {
    NodeId::model("p", &format!("m{at:02}"))
}

fn plan(parents: &[BTreeSet<usize>]) -> Plan {
    let steps = parents
        .iter()
        .enumerate()
        .map(|(at, before)| Step {
            node: id(at),
            relation: Relation::new("s", format!("m{at:02}")),
            action: Action::Table,
            reason: Reason::Selected,
            after: before.iter().map(|at| id(*at)).collect(),
        })
        .collect();
    Plan { steps }
}

fn info() -> RunInfo {
    RunInfo {
        command: "build",
        invocation_id: "i".into(),
        project: "p".into(),
        target: "dev".into(),
        root: "lake".into(),
        threads: 1,
        found: BTreeMap::new(),
        steps: 0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    Badly,
    Panicking,
    CancellingAll,
}

fn facts(parents: &[BTreeSet<usize>], ends: &[End], limits: Limits) -> Vec<Fact> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let mut facts = Vec::new();
        let ends: BTreeMap<NodeId, End> = ends.iter().enumerate().map(|(at, end)| (id(at), *end)).collect();
        let execute = |step: Arc<Step>, _: Progress| {
            let end = ends[&step.node];
            let cancel = cancel.clone();
            async move {
                tokio::task::yield_now().await;
                match end {
                    End::Well => Ok(Outcome::Checked),
                    End::Badly => Ok(Outcome::Failed { message: "no".into(), compiled: None }),
                    End::Panicking => panic!("a step panics"),
                    End::CancellingAll => {
                        cancel.cancel();
                        Err(Cancelled)
                    }
                }
            }
        };
        run(info(), &plan(parents), limits, &cancel, execute, &mut |event| {
            assert_eq!(usize::try_from(event.number), Ok(facts.len()));
            facts.push(event.fact.clone());
        })
        .await;
        facts
    })
}

fn graphs() -> impl Strategy<Value = (Vec<BTreeSet<usize>>, Vec<End>)> {
    (1usize..24).prop_flat_map(|size| {
        let parents = (0..size)
            .map(|at| {
                proptest::collection::btree_set(0..at.max(1), 0..4).prop_map(move |mut set| {
                    set.retain(|parent| *parent < at);
                    set
                })
            })
            .collect::<Vec<_>>();
        let end = prop_oneof![8 => Just(End::Well), 2 => Just(End::Badly), 1 => Just(End::Panicking)];
        (parents, proptest::collection::vec(end, size))
    })
}

proptest! {
    #[test]
    fn every_step_ends_once_and_after_its_parents(
        (parents, ends) in graphs(), threads in 1usize..5, fail_fast in any::<bool>(),
    ) {
        let facts = facts(&parents, &ends, Limits { threads, fail_fast });
        let mut well: BTreeSet<NodeId> = BTreeSet::new();
        let mut ended: BTreeSet<NodeId> = BTreeSet::new();
        let mut running = 0usize;
        let mut failed = false;
        for fact in &facts {
            match fact {
                Fact::StepStarted { step, .. } => {
                    running += 1;
                    prop_assert!(running <= threads);
                    prop_assert!(!(failed && fail_fast), "{} started after a failure", step.node);
                    prop_assert!(step.after.iter().all(|parent| well.contains(parent)));
                }
                Fact::StepFinished { step, outcome, .. } => {
                    running -= 1;
                    prop_assert!(ended.insert(step.node.clone()));
                    if outcome.is_success() { well.insert(step.node.clone()); } else { failed = true; }
                }
                Fact::StepSkipped { step, because, .. } => {
                    prop_assert!(ended.insert(step.node.clone()));
                    if let Skipped::Upstream { failed } = because {
                        prop_assert!(ended.contains(failed) && !well.contains(failed));
                    }
                }
                _ => {}
            }
        }
        prop_assert_eq!(ended.len(), parents.len());
        prop_assert!(matches!(facts.first(), Some(Fact::RunStarted(_))));
        let over = matches!(facts.last(), Some(Fact::RunFinished { .. }));
        prop_assert!(over);
        if !fail_fast {
            let doomed = |at: usize, doomed: &[bool]| parents[at].iter().any(|p| doomed[*p]);
            let mut bad = vec![false; parents.len()];
            for at in 0..parents.len() {
                bad[at] = ends[at] != End::Well || doomed(at, &bad);
                prop_assert_eq!(well.contains(&id(at)), !bad[at]);
            }
        }
    }
}

#[test]
fn cancelling_skips_the_rest_and_says_so_once() {
    let chain = [BTreeSet::new(), BTreeSet::from([0]), BTreeSet::from([1]), BTreeSet::new()];
    let ends = [End::CancellingAll, End::Well, End::Well, End::Well];
    let facts = facts(&chain, &ends, Limits { threads: 1, fail_fast: false });
    let asked = facts.iter().filter(|fact| matches!(fact, Fact::CancelRequested)).count();
    let skipped = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::StepSkipped { because: Skipped::Cancelled, .. }))
        .count();
    assert_eq!((asked, skipped), (1, 4));
}
