//! What stands in the lake and at the project's sources, looked at once before a plan is made.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Those that are there and can't be read, and why not.
    pub unreadable: BTreeMap<Relation, String>,
    /// Of these, those whose log or protocol is the reason, so that another try won't help.
    pub damaged: BTreeSet<Relation>,
    /// The states of the files and databases that are read; one that could not be looked at is not among them.
    sources: BTreeMap<NodeId, InputVersion>,
}

/// Sources that are looked at side by side.
const LOOKS: usize = 4;

impl Seen {
    /// Looks at the lake.
    ///
    /// # Errors
    /// If none of several tables can be read.
    pub async fn of(tables: &Tables, manifest: &Manifest) -> Result<Self, LakeError> {
        let (mut there, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
        let mut damaged = BTreeSet::new();
        let mut first = None;
        for (relation, seen) in tables.observe_all(manifest).await {
            match seen {
                Ok(Some(seen)) => drop(there.insert(relation, seen)),
                Ok(None) => {}
                Err(error) => {
                    if error.is_damage() {
                        damaged.insert(relation.clone());
                    }
                    unreadable.insert(relation, error.to_string());
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            // Not a table then, but the lake.
            Some(error) if there.is_empty() && unreadable.len() > 1 => Err(error),
            _ => Ok(Self { tables: there, unreadable, damaged, sources: BTreeMap::new() }),
        }
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
