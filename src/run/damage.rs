//! Damage: names the damaged table behind a failed step and its cure, and moves damaged tables aside for a
//! full refresh.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    build::Candidate, scheduler::JobHandle, step_error::StepError, tables::LedgerError, worker::Worker,
};
use crate::{
    compile::damaged_table::{self, from_scratch, rebuilt},
    engine::Query,
    lake::{Base, CurrentVersion, LakeError},
    manifest::{Model, Node},
    name::{NodeKind, Relation},
    plan::Step,
};

impl Worker {
    /// Moves an unreadable table aside if that was requested, and fails otherwise.
    pub(super) async fn replace_damaged(
        &self,
        model: &Model,
        step: &Arc<Step>,
        error: LakeError,
        handle: &JobHandle,
    ) -> Result<(), StepError> {
        if !step.reason.is_from_scratch() {
            let cure = if model.kind() == NodeKind::Snapshot {
                "restore its files from a copy, since its versions can't be recomputed"
            } else {
                "with `--full-refresh` its files are moved aside and it is rebuilt"
            };
            return Err(StepError::Other(format!("{error}; readers of the table see the same: {cure}")));
        }
        self.set_aside(&model.relation, step, error.to_string(), handle).await
    }

    /// For a full refresh, moves what can't be written again aside: damaged companion tables, and the model's
    /// own table if its protocol is too new. Returns the model's current version, if there still is one.
    pub(super) async fn set_aside_damage(
        &self,
        model: &Model,
        step: &Arc<Step>,
        own: Option<CurrentVersion>,
        handle: &JobHandle,
    ) -> Result<Option<CurrentVersion>, StepError> {
        if !step.reason.is_from_scratch() {
            return Ok(own);
        }
        for companion in model.relation.companions() {
            if let Some(why) = self.companion_damage(&model.relation, &companion).await? {
                self.set_aside(&companion, step, why, handle).await?;
            }
        }
        match own.as_ref().and_then(|own| own.unwritable.as_ref()) {
            None => Ok(own),
            Some(reason) => {
                self.set_aside(&model.relation, step, reason.to_string(), handle).await?;
                Ok(None)
            }
        }
    }

    /// Fails if a table whose rows are kept couldn't be read when its model was compiled, as if it weren't
    /// there: built like that, it would lose them.
    pub(super) fn refuse_unread(&self, model: &Model, step: &Step) -> Result<(), StepError> {
        let keeps_rows = model.kind() == NodeKind::Snapshot || model.config.incremental.is_some();
        match self.unread.get(&model.relation) {
            Some(reason) if keeps_rows && !step.reason.is_from_scratch() => Err(StepError::Other(format!(
                "{reason}; it could be read a moment later, but its new rows depend on it: run again"
            ))),
            _ => Ok(()),
        }
    }

    /// Returns why a companion table of a relation can't be used.
    async fn companion_damage(
        &self,
        of: &Relation,
        companion: &Relation,
    ) -> Result<Option<String>, StepError> {
        let base = match self.tables.lake().base(companion).await {
            Err(error) if error.is_damage() => return Ok(Some(error.to_string())),
            base => base?,
        };
        let Some(base) = base else { return Ok(None) };
        if let Some(damage) = base.damage().await? {
            return Ok(Some(damaged_table::damage(&damage, companion)));
        }
        let form = if *companion == of.files() {
            self.tables.ledger(&self.engine, of).await.map(drop)
        } else if *companion == of.accepted() {
            self.tables.accepted(&self.engine, of).await.map(drop)
        } else {
            Ok(())
        };
        match form {
            Err(error @ LedgerError::Form(..)) => Ok(Some(error.to_string())),
            form => Ok(form.map(|()| None)?),
        }
    }

    /// Returns whether a full refresh met damage in a table that it builds, which shows only when more of the
    /// log is read than its newest version.
    pub(super) fn is_damage_of(&self, step: &Step, error: &LakeError) -> bool {
        step.reason.is_from_scratch() && self.own_table_at(step, error).is_some()
    }

    /// Moves the table aside that an error says is damaged.
    pub(super) async fn set_aside_after(
        &self,
        step: &Arc<Step>,
        error: &LakeError,
        handle: &JobHandle,
    ) -> Result<(), StepError> {
        match self.own_table_at(step, error) {
            Some(table) => self.set_aside(&table, step, error.to_string(), handle).await,
            None => Ok(()),
        }
    }

    /// Returns the damaged table if it is that of a step's model or one of its companions.
    fn own_table_at(&self, step: &Step, error: &LakeError) -> Option<Relation> {
        let place = error.damaged_place()?;
        let own = &self.manifest.refable(&step.node)?.relation;
        let mut tables = std::iter::once(own.clone()).chain(own.companions());
        tables.find(|table| self.tables.lake().place(table) == place)
    }

    async fn set_aside(
        &self,
        table: &Relation,
        step: &Arc<Step>,
        why: String,
        handle: &JobHandle,
    ) -> Result<(), StepError> {
        let place = self.writer.move_damaged_table(table, &self.invocation_id).await?;
        handle.moved(step, table.clone(), place, why);
        Ok(())
    }

    /// Fails if a file of the version that a forced build starts from is damaged: files that it doesn't
    /// rewrite would stay damaged.
    pub(super) async fn check_damage(&self, model: &Model, base: &Base) -> Result<(), StepError> {
        let Some(damage) = base.damage().await? else { return Ok(()) };
        let cure = self.manifest.at(&model.relation).map_or_else(String::new, rebuilt);
        Err(StepError::Other(format!("{}; {cure}", damaged_table::damage(&damage, &model.relation))))
    }

    /// Returns the current version if it is retained instead of a new version with the same rows.
    pub(super) async fn retained(
        &self,
        version: &Candidate,
        own: Option<CurrentVersion>,
    ) -> Option<CurrentVersion> {
        let own = own.filter(|own| version.equals(own))?;
        // An incremental build keeps the files that it doesn't rewrite in any case.
        let is_retained = version.effect.same_rows || self.tables.lake().is_complete(&version.relation).await;
        is_retained.then_some(own)
    }

    /// Returns which data file of a step's inputs or of its own tables is damaged, and the fix; `None` if all
    /// are intact.
    pub(super) async fn damage(&self, step: &Step) -> Option<String> {
        let own =
            self.manifest.refable(&step.node).map(|model| (&model.relation, model.relation.companions()));
        let (own, companions) =
            own.map_or((None, Vec::new()), |(own, all)| (Some(own.clone()), all.to_vec()));
        for relation in self.inputs_of(step).into_iter().chain(own).chain(companions.iter().cloned()) {
            let Ok(Some(damage)) = self.tables.damage(&relation).await else { continue };
            let cure = match self.manifest.at(&relation) {
                Some(node) => rebuilt(node),
                None => self.companion_cure(step),
            };
            return Some(format!("{}; {cure}", damaged_table::damage(&damage, &relation)));
        }
        None
    }

    /// Returns how to restore the input or companion table of a step at this location, whose log is damaged.
    pub(super) fn log_cure(&self, step: &Step, place: &str) -> Option<String> {
        let is_there = |relation: &Relation| self.tables.lake().place(relation) == place;
        let model = self.manifest.refable(&step.node);
        if model.is_some_and(|model| model.relation.companions().iter().any(is_there)) {
            return Some(self.companion_cure(step));
        }
        let own = model.map(|model| model.relation.clone());
        let input = self.inputs_of(step).into_iter().chain(own).find(is_there)?;
        self.manifest.at(&input).map(from_scratch)
    }

    /// Returns the Delta tables that a step reads.
    fn inputs_of(&self, step: &Step) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        if let Some(model) = self.compiled.models.get(&step.node) {
            relations.extend(model.queries().flat_map(Query::relations));
        }
        if let Some(test) = self.compiled.tests.get(&step.node) {
            relations.extend(test.probe.rows.relations());
        }
        let tables = relations.iter().map(Relation::table);
        tables.filter(|relation| !self.manifest.is_file(relation)).collect()
    }

    /// Returns how to restore a companion table of a step's model.
    fn companion_cure(&self, step: &Step) -> String {
        let node = self.manifest.nodes.get(&step.node);
        let is_refreshed = match node {
            Some(Node::Model(model)) => {
                model.config.incremental.as_ref().is_none_or(|settings| settings.full_refresh != Some(false))
            }
            Some(Node::Seed(_)) => true,
            _ => false,
        };
        match node.filter(|_| is_refreshed) {
            Some(node) => from_scratch(node),
            None => "move its folder away, and run again: the table is written from scratch".to_owned(),
        }
    }
}
