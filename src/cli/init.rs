//! `init`: creates a small project that builds at once.

use std::{io::Write, path::Path, process::ExitCode};

use clap::Args;

use super::{failure::Failure, streams::stdout};
use crate::workspace::create_project;

/// `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Name of the project and of its new folder
    pub(super) name: String,
}

pub(super) fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let name = &args.name;
    create_project(Path::new(""), name)?;
    writeln!(
        stdout(),
        "Made {name}/ with a source, three models and their descriptions. Next:\n\n  cd {name}\n  headwater build\n  headwater show --inline \"select * from presentation.revenue_per_day\""
    )?;
    Ok(ExitCode::SUCCESS)
}
