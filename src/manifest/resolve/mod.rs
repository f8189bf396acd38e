//! Resolution: builds the [`Manifest`] from a project and the calls captured from its templates. Collects all
//! errors.
//!
//! - here: sources, models and the graph
//! - `seed`: seeds
//! - `snapshot`: snapshots
//! - `described`: entries in properties files for nodes that don't exist
//! - `data_test`, `unit_test`: tests
//! - `folder`: names that are used as directories
//! - `freshness`: freshness limits of sources
//! - `documentation`: descriptions of all nodes, and exposures

mod data_test;
mod described;
mod documentation;
mod external;
mod folder;
mod freshness;
mod seed;
mod snapshot;
mod unit_test;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Manifest, Node,
    config::{Layer, ModelConfig, Setting},
    documentation::{Documentation, Library},
    lookup::{Lookup, SourceKey, Unknown},
    node::{Calls, Model, SourceGroup, SourceTable},
};
use crate::{
    diag::{Diagnostic, near},
    graph::Graph,
    jinja::{Captures, Jinja},
    name::{NodeId, NodeKind, Relation},
    parse::{DocBlock, Parsed},
    project::{
        ConfigPatch, ConfigTree, KNOWN_CONFIG, ModelFile, ModelProperties, Project, SourceDecl,
        SourceTableDecl, Yaml, YamlValue,
    },
    text::{Span, Spanned},
};

impl Manifest {
    /// Resolves a project with parsed templates; `prefix` is prepended to every schema.
    pub fn resolve(
        project: &Project,
        parsed: &Parsed,
        prefix: Option<&str>,
        docs: BTreeMap<String, DocBlock>,
        jinja: &Jinja,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let package: Arc<str> = project.settings.name.value.as_str().into();
        let mut resolver = Resolver {
            project,
            package: Arc::clone(&package),
            prefix: prefix.map(|prefix| format!("{prefix}_")).unwrap_or_default(),
            jinja,
            nodes: BTreeMap::new(),
            places: BTreeMap::new(),
            folded: BTreeMap::new(),
            lookup: Lookup::new(&package),
            faulty: BTreeSet::new(),
            findings: Vec::new(),
        };
        for source in &project.sources {
            resolver.source(source);
        }
        let properties = by_name(&project.properties);
        let mut models = Vec::new();
        for (file, captures) in project.models.iter().zip(&parsed.models) {
            if let Some(id) = resolver.model(file, properties.get(file.name.as_str()).copied(), captures) {
                models.push((id, captures));
            }
        }
        let properties = by_name(&project.seed_properties);
        for file in &project.seeds {
            resolver.seed(file, properties.get(file.name.as_str()).copied());
        }
        let properties = by_name(&project.snapshot_properties);
        let mut snapshots = Vec::new();
        for snapshot in &parsed.snapshots {
            let described = properties.get(snapshot.name.as_str()).copied();
            snapshots.extend(resolver.snapshot(snapshot, described).map(|id| (id, snapshot)));
        }
        resolver.unknown_properties(parsed);
        let mut edges = resolver.edges(&models);
        edges.extend(resolver.snapshot_edges(&snapshots));
        for test in &parsed.tests {
            edges.extend(resolver.data_test(test));
        }
        for test in &parsed.unit_tests {
            edges.extend(resolver.unit_test(test));
        }
        for exposure in &parsed.exposures {
            edges.extend(resolver.exposure(exposure));
        }
        let library = resolver.library(docs);
        resolver.finish(edges, library)
    }
}

struct Resolver<'a> {
    project: &'a Project,
    /// The project's own package.
    package: Arc<str>,
    /// The beginning of every schema.
    prefix: String,
    jinja: &'a Jinja,
    nodes: BTreeMap<NodeId, Node>,
    places: BTreeMap<NodeId, Span>,
    /// The nodes by their schema and table name in lower case.
    folded: BTreeMap<(String, String), NodeId>,
    lookup: Lookup,
    /// The source tables whose declaration has an error.
    faulty: BTreeSet<SourceKey>,
    findings: Vec<Diagnostic>,
}

type Edges = Vec<(NodeId, NodeId)>;

impl Resolver<'_> {
    fn source(&mut self, declared: &SourceDecl) {
        let of = Arc::new(SourceGroup {
            description: self.described(declared.description.as_ref()).text,
            loader: text(declared.loader.as_ref()),
            meta: declared.meta.as_ref().map_or_else(|| serde_json::json!({}), Yaml::to_json),
        });
        for table in &declared.tables {
            let id = NodeId::source(&self.package, &declared.name.value, &table.name.value);
            let schema = declared.schema.as_ref().unwrap_or(&declared.name).value.clone();
            let identifier = table.identifier.as_ref().unwrap_or(&table.name).value.clone();
            let relation = Relation::new(schema, identifier);
            let external = match external::external(table, self.jinja).transpose() {
                Ok(external) => external,
                Err(found) => {
                    self.findings.push(found);
                    self.faulty.insert(self.lookup.source_key(&declared.name.value, &table.name.value));
                    continue;
                }
            };
            let node = SourceTable {
                id: id.clone(),
                source: declared.name.value.clone(),
                name: table.name.value.clone(),
                relation: relation.clone(),
                documentation: Documentation {
                    description: self.described(table.description.as_ref()),
                    columns: self.columns_described(&table.columns),
                    declared: Some(table.name.span.clone()),
                },
                meta: merged_meta(&of.meta, table.meta.as_ref()),
                of: Arc::clone(&of),
                tags: declared.tags.iter().chain(&table.tags).map(|tag| tag.value.clone()).collect(),
                columns: table.columns.clone(),
                external,
                event_time: event_time(declared, table),
                freshness: freshness::of(declared, table),
                drift: external::drift(declared, table),
                span: table.name.span.clone(),
            };
            if !self.lookup.add_source(&node.source, &node.name, id.clone(), relation.clone()) {
                let message = format!("the source table `{}.{}` is declared twice", node.source, node.name);
                let first = self.places[&id].clone();
                self.findings.push(
                    Diagnostic::error("duplicate-source", message)
                        .at(table.name.span.clone(), "again here")
                        .at(first, "first here"),
                );
                continue;
            }
            self.place(&id, &relation, table.name.span.clone());
            self.nodes.insert(id, Node::Source(Box::new(node)));
        }
    }

    fn model(
        &mut self,
        file: &ModelFile,
        properties: Option<&ModelProperties>,
        captures: &Captures,
    ) -> Option<NodeId> {
        let mut fqn = vec![self.package.to_string()];
        fqn.extend(file.fqn_folders.iter().cloned());
        fqn.push(file.name.clone());
        let config = self.config(&fqn, properties, captures);
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

    /// Returns the relation of a node.
    fn table(&self, config: &ModelConfig, name: &str) -> Relation {
        let schema = config.schema.as_ref().map_or("main", |schema| &schema.value);
        let name = config.alias.as_ref().map_or(name, |alias| &alias.value);
        Relation::new(format!("{}{schema}", self.prefix), name)
    }

    fn config(
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

    /// Returns the layers of a section of the project file that apply to a fully qualified name, outermost
    /// first.
    fn layers(&mut self, section: &ConfigTree, fqn: &[String]) -> Vec<Layer> {
        let path: Vec<&str> = fqn.iter().skip(1).map(String::as_str).collect();
        let patches = section.layers(&self.package, &path);
        patches.into_iter().map(|patch| self.layer(patch)).collect()
    }

    fn layer(&mut self, patch: &ConfigPatch) -> Layer {
        let mut layer = Layer::new();
        for (key, value) in &patch.entries {
            let value_json = self.rendered(value);
            layer.insert(key.clone(), Setting { value: value_json, span: value.span.clone() });
        }
        layer
    }

    /// Renders the templates in a YAML value.
    fn rendered(&mut self, yaml: &Yaml) -> serde_json::Value {
        match &yaml.value {
            YamlValue::String(text) if text.contains("{{") || text.contains("{%") => {
                match self.jinja.render_value(text, &yaml.span) {
                    Ok(text) => serde_json::Value::String(text),
                    Err(found) => {
                        self.findings.push(found);
                        serde_json::Value::Null
                    }
                }
            }
            YamlValue::Seq(items) => items.iter().map(|item| self.rendered(item)).collect(),
            YamlValue::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), self.rendered(value))).collect()
            }
            _ => yaml.to_json(),
        }
    }

    /// Registers a node's table in the lake, and checks that its directory is unique.
    fn table_place(&mut self, id: &NodeId, relation: &Relation, config: &ModelConfig, start: Span) {
        let place = |set: &Option<Spanned<String>>| {
            set.as_ref().map_or_else(|| start.clone(), |set| set.span.clone())
        };
        self.usable_names(id, relation, &place(&config.schema), &place(&config.alias));
        let span = place(if config.alias.is_some() { &config.alias } else { &config.schema });
        let folded = (folder::folded(&relation.schema), folder::folded(&relation.name));
        if let Some(other) = self.folded.insert(folded, id.clone())
            && self.lookup.relations.get(relation).is_none_or(|same| *same != other)
        {
            let message = format!("the tables of `{other}` and `{id}` would be one folder on some disks");
            self.findings.push(
                Diagnostic::error("duplicate-relation", message)
                    .at(span.clone(), "")
                    .at(self.places[&other].clone(), "the other")
                    .note("names that differ by case or by how accents are written are one name there")
                    .hint("give one of them another `alias` or `schema`"),
            );
        }
        self.place(id, relation, span);
        self.places.insert(id.clone(), start);
    }

    /// Checks that a schema and a table name can be directories.
    fn usable_names(&mut self, id: &NodeId, relation: &Relation, schema_at: &Span, table_at: &Span) {
        let parts =
            [("schema", "schema", &relation.schema, schema_at), ("table", "alias", &relation.name, table_at)];
        for (what, setting, name, span) in parts {
            if let Some(reason) = folder::unusable(name) {
                let message = format!("the {what} `{name}` of `{id}` {reason}");
                self.findings.push(
                    Diagnostic::error("unusable-name", message)
                        .at(span.clone(), "")
                        .hint(format!("set another `{setting}`: schemas and tables are folders of the lake")),
                );
            }
        }
    }

    /// Registers a node's relation, and checks that no other node has it.
    fn place(&mut self, id: &NodeId, relation: &Relation, span: Span) {
        if let Some(other) = self.lookup.relations.insert(relation.clone(), id.clone()) {
            let message = format!("`{other}` and `{id}` would both be the table {relation}");
            self.findings.push(
                Diagnostic::error("duplicate-relation", message)
                    .at(span.clone(), "")
                    .at(self.places[&other].clone(), "the other")
                    .hint("give one of them another `alias` or `schema`"),
            );
        }
        self.places.insert(id.clone(), span);
    }

    fn edges(&mut self, models: &[(NodeId, &Captures)]) -> Edges {
        let mut edges = Vec::new();
        for (child, captures) in models {
            edges.extend(self.parents(captures).into_iter().map(|parent| (parent, child.clone())));
        }
        edges
    }

    /// The nodes that a template refers to.
    fn parents(&mut self, captures: &Captures) -> Vec<NodeId> {
        let mut parents = Vec::new();
        for call in &captures.refs {
            match self.lookup.model(call.package.as_deref(), &call.name) {
                Ok((parent, _)) => parents.push(parent.clone()),
                Err(unknown) => self.findings.push(unknown.diagnostic("unknown-ref", &call.span)),
            }
        }
        for call in &captures.sources {
            match self.lookup.source(&call.source, &call.table) {
                Ok((parent, _)) => parents.push(parent.clone()),
                // The source exists, and its own error is already reported.
                Err(_) if self.faulty.contains(&self.lookup.source_key(&call.source, &call.table)) => {}
                Err(unknown) => self.findings.push(unknown.diagnostic("unknown-source", &call.span)),
            }
        }
        parents
    }

    fn finish(
        mut self,
        edges: Edges,
        library: Library,
    ) -> Result<(Manifest, Vec<Diagnostic>), Vec<Diagnostic>> {
        use crate::diag::Severity;
        let graph = Graph::build(self.nodes.keys().cloned(), edges);
        let graph = match graph {
            Ok(graph) => graph,
            Err(cycle) => {
                let names: Vec<&str> = cycle.path.iter().map(NodeId::name).collect();
                let (message, place) = match names[..] {
                    [one] => (format!("`{one}` reads itself"), "this model"),
                    _ => ("dependency cycle".into(), "one of them"),
                };
                let circle: Vec<&str> = names.iter().chain(names.first()).copied().collect();
                let mut found =
                    Diagnostic::error("cycle", message).note(format!("cycle: {}", circle.join(" → ")));
                if let Some(first) = cycle.path.first() {
                    found = found.at(self.places[first].clone(), place);
                }
                self.findings.push(found);
                return Err(self.findings);
            }
        };
        if self.findings.iter().any(|found| found.severity == Severity::Error) {
            return Err(self.findings);
        }
        let Self { package, nodes, lookup, findings, .. } = self;
        Ok((
            Manifest { project: package.to_string(), nodes, graph, library, lookup: Arc::new(lookup) },
            findings,
        ))
    }
}

fn by_name(properties: &[ModelProperties]) -> BTreeMap<&str, &ModelProperties> {
    properties.iter().map(|properties| (properties.name.value.as_str(), properties)).collect()
}

/// Returns the settings that a template makes with `config()`.
fn in_template(captures: &Captures) -> Layer {
    let setting =
        |value: &serde_json::Value, span: &Span| Setting { value: value.clone(), span: span.clone() };
    captures.config.iter().map(|call| (call.key.clone(), setting(&call.value, &call.span))).collect()
}

/// Warns about an unknown setting if it resembles a known one. Otherwise it may be the user's own.
fn misspelt(key: &str, setting: &Setting) -> Option<Diagnostic> {
    if KNOWN_CONFIG.contains(&key) {
        return None;
    }
    let question = near::question(key, KNOWN_CONFIG.iter().copied())?;
    let message = format!("the setting `{key}` means nothing to Headwater");
    Some(Diagnostic::warning("unknown-config", message).at(setting.span.clone(), "").hint(question))
}

/// Merges the `meta` of a source table over that of its source.
fn merged_meta(of_source: &serde_json::Value, of_table: Option<&Yaml>) -> serde_json::Value {
    let mut merged = of_source.clone();
    if let (Some(merged), Some(serde_json::Value::Object(own))) =
        (merged.as_object_mut(), of_table.map(Yaml::to_json))
    {
        merged.extend(own);
    }
    merged
}

/// Returns the event-time column declared by a source table or by its source.
fn event_time(declared: &SourceDecl, table: &SourceTableDecl) -> Option<String> {
    let of = |config: &ConfigPatch| config.entries.get("event_time")?.to_json().as_str().map(str::to_owned);
    of(&table.config).or_else(|| of(&declared.config))
}

fn text(spanned: Option<&Spanned<String>>) -> String {
    spanned.map(|text| text.value.clone()).unwrap_or_default()
}

impl Unknown {
    pub(crate) fn diagnostic(self, code: &'static str, span: &Span) -> Diagnostic {
        let found = Diagnostic::error(code, self.message).at(span.clone(), "not found");
        match self.hint {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}
