//! What stands in the lake and at the project's sources, looked at once before a plan is made.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::{stale::Inputs, tables::Tables};
use crate::{
    compile::Compiled,
    engine::{Engine, SchemaRef},
    lake::{InputVersion, LakeError, Observed},
    manifest::{Manifest, Node},
    name::{NodeId, Relation},
};

/// See the module.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every Delta table of the project that is there.
    pub tables: BTreeMap<Relation, Observed>,
    /// The states of the files and databases that are read; one that could not be looked at is not among them.
    sources: BTreeMap<NodeId, InputVersion>,
}

/// Sources that are looked at side by side.
const LOOKS: usize = 4;

impl Seen {
    /// Looks at the lake.
    pub async fn of(tables: &Tables, manifest: &Manifest) -> Result<Self, LakeError> {
        Ok(Self { tables: tables.observe_all(manifest).await?, sources: BTreeMap::new() })
    }

    /// Looks at the sources too. What is wrong with one is said by the step that reads it.
    pub async fn and_sources(self, engine: &Engine, compiled: &Compiled) -> Self {
        let sources = stream::iter(&compiled.sources)
            .map(|(id, spec)| async move {
                Ok::<_, ()>(engine.source_state(spec).await.ok().map(|state| (id.clone(), state.into())))
            })
            .buffer_unordered(LOOKS)
            .try_filter_map(|seen| async { Ok(seen) })
            .try_collect()
            .await;
        Self { sources: sources.unwrap_or_default(), ..self }
    }

    /// The columns of the tables that are there.
    #[must_use]
    pub fn schemas(&self) -> BTreeMap<Relation, SchemaRef> {
        self.tables.iter().map(|(relation, seen)| (relation.clone(), seen.schema.clone())).collect()
    }

    /// The states of what is read from these relations; what is not there is left out.
    pub(super) fn inputs<'a>(
        &self,
        relations: impl IntoIterator<Item = &'a Relation>,
        manifest: &Manifest,
    ) -> Inputs {
        let state = |relation: &Relation| {
            let id = manifest.at(relation)?.id();
            let version = if manifest.is_file(relation) {
                self.sources.get(id)?.clone()
            } else {
                InputVersion::Delta { version: self.tables.get(relation)?.data_version }
            };
            Some((id.clone(), version))
        };
        relations.into_iter().filter_map(state).collect()
    }

    /// Whether any table of the lake was made from this node's.
    pub(super) fn has_readers(&self, node: &Node) -> bool {
        let made = self.tables.values().filter_map(|table| table.provenance.as_ref());
        made.into_iter().any(|made| made.inputs.contains_key(node.id()))
    }
}
