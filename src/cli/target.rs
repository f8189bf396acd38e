//! The target of an invocation: where its lake and its artifacts are, and how many threads it uses.

use std::{collections::BTreeMap, path::PathBuf};

use super::{args::Global, failure::Failure};
use crate::{
    diag::{Diagnostic, near},
    jinja::Jinja,
    project::{Project, Target},
    secret::{Secret, hide, hide_credentials},
};

/// Returns the target that the command line names, or the default one, with its name.
pub(super) fn target(project: &Project, global: &Global) -> Result<(String, Target), Failure> {
    let settings = &project.settings;
    let name = global.target.clone().unwrap_or_else(|| settings.default_target.value.clone());
    if let Some(target) = settings.targets.get(&name) {
        return Ok((name, target.clone()));
    }
    let names = settings.targets.keys().map(String::as_str);
    let hint = near::question(&name, names.clone())
        .unwrap_or_else(|| format!("the targets: {}", names.collect::<Vec<_>>().join(", ")));
    Err(Failure::hinted(format!("{} has no target `{name}`", settings.source.path()), hint))
}

/// Returns the number of threads.
pub(super) fn threads(global: &Global, target: &Target) -> usize {
    global.threads.map(usize::from).or(target.threads).unwrap_or_else(cores).max(1)
}

/// Returns the number of cores, or 1 if it is unknown.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the lake's location and the options of its storage.
pub(super) fn storage(
    jinja: &Jinja,
    target: &Target,
) -> Result<(String, BTreeMap<String, Secret>), Vec<Diagnostic>> {
    let options = target
        .storage_options
        .iter()
        .map(|(key, value)| {
            let option = jinja.render_secret(&value.value, &value.span)?;
            hide_option(key, option.reveal());
            Ok((key.clone(), option))
        })
        .collect::<Result<_, Diagnostic>>()
        .map_err(|found| vec![found])?;
    let root = jinja.render_value(&target.root.value, &target.root.span).map_err(|found| vec![found])?;
    match target.transient(&root) {
        Some(found) => Err(vec![found]),
        None => Ok((root, options)),
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

/// Returns the target path without resolving the project.
pub(super) fn target_path(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(path) = &global.target_path {
        return Ok(path.clone());
    }
    let (project, findings) = Project::load(&global.project_dir);
    let Some(project) = project else { return Err(findings.into()) };
    Ok(project.root.join(&project.settings.paths.target))
}
