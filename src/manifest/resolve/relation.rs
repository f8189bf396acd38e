//! Relations of nodes: checks that each is a usable directory of the lake, and unique.

use super::{folder, resolver::Resolver};
use crate::{
    diag::Diagnostic,
    manifest::config::ModelConfig,
    name::{NodeId, Relation},
    text::{Span, Spanned},
};

impl Resolver<'_> {
    /// Returns the relation of a node.
    pub(super) fn table(&self, config: &ModelConfig, name: &str) -> Relation {
        let schema = config.schema.as_ref().map_or("main", |schema| &schema.value);
        let name = config.alias.as_ref().map_or(name, |alias| &alias.value);
        Relation::new(format!("{}{schema}", self.prefix), name)
    }

    /// Registers a node's table in the lake, and checks that its directory is unique.
    pub(super) fn table_place(
        &mut self,
        id: &NodeId,
        relation: &Relation,
        config: &ModelConfig,
        start: Span,
    ) {
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
    pub(super) fn usable_names(
        &mut self,
        id: &NodeId,
        relation: &Relation,
        schema_at: &Span,
        table_at: &Span,
    ) {
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
    pub(super) fn place(&mut self, id: &NodeId, relation: &Relation, span: Span) {
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
}
