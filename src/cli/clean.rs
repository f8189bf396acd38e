//! `clean`: removes the artifacts that Headwater wrote; never a table or another tool's files.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use super::{
    args::{CleanArgs, Global},
    failure::Failure,
    target::target_path,
};
use crate::report::{Cleanup, KeepReason, TargetPath};

pub(super) fn run(global: &Global, args: &CleanArgs) -> Result<ExitCode, Failure> {
    let target = TargetPath::new(target_path(global)?);
    let shown = target.path().display();
    let cleanup = target.cleanup();
    let (artifacts, kept) = match cleanup {
        Ok(Cleanup::Ours { artifacts, kept }) => (artifacts, kept),
        Ok(Cleanup::Absent) => {
            if !global.quiet {
                writeln!(stdout(), "nothing to remove: {shown} does not exist")?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Ok(Cleanup::NotOurs) => {
            return Err(Failure::hinted(
                format!("{shown} was not made by Headwater and is left alone"),
                "remove it by hand if it holds nothing of value",
            ));
        }
        Err(error) => return Err(Failure::message(format!("can't read {shown}: {error}"))),
    };
    if !args.dry_run {
        let failed = |error| Failure::message(format!("can't remove artifacts from {shown}: {error}"));
        target.clean(&artifacts).map_err(failed)?;
    }
    if global.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = stdout();
    let removed = if args.dry_run { "would remove" } else { "removed" };
    for path in &artifacts {
        writeln!(out, "{removed} {}", path.display())?;
    }
    for (path, why) in &kept {
        let why = match why {
            KeepReason::DeltaTable => "it holds a Delta table",
            KeepReason::NotWritten => "Headwater did not write it",
        };
        writeln!(out, "kept {}: {why}", path.display())?;
    }
    if kept.is_empty() {
        writeln!(out, "{removed} {shown}")?;
    }
    Ok(ExitCode::SUCCESS)
}
