//! `plan`: shows what `build` would do, and why.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use super::{
    args::{Global, PlanArgs, PlanOutput},
    asked::Asked,
    context::Context,
    failure::Failure,
    in_colour,
};
use crate::{
    report::{plan_json, plan_text},
    text::json_escaped,
};

pub(super) async fn run(global: &Global, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let context = Context::load(global)?;
    let plan = context.prepare(&Asked::plan(args), false).await?.plan;
    let mut out = stdout().lock();
    match args.output {
        PlanOutput::Text => write!(out, "{}", plan_text(&plan, in_colour()))?,
        PlanOutput::Json => writeln!(out, "{}", json_escaped(format!("{:#}", plan_json(&plan))))?,
    }
    Ok(ExitCode::SUCCESS)
}
