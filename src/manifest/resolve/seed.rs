//! Resolution of seeds: like models, but without SQL.

use super::{config::misspelt, resolver::Resolver};
use crate::{
    diag::Diagnostic,
    manifest::{
        config::{ModelConfig, SeedConfig},
        model::{Calls, Model},
        node::Node,
        seed::{self, Seed},
    },
    name::{NodeId, NodeKind},
    project::{ModelProperties, SeedFile},
    text::{Source, Span},
};

impl Resolver<'_> {
    /// Adds a seed. The models must already be there.
    pub(super) fn seed(&mut self, file: &SeedFile, properties: Option<&ModelProperties>) {
        let mut fqn = vec![self.package.to_string()];
        fqn.extend(file.fqn_folders.iter().cloned());
        fqn.push(file.name.clone());
        let (table, config) = self.seed_config(&fqn, properties);
        let source = Source::new(file.path.as_str(), "");
        let start = source.span(0..0);
        if !table.enabled {
            self.lookup.add_disabled(&file.name, NodeKind::Seed);
            return;
        }
        let id = NodeId::seed(&self.package, &file.name);
        if let Some((other, _)) = self.lookup.own_model(&file.name) {
            let other = other.clone();
            self.findings.push(self.clash(&id, &other, start));
            return;
        }
        let relation = self.table(&table, &file.name);
        self.lookup.add_model(&file.name, id.clone(), relation.clone());
        self.table_place(&id, &relation, &table, start);
        let read = seed::file(&file.path);
        self.lookup.relations.insert(read.clone(), id.clone());
        let model = Model {
            id: id.clone(),
            name: file.name.clone(),
            fqn,
            file: source,
            relation,
            config: table,
            documentation: self.documentation(properties),
            columns: properties.map(|properties| properties.columns.clone()).unwrap_or_default(),
            constraints: properties.map(|properties| properties.constraints.clone()).unwrap_or_default(),
            volatile: false,
            calls: Calls::default(),
        };
        self.nodes.insert(id, Node::Seed(Box::new(Seed { model, file: read, config })));
    }

    fn seed_config(
        &mut self,
        fqn: &[String],
        properties: Option<&ModelProperties>,
    ) -> (ModelConfig, SeedConfig) {
        let mut layers = self.layers(&self.project.settings.seeds, fqn);
        layers.extend(properties.map(|properties| self.layer(&properties.config)));
        self.findings.extend(layers.iter().flatten().filter_map(|(key, setting)| misspelt(key, setting)));
        let (table, config, findings) = SeedConfig::resolve(layers);
        self.findings.extend(findings);
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
