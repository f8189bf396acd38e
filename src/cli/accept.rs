//! `source accept`: acknowledges a source's rejects, so that runs no longer warn about them.

use std::process::ExitCode;

use super::{
    args::{AcceptArgs, Global},
    context::CommandContext,
    failure::Failure,
};
use crate::{
    diag::near,
    manifest::Node,
    run::rejects::{AcceptError, accept},
    secret::scrubbed,
};

pub(super) async fn run(global: &Global, args: &AcceptArgs) -> Result<ExitCode, Failure> {
    let context = CommandContext::load(global)?;
    let engine = context.engine()?;
    let tables = context.tables(&engine)?;
    let sources = || {
        context.manifest.nodes.values().filter_map(|node| match node {
            Node::Source(source) => Some((format!("{}.{}", source.source, source.name), source)),
            _ => None,
        })
    };
    let Some((name, source)) = sources().find(|(name, _)| *name == args.source) else {
        let names: Vec<String> = sources().map(|(name, _)| name).collect();
        let hint = near::question(&args.source, names.iter().map(String::as_str))
            .unwrap_or_else(|| format!("the sources are {}", names.join(", ")));
        return Err(Failure::hinted(format!("unknown source `{}`", args.source), hint));
    };
    let by = args.by.clone().unwrap_or_else(|| "unknown".to_owned());
    let done = accept(&engine, &tables, &context.manifest, &source.id, &name, &by).await;
    let done = done.map_err(|error| match error {
        AcceptError::Lake(error) => Failure::from(error),
        other => Failure::message(other.to_string()),
    })?;
    if done.is_empty() {
        println(&format!("{name} has no rejects that were not accepted"));
    }
    for accepted in done {
        let counted = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let parts = [counted(accepted.rows, "row", "rows"), counted(accepted.files, "file", "files")];
        let extent = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        println(&format!(
            "accepted {extent} of {name} set aside in {} (by {by})",
            accepted.relation.rejected()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn println(line: &str) {
    anstream::println!("{}", scrubbed(line));
}
