//! Observed state: the state of the lake and of the project's sources, read once before planning.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::{staleness::Inputs, tables::Tables};
use crate::{
    compile::{Compiled, InputNode},
    engine::{Engine, SchemaRef},
    lake::{CurrentVersion, InputVersion, LakeError},
    manifest::{Manifest, Node},
    name::{NodeId, Relation},
    source,
};

/// The observed state; see the module docs.
#[derive(Debug, Default)]
pub struct ObservedState {
    /// All existing Delta tables of the project.
    pub tables: BTreeMap<Relation, CurrentVersion>,
    /// The tables that exist but can't be read, with the reason.
    pub unreadable: BTreeMap<Relation, String>,
    /// The unreadable tables whose log or protocol is damaged, so that retrying won't help.
    pub damaged: BTreeSet<Relation>,
    /// The states of file and database sources. Sources that can't be read are missing.
    sources: BTreeMap<NodeId, InputVersion>,
}

/// The number of sources that are read concurrently.
const CONCURRENT_READS: usize = 4;

impl ObservedState {
    /// Observes the tables of the lake.
    ///
    /// # Errors
    /// If there are several tables and none of them can be read.
    pub async fn of(tables: &Tables, manifest: &Manifest) -> Result<Self, LakeError> {
        let (mut existing, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
        let mut damaged = BTreeSet::new();
        let mut first = None;
        for (relation, observed) in tables.observe_all(manifest).await {
            match observed {
                Ok(Some(observed)) => drop(existing.insert(relation, observed)),
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
            // Then the lake is unavailable, not just a table.
            Some(error) if existing.is_empty() && unreadable.len() > 1 => Err(error),
            _ => Ok(Self { tables: existing, unreadable, damaged, sources: BTreeMap::new() }),
        }
    }

    /// Observes the sources too. The step that reads a source reports its errors.
    pub async fn and_sources(self, engine: &Engine, compiled: &Compiled) -> Self {
        let sources = stream::iter(&compiled.sources)
            .map(|(id, spec)| async move {
                Ok::<_, ()>(
                    source::read_state(engine, spec).await.ok().map(|state| (id.clone(), state.into())),
                )
            })
            .buffer_unordered(CONCURRENT_READS)
            .try_filter_map(|observed| async { Ok(observed) })
            .try_collect()
            .await;
        Self { sources: sources.unwrap_or_default(), ..self }
    }

    /// Returns the columns of the existing tables.
    #[must_use]
    pub fn schemas(&self) -> BTreeMap<Relation, SchemaRef> {
        self.tables.iter().map(|(relation, observed)| (relation.clone(), observed.schema.clone())).collect()
    }

    /// Returns the tables that were built with `--empty`.
    #[must_use]
    pub fn built_empty(&self) -> BTreeSet<Relation> {
        let is_empty = |table: &CurrentVersion| {
            table.provenance.as_ref().is_some_and(|made| made.fingerprint.is_empty_build())
        };
        self.tables
            .iter()
            .filter(|(_, table)| is_empty(table))
            .map(|(relation, _)| relation.clone())
            .collect()
    }

    /// Returns the states of these inputs; missing ones are left out.
    pub(super) fn inputs<'a>(
        &self,
        inputs: impl IntoIterator<Item = (&'a Relation, &'a InputNode)>,
    ) -> Inputs {
        let state = |(relation, input): (&Relation, &InputNode)| {
            let version = if input.form.is_file() {
                self.sources.get(&input.id)?.clone()
            } else {
                InputVersion::Delta { version: self.tables.get(relation)?.data_version }
            };
            Some((input.id.clone(), version))
        };
        inputs.into_iter().filter_map(state).collect()
    }

    /// Returns whether any table in the lake was built from this node.
    pub(super) fn has_readers(&self, node: &Node) -> bool {
        let made = self.tables.values().filter_map(|table| table.provenance.as_ref());
        made.into_iter().any(|made| made.inputs.contains_key(node.id()))
    }
}
