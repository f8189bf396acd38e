//! Installation of packages. Works for a project that can't be loaded yet, because its packages' macros may
//! be missing.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value};

use super::{clock::clock, error::WorkspaceError, options::LoadOptions};
use crate::{
    deps::{Dependencies, DepsOptions, NewPackage, PackageOrigins},
    jinja::{Globals, Jinja},
    project::{Project, ProjectFiles},
};

/// Installs the packages that a project lists, after adding one to the list. `tell` receives a line about
/// each step.
///
/// # Errors
/// If the lists are invalid, versions don't fit, or anything can't be fetched. Then the installed packages
/// stay as they are.
pub fn install_packages(
    options: &LoadOptions,
    new: Option<&NewPackage>,
    how: DepsOptions,
    origins: PackageOrigins,
    tell: &mut dyn FnMut(&str),
) -> Result<(), WorkspaceError> {
    let root: PathBuf = options.project_dir.canonicalize().map_err(|error| {
        let folder = options.project_dir.display();
        WorkspaceError::message(format!("can't open the project folder {folder}: {error}"))
    })?;
    let settings = Project::settings_of(ProjectFiles::on_disk(&root))?;
    let name = settings.name.value.as_str();
    // As in dbt, lists of packages see the environment, and only the variables of the command line.
    let globals = Globals {
        project_name: name.to_owned(),
        vars: options.vars.clone().unwrap_or_default(),
        package_vars: BTreeMap::new(),
        dispatch: BTreeMap::new(),
        target: Value::Object(Map::new()),
        env: options.env.clone(),
        run_started_at: clock()?,
        invocation_id: uuid::Uuid::new_v4().to_string(),
        flags: Value::Object(Map::new()),
        messages: options.messages.clone(),
        docs: BTreeMap::new(),
    };
    let (jinja, _) = Jinja::new(&[], globals);
    let install_path = settings.paths.packages.as_str();
    let mut dependencies =
        Dependencies { root: &root, project: name, install_path, jinja: &jinja, origins, tell };
    if let Some(new) = new {
        dependencies.add(new).map_err(Vec::from)?;
    }
    dependencies.install(how)?;
    Ok(())
}
