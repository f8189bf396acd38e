//! Resolution of models: their names, tables and configuration.

use super::{
    config::{in_template, misspelt},
    resolver::Resolver,
};
use crate::{
    diag::Diagnostic,
    jinja::Captures,
    manifest::{
        Node,
        config::ModelConfig,
        model::{Calls, Model},
    },
    name::{NodeId, NodeKind},
    project::{ModelFile, ModelProperties},
};

impl Resolver<'_> {
    /// Adds a model, unless it is disabled. The sources must already be there.
    pub(super) fn model(
        &mut self,
        file: &ModelFile,
        properties: Option<&ModelProperties>,
        captures: &Captures,
    ) -> Option<NodeId> {
        let mut fqn = vec![self.package.to_string()];
        fqn.extend(file.fqn_folders.iter().cloned());
        fqn.push(file.name.clone());
        let config = self.model_config(&fqn, properties, captures);
        let start = file.source.span(0..0);
        if !config.enabled {
            self.lookup.add_disabled(&file.name, NodeKind::Model);
            return None;
        }
        let id = NodeId::model(&self.package, &file.name);
        if let Some(first) = self.places.get(&id) {
            let message = format!("two models are called `{}`", file.name);
            self.findings.push(
                Diagnostic::error("duplicate-model", message)
                    .at(start, "this one")
                    .at(first.clone(), "and this one")
                    .hint("names are unique in a project, whatever the folder: rename one of the files"),
            );
            return None;
        }
        let relation = self.table(&config, &file.name);
        self.lookup.add_model(&file.name, id.clone(), relation.clone());
        self.table_place(&id, &relation, &config, start);
        let model = Model {
            id: id.clone(),
            name: file.name.clone(),
            fqn,
            file: file.source.clone(),
            relation,
            config,
            documentation: self.documentation(properties),
            columns: properties.map(|properties| properties.columns.clone()).unwrap_or_default(),
            constraints: properties.map(|properties| properties.constraints.clone()).unwrap_or_default(),
            volatile: captures.volatile,
            calls: Calls::of(captures),
        };
        self.nodes.insert(id.clone(), Node::Model(Box::new(model)));
        Some(id)
    }

    fn model_config(
        &mut self,
        fqn: &[String],
        properties: Option<&ModelProperties>,
        captures: &Captures,
    ) -> ModelConfig {
        let mut layers = self.layers(&self.project.settings.models, fqn);
        if let Some(properties) = properties {
            layers.push(self.layer(&properties.config));
        }
        layers.push(in_template(captures));
        self.findings.extend(layers.iter().flatten().filter_map(|(key, setting)| misspelt(key, setting)));
        let (config, findings) = ModelConfig::resolve(layers, self.reads_files(captures));
        self.findings.extend(findings);
        config
    }

    /// Returns whether a template's only input is a source of files.
    fn reads_files(&self, captures: &Captures) -> bool {
        let [source] = &captures.sources[..] else { return false };
        let known = self.lookup.source(&source.source, &source.table).ok();
        let node = known.and_then(|(id, _)| self.nodes.get(id));
        captures.refs.is_empty() && matches!(node, Some(Node::Source(source)) if source.has_files())
    }
}
