//! Broken nodes that no node reads. A run uses sources and ephemeral models only in what reads them, and a
//! template may name one without reading it. As in dbt, they stop nothing then, unless their static analysis
//! is strict.

use std::collections::BTreeSet;

use super::{NotCompiled, Work};
use crate::{
    manifest::{Manifest, Materialized, Node},
    name::NodeId,
};

impl Work<'_> {
    /// Returns whether a model may turn out not to read a broken parent, which its template names.
    pub(super) fn may_ignore(&self, id: &NodeId, parent: &NodeId) -> bool {
        let manifest = self.context.manifest;
        manifest.model(id).is_some() && is_passive(manifest, parent) && !manifest.is_strict(parent)
    }

    /// Checks that a model's SQL reads no broken parent.
    pub(super) fn reads_no_broken_parent(&self, id: &NodeId, sql: &str) -> Result<(), NotCompiled> {
        let manifest = self.context.manifest;
        let parents = manifest.graph.parents(id);
        let broken: BTreeSet<&NodeId> =
            parents.into_iter().filter(|parent| self.compiled.broken.contains(*parent)).collect();
        if broken.is_empty() {
            return Ok(());
        }
        let named = self.context.engine.tables_named(sql);
        let is_broken = |node: &Node| {
            broken.contains(node.id())
                || broken.iter().any(|id| {
                    let parent = manifest.nodes.get(*id);
                    parent.and_then(Node::relation).is_some_and(|relation| node.relation() == Some(relation))
                })
        };
        if named.iter().filter_map(|relation| manifest.at(&relation.table())).any(is_broken) {
            return Err(NotCompiled::BrokenInput);
        }
        Ok(())
    }

    /// Drops the errors of sources and ephemeral models that no other node reads.
    pub(super) fn forget_unread(&mut self) {
        let manifest = self.context.manifest;
        let broken = &self.compiled.broken;
        let is_kept =
            |id: &NodeId| !is_passive(manifest, id) || manifest.is_strict(id) || self.is_checked_alone(id);
        let mut next: Vec<&NodeId> =
            broken.iter().filter(|id| self.selected.contains(*id) && is_kept(id)).collect();
        let mut read = BTreeSet::new();
        while let Some(id) = next.pop() {
            for parent in manifest.graph.parents(id) {
                if broken.contains(parent) && read.insert(parent) {
                    next.push(parent);
                }
            }
        }
        let unread = self.compiled.unreadable.keys().filter(|id| !is_kept(id) && !read.contains(id));
        for id in unread.cloned().collect::<Vec<_>>() {
            self.compiled.unreadable.remove(&id);
        }
    }

    /// Returns whether a source's age is asked for.
    fn is_checked_alone(&self, id: &NodeId) -> bool {
        matches!(self.context.manifest.nodes.get(id), Some(Node::Source(_))) && self.selected.contains(id)
    }
}

/// Returns whether a node is used only by what reads it.
fn is_passive(manifest: &Manifest, id: &NodeId) -> bool {
    match manifest.nodes.get(id) {
        Some(Node::Source(_)) => true,
        Some(Node::Model(model)) => model.config.materialized == Materialized::Ephemeral,
        _ => false,
    }
}
