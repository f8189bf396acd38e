//! The target of an invocation: where its lake and its artifacts are, and how many threads it uses.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{error::WorkspaceError, options::LoadOptions};
use crate::{
    diag::{Diagnostic, near},
    jinja::Jinja,
    project::{Project, Target},
    secret::{Secret, hide, hide_credentials},
};

/// The location of a lake.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    /// The folder or URL.
    pub(super) root: String,
    /// The options of an object store.
    pub(super) options: BTreeMap<String, Secret>,
}

/// Returns the requested target, or the project's default one, with its name.
pub(super) fn target(project: &Project, options: &LoadOptions) -> Result<(String, Target), WorkspaceError> {
    let settings = &project.settings;
    let name = options.target.clone().unwrap_or_else(|| settings.default_target.value.clone());
    if let Some(target) = settings.targets.get(&name) {
        return Ok((name, target.clone()));
    }
    let names = settings.targets.keys().map(String::as_str);
    let hint = near::question(&name, names.clone())
        .unwrap_or_else(|| format!("the targets: {}", names.collect::<Vec<_>>().join(", ")));
    Err(WorkspaceError::hinted(format!("{} has no target `{name}`", settings.source.path()), hint))
}

/// Returns the number of threads.
pub(super) fn threads(options: &LoadOptions, target: &Target) -> usize {
    options.threads.map(usize::from).or(target.threads).unwrap_or_else(cores).max(1)
}

/// Returns the number of cores, or 1 if it is unknown.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the lake's location.
pub(super) fn storage(jinja: &Jinja, target: &Target) -> Result<Storage, Diagnostic> {
    let options = target
        .storage_options
        .iter()
        .map(|(key, value)| {
            let option = jinja.render_secret(&value.value, &value.span)?;
            hide_option(key, option.reveal());
            Ok((key.clone(), option))
        })
        .collect::<Result<_, Diagnostic>>()?;
    let root = jinja.render_value(&target.root.value, &target.root.span)?;
    match target.transient(&root) {
        Some(found) => Err(found),
        None => Ok(Storage { root, options }),
    }
}

/// Hides a storage option in all output if it is a password by its name, and the password in it if it is an
/// address.
fn hide_option(key: &str, value: &str) {
    const NAMES: [&str; 6] = ["secret", "token", "password", "access_key", "account_key", "sas_key"];
    hide_credentials(value);
    let key = key.to_ascii_lowercase();
    if NAMES.iter().any(|name| key.contains(name)) && !["true", "false"].contains(&value) {
        hide(value);
    }
}

/// Returns the folder for artifacts without resolving the project: `given`, or the project's own.
pub fn target_path(project_dir: &Path, given: Option<&Path>) -> Result<PathBuf, WorkspaceError> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let (project, findings) = Project::load(project_dir);
    let Some(project) = project else { return Err(findings.into()) };
    Ok(project.root.join(&project.settings.paths.target))
}
