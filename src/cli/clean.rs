//! `clean`: removes the files that Headwater wrote to the target path, and lists the others.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::Args;

use super::{args::Global, failure::Failure, streams::stdout};
use crate::report::{Cleanup, KeepReason, TargetPath};

/// `clean`.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// List what would be removed without removing it
    #[arg(long)]
    pub(super) dry_run: bool,
}

pub(super) fn run(global: &Global, args: &CleanArgs) -> Result<ExitCode, Failure> {
    let target = TargetPath::new(global.artifacts_path()?);
    let shown = target.path().display();
    let (removals, kept) = match target.cleanup() {
        Ok(Cleanup::Ours { removals, kept }) => (removals, kept),
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
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let mut listing = Listing { quiet: global.quiet, verb, lines: Ok(()) };
    if args.dry_run {
        for removal in &removals {
            listing.removed(&removal.path);
        }
    } else {
        target.clean(&removals, |removal| listing.removed(&removal.path)).map_err(|error| {
            Failure::hinted(
                format!("can't remove artifacts from {shown}: {error}"),
                "run `headwater clean --dry-run` to list what is left",
            )
        })?;
    }
    for (path, why) in &kept {
        let why = match why {
            KeepReason::DeltaTable => "it holds a Delta table",
            KeepReason::NotWritten => "Headwater did not write it",
        };
        listing.line(format_args!("kept {}: {why}", path.display()));
    }
    if kept.is_empty() {
        listing.removed(target.path());
    }
    listing.lines?;
    Ok(ExitCode::SUCCESS)
}

/// The lines on stdout. Removing goes on even if they can't be written.
struct Listing {
    quiet: bool,
    verb: &'static str,
    lines: io::Result<()>,
}

impl Listing {
    fn removed(&mut self, path: &Path) {
        let verb = self.verb;
        self.line(format_args!("{verb} {}", path.display()));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        if !self.quiet && self.lines.is_ok() {
            self.lines = writeln!(stdout(), "{line}");
        }
    }
}
