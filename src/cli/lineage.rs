//! `lineage`: shows where columns come from and where they go, or the impact of a change.

use std::{io::Write, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{
    args::Global,
    colour::stdout_in_colour,
    failure::Failure,
    loading::{load, look},
    streams::stdout,
};
use crate::{
    lineage::{Lineage, LineageDirection, LineageSubject},
    report::{LineageFormat, LineageQuery},
};

/// `lineage`.
#[derive(Debug, Args)]
pub(super) struct LineageArgs {
    /// Model, seed, snapshot or source, or a column of one: stg_readings, stg_readings.meterpoint_id,
    /// files.readings
    #[arg(value_name = "MODEL[.COLUMN]")]
    pub(super) subject: String,
    /// Show only upstream columns, and all upstream levels of a model
    #[arg(long)]
    pub(super) upstream: bool,
    /// Show only downstream columns, and all downstream levels of a model
    #[arg(long, conflicts_with = "upstream")]
    pub(super) downstream: bool,
    /// Show every column and test that a change would affect
    #[arg(long, conflicts_with_all = ["upstream", "downstream"])]
    pub(super) impact: bool,
    /// Output format
    #[arg(long, default_value = "tree", value_name = "FORMAT")]
    pub(super) format: LineageOutput,
}

/// The output format of `lineage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LineageOutput {
    /// Trees and tables for people
    Tree,
    /// One JSON document
    Json,
    /// A Mermaid flowchart
    Mermaid,
    /// A Graphviz graph
    Dot,
}

pub(super) async fn run(global: &Global, args: &LineageArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let compiled = look(&workspace, &workspace.all_nodes(), global.quiet).await?.compiled;
    let lineage = Lineage::of(&workspace.manifest, &compiled);
    let subject = LineageSubject::find(&args.subject, &workspace.manifest, &lineage)
        .map_err(|unknown| Failure::Message { message: unknown.message, hint: unknown.hint })?;
    let upstream = args.upstream.then_some(LineageDirection::Upstream);
    let direction = upstream.or(args.downstream.then_some(LineageDirection::Downstream));
    let asked =
        LineageQuery { manifest: &workspace.manifest, lineage: &lineage, subject: &subject, direction };
    let colour = stdout_in_colour();
    let text = match (args.impact, args.format) {
        (false, LineageOutput::Tree) => asked.lineage(LineageFormat::Tree { colour }),
        (false, LineageOutput::Json) => asked.lineage(LineageFormat::Json),
        (false, LineageOutput::Mermaid) => asked.lineage(LineageFormat::Mermaid),
        (false, LineageOutput::Dot) => asked.lineage(LineageFormat::Dot),
        (true, LineageOutput::Tree) => asked.impact_text(colour),
        (true, LineageOutput::Json) => asked.impact_json(),
        (true, LineageOutput::Mermaid | LineageOutput::Dot) => {
            return Err(Failure::hinted("an impact is no diagram", "take --format tree or json"));
        }
    };
    stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
