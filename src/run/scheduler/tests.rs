//! Properties for any graph and any failures: each step ends exactly once, after its dependencies, within the
//! limits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    name::{NodeId, Relation},
    outcome::{Outcome, TestStatus, Verdict},
    plan::{Action, Reason, Step},
};

fn id(at: usize) -> NodeId {
    NodeId::model("p", &format!("m{at:02}"))
}

fn test_of(at: usize) -> NodeId {
    NodeId::singular_test("p", &format!("m{at:02}"))
}

fn step(node: NodeId, action: Action) -> Arc<Step> {
    let relation = (action == Action::Table).then(|| Relation::new("s", node.as_str()));
    Arc::new(Step { name: node.to_string(), node, relation, action, reason: Reason::Selected })
}

/// Returns a plan with one job per node, each with a table and a test. `needed` are its parents; `awaited`
/// only have to end.
fn plan(needed: &[BTreeSet<usize>], awaited: &[BTreeSet<usize>]) -> Plan {
    let ids = |set: &BTreeSet<usize>| set.iter().map(|at| id(*at)).collect();
    let jobs = (0..needed.len())
        .map(|at| Job {
            node: id(at),
            steps: vec![step(id(at), Action::Table), step(test_of(at), Action::Test)],
            after: ids(&needed[at]),
            behind: ids(&awaited[at]),
        })
        .collect();
    Plan { jobs }
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
        repaired: Vec::new(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    Badly,
    TestFailing,
    Panicking,
    CancellingAll,
}

fn failed() -> Outcome {
    Outcome::Failed { message: "no".into(), compiled: None }
}

async fn execute(
    job: Arc<Job>,
    handle: JobHandle,
    end: End,
    cancel: CancellationToken,
) -> Result<(), Cancelled> {
    let _ = handle.started(&job.steps[0]);
    tokio::task::yield_now().await;
    match end {
        End::Panicking => panic!("a job panics"),
        End::CancellingAll => {
            cancel.cancel();
            return Err(Cancelled);
        }
        End::Badly => {
            handle.finished(&job.steps[0], failed());
            return Ok(());
        }
        End::Well | End::TestFailing => {}
    }
    let _ = handle.started(&job.steps[1]);
    tokio::task::yield_now().await;
    if end == End::TestFailing {
        handle.finished(
            &job.steps[1],
            Outcome::Tested(Verdict { status: TestStatus::Fail, ..Verdict::pass() }),
        );
        handle.finished(&job.steps[0], failed());
    } else {
        handle.finished(&job.steps[1], Outcome::Tested(Verdict::pass()));
        handle.finished(&job.steps[0], Outcome::Checked);
    }
    Ok(())
}

fn facts(plan: &Plan, ends: &[End], limits: RunLimits) -> Vec<Fact> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let mut facts = Vec::new();
        let ends: BTreeMap<NodeId, End> = ends.iter().enumerate().map(|(at, end)| (id(at), *end)).collect();
        let execute = |job: Arc<Job>, handle| {
            let end = ends[&job.node];
            execute(job, handle, end, cancel.clone())
        };
        run(info(), plan, limits, &cancel, execute, &mut |event| {
            assert_eq!(usize::try_from(event.number), Ok(facts.len()));
            facts.push(event.fact.clone());
        })
        .await;
        facts
    })
}

fn parents(size: usize) -> impl Strategy<Value = Vec<BTreeSet<usize>>> {
    (0..size)
        .map(|at| {
            proptest::collection::btree_set(0..at.max(1), 0..4).prop_map(move |mut set| {
                set.retain(|parent| *parent < at);
                set
            })
        })
        .collect::<Vec<_>>()
}

type SchedulerCase = (Vec<BTreeSet<usize>>, Vec<BTreeSet<usize>>, Vec<End>);

fn cases() -> impl Strategy<Value = SchedulerCase> {
    (1usize..24).prop_flat_map(|size| {
        let end = prop_oneof![
            8 => Just(End::Well), 2 => Just(End::Badly), 2 => Just(End::TestFailing), 1 => Just(End::Panicking)
        ];
        (parents(size), parents(size), proptest::collection::vec(end, size))
    })
}

proptest! {
    #[test]
    fn every_step_ends_once_and_after_what_it_waits_for(
        (needed, awaited, ends) in cases(), threads in 1usize..5, fail_fast in any::<bool>(),
    ) {
        let plan = plan(&needed, &awaited);
        let facts = facts(&plan, &ends, RunLimits { threads, fail_fast });
        let jobs: BTreeMap<NodeId, &Job> = plan.jobs.iter().map(|job| (job.node.clone(), job)).collect();
        let mut well: BTreeSet<NodeId> = BTreeSet::new();
        let mut ended: BTreeSet<NodeId> = BTreeSet::new();
        let mut running = 0usize;
        let mut failed = false;
        for fact in &facts {
            match fact {
                Fact::StepStarted { step, .. } => {
                    if let Some(job) = jobs.get(&step.node) {
                        running += 1;
                        prop_assert!(running <= threads);
                        prop_assert!(!(failed && fail_fast), "{} started after a failure", step.node);
                        prop_assert!(job.after.iter().all(|parent| well.contains(parent)));
                        prop_assert!(job.behind.iter().all(|parent| ended.contains(parent)));
                    }
                }
                Fact::StepFinished { step, outcome, .. } => {
                    running -= usize::from(jobs.contains_key(&step.node));
                    prop_assert!(ended.insert(step.node.clone()));
                    if outcome.is_success() { well.insert(step.node.clone()); } else { failed = true; }
                }
                Fact::StepSkipped { step, because, .. } => {
                    prop_assert!(ended.insert(step.node.clone()));
                    if let Skipped::Upstream { failed } = because {
                        prop_assert!(ended.contains(failed) && !well.contains(failed));
                        prop_assert!(jobs.contains_key(failed), "the node stands for its tests");
                    }
                }
                _ => {}
            }
        }
        prop_assert_eq!(ended.len(), 2 * needed.len());
        prop_assert!(matches!(facts.first(), Some(Fact::RunStarted(_))));
        let over = matches!(facts.last(), Some(Fact::RunFinished { .. }));
        prop_assert!(over);
        if !fail_fast {
            let doomed = |at: usize, doomed: &[bool]| needed[at].iter().any(|p| doomed[*p]);
            let mut bad = vec![false; needed.len()];
            for at in 0..needed.len() {
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
    let none = vec![BTreeSet::new(); 4];
    let facts = facts(&plan(&chain, &none), &ends, RunLimits { threads: 1, fail_fast: false });
    let asked = facts.iter().filter(|fact| matches!(fact, Fact::CancelRequested)).count();
    let skipped = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::StepSkipped { because: Skipped::Cancelled, .. }))
        .count();
    assert_eq!((asked, skipped), (1, 8));
}

#[test]
fn what_only_waits_goes_on_after_a_failure() {
    let none = || vec![BTreeSet::new(); 2];
    let behind = vec![BTreeSet::new(), BTreeSet::from([0])];
    let ends = [End::Badly, End::Well];
    let facts = facts(&plan(&none(), &behind), &ends, RunLimits { threads: 2, fail_fast: false });
    let ended = |node: NodeId| {
        facts.iter().any(|fact| match fact {
            Fact::StepFinished { step, outcome, .. } => step.node == node && outcome.is_success(),
            _ => false,
        })
    };
    assert!(ended(id(1)) && ended(test_of(1)));
}
