//! Where the lake lies: a root as people write it, and the directories that writing makes on a local disk.

use std::path::{Path, PathBuf};

use deltalake::logstore::object_store_factories;
use url::Url;

use super::error::LakeError;

/// Reads a root: a URL as it is, a path from `base`. Looks at no disk.
pub(super) fn parse_root(root: &str, base: &Path) -> Result<Url, LakeError> {
    let unusable = |reason: String| LakeError::Root { root: without_secrets(root), reason };
    if root.trim().is_empty() {
        return Err(unusable("it is empty".to_owned()));
    }
    let url = if root.contains("://") {
        Url::parse(root).map_err(|error| unusable(error.to_string()))?
    } else {
        let path = base.join(root);
        let url = Url::from_directory_path(&path)
            .map_err(|()| unusable(format!("{} is not an absolute path", path.display())))?;
        // Parsed once more: only that resolves `..`.
        Url::parse(url.as_str()).map_err(|error| unusable(error.to_string()))?
    };
    let known = object_store_factories();
    if known.iter().any(|factory| factory.key().scheme() == url.scheme()) {
        return Ok(url);
    }
    let feature = match url.scheme() {
        "s3" | "s3a" => Some("s3"),
        "az" | "azure" | "abfs" | "abfss" | "adl" => Some("azure"),
        "gs" => Some("gcs"),
        _ => None,
    };
    Err(unusable(feature.map_or_else(
        || format!("{}: is no kind of store that is known here", url.scheme()),
        |feature| {
            format!("this build has no support for {}:; build with `--features {feature}`", url.scheme())
        },
    )))
}

/// A place as it may be shown: a path for local ones, and no user, password or query.
pub(super) fn show(url: &Url) -> String {
    if url.scheme() == "file"
        && let Ok(path) = url.to_file_path()
    {
        return path.display().to_string().trim_end_matches('/').to_owned();
    }
    without_secrets(url.as_str()).trim_end_matches('/').to_owned()
}

fn without_secrets(root: &str) -> String {
    let bare = root.split(['?', '#']).next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            // `container@account` has no password and is part of the place.
            let host = match host.rsplit_once('@') {
                Some((user, host)) if user.contains(':') => host,
                _ => host,
            };
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        None => bare.to_owned(),
    }
}

/// Whether a place is a local folder that is not there. Only a clear answer counts.
pub(super) fn is_missing_folder(url: &Url) -> bool {
    let path = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
    path.is_some_and(|path| path.try_exists().is_ok_and(|exists| !exists))
}

/// Whether a place is a local file.
pub(super) fn is_file(url: &Url) -> bool {
    let path = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
    // A path that ends in a slash is never a file's.
    path.is_some_and(|path| path.components().collect::<PathBuf>().is_file())
}

/// The local directories that writing to a place is going to make, so that they can be taken back.
#[derive(Debug)]
pub(super) struct Directories {
    /// The place itself; `None` if it is not local.
    place: Option<PathBuf>,
    /// The place and those above it that were not there, deepest first.
    missing: Vec<PathBuf>,
}

impl Directories {
    /// Looks at what is there before anything is written.
    pub(super) fn before(place: &Url) -> Self {
        let place = (place.scheme() == "file").then(|| place.to_file_path().ok()).flatten();
        let missing = place.iter().flat_map(|place| place.ancestors()).take_while(|path| !path.exists());
        Self { missing: missing.map(Path::to_owned).collect(), place }
    }

    /// Removes the directories that writing `files` made, as far as they are empty.
    pub(super) fn remove_empty(&self, files: &[object_store::path::Path]) {
        let Some(place) = &self.place else { return };
        // A file's location is its whole path without the leading slash.
        let root: PathBuf = place.ancestors().last().map(Path::to_owned).unwrap_or_default();
        let mut made: Vec<PathBuf> = files
            .iter()
            .map(|file| root.join(file.as_ref()))
            .flat_map(|file| file.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>())
            .filter(|path| path.starts_with(place) && path != place)
            .collect();
        made.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        made.dedup();
        for path in made.iter().chain(&self.missing) {
            // Fails on a directory with anything in it, which is the point.
            let _ = std::fs::remove_dir(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(root: &str) -> String {
        parse_root(root, Path::new("/base/project")).map_or_else(|error| error.to_string(), |url| show(&url))
    }

    #[test]
    fn roots_as_people_write_them() {
        assert_eq!(shown("data_lake"), "/base/project/data_lake");
        assert_eq!(shown("../my lake/"), "/base/my lake");
        assert_eq!(shown("/srv/lake"), "/srv/lake");
        assert_eq!(shown("file:///srv/lake/"), "/srv/lake");
        assert_eq!(shown("memory:///lake"), "memory:///lake");
        assert_eq!(
            shown("hdfs://user:secret@host/lake?key=secret"),
            "the lake's root hdfs://host/lake can't be used: hdfs: is no kind of store that is known here"
        );
        assert_eq!(shown(" "), "the lake's root   can't be used: it is empty");
    }
}
