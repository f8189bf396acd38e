//! Executes a prepared request.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    artifacts,
    error::WorkspaceError,
    found_columns, hook_results,
    load::Workspace,
    prepare::Prepared,
    request::Request,
    unchanged::{Done, EndedRun, RecordedRequest},
};
use crate::{
    artifact::in_database,
    compile::Compiled,
    diag::Diagnostic,
    event::{Event, RunInfo},
    jinja::Jinja,
    lake::{Lake, LakeError},
    lineage::Lineage,
    manifest::Node,
    name::NodeId,
    outcome::Repaired,
    plan::{Plan, Step},
    project::Project,
    report::{
        Datasets, Endpoint, EventSink, FileLookup, LineageParent, NodeFile, OpenLineage, TargetPath,
        Transport, is_ephemeral,
    },
    run::{
        late_compiler::LateCompiler,
        observed::ObservedState,
        planning::PlanOptions,
        scheduler::{self, RunLimits},
        unchanged::{
            conditions::{TablesState, WatchedTables},
            steps::StepRecorder,
        },
        worker::Worker,
    },
};

/// A plan that is about to be executed, or has been. The lake is repaired, and the artifacts are written.
pub struct Run {
    /// The facts known before the first step.
    pub info: RunInfo,
    /// The folder for artifacts.
    pub artifacts: PathBuf,
    /// The repairs that failed; the next run tries again.
    pub unrepaired: Vec<LakeError>,
    worker: Arc<Worker>,
    plan: Plan,
    limits: RunLimits,
    /// Whether the request builds tables.
    builds: bool,
    project: Project,
    jinja: Arc<Jinja>,
    started: DateTime<Utc>,
    /// The compiled SQL, relative to the folder for artifacts.
    written: Vec<PathBuf>,
    chosen: BTreeSet<NodeId>,
    observed: ObservedState,
    watched: Option<(WatchedTables, TablesState)>,
    options: PlanOptions,
}

/// The result of executing a plan.
pub struct Executed {
    /// The steps, for a record.
    pub steps: StepRecorder,
    /// The warnings of `on-run-end`, or the error that ended it.
    pub hooks: Result<Vec<Diagnostic>, Vec<Diagnostic>>,
}

/// The facts about the end of a run that decide whether the next one can be answered from its record.
pub struct Ending {
    /// The run's steps.
    pub steps: StepRecorder,
    /// Whether all steps succeeded.
    pub is_success: bool,
    /// The warnings shown before the run, without colour and in colour.
    pub warnings: [String; 2],
}

impl Workspace {
    /// Begins a prepared request: writes the artifacts, and repairs what earlier runs left in the lake.
    /// Nothing is built yet. Whoever cancels `cancel` stops the run.
    ///
    /// # Errors
    /// If the project has an error, or the artifacts can't be written.
    pub async fn begin(
        self,
        prepared: Prepared,
        request: &Request,
        cancel: CancellationToken,
    ) -> Result<Run, WorkspaceError> {
        if !self.errors.is_empty() || prepared.has_errors() {
            let diagnostics: Vec<_> = self.errors.into_iter().chain(prepared.diagnostics).collect();
            return Err(diagnostics.into());
        }
        let written = self.write_artifacts(&prepared.compiled)?;
        let writer = Lake::clone(prepared.tables.lake()).writer(&self.invocation_id);
        let repair = writer.repair().await;
        if request.builds() {
            found_columns::record_exact(&writer, &prepared.compiled).await?;
        }
        let info = self.info(request.command, &prepared.plan, prepared.tables.lake(), repair.done);
        let Prepared {
            chosen,
            engine,
            tables,
            found,
            compiled,
            observed,
            watched,
            wanted,
            options,
            plan,
            ..
        } = prepared;
        let empty = wanted.empty;
        let artifacts = self.shown_target_path();
        let jinja = Arc::new(self.jinja);
        let root = self.project.root.clone();
        let late = LateCompiler::new(Arc::clone(&jinja), root, found, self.started, wanted);
        let worker = Arc::new(Worker {
            engine: Arc::new(engine),
            writer: Arc::new(writer),
            late: Arc::new(late),
            tables,
            artifacts,
            invocation_id: self.invocation_id,
            manifest: Arc::new(self.manifest),
            compiled: Arc::new(compiled),
            unread: Arc::new(observed.unreadable.clone()),
            retain: request.retain,
            empty,
            changed_batches: Arc::default(),
            cancel,
        });
        Ok(Run {
            info,
            artifacts: self.target_path,
            unrepaired: repair.failed,
            worker,
            plan,
            limits: RunLimits { threads: self.threads, fail_fast: request.fail_fast },
            builds: request.builds(),
            project: self.project,
            jinja,
            started: self.started,
            written,
            chosen,
            observed,
            watched,
            options,
        })
    }

    /// Writes the compiled SQL, `manifest.json` and `graph_summary.json`. Returns the paths of the SQL files,
    /// relative to the folder for artifacts.
    pub fn write_artifacts(&self, compiled: &Compiled) -> Result<Vec<PathBuf>, WorkspaceError> {
        let target = TargetPath::new(self.target_path.clone());
        artifacts::write(self, &target, compiled)
    }

    fn info(&self, command: &'static str, plan: &Plan, lake: &Lake, repaired: Vec<Repaired>) -> RunInfo {
        RunInfo {
            command,
            invocation_id: self.invocation_id.clone(),
            project: self.manifest.project.clone(),
            target: self.target_name.clone(),
            root: lake.root_display(),
            threads: self.threads,
            found: self.manifest.counts(),
            steps: plan.steps().count(),
            repaired,
        }
    }
}

impl Run {
    pub(super) fn project(&self) -> &Project {
        &self.project
    }

    pub(super) fn jinja(&self) -> &Jinja {
        &self.jinja
    }

    pub(super) fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// Iterates over the planned steps.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<Step>> {
        self.plan.steps()
    }

    /// Returns the lookup of the nodes' files and compiled SQL, which sinks need.
    #[must_use]
    pub fn lookup(&self) -> FileLookup {
        let (worker, database) = (Arc::clone(&self.worker), self.info.target.clone());
        Arc::new(move |id| {
            let node = worker.manifest.nodes.get(id)?;
            // The SQL that reads a seed is generated.
            let has_sql = matches!(node, Node::Model(_) | Node::Snapshot(_));
            let sql = |compiled: &Compiled| {
                let model = || compiled.models.get(id).filter(|_| has_sql).map(|model| &model.sql);
                let test = || compiled.tests.get(id).map(|test| &test.probe.sql);
                let unit_test = || compiled.unit_tests.get(id).map(|test| &test.sql);
                let sql = model().or_else(test).or_else(unit_test);
                sql.map(|sql| in_database(sql, worker.manifest.named_by(id), &database))
            };
            let is_late = worker.compiled.later.contains_key(id);
            let late = || worker.late.done().iter().find_map(|compiled| sql(compiled));
            let compiled_code = if is_late { late() } else { sql(&worker.compiled) };
            Some(NodeFile { path: Some(node.path().to_owned()), compiled_code })
        })
    }

    /// Returns a sink that sends the run's lineage events.
    #[must_use]
    pub fn lineage_events(
        &self,
        endpoint: Endpoint,
        namespace: String,
        parent: Option<LineageParent>,
    ) -> Box<dyn EventSink> {
        let Worker { manifest, compiled, tables, .. } = self.worker.as_ref();
        let lineage = Lineage::between(manifest, compiled, &|node| !is_ephemeral(node));
        let root = tables.lake().root_display();
        let dialect = &self.project.settings.dialect;
        let datasets = Datasets::new(manifest, &lineage, (&root, &self.project.root), dialect);
        let transport = Transport::start(endpoint);
        Box::new(OpenLineage::new(namespace, parent, datasets, self.lookup(), transport))
    }

    /// Executes the plan until it is finished or cancelled, and then `on-run-end`. `emit` receives every
    /// event.
    pub async fn execute(&self, emit: &mut dyn FnMut(&Event)) -> Executed {
        let mut steps = StepRecorder::default();
        let mut results = Vec::new();
        let mut emit = |event: &Event| {
            steps.event(event);
            results.extend(hook_results::result(event));
            emit(event);
        };
        let worker = &self.worker;
        let execute = |job, handle| Arc::clone(worker).execute(job, handle);
        scheduler::run(self.info.clone(), &self.plan, self.limits, &worker.cancel, execute, &mut emit).await;
        let target = TargetPath::new(self.artifacts.clone());
        for compiled in worker.late.done() {
            if let Err(error) = artifacts::write_compiled(&target, &worker.manifest, &compiled) {
                tracing::warn!("can't write the SQL that was compiled during the run: {error}");
            }
        }
        let hooks = self.end_hooks(results).await;
        worker.writer.end().await;
        Executed { steps, hooks }
    }

    /// Records the source columns that were inferred from samples and confirmed by the run. Returns the
    /// sources whose other files contradict their sample: nodes that read them failed, and the same request
    /// succeeds now that all files have been read.
    pub async fn record_samples(&self) -> Result<Vec<String>, WorkspaceError> {
        if !self.builds {
            return Ok(Vec::new());
        }
        let Worker { writer, engine, compiled, .. } = self.worker.as_ref();
        found_columns::record_samples(writer, engine, compiled).await
    }

    /// Records the run for the next one, if that would have nothing to do.
    pub async fn record(mut self, recorded: RecordedRequest, ending: Ending) {
        let mut hooks = self.project.with_packages().map(|package| &package.settings.hooks);
        let has_hooks = hooks.any(|hooks| !hooks.start.is_empty() || !hooks.end.is_empty());
        if has_hooks || !self.worker.compiled.later.is_empty() {
            // Hooks run every time. If nodes are compiled late, the next run's work is known only while it
            // runs.
            return;
        }
        let mut steps = ending.steps.steps();
        if steps.is_none() && ending.is_success {
            let watched = self.watched.as_ref().map(|(_, state)| state);
            let ended = EndedRun {
                worker: &self.worker,
                plan: &self.plan,
                chosen: &self.chosen,
                options: self.options,
                observed: &self.observed,
                watched,
                info: &self.info,
            };
            if let Some(settled) = ended.settle().await {
                (self.observed, self.watched) = (settled.observed, Some(settled.tables));
                steps = Some(settled.steps);
            }
        }
        let lookup = self.lookup();
        recorded.record(Done {
            manifest: &self.worker.manifest,
            jinja: &self.jinja,
            compiled: &self.worker.compiled,
            observed: &self.observed,
            tables: self.watched,
            steps,
            info: self.info,
            started: self.started,
            warnings: ending.warnings,
            lookup,
            written: self.written,
        });
    }
}
