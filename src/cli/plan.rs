//! `plan`: what `build` would do, and why.

use std::{
    io::{IsTerminal, Write, stdout},
    process::ExitCode,
};

use super::{
    args::{Global, PlanArgs, PlanOutput},
    asked::Asked,
    context::Context,
    failure::Failure,
};
use crate::report::{plan_json, plan_text};

pub(super) async fn run(global: &Global, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let context = Context::load(global)?;
    let plan = context.prepare(&Asked::plan(args)).await?.plan;
    let mut out = stdout().lock();
    match args.output {
        PlanOutput::Text => {
            let colour = stdout().is_terminal()
                && anstream::AutoStream::choice(&stdout()) != anstream::ColorChoice::Never;
            write!(out, "{}", plan_text(&plan, colour))?;
        }
        PlanOutput::Json => writeln!(out, "{:#}", plan_json(&plan))?,
    }
    Ok(ExitCode::SUCCESS)
}
