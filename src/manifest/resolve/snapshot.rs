//! Resolution of snapshots: like models, except for how their rows are stored.

use super::{
    config::in_template,
    resolver::{NodeEdges, Resolver},
};
use crate::{
    manifest::{
        config::{ModelConfig, SnapshotConfig},
        model::{Calls, Model},
        node::Node,
        snapshot::Snapshot,
    },
    name::{NodeId, NodeKind},
    parse::ParsedSnapshot,
    project::{ModelProperties, keys},
};

impl Resolver<'_> {
    /// Adds a snapshot. The models and seeds must already be there.
    pub(super) fn snapshot(
        &mut self,
        parsed: &ParsedSnapshot,
        properties: Option<&ModelProperties>,
    ) -> Option<NodeId> {
        let folders =
            parsed.folders.clone().unwrap_or_else(|| self.folders(parsed.declared.source.package_path()));
        let fqn: Vec<String> =
            [self.package.to_string()].into_iter().chain(folders).chain([parsed.name.clone()]).collect();
        let id = NodeId::snapshot(&self.package, &parsed.name);
        let (table, config) = self.snapshot_config((&id, &fqn), properties, parsed);
        let is_enabled = table.enabled;
        if let Some((other, _)) = self.lookup.own_model(&self.package, &parsed.name).filter(|_| is_enabled) {
            let other = other.clone();
            self.findings.push(self.clash(&id, &other, parsed.declared.clone()));
            return None;
        }
        let relation = self.table(&table, (&id, &parsed.name), &fqn, &parsed.template);
        let model = Model {
            id: id.clone(),
            name: parsed.name.clone(),
            version: None,
            fqn,
            file: parsed.template.clone(),
            relation,
            config: table,
            documentation: self.reporting(is_enabled, |resolver| resolver.documentation(properties)),
            columns: self.reporting(is_enabled, |resolver| resolver.columns(properties)),
            constraints: properties.map(|properties| properties.constraints.clone()).unwrap_or_default(),
            volatile: parsed.captures.volatile,
            calls: Calls::of(&parsed.captures),
        };
        let declared = parsed.declared.clone();
        let snapshot = Snapshot { model, config, declared, is_relation: parsed.is_relation };
        if !is_enabled {
            self.lookup.add_disabled(&self.package, &parsed.name, NodeKind::Snapshot);
            self.disable(Node::Snapshot(Box::new(snapshot)));
            return None;
        }
        let table = &snapshot.model;
        self.lookup.add_model(&self.package, &parsed.name, id.clone(), table.relation.clone());
        self.table_place(&id, &table.relation, &table.config, parsed.declared.clone());
        self.nodes.insert(id.clone(), Node::Snapshot(Box::new(snapshot)));
        Some(id)
    }

    /// Returns the edges from the nodes that snapshots read.
    pub(super) fn snapshot_edges(&mut self, snapshots: &[(NodeId, &ParsedSnapshot)]) -> NodeEdges {
        let mut edges = NodeEdges::new();
        for (child, parsed) in snapshots {
            let parents = self.parents(child, &parsed.captures);
            edges.extend(parents.into_iter().map(|parent| (parent, child.clone())));
        }
        edges
    }

    fn snapshot_config(
        &mut self,
        (id, fqn): (&NodeId, &[String]),
        properties: Option<&ModelProperties>,
        parsed: &ParsedSnapshot,
    ) -> (ModelConfig, SnapshotConfig) {
        let described = properties.map(|properties| self.layer(&properties.config));
        let own = described.into_iter().chain([in_template(&parsed.captures)]);
        let layers = self.layers(|settings| &settings.snapshots, fqn, own);
        self.warn_of_settings(&keys::SNAPSHOT_CONFIG, &layers);
        let (table, config, findings) = SnapshotConfig::resolve(layers);
        // A missing setting has no span of its own.
        let placed = findings.into_iter().map(|found| {
            if found.labels.is_empty() { found.at(parsed.declared.clone(), "this snapshot") } else { found }
        });
        if table.enabled {
            self.config_findings(id, table.static_analysis, placed);
        }
        (table, config)
    }
}
