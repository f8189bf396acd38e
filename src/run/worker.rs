//! The worker: executes a job, which builds a node and then runs its tests. Errors become step outcomes.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    batches::Touched,
    narrow::NothingBefore,
    scheduler::{Cancelled, Told},
    tables::{LedgerError, Tables},
};
use crate::{
    compile::Compiled,
    engine::{
        Engine, EngineError, Query, Table,
        execution::{is_disk_full, is_unreadable},
        message,
        source::RejectSink,
    },
    lake::{Damage, LakeError},
    manifest::{DataTest, Manifest, Materialized, Model, Node, Snapshot},
    name::Relation,
    outcome::Outcome,
    plan::{Action, Job, Reason, Step},
};

/// The state shared by all jobs.
pub struct Worker {
    /// The engine that runs queries.
    pub engine: Engine,
    /// The tables of the project.
    pub tables: Tables,
    /// The resolved project.
    pub manifest: Manifest,
    /// The compiled models and tests.
    pub compiled: Compiled,
    /// The display path of the artifacts.
    pub artifacts: PathBuf,
    /// The ID in provenance and artifacts.
    pub invocation_id: String,
    /// The failures to keep.
    pub keep: Keep,
    /// The changed batches of tables, shared because several models may read one table.
    pub touched: Touched,
    /// The token that cancels running jobs.
    pub cancel: CancellationToken,
}

/// The rows to keep that would otherwise be discarded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// The rows that each test finds, regardless of its settings.
    pub failures: bool,
    /// The rows of withheld versions.
    pub withheld: bool,
}

/// The error that ended a step.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error("{}", message(.0))]
    Engine(#[from] EngineError),
    #[error("{0} is not in the lake: build it first, or select it too with `+`")]
    MissingInput(Relation),
    #[error("{0} is not in the lake: load it first with `headwater seed`")]
    MissingSeed(Relation),
    #[error("{0} is not in the lake: take it first with `headwater snapshot`, or select it too with `+`")]
    MissingSnapshot(Relation),
    #[error("the plan and the project disagree about {0}, which is a bug in Headwater")]
    Lost(String),
    #[error("{0}")]
    Other(String),
}

impl From<LedgerError> for StepError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lake(error) => error.into(),
            LedgerError::Engine(error) => error.into(),
            form @ LedgerError::Form(..) => Self::Other(form.to_string()),
        }
    }
}

impl Worker {
    /// Executes one job.
    ///
    /// # Errors
    /// If the run was cancelled; the job has then cleaned up.
    pub async fn execute(self: Arc<Self>, job: Arc<Job>, told: Told) -> Result<(), Cancelled> {
        let (unreadable, steps): (Vec<_>, Vec<_>) =
            job.steps.iter().partition(|step| matches!(step.reason, Reason::Unreadable { .. }));
        for step in &unreadable {
            if !self.one(step, &told, std::future::ready(self.unreadable(step))).await?
                && step.action != Action::Test
            {
                return Ok(());
            }
        }
        let (tests, makers): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(|step| step.action == Action::Test);
        for step in makers {
            let outcome = match step.action {
                Action::Table | Action::Incremental | Action::Seed | Action::Snapshot => {
                    return Box::pin(self.build(&job, step, &tests, &told)).await;
                }
                Action::View => self.one(step, &told, self.view(step)).await?,
                Action::UnitTest if step.reason == Reason::UpToDate => {
                    self.one(step, &told, async { Ok(Outcome::Reused { rejected: None }) }).await?
                }
                Action::UnitTest => self.one(step, &told, self.unit_test(step)).await?,
                Action::Freshness => self.one(step, &told, self.freshness(step)).await?,
                Action::Test => continue,
            };
            if !outcome {
                return Ok(());
            }
        }
        self.audit(&tests, None, &NothingBefore::default(), &told).await.map(drop)
    }

    /// Fails because of an unreadable source.
    fn unreadable(&self, step: &Step) -> Result<Outcome, StepError> {
        let unreadable = self.compiled.unreadable.get(&step.node);
        let unreadable = unreadable.ok_or_else(|| StepError::Lost(step.node.to_string()))?;
        Err(StepError::Other(unreadable.finding.message.clone()))
    }

    /// Executes a step that isn't split further. Returns whether it succeeded.
    async fn one(
        &self,
        step: &Arc<Step>,
        told: &Told,
        work: impl Future<Output = Result<Outcome, StepError>>,
    ) -> Result<bool, Cancelled> {
        let _ = told.started(step);
        let outcome = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Cancelled),
            outcome = work => match outcome {
                Ok(outcome) => outcome,
                Err(error) => self.failed(step, &error).await,
            },
        };
        let well = outcome.is_success();
        told.finished(step, outcome);
        Ok(well)
    }

    /// Opens the published rows of a relation: the newest version, or the files of a source or seed. Rejected
    /// rows go to `rejects`.
    pub(super) async fn published(
        &self,
        relation: &Relation,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<Table, StepError> {
        let node = self.manifest.at(&relation.table());
        let node = node.ok_or_else(|| StepError::Lost(relation.to_string()))?;
        if let Some(spec) = self.compiled.sources.get(node.id()).filter(|_| self.manifest.is_file(relation)) {
            return Ok(self.engine.source(spec, rejects).await?);
        }
        let table = self.tables.provider(relation).await?;
        table.ok_or_else(|| self.missing(&relation.table()))
    }

    /// Returns the error for an input that has no table yet.
    pub(super) fn missing(&self, relation: &Relation) -> StepError {
        match self.manifest.at(relation) {
            Some(Node::Seed(_)) => StepError::MissingSeed(relation.clone()),
            Some(Node::Snapshot(_)) => StepError::MissingSnapshot(relation.clone()),
            _ => StepError::MissingInput(relation.clone()),
        }
    }

    pub(super) async fn failed(&self, step: &Step, error: &StepError) -> Outcome {
        let mut message = error.to_string();
        if let StepError::Engine(error) | StepError::Lake(LakeError::Query(error)) = error {
            if is_disk_full(error)
                && let Some(folder) = self.engine.spill_folder()
            {
                let place = folder.display();
                message = format!(
                    "{message}: no room is left for temporary files in {place}; choose another place with `temp_dir`"
                );
            }
            if is_unreadable(error) {
                message = self.damage(step).await.unwrap_or_else(|| unreadable(&message));
            }
        }
        Outcome::Failed { message, compiled: self.compiled_file(step) }
    }

    /// Returns which data file of a step's inputs is damaged, and the fix; `None` if all are intact.
    async fn damage(&self, step: &Step) -> Option<String> {
        let mut relations = BTreeSet::new();
        if let Some(model) = self.compiled.models.get(&step.node) {
            let increment = model.increment.iter().map(|increment| &increment.query);
            relations.extend(increment.chain([&model.query]).flat_map(Query::relations));
        }
        if let Some(test) = self.compiled.tests.get(&step.node) {
            relations.extend(test.probe.rows.relations());
        }
        let tables: BTreeSet<Relation> = relations.iter().map(Relation::table).collect();
        for relation in tables.iter().filter(|relation| !self.manifest.is_file(relation)) {
            let Ok(Some(base)) = self.tables.lake().base(relation).await else { continue };
            let Ok(Some(Damage { file, reason })) = base.damage().await else { continue };
            let cure = self.manifest.at(relation).map_or_else(String::new, rebuilt);
            return Some(format!("{file}, a data file of {relation}, {reason}; {cure}"));
        }
        None
    }

    /// Returns the display path of a step's compiled SQL.
    pub(super) fn compiled_file(&self, step: &Step) -> Option<String> {
        let model = self.manifest.model(&step.node).map(Model::compiled_path);
        let model = model.or_else(|| self.manifest.snapshot(&step.node).map(Snapshot::compiled_path));
        let path = model.or_else(|| self.manifest.test(&step.node).map(DataTest::compiled_path))?;
        Some(self.artifacts.join(path).display().to_string())
    }
}

/// Returns the message about an error of the engine itself, which may come from a damaged file.
fn unreadable(message: &str) -> String {
    let Some((_, panic)) = message.split_once("panicked with message ") else { return message.to_owned() };
    let first = panic.trim_matches('"').split("\\n").next().unwrap_or_default();
    format!(
        "the engine stopped while it read the inputs ({first}), and no damaged file was found; nothing was published: \
         build its inputs again with `--force`, or report this"
    )
}

/// Returns how to restore a table that lost rows.
fn rebuilt(node: &Node) -> String {
    let name = node.display_name();
    match node {
        Node::Model(model) if model.config.materialized == Materialized::Incremental => {
            format!("build {name} from nothing: `headwater build --full-refresh --select {name}`")
        }
        Node::Model(_) | Node::Seed(_) => {
            format!("build {name} again: `headwater build --force --select {name}`")
        }
        Node::Snapshot(_) => {
            "restore the file from a copy, since the snapshot's versions can't be made again".to_owned()
        }
        _ => "restore the file from a copy, or let the table's owner write it again".to_owned(),
    }
}
