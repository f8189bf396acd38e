//! `plan`: shows what `build` would do, and why.

use std::{io::Write, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{
    args::{Global, RebuildArgs, SelectArgs},
    colour::stdout_in_colour,
    deferral::DeferralArgs,
    failure::Failure,
    loading::{exit_code, load, prepare},
    streams::stdout,
};
use crate::{
    report::{plan_json, plan_text},
    text::json_escaped,
    workspace::{Prepared, Request},
};

/// `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Node selection.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Which of them to build.
    #[command(flatten)]
    pub(super) rebuild: RebuildArgs,
    /// Tables to read elsewhere.
    #[command(flatten)]
    pub(super) deferral: DeferralArgs,
    /// Output format
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub(super) output: PlanOutput,
}

/// The output format of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanOutput {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

pub(super) async fn run(global: &Global, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let request = args.deferral.apply(args.rebuild.apply(Request::plan(args.select.selection()))?)?;
    let Prepared { plan, compiled, .. } = prepare(&load(global)?, &request, global.quiet).await?;
    let mut out = stdout();
    match args.output {
        PlanOutput::Text => write!(out, "{}", plan_text(&plan, stdout_in_colour()))?,
        PlanOutput::Json => writeln!(out, "{}", json_escaped(format!("{:#}", plan_json(&plan))))?,
    }
    Ok(exit_code(&compiled))
}
