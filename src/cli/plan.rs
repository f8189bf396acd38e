//! `plan`: shows what `build` would do, and why.

use std::{io::Write, process::ExitCode};

use super::{
    args::{Global, PlanArgs, PlanOutput},
    colour::stdout_in_colour,
    context::CommandContext,
    failure::Failure,
    request::CommandRequest,
    streams::stdout,
};
use crate::{
    report::{plan_json, plan_text},
    text::json_escaped,
};

pub(super) async fn run(global: &Global, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let plan = context.prepare(&CommandRequest::plan(args), false).await?.plan;
    let mut out = stdout();
    match args.output {
        PlanOutput::Text => write!(out, "{}", plan_text(&plan, stdout_in_colour()))?,
        PlanOutput::Json => writeln!(out, "{}", json_escaped(format!("{:#}", plan_json(&plan))))?,
    }
    Ok(ExitCode::SUCCESS)
}
