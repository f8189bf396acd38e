//! The worker: the state that all jobs share, and what they do in common: open inputs and describe errors.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    changed_batches::ChangedBatches, late_compiler::LateCompiler, step_error::StepError, tables::Tables,
};
use crate::{
    compile::Compiled,
    engine::{
        Engine, Table,
        exec::{
            binding::without_rows,
            streams::{is_disk_full, is_unreadable},
        },
        plan::checked_scan::UnreadableLog,
    },
    lake::{LakeError, LakeWriter},
    manifest::{DataTest, Manifest, Model, Node, Snapshot},
    name::Relation,
    outcome::Outcome,
    plan::{Action, Step},
    source::{self, RejectSink},
};

/// The state shared by all jobs.
pub struct Worker {
    /// The engine that runs queries.
    pub engine: Arc<Engine>,
    /// The tables of the project.
    pub tables: Arc<Tables>,
    /// The writer of the lake.
    pub writer: Arc<LakeWriter>,
    /// The resolved project.
    pub manifest: Arc<Manifest>,
    /// The compiled models and tests.
    pub compiled: Arc<Compiled>,
    /// The tables that couldn't be read when these were compiled, with the reasons.
    pub unread: Arc<BTreeMap<Relation, String>>,
    /// The compiler of the other ones.
    pub late: Arc<LateCompiler>,
    /// The display path of the artifacts.
    pub artifacts: PathBuf,
    /// The ID in provenance and artifacts.
    pub invocation_id: String,
    /// The failures to keep.
    pub retain: Retain,
    /// Whether what nodes read has no rows (`--empty`).
    pub empty: bool,
    /// The changed batches of tables, shared because several models may read one table.
    pub changed_batches: Arc<ChangedBatches>,
    /// The token that cancels running jobs.
    pub cancel: CancellationToken,
}

/// The rows to keep that would otherwise be discarded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retain {
    /// The rows that each test finds, regardless of its settings.
    pub failures: bool,
    /// The rows of withheld versions.
    pub withheld: bool,
}

impl Worker {
    /// Returns a worker with other compiled nodes, and the tables that couldn't be read for them.
    pub(super) fn with(&self, compiled: Arc<Compiled>, unread: Arc<BTreeMap<Relation, String>>) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            tables: Arc::clone(&self.tables),
            writer: Arc::clone(&self.writer),
            manifest: Arc::clone(&self.manifest),
            compiled,
            unread,
            late: Arc::clone(&self.late),
            artifacts: self.artifacts.clone(),
            invocation_id: self.invocation_id.clone(),
            retain: self.retain,
            empty: self.empty,
            changed_batches: Arc::clone(&self.changed_batches),
            cancel: self.cancel.clone(),
        }
    }

    /// Opens the published rows of a relation: the newest version, or the files of a source or seed. With
    /// `--empty`, only the file of a seed has rows. Rejected rows go to `rejects`.
    pub(super) async fn published(
        &self,
        relation: &Relation,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<Table, StepError> {
        let table = self.with_rows(relation, rejects).await?;
        if !self.empty || self.is_seed_file(relation) {
            return Ok(table);
        }
        // An existing table that is left as it is may lack new columns.
        let node = self.manifest.at(relation).filter(|node| node.relation() == Some(relation));
        let schema = node.and_then(|node| self.compiled.schemas.get(node.id())).cloned();
        Ok(without_rows(schema.unwrap_or_else(|| table.schema())))
    }

    fn is_seed_file(&self, relation: &Relation) -> bool {
        matches!(self.manifest.at(relation), Some(Node::Seed(seed)) if seed.file == *relation)
    }

    async fn with_rows(
        &self,
        relation: &Relation,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<Table, StepError> {
        let node = self.manifest.at(&relation.table()).filter(|_| self.manifest.is_file(relation));
        if let Some(spec) = node.and_then(|node| self.compiled.sources.get(node.id())) {
            return Ok(source::open(&self.engine, spec, rejects).await?);
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
        let error = error.root();
        let mut message = error.to_string();
        if let StepError::Lake(error) = error
            && let Some(cure) = error.damaged_place().and_then(|place| self.log_cure(step, place))
        {
            message = format!("{message}; {cure}");
        }
        if let StepError::Engine(error) | StepError::Lake(LakeError::Query(error)) = error {
            if is_disk_full(error)
                && let Some(folder) = self.engine.spill_folder()
            {
                message = format!("{message}: no room is left for temporary files in {}", folder.display());
            }
            if let Some(log) = UnreadableLog::of(error) {
                let cure = self.log_cure(step, &log.place).unwrap_or_else(|| UNREADABLE_LOG.to_owned());
                message = format!("{log}; {cure}");
            } else if is_unreadable(error) {
                message = self.damage(step).await.unwrap_or_else(|| unreadable(&message));
            }
        }
        if let Some(cure) = error.cure() {
            let readers = self.readers(step).await;
            let readers = readers.map_or_else(String::new, |readers| format!("\n  note: {readers}"));
            message = format!("{message}{readers}\n  help: {cure}, then run `headwater retry`");
        }
        Outcome::Failed { message, compiled: self.compiled_file(step) }
    }

    /// Returns what readers of a failed step's table see, if it has one.
    async fn readers(&self, step: &Step) -> Option<String> {
        let has_table = !step.action.is_test() && step.action != Action::View;
        let relation = step.relation.as_ref().filter(|_| has_table)?;
        Some(match self.tables.observe(relation).await {
            Ok(Some(own)) => format!("readers of {relation} still see its version {}", own.version),
            Ok(None) => format!("{relation} isn't there for readers yet"),
            Err(_) => "nothing was published".to_owned(),
        })
    }

    /// Returns the display path of a step's compiled SQL.
    pub(super) fn compiled_file(&self, step: &Step) -> Option<String> {
        let model = self.manifest.model(&step.node).map(Model::compiled_path);
        let model = model.or_else(|| self.manifest.snapshot(&step.node).map(Snapshot::compiled_path));
        let path = model.or_else(|| self.manifest.test(&step.node).map(DataTest::compiled_path))?;
        Some(self.artifacts.join(path).display().to_string())
    }
}

/// The cure for a table whose log can't be read, if it is of no node.
const UNREADABLE_LOG: &str =
    "restore its files from a copy, or move its folder away and write it from scratch";

/// Returns the message about an error of the engine itself, which may come from a damaged file.
fn unreadable(message: &str) -> String {
    let Some((_, panic)) = message.split_once("panicked with message ") else { return message.to_owned() };
    let first = panic.trim_matches('"').split("\\n").next().unwrap_or_default();
    format!(
        "the engine stopped while it read the inputs ({first}), and no damaged file was found; nothing was published: \
         build its inputs again with `--force`, or report this"
    )
}
