//! The worker: the state that all jobs share, and what they do in common: open inputs and describe errors.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{changed_batches::ChangedBatches, step_error::StepError, tables::Tables};
use crate::{
    compile::Compiled,
    engine::{
        Engine, Query, Table,
        execution::{is_disk_full, is_unreadable},
        source::{RejectSink, UnreadableSource},
    },
    lake::Damage,
    manifest::{DataTest, Manifest, Materialized, Model, Node, Snapshot},
    name::Relation,
    outcome::Outcome,
    plan::Step,
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
    pub retain: Retain,
    /// The changed batches of tables, shared because several models may read one table.
    pub changed_batches: ChangedBatches,
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
        let mut is_source = matches!(error, StepError::UnreadableSource(_));
        if let Some(error) = error.engine() {
            is_source |= UnreadableSource::is_cause_of(error);
            if is_disk_full(error)
                && let Some(folder) = self.engine.spill_folder()
            {
                let place = folder.display();
                message = format!(
                    "{message}: no room is left for temporary files in {place}; choose another place with `temp_dir`"
                );
            }
            if is_unreadable(error) {
                let damage = self.damage(step).await;
                is_source |= damage.is_none();
                message = damage.unwrap_or_else(|| unreadable(&message));
            }
        }
        if is_source {
            message = format!("{message}\n{}", self.readers_see(step).await);
        }
        Outcome::Failed { message, compiled: self.compiled_file(step) }
    }

    /// Returns what readers of a step's table see after it failed, and the next command.
    async fn readers_see(&self, step: &Step) -> String {
        const NEXT: &str = "hint: once it can be read, run `headwater retry`";
        let Some(model) =
            self.manifest.refable(&step.node).filter(|model| model.config.materialized.is_table())
        else {
            return format!("  {NEXT}");
        };
        let relation = &model.relation;
        match self.tables.observe(relation).await {
            Ok(Some(own)) => {
                format!("{relation} is unchanged: readers see its version {}\n  {NEXT}", own.version)
            }
            Ok(None) => format!("{relation} doesn't exist yet, and nothing was written\n  {NEXT}"),
            Err(_) => format!("nothing was published\n  {NEXT}"),
        }
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
