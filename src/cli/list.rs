//! `list`: prints the selected nodes, one per line.

use std::{
    io::{BufWriter, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{
    args::{Global, SelectArgs},
    failure::Failure,
    loading::{load, select},
    resource_type::ResourceTypeArgs,
    streams::stdout,
};
use crate::{manifest::Node, text::json_escaped};

/// `list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Output for each node
    #[arg(long, default_value = "selector", value_name = "FORMAT")]
    pub(super) output: ListOutput,
    /// Keys of manifest.json to print for each node with `--output json`: name, fqn, config.materialized
    #[arg(long, num_args = 1.., value_name = "KEY")]
    pub(super) output_keys: Vec<String>,
    /// Resource types.
    #[command(flatten)]
    pub(super) types: ResourceTypeArgs,
}

/// The output of `list` for each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListOutput {
    /// Selector: smart_meters.staging.stg_readings
    Selector,
    /// Name
    Name,
    /// Path of the file
    Path,
    /// One JSON object per line
    Json,
}

/// The keys of a JSON line by default, as in dbt.
const KEYS: [&str; 10] = [
    "alias",
    "name",
    "package_name",
    "depends_on",
    "tags",
    "config",
    "resource_type",
    "source_name",
    "original_file_path",
    "unique_id",
];

impl ListArgs {
    fn keys(&self) -> Vec<&str> {
        if self.output_keys.is_empty() {
            return KEYS.to_vec();
        }
        self.output_keys.iter().flat_map(|keys| keys.split_whitespace()).collect()
    }
}

pub(super) fn run(global: &Global, args: &ListArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let chosen = select(&workspace, &args.types.apply(args.select.selection()), global.quiet)?;
    let mut out = BufWriter::new(stdout());
    let nodes = workspace.manifest.nodes.values();
    let nodes = nodes.filter(|node| chosen.contains(node.id()));
    if args.output == ListOutput::Json {
        let keys = args.keys();
        for entry in workspace.manifest_entries(nodes) {
            writeln!(out, "{}", json_line(&entry, &keys))?;
        }
    } else {
        for node in nodes {
            writeln!(out, "{}", line(node, args.output))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn line(node: &Node, output: ListOutput) -> String {
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
        ListOutput::Json => String::new(),
    }
}

/// Returns a node's line of JSON: these keys of its entry in `manifest.json`, without those it lacks.
fn json_line(entry: &Value, keys: &[&str]) -> String {
    let mut line = serde_json::Map::new();
    for key in keys {
        let found = key.split('.').try_fold(entry, |value, part| value.get(part));
        if let Some(found) = found {
            line.insert((*key).to_owned(), found.clone());
        }
    }
    json_escaped(Value::Object(line).to_string())
}
