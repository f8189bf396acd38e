//! `lineage`: shows where columns come from and where they go, or the impact of a change.

use std::{collections::BTreeSet, io::Write, process::ExitCode};

use super::{
    args::{Global, LineageArgs, LineageOutput},
    colour::stdout_in_colour,
    context::CommandContext,
    failure::Failure,
    streams::stdout,
};
use crate::{
    lineage::{Lineage, LineageDirection, LineageSubject},
    name::NodeId,
    report::{LineageFormat, LineageQuery},
};

pub(super) async fn run(global: &Global, args: &LineageArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let all: BTreeSet<NodeId> = context.manifest.nodes.keys().cloned().collect();
    let (compiled, _) = context.compile_all(&engine, &tables, &all).await?;
    let lineage = Lineage::of(&context.manifest, &compiled);
    let subject = LineageSubject::find(&args.subject, &context.manifest, &lineage)
        .map_err(|unknown| Failure::Message { message: unknown.message, hint: unknown.hint })?;
    let upstream = args.upstream.then_some(LineageDirection::Upstream);
    let direction = upstream.or(args.downstream.then_some(LineageDirection::Downstream));
    let asked = LineageQuery { manifest: &context.manifest, lineage: &lineage, subject: &subject, direction };
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
