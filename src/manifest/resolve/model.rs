//! Resolution of models: their names, tables and configuration.

use super::{config::in_template, resolver::Resolver};
use crate::{
    diag::Diagnostic,
    jinja::{Captures, ref_target},
    manifest::{
        Node,
        config::ModelConfig,
        model::{Calls, Model},
    },
    name::{NodeId, NodeKind, Relation},
    parse,
    project::{ModelFile, ModelProperties, ModelVersion, keys},
    text::Source,
};

/// The names of a model, which differ from its file's name if it's a version of a model.
struct ModelNames {
    /// The name in its id: `dim`, or `dim.v1`.
    target: String,
    /// The other name that `ref` knows it by, if it's the latest version.
    latest: Option<String>,
    /// The default name of its table: `dim_v1`.
    table: String,
    /// The end of its fully qualified name: `dim`, `v1`.
    fqn: Vec<String>,
}

impl ModelNames {
    fn of(file: &ModelFile, version: Option<&ModelVersion>) -> Self {
        let Some(version) = version else {
            let name = || file.name.clone();
            return Self { target: name(), latest: None, table: name(), fqn: vec![name()] };
        };
        let (model, label) = (&version.model, version.label());
        Self {
            target: ref_target(model, Some(label.as_str())),
            latest: version.is_latest().then(|| model.clone()),
            table: format!("{model}_v{label}"),
            fqn: vec![model.clone(), format!("v{label}")],
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.target.as_str()).chain(self.latest.as_deref())
    }
}

impl Resolver<'_> {
    /// Adds a model, unless it is disabled. The sources must already be there.
    pub(super) fn model(
        &mut self,
        file: &ModelFile,
        properties: Option<&ModelProperties>,
        captures: &Captures,
    ) -> Option<NodeId> {
        let version = properties.and_then(|properties| properties.version.clone());
        let names = ModelNames::of(file, version.as_ref());
        let mut fqn = vec![self.package.to_string()];
        fqn.extend(file.fqn_folders.iter().cloned());
        fqn.extend(names.fqn.iter().cloned());
        let id = NodeId::model(&self.package, &names.target);
        let config = self.model_config((&id, &fqn), properties, captures);
        let start = file.source.span(0..0);
        let is_enabled = config.enabled;
        if let Some(first) = self.places.get(&id).filter(|_| is_enabled) {
            let message = format!("two models are called `{}`", file.name);
            self.findings.push(
                Diagnostic::error("duplicate-model", message)
                    .at(start, "this one")
                    .at(first.clone(), "and this one")
                    .hint("names are unique in a project, whatever the folder: rename one of the files"),
            );
            return None;
        }
        let mut config = config;
        config.hooks.warns = self.project.settings.hooks.warns;
        let relation = self.table(&config, (&id, &names.table), &fqn, &file.source);
        let calls = self.with_hooks((&id, &names.target), &config, &relation, captures);
        let model = Model {
            id: id.clone(),
            name: names.target.clone(),
            version,
            fqn,
            file: file.source.clone(),
            relation,
            config,
            documentation: self.reporting(is_enabled, |resolver| resolver.documentation(properties)),
            columns: self.reporting(is_enabled, |resolver| resolver.columns(properties)),
            constraints: properties.map(|properties| properties.constraints.clone()).unwrap_or_default(),
            volatile: captures.volatile,
            calls,
        };
        if !is_enabled {
            for name in names.all() {
                self.lookup.add_disabled(&self.package, name, NodeKind::Model);
            }
            self.disable(Node::Model(Box::new(model)));
            return None;
        }
        for name in names.all() {
            self.lookup.add_model(&self.package, name, id.clone(), model.relation.clone());
        }
        self.table_place(&id, &model.relation, &model.config, start);
        self.nodes.insert(id.clone(), Node::Model(Box::new(model)));
        Some(id)
    }

    /// Returns the calls of a model's template and of its hooks.
    fn with_hooks(
        &mut self,
        (id, name): (&NodeId, &str),
        config: &ModelConfig,
        relation: &Relation,
        captures: &Captures,
    ) -> Calls {
        if config.hooks.is_empty() {
            return Calls::of(captures);
        }
        let mut all = Captures::default();
        for hook in config.hooks.all() {
            let template = Source::new(hook.span.source.path(), hook.sql.as_str());
            match parse::hook(&self.jinja, &template, name, id, relation) {
                Ok(captures) => all = all.and(captures),
                Err(mut found) => {
                    found.labels.iter_mut().for_each(|label| label.span = hook.span.clone());
                    self.findings.push(found);
                }
            }
        }
        let calls = Calls::of(&captures.clone().and(all.clone()));
        self.hook_calls.insert(id.clone(), all);
        calls
    }

    fn model_config(
        &mut self,
        (id, fqn): (&NodeId, &[String]),
        properties: Option<&ModelProperties>,
        captures: &Captures,
    ) -> ModelConfig {
        let described = properties.map(|properties| self.layer(&properties.config));
        let own = described.into_iter().chain([in_template(captures)]);
        let layers = self.layers(|settings| &settings.models, fqn, own);
        self.warn_of_settings(&keys::MODEL_CONFIG, &layers);
        let (config, findings) = ModelConfig::resolve(layers, self.reads_files(captures));
        if config.enabled {
            self.config_findings(id, config.static_analysis, findings);
        }
        config
    }

    /// Returns whether a template's only input is a source of files.
    fn reads_files(&self, captures: &Captures) -> bool {
        let [source] = &captures.sources[..] else { return false };
        let known = self.lookup.source(&self.package, &source.source, &source.table).ok();
        let node = known.and_then(|(id, _)| self.nodes.get(id));
        captures.refs.is_empty() && matches!(node, Some(Node::Source(source)) if source.has_files())
    }
}
