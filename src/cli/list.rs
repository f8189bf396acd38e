//! `list`: prints the selected nodes, one per line.

use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};

use serde_json::json;

use super::{
    args::{Global, ListArgs, ListOutput},
    context::CommandContext,
    failure::Failure,
    streams::stdout,
};
use crate::{manifest::Node, name::NodeKind, text::json_escaped};

pub(super) fn run(global: &Global, args: &ListArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let chosen = context.select(&args.select)?;
    let kinds: Vec<NodeKind> = args.resource_type.iter().map(|resource_type| resource_type.kind()).collect();
    let mut out = BufWriter::new(stdout());
    for (id, node) in &context.manifest.nodes {
        if chosen.contains(id) && (kinds.is_empty() || kinds.contains(&id.kind())) {
            writeln!(out, "{}", line(node, &context, args.output))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn line(node: &Node, context: &CommandContext, output: ListOutput) -> String {
    let package = node.id().package();
    match output {
        ListOutput::Selector => match node {
            Node::Model(model) => model.fqn.join("."),
            Node::Seed(seed) => seed.model.fqn.join("."),
            Node::Snapshot(snapshot) => snapshot.model.fqn.join("."),
            Node::Source(source) => format!("source:{package}.{}.{}", source.source, source.name),
            Node::Test(test) => test.fqn.join("."),
            Node::UnitTest(test) => format!("unit_test:{package}.{}", test.name),
            Node::Exposure(exposure) => format!("exposure:{}", exposure.fqn.join(".")),
        },
        ListOutput::Name => node.display_name(),
        ListOutput::Path => node.path().to_string(),
        ListOutput::Json => {
            let parents: Vec<String> =
                context.manifest.graph.parents(node.id()).into_iter().map(ToString::to_string).collect();
            let mut line = json!({
                "name": node.display_name(),
                "resource_type": node.resource_type(),
                "package_name": package,
                "original_file_path": node.path(),
                "unique_id": node.id(),
                "schema": node.relation().map(|relation| &relation.schema),
                "alias": node.relation().map(|relation| &relation.name),
                "depends_on": { "nodes": parents },
            });
            match node {
                Node::Model(model) => {
                    line["config"] = json!(model.config.all);
                    line["config"]["materialized"] = json!(model.config.materialized.name());
                    line["tags"] = json!(model.config.tags);
                }
                Node::Seed(seed) => {
                    line["config"] = json!(seed.all());
                    line["tags"] = json!(seed.model.config.tags);
                }
                Node::Snapshot(snapshot) => {
                    line["config"] = json!(snapshot.all());
                    line["tags"] = json!(snapshot.model.config.tags);
                }
                Node::Test(test) => {
                    line["config"] = json!(test.config.all);
                    line["tags"] = json!(test.config.tags);
                }
                Node::UnitTest(test) => line["tags"] = json!(test.tags),
                Node::Exposure(exposure) => {
                    line["config"] = json!(exposure.config);
                    line["tags"] = json!(exposure.tags);
                }
                Node::Source(source) => line["tags"] = json!(source.tags),
            }
            json_escaped(line.to_string())
        }
    }
}
