//! One step, from its inputs to its publication. What goes wrong becomes the step's outcome.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    rejects::Rejects,
    scheduler::{Cancelled, Progress, Told},
    tables::Tables,
};
use crate::{
    compile::{Compiled, CompiledModel},
    engine::{
        Engine, EngineError, Table,
        execute::{Joins, is_out_of_memory},
        message,
    },
    lake::{InputVersion, LakeError, Overwrite, Provenance, Staged},
    manifest::{Manifest, Model, Node},
    name::Relation,
    outcome::{Outcome, Rejected},
    plan::{Action, Job, Step},
};

/// Everything that steps share.
pub struct Worker {
    /// Where queries run.
    pub engine: Engine,
    /// Where tables lie.
    pub tables: Tables,
    /// The project, resolved.
    pub manifest: Manifest,
    /// Its models, checked.
    pub compiled: Compiled,
    /// Where artifacts are, as people are told.
    pub artifacts: PathBuf,
    /// The id that provenance and artifacts carry.
    pub invocation_id: String,
    /// Tells running steps to stop.
    pub cancel: CancellationToken,
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
    #[error("the plan and the project disagree about {0}, which is a bug in Headwater")]
    Lost(String),
}

/// How often a step that failed for a passing reason is tried, and the first pause between tries.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

impl Worker {
    /// Does one job.
    ///
    /// # Errors
    /// If the run was cancelled meanwhile; nothing of the job is left.
    pub async fn execute(self: Arc<Self>, job: Arc<Job>, told: Told) -> Result<(), Cancelled> {
        for step in &job.steps {
            let progress = told.started(step);
            told.finished(step, self.step(step, progress).await?);
        }
        Ok(())
    }

    async fn step(&self, step: &Step, progress: Progress) -> Result<Outcome, Cancelled> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(step, &progress).await {
                Ok(outcome) => return Ok(outcome),
                Err(StepError::Lake(LakeError::Cancelled)) => return Err(Cancelled),
                Err(StepError::Lake(error)) if error.is_transient() && tries < TRIES => {
                    tracing::warn!(node = %step.node, %error, tries, "trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause(tries, step)) => {}
                        () = self.cancel.cancelled() => return Err(Cancelled),
                    }
                }
                Err(error) => return Ok(self.failed(step, &error)),
            }
        }
    }

    async fn attempt(&self, step: &Step, progress: &Progress) -> Result<Outcome, StepError> {
        let model = self.manifest.model(&step.node).ok_or_else(|| StepError::Lost(step.node.to_string()))?;
        let compiled =
            self.compiled.models.get(&step.node).ok_or_else(|| StepError::Lost(step.node.to_string()))?;
        match step.action {
            Action::View => self.view(compiled).await,
            Action::Table => match self.table(model, compiled, Joins::Hash, progress).await {
                Err(StepError::Engine(error) | StepError::Lake(LakeError::Query(error)))
                    if is_out_of_memory(&error) =>
                {
                    tracing::info!(node = %step.node, "out of memory; trying again with joins that spill");
                    self.table(model, compiled, Joins::Merge, progress).await
                }
                done => done,
            },
            Action::Test | Action::UnitTest | Action::Freshness => {
                Err(StepError::Lost(step.node.to_string()))
            }
        }
    }

    /// A view has no rows of its own: that its tables are there and its plan can be made is all there is to do.
    async fn view(&self, compiled: &CompiledModel) -> Result<Outcome, StepError> {
        let inputs = self.inputs(compiled, None).await?;
        let bound = compiled.query.bind(&inputs.tables)?;
        self.engine.check(&bound).await?;
        Ok(Outcome::Checked)
    }

    async fn table(
        &self,
        model: &Model,
        compiled: &CompiledModel,
        joins: Joins,
        progress: &Progress,
    ) -> Result<Outcome, StepError> {
        let rejects = self.reads_files(compiled).then(|| Rejects::of(&model.relation));
        let inputs = self.inputs(compiled, rejects.as_ref()).await?;
        let bound = compiled.query.bind(&inputs.tables)?;
        let provenance = self.provenance(model, compiled, inputs.versions);
        progress.store(0, Ordering::Relaxed);
        let write = async {
            let streams = self.engine.streams(&bound, &model.config.partition_by, joins).await?;
            let overwrite = overwrite(model, compiled, provenance.clone(), progress);
            let staged = self.tables.lake().stage(&model.relation, overwrite, streams, &self.cancel).await;
            Ok::<Staged, StepError>(staged?)
        };
        match rejects {
            None => publish(write.await?, None).await,
            Some(rejects) => {
                let lake = self.tables.lake();
                let (staged, set_aside) = rejects.beside(lake, &provenance, &self.cancel, write).await?;
                // What was set aside is told of before the rows that lack it can be seen.
                match set_aside.publish().await {
                    Ok(rejected) => publish(staged, rejected).await,
                    Err(error) => {
                        staged.abort().await?;
                        Err(error)
                    }
                }
            }
        }
    }

    /// Whether any table that the query reads is files or a database.
    fn reads_files(&self, compiled: &CompiledModel) -> bool {
        compiled.query.relations().iter().any(|relation| self.manifest.is_file_source(relation))
    }

    async fn inputs(&self, compiled: &CompiledModel, rejects: Option<&Rejects>) -> Result<Inputs, StepError> {
        let mut inputs = Inputs::default();
        for relation in compiled.query.relations() {
            let node = self.manifest.at(&relation).ok_or_else(|| StepError::Lost(relation.to_string()))?;
            let (table, version) = match self.compiled.sources.get(node.id()) {
                Some(spec) if !matches!(node, Node::Source(source) if source.is_delta()) => {
                    // The state before the files are listed: one that comes in between makes the next run look again.
                    let digest = self.engine.source_state(spec).await?;
                    let table = self.engine.source(spec, rejects.map(Rejects::sink)).await?;
                    (table, InputVersion::Source { digest })
                }
                _ => {
                    let seen = self.tables.observe(&relation).await?;
                    let table = self.tables.provider(&relation).await?;
                    match (table, seen) {
                        (Some(table), Some(seen)) => (table, InputVersion::Delta { version: seen.version }),
                        _ => return Err(StepError::MissingInput(relation)),
                    }
                }
            };
            inputs.versions.insert(node.id().to_string(), version);
            inputs.tables.insert(relation, table);
        }
        Ok(inputs)
    }

    fn provenance(
        &self,
        model: &Model,
        compiled: &CompiledModel,
        inputs: BTreeMap<String, InputVersion>,
    ) -> Provenance {
        Provenance {
            node: model.id.to_string(),
            run_id: self.invocation_id.clone(),
            fingerprint: compiled.fingerprint.clone(),
            inputs,
            rows: 0,
            digest: String::new(),
            tool_version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    fn failed(&self, step: &Step, error: &StepError) -> Outcome {
        let model = self.manifest.model(&step.node);
        let compiled = model.map(|model| self.artifacts.join(model.compiled_path()).display().to_string());
        Outcome::Failed { message: error.to_string(), compiled }
    }
}

#[derive(Default)]
struct Inputs {
    tables: BTreeMap<Relation, Table>,
    versions: BTreeMap<String, InputVersion>,
}

fn overwrite(
    model: &Model,
    compiled: &CompiledModel,
    provenance: Provenance,
    progress: &Progress,
) -> Overwrite {
    let progress = Arc::clone(progress);
    Overwrite {
        schema: Arc::clone(&compiled.schema),
        partition_by: model.config.partition_by.clone(),
        provenance,
        description: (!model.description.is_empty()).then(|| model.description.clone()),
        target_file_size: model.config.target_file_size.and_then(NonZeroU64::new),
        on_rows: Arc::new(move |rows| progress.store(rows, Ordering::Relaxed)),
    }
}

async fn publish(staged: Staged, rejected: Option<Rejected>) -> Result<Outcome, StepError> {
    let (rows, bytes) = (staged.rows(), staged.bytes());
    let published = staged.publish().await?;
    if let Some(warning) = &published.warning {
        tracing::warn!("{warning}");
    }
    Ok(Outcome::Published { version: published.version, rows, bytes, rejected, quarantined: None })
}

/// Doubling, spread by up to a half so that steps that failed together do not come back together.
fn pause(tries: u32, step: &Step) -> Duration {
    let base = PAUSE * 2u32.saturating_pow(tries - 1);
    let spread = xxhash_rust::xxh3::xxh3_64(step.node.as_str().as_bytes()) % 500;
    base + base * u32::try_from(spread).unwrap_or(0) / 1000
}
