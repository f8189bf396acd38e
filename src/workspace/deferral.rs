//! Deferral: tables that a command reads but doesn't build are read where another target has built them, as
//! the manifest of that target says.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;

use super::{earlier_state, error::WorkspaceError, load::Workspace};
use crate::{
    engine::Engine,
    lake::Lake,
    name::{NodeId, Relation},
    run::tables::Tables,
};

/// A request to read tables from where another target has built them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    /// The folder with that target's `manifest.json`.
    pub state: PathBuf,
    /// Whether its tables are read even if this target has them, too.
    pub favors_state: bool,
}

/// The parts of a manifest that say where tables are.
#[derive(Deserialize)]
struct StateManifest {
    nodes: BTreeMap<String, StateNode>,
}

#[derive(Deserialize)]
struct StateNode {
    #[serde(default)]
    database: Option<String>,
    #[serde(default)]
    schema: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    config: StateConfig,
}

#[derive(Deserialize, Default)]
struct StateConfig {
    #[serde(default)]
    materialized: Option<String>,
}

impl StateNode {
    /// Returns whether it is kept as a table.
    fn is_table(&self) -> bool {
        matches!(self.config.materialized.as_deref(), Some("table" | "incremental" | "seed" | "snapshot"))
    }

    fn relation(&self) -> Relation {
        Relation::new(&self.schema, self.alias.as_ref().unwrap_or(&self.name))
    }
}

impl Workspace {
    /// Returns the tables, and the locations of those that the `chosen` nodes read from the other target
    /// because they don't build them.
    ///
    /// # Errors
    /// If the manifest can't be read, or was made with a target that the project doesn't have.
    pub(super) async fn deferred(
        &self,
        engine: &Engine,
        tables: Arc<Tables>,
        chosen: &BTreeSet<NodeId>,
        deferral: &Deferral,
    ) -> Result<(Arc<Tables>, BTreeMap<Relation, String>), WorkspaceError> {
        let state: StateManifest = earlier_state::manifest(&deferral.state)?;
        let needed = self.manifest.graph.upstream(chosen, None);
        let mut lakes = BTreeMap::new();
        let (mut elsewhere, mut places) = (BTreeMap::new(), BTreeMap::new());
        for id in needed.iter().filter(|id| !chosen.contains(*id)) {
            let own = self.manifest.refable(id).filter(|model| model.config.materialized.is_table());
            let there = state.nodes.get(id.as_str()).filter(|node| node.is_table());
            let (Some(own), Some(there)) = (own, there) else { continue };
            let target = there.database.as_deref().unwrap_or(&self.target_name);
            let relation = there.relation();
            let is_same = target == self.target_name && relation == own.relation;
            // A damaged table is there, too: what reads it fails, and nothing else.
            let is_here = async || !matches!(tables.observe(&own.relation).await, Ok(None));
            if is_same || (!deferral.favors_state && is_here().await) {
                continue;
            }
            let lake: &Lake = match lakes.entry(target.to_owned()) {
                Entry::Occupied(lake) => lake.into_mut(),
                Entry::Vacant(slot) => slot.insert(self.lake_of(engine, target, &deferral.state)?),
            };
            places.insert(own.relation.clone(), lake.place(&relation));
            elsewhere.insert(own.relation.clone(), (lake.clone(), relation));
        }
        Ok((Arc::new(tables.with_elsewhere(elsewhere)), places))
    }

    /// Opens the lake of the target that a manifest in `state` was made with.
    fn lake_of(&self, engine: &Engine, target: &str, state: &Path) -> Result<Lake, WorkspaceError> {
        self.lake_at(engine, target)?.ok_or_else(|| {
            let message = format!(
                "the manifest in {} was made with the target `{target}`, which this project doesn't have",
                state.display()
            );
            let names: Vec<&str> = self.project.settings.targets.keys().map(String::as_str).collect();
            WorkspaceError::hinted(
                message,
                format!("its targets: {}; declare `{target}` under `targets:`", names.join(", ")),
            )
        })
    }
}
