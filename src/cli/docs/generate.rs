//! `docs generate`: writes the documentation site, and dbt's artifacts for other tools.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use crate::{
    cli::{
        args::Global,
        environment,
        failure::{self, Failure},
        loading::{Looked, load, look},
        streams::stdout,
    },
    workspace::DocsSummary,
};

/// `docs generate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct GenerateArgs {
    /// Put SQL, versions and files into separate parts that the page loads on demand, for very large projects
    #[arg(long)]
    pub(in crate::cli) split: bool,
}

pub(super) async fn run(global: &Global, args: &GenerateArgs) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    let all = workspace.all_nodes();
    let Looked { engine, tables, compiled, observed } = look(&workspace, &all, global.quiet).await?;
    let written = workspace.write_docs((&engine, &tables), (&compiled, &observed), args.split).await?;
    for warning in &written.warnings {
        failure::warn(warning);
    }
    if !global.quiet {
        report(&written, workspace.target_path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports what was written and where.
fn report(written: &DocsSummary, artifacts: PathBuf) -> Result<(), Failure> {
    let current = environment::working_directory();
    let shown = |path: PathBuf| path.strip_prefix(&current).map(Path::to_owned).unwrap_or(path);
    let DocsSummary { folder, bytes, known, existing, .. } = written;
    let mut out = stdout();
    writeln!(
        out,
        "Wrote {} ({}): {known} tables and views, {existing} of them in the lake",
        shown(folder.join("index.html")).display(),
        indicatif::HumanBytes(*bytes as u64),
    )?;
    let artifacts = shown(artifacts);
    writeln!(out, "Wrote manifest.json, catalog.json and graph_summary.json to {}", artifacts.display())?;
    Ok(())
}
