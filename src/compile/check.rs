//! Checks that a planned model can become a table, and maps engine errors to the user's own file.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    diag::Diagnostic,
    engine::{Query, SchemaRef, SqlError, error::UNKNOWN_TABLE},
    jinja::SpanMap,
    lake,
    manifest::{Manifest, Model, Node},
    name::{NodeId, Relation, quoted},
    text::{Source, Span},
};

/// The SQL that a diagnostic is about.
pub(super) struct Origin<'a> {
    pub(super) id: &'a NodeId,
    /// The template as written.
    pub(super) file: &'a Source,
    pub(super) manifest: &'a Manifest,
}

/// Converts an engine error to a diagnostic at `at`. `about` names the subject if it isn't a model's whole
/// SQL.
pub(super) fn complaint(error: &SqlError, about: Option<&str>, at: Span) -> Diagnostic {
    let message = match about {
        Some(about) => format!("{about}: {}", error.message),
        None => error.message.clone(),
    };
    let mut found = Diagnostic::error(error.code, message).at(at, "");
    for note in &error.notes {
        found = found.note(note);
    }
    for help in &error.helps {
        found = found.hint(help);
    }
    found
}

impl Origin<'_> {
    /// Converts an engine error in rendered SQL to a diagnostic that points at the template.
    pub(super) fn sql_error(&self, error: &SqlError, map: &SpanMap) -> Diagnostic {
        let span = match error.at.clone() {
            Some(range) => map.source_span(range),
            None => self.file.span(0..0),
        };
        let mut found = complaint(error, None, span);
        if error.code == UNKNOWN_TABLE
            && let Some(name) = error.message.split('\'').nth(1)
        {
            let means = |node: &&Node| {
                node.relation().is_some_and(|relation| {
                    relation.to_string() == name || relation.name == name || node.display_name() == name
                })
            };
            let mut others = self.manifest.nodes.values().filter(|node| node.id() != self.id);
            found = match others.find(means) {
                Some(node) if !self.is_written(name, node) => found.hint(declared(node)),
                Some(node) => found.hint(format!("write {} so that it is built first", call(node))),
                None => {
                    found.hint("read models through `ref()`, and tables of other writers through `source()`")
                }
            };
        }
        found
    }

    /// Checks that every table is read through `ref()` or `source()`, which define the order of the run.
    pub(super) fn references(
        &self,
        query: &Query,
        allowed: &BTreeSet<Relation>,
    ) -> Result<(), Vec<Diagnostic>> {
        let findings: Vec<Diagnostic> = query
            .relations()
            .iter()
            .filter(|relation| !allowed.contains(&relation.table()))
            .map(|relation| {
                let written = [relation.to_string(), relation.name.clone()];
                let node = self.manifest.at(relation);
                let Some(place) = written.iter().find_map(|name| word(self.file.text(), name)) else {
                    return self.undeclared(relation, node);
                };
                let found =
                    Diagnostic::error("hard-coded-table", format!("{relation} is read by its bare name"))
                        .at(self.file.span(place), "")
                        .note("without a reference the order of the run and the lineage would miss it");
                match node {
                    Some(node) => found.hint(format!("write {}", call(node))),
                    None => found,
                }
            })
            .collect();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// Returns whether a node or its table is named in the file.
    fn is_written(&self, table: &str, node: &Node) -> bool {
        let bare = node.relation().map(|relation| relation.name.clone()).unwrap_or_default();
        let names = [table.to_owned(), bare, node.id().name().to_owned()];
        names.iter().any(|name| word(self.file.text(), name).is_some())
    }

    /// Returns the error about a relation whose name isn't written in the file: a `ref()` whose argument is
    /// known only when queries are run, or a macro gave it.
    fn undeclared(&self, relation: &Relation, node: Option<&Node>) -> Diagnostic {
        let message =
            format!("`{}` reads {relation}, but doesn't declare that it depends on it", self.id.name());
        let found = Diagnostic::error("unknown-dependency", message)
            .at(self.file.span(0..0), "")
            .note("its name isn't written here: a macro, or a `ref()` under `{% if execute %}`, gave it");
        match node {
            Some(node) => found.hint(declared(node)),
            None => found,
        }
    }
}

/// Returns the hint to declare a dependency that isn't seen before queries are run.
fn declared(node: &Node) -> String {
    format!("add a comment: -- depends_on: {}", call(node))
}

/// Returns the place of a name that is written as a word.
fn word(text: &str, name: &str) -> Option<Range<usize>> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let places = text.match_indices(name).map(|(at, name)| at..at + name.len());
    let is_whole = |place: &Range<usize>| {
        !text[..place.start].ends_with(is_part) && !text[place.end..].starts_with(is_part)
    };
    let mut places = places.filter(is_whole);
    places.next()
}

fn call(node: &Node) -> String {
    format!("{{{{ {} }}}}", reference(node))
}

/// Returns the template call that refers to a node.
pub(super) fn reference(node: &Node) -> String {
    match node {
        Node::Model(model) => match &model.version {
            Some(version) => format!("ref('{}', v={})", version.model, version.label()),
            None => format!("ref('{}')", model.name),
        },
        Node::Seed(seed) => format!("ref('{}')", seed.model.name),
        Node::Snapshot(snapshot) => format!("ref('{}')", snapshot.model.name),
        Node::Source(source) => format!("source('{}', '{}')", source.source, source.name),
        Node::Test(_) | Node::UnitTest(_) | Node::Exposure(_) => node.display_name(),
    }
}

/// Checks that the companion tables for the rejects of a model that reads files don't clash with another
/// node.
pub(super) fn rejects(query: &Query, model: &Model, manifest: &Manifest) -> Result<(), Vec<Diagnostic>> {
    if !query.relations().iter().any(|relation| manifest.is_file_source(relation)) {
        return Ok(());
    }
    // On some disks names that differ by case alone are one folder.
    let is_same = |a: &Relation, b: &Relation| {
        a.schema.to_lowercase() == b.schema.to_lowercase() && a.name.to_lowercase() == b.name.to_lowercase()
    };
    let companions = [model.relation.rejected(), model.relation.accepted()];
    let placed = |relation: &Relation| {
        manifest.nodes.values().find(|node| node.relation().is_some_and(|other| is_same(other, relation)))
    };
    match companions.iter().find_map(|relation| Some((relation, placed(relation)?))) {
        Some((relation, other)) => {
            let message = format!(
                "`{}` and what `{}` sets aside would both be the table {relation}",
                other.id(),
                model.name
            );
            let found = Diagnostic::error("duplicate-relation", message)
                .at(model.file.span(0..0), "this model")
                .hint("give one of them another `alias` or `schema`");
            Err(vec![found])
        }
        None => Ok(()),
    }
}

/// Returns the columns of the table that the query builds.
pub(super) fn table(query: &Query, model: &Model) -> Result<SchemaRef, Vec<Diagnostic>> {
    let start = model.file.span(0..0);
    let this = format!("this {}", model.kind());
    let columns = query.schema();
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    let missing: Vec<Diagnostic> = model
        .config
        .partition_by
        .iter()
        .filter(|column| !names.contains(&column.as_str()))
        .map(|column| {
            let message = format!("`partition_by` names `{column}`, which `{}` does not have", model.name);
            Diagnostic::error("unknown-column", message)
                .at(start.clone(), this.as_str())
                .near(column, names.iter().copied())
                .note(format!("its columns: {}", names.join(", ")))
        })
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    lake::delta_schema(&columns, &model.config.partition_by).map_err(|problems| {
        let found = |problem: String| match written_name(&problem, &columns, model.file.text()) {
            Some(at) => Diagnostic::error("delta-type", problem).at(model.file.span(at), ""),
            None => Diagnostic::error("delta-type", problem).at(start.clone(), this.as_str()),
        };
        problems.into_iter().map(found).collect()
    })
}

/// Returns the place of the name that a problem is about, if Delta can't hold it and it is written once.
fn written_name(problem: &str, columns: &SchemaRef, text: &str) -> Option<Range<usize>> {
    let names = columns.fields().iter().map(|field| field.name().as_str());
    names.filter(|name| lake::forbidden(name).is_some()).map(quoted).find_map(|name| {
        let mut places = text.match_indices(&name).filter(|_| problem.contains(&name));
        let (at, _) = places.next().filter(|_| places.next().is_none())?;
        Some(at..at + name.len())
    })
}
