//! Settling: after a run that built something, plans again without compiling, so that the record can answer
//! the very next run.

use std::{collections::BTreeSet, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    event::RunInfo,
    manifest::{Manifest, Materialized, Node},
    name::{NodeId, Relation},
    plan::{Action, Plan, Reason},
    run::{
        observed::ObservedState,
        planning::{self, PlanOptions},
        scheduler::{self, RunLimits},
        unchanged::{
            conditions::{TablesState, WatchedTables},
            steps::{RecordedStep, StepRecorder},
        },
        worker::Worker,
    },
};

/// A successful run.
pub(in crate::workspace) struct EndedRun<'a> {
    pub(in crate::workspace) worker: &'a Arc<Worker>,
    pub(in crate::workspace) plan: &'a Plan,
    pub(in crate::workspace) chosen: &'a BTreeSet<NodeId>,
    pub(in crate::workspace) options: PlanOptions,
    /// The state before the run.
    pub(in crate::workspace) observed: &'a ObservedState,
    pub(in crate::workspace) watched: Option<&'a TablesState>,
    pub(in crate::workspace) info: &'a RunInfo,
}

/// The state after the run, and the steps that the next run would report.
pub(in crate::workspace) struct Settled {
    pub(in crate::workspace) observed: ObservedState,
    pub(in crate::workspace) tables: (WatchedTables, TablesState),
    pub(in crate::workspace) steps: Vec<RecordedStep>,
}

impl EndedRun<'_> {
    /// Returns the state and the steps of the next run, or `None` if it would do anything or might compile
    /// differently.
    pub(in crate::workspace) async fn settle(self) -> Option<Settled> {
        let Self { worker, plan, chosen, options, observed, watched, info } = self;
        if !may_settle(plan) {
            return None;
        }
        let tables = WatchedTables::new(&worker.tables, &worker.manifest)?;
        let state = tables.state(info.threads)?;
        // The run was compiled with the source columns that were recorded before it.
        if watched?.notes != state.notes {
            return None;
        }
        let now = ObservedState::of(&worker.tables, &worker.manifest).await.ok()?;
        let now = now.and_sources(&worker.engine, &worker.compiled).await;
        if !compiles_the_same(&worker.manifest, chosen, observed, &now) {
            return None;
        }
        let next = planning::plan(&worker.manifest, chosen, &worker.compiled, &now, options);
        if next.steps().any(|step| !step.reason.is_idle() && step.action != Action::View) {
            return None;
        }
        let mut steps = StepRecorder::default();
        let info = RunInfo { repaired: Vec::new(), ..info.clone() };
        let limits = RunLimits { threads: info.threads, fail_fast: true };
        let execute = |job, handle| Arc::clone(worker).execute(job, handle);
        let never = CancellationToken::new();
        scheduler::run(info, &next, limits, &never, execute, &mut |event| steps.event(event)).await;
        Some(Settled { observed: now, tables: (tables, state), steps: steps.steps()? })
    }
}

/// Returns whether the next run might have nothing to do. Volatile models and freshness checks always run,
/// and so do tests of nodes for which the plan has no table step.
fn may_settle(plan: &Plan) -> bool {
    let has_table = |job: &crate::plan::Job| job.steps.iter().any(|step| step.action.is_table());
    let is_test = |job: &crate::plan::Job| job.steps.iter().any(|step| step.action == Action::Test);
    plan.jobs.iter().all(|job| has_table(job) || !is_test(job))
        && plan.steps().all(|step| step.reason != Reason::Volatile && step.action != Action::Freshness)
}

/// Returns whether compiling again would give the same result: whether all tables whose columns are read from
/// the lake still have the same columns. The columns of other chosen tables follow from their SQL.
fn compiles_the_same(
    manifest: &Manifest,
    chosen: &BTreeSet<NodeId>,
    before: &ObservedState,
    now: &ObservedState,
) -> bool {
    let follows = |relation: &Relation| match manifest.at(relation) {
        Some(Node::Model(model)) => {
            model.config.materialized == Materialized::Table && chosen.contains(&model.id)
        }
        Some(Node::Seed(seed)) => chosen.contains(&seed.model.id),
        _ => false,
    };
    let relations: BTreeSet<&Relation> = before.tables.keys().chain(now.tables.keys()).collect();
    relations.into_iter().filter(|relation| !follows(relation)).all(|relation| {
        match (before.tables.get(relation), now.tables.get(relation)) {
            (Some(before), Some(now)) => {
                before.schema == now.schema && before.partition_by == now.partition_by
            }
            _ => false,
        }
    })
}
