//! Environment variables and the working directory. No other module reads them.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf};

/// The variable by which crash tests kill this process: `kill:7` is just before its fourth write.
const FAULT: &str = "HEADWATER_FAULT";

/// Returns all variables that are text.
pub(super) fn variables() -> BTreeMap<String, String> {
    let text =
        |(key, value): (OsString, OsString)| Some((key.into_string().ok()?, value.into_string().ok()?));
    env::vars_os().filter_map(text).collect()
}

/// Returns a variable, if it is set and text.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Returns the folder in which downloaded packages are kept, by the conventions of this system.
pub(super) fn package_cache() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").or_else(|| env::var_os("LOCALAPPDATA")).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    cache.filter(|folder| folder.is_absolute()).map(|folder| folder.join("headwater").join("packages"))
}

/// Returns whether any variable's name begins like this.
pub(super) fn mentions(prefix: &str) -> bool {
    env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with(prefix))
}

/// Returns the working directory; empty if it is unknown.
pub(super) fn working_directory() -> PathBuf {
    env::current_dir().unwrap_or_default()
}

/// Returns whether a crash test runs this process.
pub(super) fn is_crash_test() -> bool {
    env::var_os(FAULT).is_some()
}

/// Returns the fault that a crash test requests: `HEADWATER_FAULT=kill:7` aborts the process right before its
/// fourth write.
#[cfg(feature = "failpoints")]
pub(super) fn fault() -> Option<crate::lake::FaultInjection> {
    let instant = variable(FAULT)?.strip_prefix("kill:")?.parse().ok()?;
    Some(crate::lake::FaultInjection::new(instant, || std::process::abort()))
}

/// Returns the command as the user entered it.
pub(super) fn command_line() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}
