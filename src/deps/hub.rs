//! Packages of the hub: an index of each package's versions, and an archive of each version.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use semver::Version;
use serde_json::Value;

use super::{
    PackageOrigins, download,
    version::{Bound, bounds, version_of},
};
use crate::jinja::DBT_VERSION;

/// The hub, with what was read of it.
pub(super) struct Hub<'a> {
    origins: &'a PackageOrigins,
    root: &'a Path,
    indexes: BTreeMap<String, Value>,
}

impl<'a> Hub<'a> {
    pub(super) fn new(origins: &'a PackageOrigins, root: &'a Path) -> Self {
        Self { origins, root, indexes: BTreeMap::new() }
    }

    /// Returns the versions of a package that fit, best last, and the newest installable one.
    pub(super) fn fitting(
        &mut self,
        package: &str,
        ranges: &[String],
        prerelease: bool,
    ) -> Result<(Version, Version), String> {
        let mut all: Vec<Bound> = Vec::new();
        for range in ranges {
            let found =
                bounds(range).ok_or_else(|| format!("`{range}` is no version or range of versions"))?;
            all.extend(found);
        }
        let with_prereleases = prerelease || all.iter().any(Bound::is_prerelease);
        let versions = self.versions(package)?;
        let mut installable: Vec<Version> = versions
            .iter()
            .filter(|(_, entry)| is_compatible(entry))
            .filter_map(|(name, _)| version_of(name))
            .filter(|version| with_prereleases || version.pre.is_empty())
            .collect();
        installable.sort();
        let newest = installable.last().cloned();
        let fitting = installable.iter().rfind(|version| all.iter().all(|bound| bound.admits(version)));
        if let (Some(fitting), Some(newest)) = (fitting, newest) {
            return Ok((fitting.clone(), newest));
        }
        let some: Vec<String> = installable.iter().rev().take(10).map(ToString::to_string).collect();
        Err(format!(
            "no version of {package} fits {}; the newest installable ones are {}",
            ranges.join(", "),
            some.join(", ")
        ))
    }

    /// Returns what the index says about a version.
    pub(super) fn entry(&mut self, package: &str, version: &Version) -> Result<Value, String> {
        let versions = self.versions(package)?;
        let found = versions.iter().find(|(name, _)| version_of(name).as_ref() == Some(version));
        let missing = || format!("the hub has no version {version} of {package}");
        found.map(|(_, entry)| entry.clone()).ok_or_else(missing)
    }

    /// Reads the archive of a version; from the cache, if it's there.
    pub(super) fn archive(&mut self, package: &str, version: &Version) -> Result<Vec<u8>, String> {
        let kept = self.kept(&format!("{package}/{version}.tar.gz"));
        if let Some(bytes) = kept.as_ref().and_then(|path| std::fs::read(path).ok()) {
            return Ok(bytes);
        }
        let entry = self.entry(package, version)?;
        let address = entry["downloads"]["tarball"].as_str().unwrap_or_default();
        download::cached(address, self.root, kept.as_ref(), true)
            .map_err(|error| format!("can't download {address}: {error}"))
    }

    fn versions(&mut self, package: &str) -> Result<&serde_json::Map<String, Value>, String> {
        if !self.indexes.contains_key(package) {
            let path = format!("api/v1/{package}.json");
            let address = format!("{}/{path}", self.origins.hub.trim_end_matches('/'));
            let bytes = download::cached(&address, self.root, self.kept(&path).as_ref(), false)
                .map_err(|error| format!("can't read {address}: {error}"))?;
            let index = serde_json::from_slice(&bytes)
                .map_err(|error| format!("{address} is not the index of a package: {error}"))?;
            self.indexes.insert(package.to_owned(), index);
        }
        let versions = self.indexes.get(package).and_then(|index| index["versions"].as_object());
        versions.ok_or_else(|| format!("the hub lists no versions of {package}"))
    }

    fn kept(&self, path: &str) -> Option<PathBuf> {
        let is_inside = !path.split('/').any(|part| part == ".." || part.is_empty());
        self.origins.cache.as_ref().filter(|_| is_inside).map(|folder| folder.join(path))
    }
}

/// Returns whether a version can be used with the version of dbt that this is.
fn is_compatible(entry: &Value) -> bool {
    let ranges: Vec<&str> = match &entry["require_dbt_version"] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ => return true,
    };
    let Some(ours) = version_of(DBT_VERSION) else { return true };
    ranges.into_iter().filter_map(bounds).flatten().all(|bound| bound.admits(&ours))
}
