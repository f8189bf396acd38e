//! `describe`: shows a model, seed, snapshot or source with its columns, tests and version history.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::ExitCode,
};

use super::{
    args::{DescribeArgs, DescribeOutput, Global},
    colour::stdout_in_colour,
    context::CommandContext,
    failure::{self, Failure},
    streams::stdout,
};
use crate::{
    lineage::{Lineage, LineageSubject},
    name::NodeId,
    report::{Description, LastRun},
    run::version_history::causes,
    text::json_escaped,
};

pub(super) async fn run(global: &Global, args: &DescribeArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let (node, column) = LineageSubject::node_named(&args.name, &context.manifest)
        .map_err(|unknown| Failure::Message { message: unknown.message, hint: unknown.hint })?;
    if !column.is_empty() {
        let message = format!("`{}` is a column, if anything: `describe` tells of whole tables", args.name);
        let hint =
            format!("`headwater describe {}`, or `headwater lineage {}`", node.display_name(), args.name);
        return Err(Failure::hinted(message, hint));
    }
    let id = node.id();
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let chosen: BTreeSet<NodeId> = BTreeSet::from([id.clone()]);
    let (compiled, seen) = context.compile_all(&engine, &tables, &chosen).await?;
    let lineage = Lineage::of(&context.manifest, &compiled);
    let there = node.relation().filter(|relation| seen.tables.contains_key(*relation));
    let (mut facts, mut versions) = (None, Vec::new());
    if let Some(relation) = there {
        facts = tables.statistics(relation).await?;
        // Read one extra version, to compare the last one shown with its predecessor.
        let past = tables.history(relation, args.versions.saturating_add(1)).await?;
        let causes = causes(&past, past.len() <= args.versions);
        versions = past.into_iter().zip(causes).take(args.versions).collect();
    }
    let verdicts = match LastRun::read(&context.target_path.join("run_results.json")) {
        Ok(last) => last.map(|last| last.statuses()).unwrap_or_default(),
        Err(error) => {
            failure::warn(&format!("the last run's results can't be read: {error}"));
            BTreeMap::new()
        }
    };
    let description = Description {
        manifest: &context.manifest,
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
