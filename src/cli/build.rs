//! `build`, `run`, `seed`, `snapshot`, `test` and `source freshness`: compile everything, then run the plan
//! and report progress.

use std::{
    io::{IsTerminal, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    args::{Global, LogFormat},
    artifacts,
    asked::Asked,
    context::{Context, Prepared, given_vars},
    failure::{self, Failure, NODE_FAILED},
    flags, found_columns, in_colour, openlineage,
    stop::cancel_on_signal,
    unchanged::{self, Done, Ended, Request},
};
use crate::{
    artifact::{Invocation, in_database},
    event::{Event, RunInfo},
    lineage::Lineage,
    manifest::Node,
    outcome::Repaired,
    plan::{Plan, Step},
    report::{
        Datasets, EventSink, FileLookup, JsonLines, Level, NodeFile, OpenLineage, Reporter, RunResult,
        RunResults, SourcesJson, TargetPath, Terminal, TerminalStyle, Transport, is_ephemeral,
    },
    run::{
        changed_batches::ChangedBatches,
        scheduler::{self, RunLimits},
        unchanged::steps::StepRecorder,
        worker::Worker,
    },
};

pub(super) async fn run(global: &Global, asked: &Asked<'_>) -> Result<ExitCode, Failure> {
    let request = Request::new(global, asked);
    if let Some(told) = request.as_ref().and_then(|request| unchanged::replay(request, global, asked)) {
        return told;
    }
    let context = Context::load(global)?;
    let watch = request.is_some();
    let Prepared { chosen, engine, tables, compiled, mut seen, mut watched, how, plan } =
        context.prepare(asked, watch).await?;
    let target = TargetPath::new(context.target_path.clone());
    let written = artifacts::write(&context, &target, &compiled)?;
    let lake = Arc::clone(tables.lake());
    let repair = lake.repair().await;
    for failed in repair.failed {
        failure::warn(&failed.to_string());
    }
    if asked.builds() {
        found_columns::record_exact(&lake, &compiled).await?;
    }
    let started = info(asked.command, &context, &plan, &lake.root_display(), repair.done);
    let limits = RunLimits { threads: context.threads, fail_fast: asked.fail_fast };
    let cancel = CancellationToken::new();
    let worker = Arc::new(Worker {
        engine,
        tables,
        artifacts: shown(&context),
        invocation_id: context.invocation_id.clone(),
        manifest: context.manifest,
        compiled,
        retain: asked.keep,
        changed_batches: ChangedBatches::default(),
        cancel: cancel.clone(),
    });
    let (jinja, shown_before, started_at) = (context.jinja, context.shown, context.started);
    let database = context.target_name.as_str();
    let planned = plan.steps().cloned().collect();
    let lookup = lookup(&worker, database);
    let reporting = Reporting { global, asked, target: &target, lookup: Arc::clone(&lookup), database };
    let mut reporter = reporting.reporter(Some(planned))?;
    let dialect = &context.project.settings.dialect;
    let events = lineage_events(&worker, &context.project.root, dialect, &lookup);
    reporter.extend(events);
    let mut steps = StepRecorder::default();
    let mut emit = |event: &Event| {
        steps.event(event);
        reporter.event(event);
    };
    let listening = tokio::spawn(cancel_on_signal(cancel.clone()));
    let execute = |job, handle| Arc::clone(&worker).execute(job, handle);
    scheduler::run(started.clone(), &plan, limits, &cancel, execute, &mut emit).await;
    lake.end_run().await;
    listening.abort();
    let (result, lost) = reporter.finish();
    let is_told = lost.is_empty();
    for sink in lost {
        failure::warn(&sink.to_string());
    }
    if asked.builds() && found_columns::record_samples(&lake, &worker.engine, &worker.compiled).await? {
        // Models of other sources are up to date by now.
        return Box::pin(run(global, asked)).await;
    }
    if let Some(request) = request.filter(|_| is_told) {
        let mut steps = steps.steps();
        if steps.is_none() && result.exit_code() == 0 {
            let (worker, plan, chosen) = (&worker, &plan, &chosen);
            let watched_before = watched.as_ref().map(|(_, state)| state);
            let ended =
                Ended { worker, plan, chosen, how, seen: &seen, watched: watched_before, info: &started };
            if let Some(settled) = ended.settle().await {
                (seen, watched, steps) = (settled.seen, Some(settled.tables), Some(settled.steps));
            }
        }
        request.record(Done {
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

/// Returns the exit code for a run's result.
pub(super) fn exit_code(result: &RunResult) -> ExitCode {
    if result.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NODE_FAILED) }
}

/// Returns the target path for display, relative to the project if it is inside.
fn shown(context: &Context) -> PathBuf {
    let path = &context.target_path;
    path.strip_prefix(&context.project.root).unwrap_or(path).to_path_buf()
}

fn info(
    command: &'static str,
    context: &Context,
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

/// The inputs of a run's reporter.
pub(super) struct Reporting<'a> {
    pub(super) global: &'a Global,
    pub(super) asked: &'a Asked<'a>,
    pub(super) target: &'a TargetPath,
    pub(super) lookup: FileLookup,
    pub(super) database: &'a str,
}

impl Reporting<'_> {
    /// Creates the reporter of a run with these `planned` steps, or of a replayed run if `None`.
    pub(super) fn reporter(self, planned: Option<Vec<Arc<Step>>>) -> Result<Reporter, Failure> {
        let vars = given_vars(self.global)?;
        Ok(reporter(self, &vars, planned))
    }
}

fn reporter(
    Reporting { global, asked, target, lookup, database }: Reporting<'_>,
    vars: &Map<String, Value>,
    planned: Option<Vec<Arc<Step>>>,
) -> Reporter {
    let terminal = stdout().is_terminal();
    let mut look = TerminalStyle::new(*chrono::Local::now().offset());
    look.colour = in_colour();
    look.quiet = global.quiet;
    let lines: Box<dyn EventSink> = match global.log_format {
        LogFormat::Json => {
            let least = if global.quiet { Level::Warn } else { Level::Info };
            Box::new(JsonLines::new(Box::new(stdout()), least, std::process::id(), Arc::clone(&lookup)))
        }
        LogFormat::Text if global.quiet => {
            Box::new(Terminal::plain(Box::new(stderr()), look, Arc::clone(&lookup)))
        }
        LogFormat::Text if terminal => Box::new(Terminal::live(look, Arc::clone(&lookup))),
        LogFormat::Text => Box::new(Terminal::plain(Box::new(stdout()), look, Arc::clone(&lookup))),
    };
    let invocation = Invocation {
        database: database.to_owned(),
        args: flags::record(global, asked, vars),
        ..Invocation::default()
    };
    let sources = SourcesJson::new(target.path().join("sources.json"), invocation.clone());
    let path = target.path().join("run_results.json");
    let results = match planned {
        Some(planned) => RunResults::new(path, invocation, lookup, planned),
        None => RunResults::new(path, invocation, lookup, Vec::new()).replayed(),
    };
    let mut sinks: Vec<Box<dyn EventSink>> = vec![lines, Box::new(sources)];
    // As in dbt, freshness results have their own file, and `retry` refers to the last build.
    if asked.command != "freshness" {
        sinks.insert(1, Box::new(results));
    }
    Reporter::new(sinks)
}

/// Returns the sink for lineage events, if the environment requests them.
fn lineage_events(
    worker: &Arc<Worker>,
    base: &Path,
    dialect: &str,
    lookup: &FileLookup,
) -> Option<Box<dyn EventSink>> {
    let wanted = openlineage::wanted()?;
    let lineage = Lineage::between(&worker.manifest, &worker.compiled, &|node| !is_ephemeral(node));
    let root = worker.tables.lake().root_display();
    let datasets = Datasets::new(&worker.manifest, &lineage, (&root, base), dialect);
    let transport = Transport::start(wanted.endpoint);
    let sink = OpenLineage::new(wanted.namespace, wanted.parent, datasets, Arc::clone(lookup), transport);
    Some(Box::new(sink))
}

fn lookup(worker: &Arc<Worker>, database: &str) -> FileLookup {
    let (worker, database) = (Arc::clone(worker), database.to_owned());
    Arc::new(move |id| {
        let node = worker.manifest.nodes.get(id)?;
        let compiled = &worker.compiled;
        // The SQL that reads a seed is generated.
        let has_sql = matches!(node, Node::Model(_) | Node::Snapshot(_));
        let model = || compiled.models.get(id).filter(|_| has_sql).map(|model| &model.sql);
        let test = || compiled.tests.get(id).map(|test| &test.probe.sql);
        let unit_test = || compiled.unit_tests.get(id).map(|test| &test.sql);
        let sql = model().or_else(test).or_else(unit_test);
        Some(NodeFile {
            path: Some(node.path().to_owned()),
            compiled_code: sql.map(|sql| in_database(sql, worker.manifest.named_by(id), &database)),
        })
    })
}
