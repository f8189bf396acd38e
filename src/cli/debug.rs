//! `debug`: checks the installation, the project and the lake.

use std::{io::Write, process::ExitCode};

use super::{
    args::Global,
    failure::{COULD_NOT_RUN, Failure},
    loading::load,
    streams::stdout,
};

pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let mut out = stdout();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "headwater  {version} ({} {})", std::env::consts::OS, std::env::consts::ARCH)?;
    let workspace = load(global)?;
    let counts: Vec<String> = workspace
        .manifest
        .counts()
        .into_iter()
        .map(|(kind, count)| format!("{count} {kind}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let lake = workspace.lake(&workspace.engine()?)?;
    writeln!(out, "project    {} in {}", workspace.manifest.project, workspace.project.root.display())?;
    writeln!(out, "           {}", counts.join(", "))?;
    writeln!(out, "target     {}", workspace.target_name)?;
    writeln!(out, "dialect    {}", meaning(&workspace.project.settings.dialect))?;
    writeln!(out, "lake       {}", lake.root_display())?;
    writeln!(out, "threads    {}", workspace.threads)?;
    let memory = workspace.target.memory_limit;
    let memory = memory.map_or("no limit".to_string(), |bytes| format!("{} MiB", bytes >> 20));
    writeln!(out, "memory     {memory}")?;
    writeln!(out, "artifacts  {}", workspace.target_path.display())?;
    match lake.writer(&workspace.invocation_id).check_access().await {
        Ok(()) => {
            writeln!(out, "\nThe lake can be read and written: all well")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(out, "\nThe lake can't be used: {error}")?;
            Ok(ExitCode::from(COULD_NOT_RUN))
        }
    }
}

/// Describes a dialect's syntax and semantics.
fn meaning(dialect: &str) -> String {
    match dialect {
        "duckdb" => "duckdb: syntax and semantics of DuckDB 1.5".to_owned(),
        "generic" => "generic: syntax and semantics of DataFusion".to_owned(),
        "postgresql" => "postgresql: syntax and semantics of PostgreSQL 15".to_owned(),
        other => format!("{other}: its syntax, semantics of DataFusion"),
    }
}
