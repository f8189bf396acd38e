//! Resolution of sources and their tables.

use std::sync::Arc;

use super::{
    external,
    resolver::{NodeEdges, Resolver},
};
use crate::{
    diag::Diagnostic,
    manifest::{
        Node,
        config::{Layer, merged},
        documentation::Documentation,
        source::{SourceGroup, SourceTable},
    },
    name::{NodeId, Relation},
    project::{SourceDecl, SourceTableDecl, Yaml, keys},
    text::Spanned,
};

impl Resolver<'_> {
    /// Adds the tables of a source.
    pub(super) fn source(&mut self, declared: &SourceDecl) {
        let of = Arc::new(SourceGroup {
            description: self.described(declared.description.as_ref()).text,
            loader: text(declared.loader.as_ref()),
            meta: declared.meta.as_ref().map_or_else(|| serde_json::json!({}), Yaml::to_json),
        });
        for table in &declared.tables {
            if let Some((node, is_enabled)) = self.source_table(declared, table, &of) {
                self.add_source_table(node, is_enabled);
            } else {
                let (source, table) = (&declared.name.value, &table.name.value);
                self.faulty.insert(self.lookup.source_key(&self.package, source, table));
            }
        }
    }

    /// Resolves a table of a source, and whether it is enabled. Returns `None`, after noting why, if it is
    /// faulty.
    fn source_table(
        &mut self,
        declared: &SourceDecl,
        table: &SourceTableDecl,
        of: &Arc<SourceGroup>,
    ) -> Option<(SourceTable, bool)> {
        let schema = self.written(declared.schema.as_ref().unwrap_or(&declared.name));
        let identifier = self.written(table.identifier.as_ref().unwrap_or(&table.name));
        let relation = Relation::new(schema?, identifier?);
        let config = self.source_config(declared, table);
        let external = match external::external(declared, table, &relation, &self.jinja) {
            Ok(external) => external,
            Err(found) => {
                self.findings.push(found);
                return None;
            }
        };
        let node = SourceTable {
            id: NodeId::source(&self.package, &declared.name.value, &table.name.value),
            source: declared.name.value.clone(),
            name: table.name.value.clone(),
            relation,
            documentation: Documentation {
                description: self.described(table.description.as_ref()),
                columns: self.columns_described(&table.columns),
                declared: Some(table.name.span.clone()),
            },
            meta: merged_meta(&of.meta, table.meta.as_ref()),
            of: Arc::clone(of),
            tags: declared.tags.iter().chain(&table.tags).map(|tag| tag.value.clone()).collect(),
            columns: self.typed(&table.columns),
            external,
            same_as: None,
            event_time: text_of(&config, "event_time"),
            freshness: self.freshness(declared, table),
            drift: external::drift(declared, table),
            span: table.name.span.clone(),
        };
        Some((node, is_enabled(&config)))
    }

    /// Adds a table of a source, unless another has its name.
    fn add_source_table(&mut self, node: SourceTable, is_enabled: bool) {
        let key = self.lookup.source_key(&self.package, &node.source, &node.name);
        if !is_enabled {
            self.lookup.add_disabled_source(key);
            self.disable(Node::Source(Box::new(node)));
            return;
        }
        let (id, relation, span) = (node.id.clone(), node.relation.clone(), node.span.clone());
        if !self.lookup.add_source(key, id.clone(), relation.clone()) {
            let message = format!("the source table `{}.{}` is declared twice", node.source, node.name);
            let first = self.places[&id].clone();
            let found = Diagnostic::error("duplicate-source", message);
            self.findings.push(found.at(span, "again here").at(first, "first here"));
            return;
        }
        self.nodes.insert(id.clone(), Node::Source(Box::new(node)));
        self.place(&id, &relation, span);
    }

    /// Returns whether this is a source whose table is in the lake, where a node may build it.
    pub(super) fn is_lake_source(&self, id: &NodeId) -> bool {
        matches!(self.nodes.get(id), Some(Node::Source(source)) if source.external.is_none())
    }

    /// Notes for each source the other node with its table, if there is one. Returns the edges from those.
    pub(super) fn shared_tables(&mut self) -> NodeEdges {
        let mut edges = NodeEdges::new();
        for (id, node) in &mut self.nodes {
            let Node::Source(source) = node else { continue };
            let owner = self.lookup.relations.get(&source.relation);
            source.same_as = owner.filter(|owner| *owner != id && source.external.is_none()).cloned();
            edges.extend(source.same_as.iter().map(|owner| (owner.clone(), id.clone())));
        }
        edges
    }
}

impl Resolver<'_> {
    /// Returns the merged configuration of a source table.
    fn source_config(&mut self, declared: &SourceDecl, table: &SourceTableDecl) -> Layer {
        let layers = [self.layer(&declared.config), self.layer(&table.config)];
        self.warn_of_settings(&keys::SOURCE_CONFIG, &layers);
        merged(layers.into())
    }

    /// Renders a text of a source's declaration, or reports the error in it.
    fn written(&mut self, text: &Spanned<String>) -> Option<String> {
        self.jinja.render_value(&text.value, &text.span).map_err(|found| self.findings.push(found)).ok()
    }
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

/// Returns whether a source table is enabled.
fn is_enabled(config: &Layer) -> bool {
    let disabled = config.get("enabled").is_some_and(|setting| match &setting.value {
        serde_json::Value::Bool(enabled) => !enabled,
        serde_json::Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    });
    !disabled
}

fn text_of(config: &Layer, key: &str) -> Option<String> {
    config.get(key)?.value.as_str().map(str::to_owned)
}

fn text(spanned: Option<&Spanned<String>>) -> String {
    spanned.map(|text| text.value.clone()).unwrap_or_default()
}
