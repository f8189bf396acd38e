//! `clean`: remove the artifacts that Headwater made; never another tool's.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use super::{args::Global, failure::Failure};
use crate::{
    project::Project,
    report::{Cleaned, TargetPath},
};

pub(super) fn run(global: &Global) -> Result<ExitCode, Failure> {
    let path = if let Some(path) = &global.target_path {
        path.clone()
    } else {
        let (project, findings) = Project::load(&global.project_dir);
        let Some(project) = project else { return Err(findings.into()) };
        project.root.join(&project.settings.paths.target)
    };
    let target = TargetPath::new(path);
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
