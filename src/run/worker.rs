//! What carries out a job: the node is made first, then judged. What goes wrong becomes a step's outcome.

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
        execute::{is_disk_full, is_unreadable},
        message,
        source::RejectSink,
    },
    lake::{Damage, LakeError},
    manifest::{DataTest, Manifest, Materialized, Model, Node, Snapshot},
    name::Relation,
    outcome::Outcome,
    plan::{Action, Job, Reason, Step},
};

/// Everything that jobs share.
pub struct Worker {
    /// Where queries run.
    pub engine: Engine,
    /// Where tables lie.
    pub tables: Tables,
    /// The project, resolved.
    pub manifest: Manifest,
    /// Its models and tests, checked.
    pub compiled: Compiled,
    /// Where artifacts are, as people are told.
    pub artifacts: PathBuf,
    /// The id that provenance and artifacts carry.
    pub invocation_id: String,
    /// What is done with what tests find.
    pub keep: Keep,
    /// The batches of tables that are known to have changed; several models may read one table.
    pub touched: Touched,
    /// Tells running jobs to stop.
    pub cancel: CancellationToken,
}

/// What is kept of what would be thrown away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// The rows that each test finds, whatever its settings say.
    pub failures: bool,
    /// The rows of versions that are withheld.
    pub withheld: bool,
}

/// Why a step stopped short.
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
    /// Does one job.
    ///
    /// # Errors
    /// If the run was cancelled meanwhile; nothing of the job is left.
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

    /// Fails for the source that can't be read.
    fn unreadable(&self, step: &Step) -> Result<Outcome, StepError> {
        let unreadable = self.compiled.unreadable.get(&step.node);
        let unreadable = unreadable.ok_or_else(|| StepError::Lost(step.node.to_string()))?;
        Err(StepError::Other(unreadable.finding.message.clone()))
    }

    /// Does a step that is one piece; says whether it ended well.
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

    /// A relation's rows as everybody sees them: the newest published version, or the files of a source or a seed; what is set
    /// aside in these goes to `rejects`.
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

    /// A relation that is read has no rows yet.
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
            if is_unreadable(error)
                && let Some(damage) = self.damage(step).await
            {
                message = damage;
            }
        }
        Outcome::Failed { message, compiled: self.compiled_file(step) }
    }

    /// Which file of the tables that a step reads is damaged, and what to do about it; none if all of them are whole.
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

    /// The file of a step's compiled SQL, as people are told.
    pub(super) fn compiled_file(&self, step: &Step) -> Option<String> {
        let model = self.manifest.model(&step.node).map(Model::compiled_path);
        let model = model.or_else(|| self.manifest.snapshot(&step.node).map(Snapshot::compiled_path));
        let path = model.or_else(|| self.manifest.test(&step.node).map(DataTest::compiled_path))?;
        Some(self.artifacts.join(path).display().to_string())
    }
}

/// How a table that lost rows is made whole again.
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
