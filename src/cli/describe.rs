//! `describe`: shows a model, seed, snapshot or source with its columns, tests and version history.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use super::{
    args::Global,
    colour::stdout_in_colour,
    failure::{self, Failure},
    loading::{Looked, load, look},
    streams::stdout,
};
use crate::{
    lineage::{Lineage, LineageSubject},
    name::NodeId,
    report::{Description, LastRun},
    text::json_escaped,
    workspace::NodeHistory,
};

/// `describe`.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// Model, seed, snapshot or source: stg_readings, files.readings
    #[arg(value_name = "MODEL")]
    pub(super) name: String,
    /// Number of versions to list
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(super) versions: usize,
    /// Output format
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(super) output: DescribeOutput,
}

/// The output format of `describe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DescribeOutput {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

pub(super) async fn run(global: &Global, args: &DescribeArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let (node, column) = LineageSubject::node_named(&args.name, &workspace.manifest)
        .map_err(|unknown| Failure::Message { message: unknown.message, hint: unknown.hint })?;
    if !column.is_empty() {
        let message = format!("`{}` looks like a column: `describe` shows whole tables", args.name);
        let hint =
            format!("`headwater describe {}`, or `headwater lineage {}`", node.display_name(), args.name);
        return Err(Failure::hinted(message, hint));
    }
    let id = node.id();
    let chosen: BTreeSet<NodeId> = BTreeSet::from([id.clone()]);
    let Looked { tables, compiled, observed, engine: _ } = look(&workspace, &chosen, global.quiet).await?;
    let lineage = Lineage::of(&workspace.manifest, &compiled);
    let existing = node.relation().filter(|relation| observed.tables.contains_key(*relation));
    let NodeHistory { facts, versions } = match existing {
        Some(relation) => NodeHistory::of(&tables, relation, args.versions).await?,
        None => NodeHistory::default(),
    };
    let results = workspace.target_path.join("run_results.json");
    let verdicts = match LastRun::read(&results) {
        Ok(last) => last.map(|last| last.statuses()).unwrap_or_default(),
        Err(error) => {
            let results = results.display();
            failure::warn(&format!(
                "the last run's results can't be read: {results}: {error}; remove the file, or run again"
            ));
            BTreeMap::new()
        }
    };
    let description = Description {
        manifest: &workspace.manifest,
        node,
        columns: lineage.nodes.get(id),
        facts: facts.as_ref(),
        versions: &versions,
        verdicts: &verdicts,
    };
    let colour = stdout_in_colour();
    let text = match args.output {
        DescribeOutput::Text => description.text(colour),
        DescribeOutput::Json => json_escaped(format!("{:#}\n", description.json())),
    };
    stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
