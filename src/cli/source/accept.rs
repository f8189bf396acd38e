//! `source accept`: acknowledges a source's rejects, so that runs no longer warn about them.

use std::process::ExitCode;

use clap::Args;

use crate::{
    cli::{args::Global, failure::Failure, loading::load, streams},
    diag::near,
    lake::Lake,
    run::rejects::{AcceptError, accept},
};

/// `source accept`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AcceptArgs {
    /// Source, as SOURCE.TABLE
    #[arg(value_name = "SOURCE.TABLE")]
    pub(in crate::cli) source: String,
    /// Name to record with the acceptance
    #[arg(long, env = "USER", hide_env = true, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
}

pub(super) async fn run(global: &Global, args: &AcceptArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let engine = workspace.engine()?;
    let tables = workspace.tables(&engine)?;
    let name = &args.source;
    let source = workspace.source_table(name).map_err(|names| {
        let hint = near::question(name, names.iter().map(String::as_str))
            .unwrap_or_else(|| format!("the sources are {}", names.join(", ")));
        Failure::hinted(format!("unknown source `{name}`"), hint)
    })?;
    let by = args.by.clone().unwrap_or_else(|| "unknown".to_owned());
    let writer = Lake::clone(tables.lake()).writer(&workspace.invocation_id);
    let done = accept(&engine, (&tables, &writer), &workspace.manifest, &source.id, name, &by).await;
    writer.end().await;
    let done = done.map_err(|error| match error {
        AcceptError::Lake(error) => Failure::from(error),
        other => Failure::message(other.to_string()),
    })?;
    if done.is_empty() {
        streams::line(&format!("{name} has no rejects that were not accepted"))?;
    }
    for accepted in done {
        let counted = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let parts = [counted(accepted.rows, "row", "rows"), counted(accepted.files, "file", "files")];
        let extent = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        streams::line(&format!(
            "accepted {extent} of {name} set aside in {} (by {by})",
            accepted.relation.rejected()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
