//! `build`, `run`, `seed`, `snapshot`, `test` and `source freshness`: compile everything, then run the plan
//! and report progress.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    args::Global,
    artifacts,
    context::{CommandContext, PreparedRequest},
    failure::{self, Failure},
    found_columns,
    reporting::{Reporting, exit_code, lineage_events, lookup},
    request::CommandRequest,
    signal::Cancellable,
    unchanged::{self, Done, EndedRun, RecordedRequest},
};
use crate::{
    event::{Event, RunInfo},
    lake::Lake,
    outcome::Repaired,
    plan::Plan,
    report::{Reporter, RunResult, TargetPath},
    run::{
        changed_batches::ChangedBatches,
        scheduler::{self, RunLimits},
        unchanged::steps::StepRecorder,
        worker::Worker,
    },
};

/// The exit code of a command.
type Ended = Result<ExitCode, Failure>;

pub(super) async fn run(global: &Global, request: &CommandRequest<'_>) -> Ended {
    // Before anything else, so that no signal interrupts a write.
    let command = Cancellable::begin();
    cancellable(global, request, &command).await
}

async fn cancellable(global: &Global, request: &CommandRequest<'_>, command: &Cancellable) -> Ended {
    let recorded = RecordedRequest::new(global, request);
    if let Some(told) = recorded.as_ref().and_then(|recorded| unchanged::replay(recorded, global, request)) {
        return told;
    }
    let context = CommandContext::load(global)?;
    let Some(PreparedRequest { chosen, engine, tables, compiled, mut seen, mut watched, how, plan }) =
        prepared(&context, request, recorded.is_some(), command).await?
    else {
        return Ok(command.cancelled());
    };
    let target = TargetPath::new(context.target_path.clone());
    let written = artifacts::write(&context, &target, &compiled)?;
    let lake = Arc::clone(tables.lake());
    let repaired = repair(&lake).await;
    found_columns::record_exact(&lake, request, &compiled).await?;
    let started = info(request.command, &context, &plan, &lake.root_display(), repaired);
    let limits = RunLimits { threads: context.threads, fail_fast: request.fail_fast };
    let worker = Arc::new(Worker {
        engine,
        tables,
        artifacts: shown(&context),
        invocation_id: context.invocation_id.clone(),
        manifest: context.manifest,
        compiled,
        retain: request.keep,
        changed_batches: ChangedBatches::default(),
        cancel: command.cancel.clone(),
    });
    let (jinja, shown_before, started_at) = (context.jinja, context.shown, context.started);
    let database = context.target_name.as_str();
    let planned = plan.steps().cloned().collect();
    let lookup = lookup(&worker, database);
    let reporting = Reporting { global, request, target: &target, lookup: Arc::clone(&lookup), database };
    let mut reporter = reporting.reporter(Some(planned))?;
    reporter.extend(lineage_events(&worker, &context.project, &lookup));
    let Execution { result, steps, is_reported } =
        execute(&worker, &plan, started.clone(), limits, reporter, command).await;
    if request.builds() && found_columns::record_samples(&lake, &worker.engine, &worker.compiled).await? {
        // Models of other sources are up to date by now.
        return Box::pin(cancellable(global, request, command)).await;
    }
    if let Some(recorded) = recorded.filter(|_| is_reported) {
        let mut steps = steps.steps();
        if steps.is_none() && result.exit_code() == 0 {
            let (worker, plan, chosen) = (&worker, &plan, &chosen);
            let watched_before = watched.as_ref().map(|(_, state)| state);
            let ended =
                EndedRun { worker, plan, chosen, how, seen: &seen, watched: watched_before, info: &started };
            if let Some(settled) = ended.settle().await {
                (seen, watched, steps) = (settled.seen, Some(settled.tables), Some(settled.steps));
            }
        }
        recorded.record(Done {
            manifest: &worker.manifest,
            jinja: &jinja,
            compiled: &worker.compiled,
            seen: &seen,
            tables: watched,
            steps,
            info: started,
            started: started_at,
            warnings: shown_before.into_inner().unwrap_or_default(),
            quiet: global.quiet,
            lookup,
            written,
        });
    }
    Ok(exit_code(&result))
}

/// Prepares a request, with the state of tables and sources if `watch`. Returns `None` if it was cancelled.
async fn prepared(
    context: &CommandContext,
    request: &CommandRequest<'_>,
    watch: bool,
    command: &Cancellable,
) -> Result<Option<PreparedRequest>, Failure> {
    let prepared = tokio::select! {
        biased;
        () = command.cancel.cancelled() => return Ok(None),
        prepared = context.prepare(request, watch) => prepared?,
    };
    Ok(Some(prepared).filter(|_| !command.cancel.is_cancelled()))
}

/// Repairs what earlier runs left in the lake, and warns about what can't be repaired.
async fn repair(lake: &Lake) -> Vec<Repaired> {
    let repair = lake.repair().await;
    for failed in repair.failed {
        failure::warn(&failed.to_string());
    }
    repair.done
}

/// An executed plan.
struct Execution {
    result: RunResult,
    steps: StepRecorder,
    /// True if every sink received all events.
    is_reported: bool,
}

/// Executes a plan until it is finished or cancelled by a signal, and reports its events.
async fn execute(
    worker: &Arc<Worker>,
    plan: &Plan,
    info: RunInfo,
    limits: RunLimits,
    mut reporter: Reporter,
    command: &Cancellable,
) -> Execution {
    let mut steps = StepRecorder::default();
    let mut emit = |event: &Event| {
        steps.event(event);
        reporter.event(event);
    };
    command.set_running(true);
    let execute = |job, told| Arc::clone(worker).execute(job, told);
    scheduler::run(info, plan, limits, &worker.cancel, execute, &mut emit).await;
    worker.tables.lake().end_run().await;
    command.set_running(false);
    let (result, lost) = reporter.finish();
    let is_reported = lost.is_empty();
    for sink in lost {
        failure::warn(&sink.to_string());
    }
    Execution { result, steps, is_reported }
}

/// Returns the target path for display, relative to the project if it is inside.
fn shown(context: &CommandContext) -> PathBuf {
    let path = &context.target_path;
    path.strip_prefix(&context.project.root).unwrap_or(path).to_path_buf()
}

fn info(
    command: &'static str,
    context: &CommandContext,
    plan: &Plan,
    root: &str,
    repaired: Vec<Repaired>,
) -> RunInfo {
    RunInfo {
        command,
        invocation_id: context.invocation_id.clone(),
        project: context.manifest.project.clone(),
        target: context.target_name.clone(),
        root: root.to_string(),
        threads: context.threads,
        found: context.manifest.counts(),
        steps: plan.steps().count(),
        repaired,
    }
}
