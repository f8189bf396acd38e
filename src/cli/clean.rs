//! `clean`: remove the artifacts that Headwater made; never another tool's.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use super::{args::Global, context::artifacts, failure::Failure};
use crate::report::{Cleaned, TargetPath};

pub(super) fn run(global: &Global) -> Result<ExitCode, Failure> {
    let target = TargetPath::new(artifacts(global)?);
    let shown = target.path().display();
    let done = match target.clean() {
        Ok(Cleaned::Removed) => format!("removed {shown}"),
        Ok(Cleaned::Absent) => format!("{shown} is not there: nothing to remove"),
        Ok(Cleaned::NotOurs) => {
            return Err(Failure::hinted(
                format!("{shown} was not made by Headwater and is left alone"),
                "remove it by hand if it holds nothing of value",
            ));
        }
        Err(error) => return Err(Failure::message(format!("can't remove {shown}: {error}"))),
    };
    if !global.quiet {
        writeln!(stdout(), "{done}")?;
    }
    Ok(ExitCode::SUCCESS)
}
