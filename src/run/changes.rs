//! What came into the tables that a model reads, and went, since its own table was made from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    model::Build,
    worker::{StepError, Worker},
};
use crate::{
    engine::{Table, net},
    lake::{Between, InputVersion},
    name::Relation,
};

/// The changes that a query reads, by what it calls them.
pub(super) type Changed = BTreeMap<Relation, Table>;

impl Worker {
    /// The changes that these relations name; none if those of any can't be told, so that all rows count as new.
    pub(super) async fn changed(
        &self,
        build: &Build<'_>,
        relations: BTreeSet<Relation>,
    ) -> Result<Option<Changed>, StepError> {
        let mut news = Changed::new();
        for relation in relations {
            let Some(table) = relation.changes_of() else { continue };
            let Some(between) = self.between(build, &table).await? else {
                tracing::info!(node = %build.model.id, %table, "it is not known what changed since this table was read");
                return Ok(None);
            };
            let Between { came, went } = between;
            let changes = match &went {
                Some(went) => net::net(&came, went)?,
                None => net::all(&came)?,
            };
            news.insert(relation, changes);
        }
        Ok(Some(news))
    }

    /// What was written to a table that the model reads, and taken out of it; none if that can't be told.
    pub(super) async fn between(
        &self,
        build: &Build<'_>,
        table: &Relation,
    ) -> Result<Option<Between>, StepError> {
        let node = self.manifest.at(table).ok_or_else(|| StepError::Lost(table.to_string()))?;
        let made = build.made.and_then(|made| made.inputs.get(node.id()));
        let (Some(InputVersion::Delta { version: from }), Some(InputVersion::Delta { version: to })) =
            (made, build.inputs.get(node.id()))
        else {
            return Ok(None);
        };
        // Just up to the version that will be noted: what comes later is told the next time.
        Ok(self.tables.between(table, *from, *to).await?)
    }
}
