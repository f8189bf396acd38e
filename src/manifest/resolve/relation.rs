//! Relations of nodes: checks that each is a usable directory of the lake, and unique.

use std::collections::{BTreeMap, BTreeSet};

use super::{folder, resolver::Resolver};
use crate::{
    diag::Diagnostic,
    manifest::{Manifest, Model, Node, config::ModelConfig, data_test::DataTest},
    name::{NodeId, Relation},
    text::{Source, Span, Spanned},
};

impl Resolver<'_> {
    /// Returns the relation of a node. The project's macros `generate_schema_name` and `generate_alias_name`
    /// decide, if there are any.
    pub(super) fn table(
        &mut self,
        config: &ModelConfig,
        (id, default_name): (&NodeId, &str),
        fqn: &[String],
        file: &Source,
    ) -> Relation {
        let (schema, alias) = (config.schema.as_ref(), config.alias.as_ref());
        let node = serde_json::json!({
            "name": id.name(), "resource_type": id.kind().to_string(), "unique_id": id.to_string(),
            "package_name": &*self.package, "fqn": fqn, "config": config.all,
            "tags": config.all.get("tags"), "original_file_path": file.package_path(),
        });
        let mut generated = |name: &str, custom: Option<&Spanned<String>>| {
            let custom_name = custom.map(|custom| &*custom.value).into();
            let at = custom.map_or_else(|| file.span(0..0), |custom| custom.span.clone());
            let called = self.jinja.project_macro(name, &[custom_name, node.clone()], &at)?;
            called.map_err(|found| self.findings.push(found)).ok()
        };
        let own_schema = generated("generate_schema_name", schema);
        let own_name = generated("generate_alias_name", alias);
        let name = alias.map_or(default_name, |alias| &alias.value);
        Relation::new(
            own_schema.unwrap_or_else(|| self.schema(schema.map(|schema| schema.value.as_str()))),
            own_name.unwrap_or_else(|| name.to_owned()),
        )
    }

    /// Returns dbt's default schema: the target's, followed by the node's own, if it has one.
    pub(super) fn schema(&self, own: Option<&str>) -> String {
        match (&self.target_schema, own) {
            (Some(target), Some(own)) => format!("{target}_{own}"),
            (Some(target), None) => target.clone(),
            (None, own) => own.unwrap_or("main").to_owned(),
        }
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

    /// Checks that no node's table is a companion table of another one: of quarantined rows, of a withheld
    /// version, or of the rows that a test found.
    pub(super) fn companions(&mut self) {
        let mut found = Vec::new();
        for node in self.nodes.values() {
            let of_model = |model: &Model| {
                let relation = &model.relation;
                vec![
                    (relation.quarantine(), "the quarantined rows"),
                    (relation.kept(), "the withheld version"),
                ]
            };
            let kept = match node {
                Node::Model(model) => of_model(model),
                Node::Seed(seed) => of_model(&seed.model),
                Node::Snapshot(snapshot) => of_model(&snapshot.model),
                Node::Test(test) => vec![(test.audit.clone(), "the failing rows")],
                Node::Source(_) | Node::UnitTest(_) | Node::Exposure(_) => Vec::new(),
            };
            let id = node.id();
            for (relation, what) in kept {
                let folded = (folder::folded(&relation.schema), folder::folded(&relation.name));
                let Some(other) = self.folded.get(&folded) else { continue };
                let message = format!("`{other}` and {what} of `{id}` would both be the table {relation}");
                found.push(
                    Diagnostic::error("duplicate-relation", message)
                        .at(self.places[other].clone(), "")
                        .hint("give one of them another `alias` or `schema`"),
                );
            }
        }
        self.findings.extend(found);
        let storing = self.nodes.values().filter_map(|node| match node {
            Node::Test(test) if test.config.store_failures => Some(test.as_ref()),
            _ => None,
        });
        self.findings.extend(shared_audits(storing));
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

    /// Registers a node's relation, and checks that no other node has it. Sources in the lake may share it:
    /// with the node that builds it, which then owns it, and with other sources.
    pub(super) fn place(&mut self, id: &NodeId, relation: &Relation, span: Span) {
        let owner = self.lookup.relations.get(relation).cloned();
        if self.is_lake_source(id) && owner.as_ref().is_some_and(|owner| self.is_lake_source(owner)) {
            self.places.insert(id.clone(), span);
            return;
        }
        self.lookup.relations.insert(relation.clone(), id.clone());
        if let Some(other) = owner.filter(|owner| !self.is_lake_source(owner)) {
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

impl Manifest {
    /// Returns an error for each test that would store its failing rows in another test's table.
    #[must_use]
    pub fn shared_audits(&self, tests: &BTreeSet<NodeId>) -> Vec<Diagnostic> {
        shared_audits(tests.iter().filter_map(|id| self.test(id)))
    }
}

/// Reports tests that would store their failing rows in another test's table.
fn shared_audits<'a>(tests: impl Iterator<Item = &'a DataTest>) -> Vec<Diagnostic> {
    let mut by_table: BTreeMap<(String, String), &DataTest> = BTreeMap::new();
    let mut found = Vec::new();
    for test in tests {
        let folded = (folder::folded(&test.audit.schema), folder::folded(&test.audit.name));
        let Some(first) = by_table.get(&folded) else {
            by_table.insert(folded, test);
            continue;
        };
        let (one, other, table) = (&first.id, &test.id, &test.audit);
        let message = format!("the failing rows of `{one}` and `{other}` would both be the table {table}");
        found.push(
            Diagnostic::error("duplicate-relation", message)
                .at(test.declared.clone(), "this test")
                .at(first.declared.clone(), "the other")
                .hint("give one of them another `name` or `alias`, or don't store its failures"),
        );
    }
    found
}
