//! `parse`: reads the whole project and writes `manifest.json`. No SQL is compiled.

use std::{io::Write, process::ExitCode};

use super::{args::Global, failure::Failure, loading::load, streams::stdout};
use crate::compile::Compiled;

pub(super) fn run(global: &Global) -> Result<ExitCode, Failure> {
    let workspace = load(global)?;
    workspace.write_artifacts(&Compiled::default())?;
    if !global.quiet {
        let manifest = workspace.shown_target_path().join("manifest.json");
        writeln!(stdout(), "the project is well; its nodes are in {}", manifest.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
