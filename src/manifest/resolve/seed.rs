//! Resolution of seeds: like models, but without SQL.

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    manifest::{
        config::{ModelConfig, SeedConfig},
        model::{Calls, Model},
        node::Node,
        seed::{self, Seed},
    },
    name::{NodeId, NodeKind},
    project::{ModelProperties, SeedFile, keys},
    text::Span,
};

impl Resolver<'_> {
    /// Adds a seed. The models must already be there.
    pub(super) fn seed(&mut self, file: &SeedFile, properties: Option<&ModelProperties>) -> Option<NodeId> {
        let mut fqn = vec![self.package.to_string()];
        fqn.extend(file.fqn_folders.iter().cloned());
        fqn.push(file.name.clone());
        let id = NodeId::seed(&self.package, &file.name);
        let (table, config) = self.seed_config((&id, &fqn), properties);
        let source = self.project.source_at(&file.path);
        let start = source.span(0..0);
        let is_enabled = table.enabled;
        if let Some((other, _)) = self.lookup.own_model(&self.package, &file.name).filter(|_| is_enabled) {
            let other = other.clone();
            self.findings.push(self.clash(&id, &other, start));
            return None;
        }
        let relation = self.table(&table, (&id, &file.name), &fqn, &source);
        let read = seed::file(&file.path);
        let model = Model {
            id: id.clone(),
            name: file.name.clone(),
            version: None,
            fqn,
            file: source,
            relation,
            config: table,
            documentation: self.reporting(is_enabled, |resolver| resolver.documentation(properties)),
            columns: self.reporting(is_enabled, |resolver| resolver.columns(properties)),
            constraints: properties.map(|properties| properties.constraints.clone()).unwrap_or_default(),
            volatile: false,
            calls: Calls::default(),
        };
        if !is_enabled {
            self.lookup.add_disabled(&self.package, &file.name, NodeKind::Seed);
            self.disable(Node::Seed(Box::new(Seed { model, file: read, config })));
            return None;
        }
        self.lookup.add_model(&self.package, &file.name, id.clone(), model.relation.clone());
        self.table_place(&id, &model.relation, &model.config, start);
        self.lookup.relations.insert(read.clone(), id.clone());
        self.nodes.insert(id.clone(), Node::Seed(Box::new(Seed { model, file: read, config })));
        Some(id)
    }

    fn seed_config(
        &mut self,
        (id, fqn): (&NodeId, &[String]),
        properties: Option<&ModelProperties>,
    ) -> (ModelConfig, SeedConfig) {
        let own = properties.map(|properties| self.layer(&properties.config));
        let layers = self.layers(|settings| &settings.seeds, fqn, own);
        self.warn_of_settings(&keys::SEED_CONFIG, &layers);
        let (table, config, findings) = SeedConfig::resolve(layers);
        if table.enabled {
            self.config_findings(id, table.static_analysis, findings);
        }
        (table, config)
    }

    /// Creates the diagnostic for two nodes with the same name for `ref()`.
    pub(super) fn clash(&self, id: &NodeId, other: &NodeId, at: Span) -> Diagnostic {
        let (name, kind, other_kind) = (id.name(), id.kind(), other.kind());
        let found = if id == other {
            let code = if kind == NodeKind::Seed { "duplicate-seed" } else { "duplicate-snapshot" };
            Diagnostic::error(code, format!("two {kind}s are called `{name}`"))
        } else {
            let message = format!(
                "a {other_kind} and a {kind} are both called `{name}`: `ref('{name}')` could mean either"
            );
            Diagnostic::error("duplicate-name", message)
        };
        let what = if kind == NodeKind::Snapshot { "them" } else { "the files" };
        found
            .at(at, "this one")
            .at(self.places[other].clone(), "and this one")
            .hint(format!("names are unique in a project, whatever the folder: rename one of {what}"))
    }
}
