//! The nodes of the project for templates: `graph` and `selected_resources`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::load::Workspace;
use crate::{jinja::GraphContext, name::NodeId, text::Source};

/// The sections of the manifest that are in dbt's `graph`.
const SECTIONS: [&str; 9] = [
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "groups",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "functions",
];

/// Gives templates the nodes, if any template or macro mentions them: of a large project they are large.
pub(super) fn set(workspace: &Workspace, chosen: &BTreeSet<NodeId>) {
    let project = &workspace.project;
    let mentions =
        |source: &Source| ["graph", "selected_resources"].iter().any(|name| source.text().contains(name));
    let mut sources = project.with_packages().flat_map(|project| {
        let models = project.models.iter().map(|file| &file.source);
        models.chain(project.macros.iter().map(|file| &file.source))
    });
    if sources.any(mentions) {
        workspace.jinja.set_graph(|| GraphContext {
            graph: graph(workspace),
            selected: chosen.iter().map(ToString::to_string).collect(),
        });
    }
}

fn graph(workspace: &Workspace) -> Map<String, Value> {
    let mut manifest = workspace.uncompiled_manifest();
    let sections = SECTIONS.iter().filter_map(|name| {
        let section = manifest.get_mut(*name)?.take();
        Some(((*name).to_owned(), if section.is_object() { section } else { Value::Object(Map::new()) }))
    });
    sections.collect()
}
