//! The location of the lake: parses the configured root, and derives the locations of its tables.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use deltalake::logstore::object_store_factories;
use url::Url;

use super::{error::LakeError, mount, root_problem::RootProblem};
use crate::{
    local_file,
    name::Relation,
    secret::{concealed_source, has_credentials, hide_credentials},
};

/// The root of a lake.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// The URL for readers.
    url: Url,
    /// The local folder, or `None` in an object store.
    folder: Option<PathBuf>,
    /// The URL for delta-rs.
    mount: Url,
}

impl Root {
    /// Parses a root: a URL, or a path relative to `base`. Doesn't access the disk.
    ///
    /// # Errors
    /// If the root is empty, not a valid URL, in a store that this build doesn't support, or a path that
    /// isn't UTF-8 or has control characters.
    pub(super) fn parse(root: &str, base: &Path) -> Result<Self, LakeError> {
        let unusable = |reason| LakeError::Root { root: concealed_source(root), reason };
        if root.trim().is_empty() {
            return Err(unusable(RootProblem::Empty));
        }
        if has_credentials(root) {
            hide_credentials(root);
            return Err(unusable(RootProblem::Credentials));
        }
        let url = if root.contains("://") {
            let url = Url::parse(root).map_err(|error| unusable(RootProblem::Url(error)))?;
            check_store(&url).map_err(&unusable)?;
            url
        } else {
            let path = base.join(root);
            let url = Url::from_directory_path(&path)
                .map_err(|()| unusable(RootProblem::Relative(path.clone())))?;
            // Only parsing again resolves `..`.
            Url::parse(url.as_str()).map_err(|error| unusable(RootProblem::Url(error)))?
        };
        if url.scheme() != "file" {
            return Ok(Self { mount: url.clone(), url, folder: None });
        }
        let folder = url.to_file_path().map_err(|()| unusable(RootProblem::NotLocal))?;
        if let Some(sign) = folder.to_string_lossy().chars().find(|sign| sign.is_control()) {
            return Err(unusable(RootProblem::Control(sign)));
        }
        match mount::url(&folder) {
            Some(mount) => Ok(Self { url, folder: Some(folder), mount }),
            None => Err(unusable(RootProblem::NotUtf8(folder))),
        }
    }

    /// Returns the root's URL for readers.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the root's URL for delta-rs.
    pub(super) fn mount(&self) -> &Url {
        &self.mount
    }

    /// Returns the root's folder, or `None` in an object store.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns a table's URL for readers.
    pub(super) fn url_of(&self, relation: &Relation) -> Url {
        below(&self.url, &relation.schema, &relation.name)
    }

    /// Returns a table's URL for delta-rs.
    pub(super) fn mount_of(&self, relation: &Relation) -> Url {
        if self.folder.is_none() {
            return self.url_of(relation);
        }
        below(&self.mount, &mount::encode(&relation.schema), &mount::encode(&relation.name))
    }

    /// Returns a table's folder, or `None` in an object store.
    pub(super) fn folder_of(&self, relation: &Relation) -> Option<PathBuf> {
        Some(self.folder()?.join(&relation.schema).join(&relation.name))
    }

    /// Returns the root for display.
    pub(super) fn show(&self) -> String {
        show(&self.url)
    }

    /// Returns why the root can't be a folder on this disk, if something else is in its place.
    pub(super) fn obstacle(&self) -> Option<RootProblem> {
        // A path that ends in a slash never refers to a file.
        let root = self.folder()?.components().collect::<PathBuf>();
        for path in root.ancestors() {
            let metadata = match fs::metadata(path) {
                Ok(metadata) => metadata,
                Err(error) if local_file::is_link(path) => {
                    let (problem, help) = local_file::problem(path, &error);
                    let link = path.display();
                    return Some(RootProblem::Link(format!("{link} {problem}; {help}").into()));
                }
                Err(_) => continue,
            };
            return match local_file::irregular(&metadata) {
                Some(kind) => Some(RootProblem::NoFolder { path: path.to_path_buf(), kind }),
                None if metadata.is_dir() => None,
                None if path == root => Some(RootProblem::File),
                None => Some(RootProblem::NoFolder { path: path.to_path_buf(), kind: "a file" }),
            };
        }
        None
    }
}

fn below(url: &Url, schema: &str, name: &str) -> Url {
    let mut url = url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend([schema, name]);
    }
    url
}

/// Returns an error for a URL of an unsupported store.
fn check_store(url: &Url) -> Result<(), RootProblem> {
    if object_store_factories().iter().any(|factory| factory.key().scheme() == url.scheme()) {
        return Ok(());
    }
    let scheme = url.scheme().to_owned();
    Err(match url.scheme() {
        "s3" | "s3a" => RootProblem::MissingFeature { scheme, feature: "s3" },
        "az" | "azure" | "abfs" | "abfss" | "adl" => RootProblem::MissingFeature { scheme, feature: "azure" },
        "gs" => RootProblem::MissingFeature { scheme, feature: "gcs" },
        _ => RootProblem::UnknownStore(scheme),
    })
}

/// Formats a location for display: as a path if it is local.
pub(super) fn show(url: &Url) -> String {
    if url.scheme() == "file"
        && let Ok(path) = url.to_file_path()
    {
        return path.display().to_string().trim_end_matches('/').to_owned();
    }
    url.as_str().trim_end_matches('/').to_owned()
}

/// Returns true if a local folder is certainly missing. A link that leads nowhere is there.
pub(super) fn is_missing(folder: Option<&Path>) -> bool {
    folder
        .is_some_and(|folder| folder.try_exists().is_ok_and(|exists| !exists) && !local_file::is_link(folder))
}

/// Returns the problem of a link in the place of a local folder that leads nowhere, and its cure.
pub(super) fn dangling(folder: Option<&Path>) -> Option<String> {
    let folder = folder.filter(|folder| local_file::is_link(folder))?;
    let error = fs::metadata(folder).err().filter(|error| error.kind() == io::ErrorKind::NotFound)?;
    let (problem, help) = local_file::problem(folder, &error);
    Some(format!("its folder {problem}: {help}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(root: &str) -> String {
        Root::parse(root, Path::new("/base/project"))
            .map_or_else(|error| error.to_string(), |root| root.show())
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
            "the lake's root hdfs://***********@host/lake?********** can't be used: everyone who reads the lake's \
             documentation and logs sees its address; give passwords, tokens and signatures as `storage_options`"
        );
        assert_eq!(
            shown("hdfs://host/lake"),
            "the lake's root hdfs://host/lake can't be used: hdfs: isn't a supported kind of store"
        );
        assert_eq!(
            shown("/srv/my\tlake"),
            "the lake's root /srv/my\tlake can't be used: its path has the character '\\t', which paths of Delta \
             tables can't have: rename the folder, or choose another"
        );
        assert_eq!(shown(" "), "the lake's root   can't be used: it is empty");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_folder_is_refused() {
        let base = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", base.path().join("dangling")).unwrap();
        std::os::unix::fs::symlink("circular", base.path().join("circular")).unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        let obstacle = |root: &str| {
            let root = Root::parse(root, base.path()).unwrap();
            root.obstacle().map_or_else(String::new, |problem| problem.to_string())
        };
        let said = [
            "dangling",
            "dangling/lake",
            "circular",
            "/dev/null",
            "/dev/null/lake",
            "file",
            "file/lake",
            "new",
        ];
        let said = said.map(obstacle).join("\n").replace(&base.path().display().to_string(), "BASE");
        insta::assert_snapshot!(said, @"
        BASE/dangling is a link to `nowhere`, which doesn't exist; restore what it links to, or remove the link
        BASE/dangling is a link to `nowhere`, which doesn't exist; restore what it links to, or remove the link
        BASE/circular is a link that leads back to itself; remove the link
        /dev/null is a device, not a folder; set `root` to a folder, which is created if it doesn't exist
        /dev/null is a device, not a folder; set `root` to a folder, which is created if it doesn't exist
        it is a file, not a folder
        BASE/file is a file, not a folder; set `root` to a folder, which is created if it doesn't exist
        ");
    }
}
