//! Snapshots: each is a block in an SQL file, or an item of `snapshots:` with a `relation:`.

use super::{data_test::at_declaration, placeholder::captures};
use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja, blocks},
    name::{NodeId, Relation},
    project::Project,
    text::{Source, Span},
};

/// A snapshot as declared, with the captures of its template.
#[derive(Debug, Clone)]
pub struct ParsedSnapshot {
    /// The snapshot's name.
    pub name: String,
    /// The template of the query for the current rows.
    pub template: Source,
    /// The span of the declaration.
    pub declared: Span,
    /// Whether the template is generated from a `relation:`.
    pub is_relation: bool,
    /// The folders between the project's name and the snapshot's in its fqn, as in dbt; `None` if they follow
    /// from the file alone.
    pub folders: Option<Vec<String>>,
    /// The captures of rendering the template.
    pub captures: Captures,
}

/// Returns the project's snapshots, with their templates not yet rendered.
pub(super) fn declared(project: &Project, findings: &mut Vec<Diagnostic>) -> Vec<ParsedSnapshot> {
    let mut snapshots = Vec::new();
    for file in &project.snapshots {
        let blocks = blocks(&file.source, "snapshot").unwrap_or_else(|found| {
            findings.push(found);
            Vec::new()
        });
        // As in dbt, the file's name counts as a folder.
        let folders: Vec<String> = file.fqn_folders.iter().chain([&file.name]).cloned().collect();
        snapshots.extend(blocks.into_iter().map(|block| ParsedSnapshot {
            name: block.name,
            template: block.body,
            declared: block.opened,
            is_relation: false,
            folders: Some(folders.clone()),
            captures: Captures::default(),
        }));
    }
    for properties in &project.snapshot_properties {
        let Some(relation) = properties.relation() else { continue };
        let wrong = || {
            let message = "`relation` takes `ref('…')` or `source('…', '…')`";
            Diagnostic::error("snapshot-relation", message).at(relation.span.clone(), "")
        };
        let Some(call) = relation.as_str().and_then(call) else {
            findings.push(wrong().hint("move the SQL to a model, and name it with `relation: ref('…')`"));
            continue;
        };
        snapshots.push(ParsedSnapshot {
            name: properties.name.value.clone(),
            template: relation.span.source.with_text(format!("select * from {{{{ {call} }}}}")),
            declared: relation.span.clone(),
            is_relation: true,
            folders: None,
            captures: Captures::default(),
        });
    }
    snapshots
}

/// Returns the call in a `relation:`, with or without surrounding braces.
fn call(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let call = inner.unwrap_or(text).trim();
    let name = call.strip_suffix(')')?.split_once('(')?.0.trim_end();
    matches!(name, "ref" | "source").then_some(call)
}

impl ParsedSnapshot {
    /// Renders the template and returns the snapshot with its captures.
    pub(super) fn rendered(&self, project: &str, jinja: &Jinja) -> Result<Self, Diagnostic> {
        let id = NodeId::snapshot(project, &self.name);
        let this = Some(Relation::new("this", self.name.as_str()));
        let mut captures = captures(jinja, &self.template, &self.name, &id, this).map_err(|mut found| {
            if self.is_relation {
                at_declaration(&mut found, &self.template, &self.declared);
            }
            found
        })?;
        if self.is_relation {
            let refs = captures.refs.iter_mut().map(|call| &mut call.span);
            let sources = captures.sources.iter_mut().map(|call| &mut call.span);
            for span in refs.chain(sources) {
                span.clone_from(&self.declared);
            }
        }
        Ok(Self { captures, ..self.clone() })
    }
}
