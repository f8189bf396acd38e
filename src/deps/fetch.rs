//! A package's files and facts, wherever it comes from.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Component, Path, PathBuf},
};

use semver::Version;

use super::{
    PackageOrigins, archive, download, git,
    hub::Hub,
    spec::{Spec, Wanted},
};
use crate::{
    diag::Diagnostic,
    project::{Project, ProjectFiles},
    text::Span,
};

/// A package in one version.
#[derive(Debug, Clone)]
pub(super) struct Pinned {
    /// The name in its project file.
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) listed: Listed,
    pub(super) files: Files,
    /// The newest version on the hub.
    pub(super) newest: Option<String>,
    pub(super) at: Span,
}

/// Where one version of a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A folder.
    Local { path: String, written: String },
    /// A commit of a repository.
    Git { url: String, written: String, commit: String, folder: Option<String> },
    /// An archive.
    Tarball { url: String, written: String, name: String },
    /// A version of a package of the hub.
    Hub { package: String, version: String },
}

/// The packages that a package depends on.
#[derive(Debug, Clone)]
pub(super) enum Listed {
    /// They are listed in this folder.
    In(PathBuf),
    /// The hub's index says them.
    Known(Vec<Spec>),
}

/// The files of a package.
#[derive(Debug, Clone)]
pub(super) enum Files {
    /// They stay where they are.
    Linked(PathBuf),
    /// They are downloaded, and only to be moved.
    Downloaded(PathBuf),
    /// They aren't needed yet.
    Remote,
}

/// Shows what dbt says of an installed version.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { path, .. } => write!(f, "<local @ {path}>"),
            Self::Git { commit, .. } => write!(f, "revision {commit}"),
            Self::Tarball { written, .. } => write!(f, "tarball (url: {written})"),
            Self::Hub { version, .. } => write!(f, "version {version}"),
        }
    }
}

impl Origin {
    /// Returns the name of what is installed, for messages.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Local { path, .. } => path.clone(),
            Self::Git { url, folder: Some(folder), .. } => format!("{url}/{folder}"),
            Self::Git { url, .. } => url.clone(),
            Self::Tarball { name, .. } => name.clone(),
            Self::Hub { package, .. } => package.clone(),
        }
    }
}

impl Pinned {
    /// Returns the entry of the lock file for this version.
    pub(super) fn spec(&self) -> Spec {
        let origin = match self.origin.clone() {
            Origin::Local { path, written } => Wanted::Local { path, written },
            Origin::Git { url, written, commit, folder } => {
                Wanted::Git { url, written, revisions: vec![commit], folder, warn: false }
            }
            Origin::Tarball { url, written, name } => Wanted::Tarball { url, written, name },
            Origin::Hub { package, version } => {
                Wanted::Hub { package, versions: vec![version], prerelease: true }
            }
        };
        Spec { origin, hashed: serde_json::Value::Null, at: self.at.clone() }
    }
}

/// Fetches packages, each once.
pub(super) struct Fetcher<'a> {
    root: &'a Path,
    /// The folder for downloads.
    downloads: &'a Path,
    hub: Hub<'a>,
    /// Warnings about packages that may change at any time.
    pub(super) warnings: Vec<String>,
    /// The folders of what is downloaded, with the commit of a repository.
    known: BTreeMap<String, (PathBuf, String)>,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(root: &'a Path, downloads: &'a Path, origins: &'a PackageOrigins) -> Self {
        Self { root, downloads, hub: Hub::new(origins, root), warnings: Vec::new(), known: BTreeMap::new() }
    }

    /// Returns the version of a package that fits best. The files of the hub's aren't fetched.
    pub(super) fn pin(&mut self, spec: &Spec) -> Result<Pinned, Diagnostic> {
        let Wanted::Hub { package, versions, prerelease } = &spec.origin else { return self.fetch(spec) };
        let failed = |message: String| failure(message, &spec.at);
        let (version, newest) = self.hub.fitting(package, versions, *prerelease).map_err(failed)?;
        let entry = self.hub.entry(package, &version).map_err(failed)?;
        let listed = entry["packages"].as_array().into_iter().flatten();
        let listed = listed.map(|item| Spec::read(item, item, &spec.at)).collect::<Result<Vec<_>, _>>()?;
        let name = entry["name"].as_str().or_else(|| package.rsplit('/').next()).unwrap_or_default();
        Ok(Pinned {
            name: name.to_owned(),
            origin: Origin::Hub { package: package.clone(), version: version.to_string() },
            listed: Listed::Known(listed),
            files: Files::Remote,
            newest: Some(newest.to_string()),
            at: spec.at.clone(),
        })
    }

    /// Fetches the files of one exact version of a package.
    pub(super) fn fetch(&mut self, spec: &Spec) -> Result<Pinned, Diagnostic> {
        let at = &spec.at;
        let (origin, folder, newest) = match &spec.origin {
            Wanted::Local { path, written } => {
                let origin = Origin::Local { path: path.clone(), written: written.clone() };
                (origin, self.root.join(path), None)
            }
            Wanted::Git { url, written, revisions, folder, warn } => {
                let revision = revisions.first().map_or("HEAD", String::as_str);
                let (files, commit) = self.checkout(url, revision, at)?;
                self.warnings.extend(unpinned(written, revision).filter(|_| *warn));
                let inside = folder.as_deref().unwrap_or_default();
                let is_inside = Path::new(inside)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if !is_inside {
                    return Err(failure(format!("`subdirectory` leads out of the repository: {inside}"), at));
                }
                let inside = Path::new(inside).components().filter(|part| *part != Component::CurDir);
                let files = files.join(inside.collect::<PathBuf>());
                let (url, written, folder) = (url.clone(), written.clone(), folder.clone());
                (Origin::Git { url, written, commit, folder }, files, None)
            }
            Wanted::Tarball { url, written, name } => {
                let read = || download::read(url, self.root);
                let bytes =
                    read().map_err(|error| failure(format!("can't download {written}: {error}"), at))?;
                let (url, written, name) = (url.clone(), written.clone(), name.clone());
                (Origin::Tarball { url: url.clone(), written, name }, self.unpacked(&url, &bytes, at)?, None)
            }
            Wanted::Hub { package, versions, .. } => {
                let version = versions.first().and_then(|version| super::version::version_of(version));
                let version = version.unwrap_or_else(|| Version::new(0, 0, 0));
                let bytes = self.hub.archive(package, &version).map_err(|why| failure(why, at))?;
                let folder = self.unpacked(&format!("{package}@{version}"), &bytes, at)?;
                let newest = self.hub.fitting(package, &[], !version.pre.is_empty()).ok();
                let newest = newest.map(|(newest, _)| newest.to_string());
                (Origin::Hub { package: package.clone(), version: version.to_string() }, folder, newest)
            }
        };
        let is_local = matches!(origin, Origin::Local { .. });
        let name = match &origin {
            Origin::Tarball { name, .. } => checked_name(name, at)?,
            _ => name_in(&folder, at)?,
        };
        let files = if is_local { Files::Linked(folder.clone()) } else { Files::Downloaded(folder.clone()) };
        Ok(Pinned { name, origin, listed: Listed::In(folder), files, newest, at: at.clone() })
    }

    fn checkout(&mut self, url: &str, revision: &str, at: &Span) -> Result<(PathBuf, String), Diagnostic> {
        let key = format!("{url}@{revision}");
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let folder = self.downloads.join(self.known.len().to_string());
        // A path is relative to the project, not to the folder of the checkout.
        let path = self.root.join(url);
        let place = if path.exists() { path.to_string_lossy().into_owned() } else { url.to_owned() };
        let commit = git::checkout(&place, revision, &folder).map_err(|why| {
            failure(format!("can't check out `{revision}` of {}: {why}", crate::secret::scrubbed(url)), at)
        })?;
        // The lock file names the commit, so a later request may do so, too.
        self.known.insert(format!("{url}@{commit}"), (folder.clone(), commit.clone()));
        self.known.insert(key, (folder.clone(), commit.clone()));
        Ok((folder, commit))
    }

    fn unpacked(&mut self, key: &str, bytes: &[u8], at: &Span) -> Result<PathBuf, Diagnostic> {
        if let Some((folder, _)) = self.known.get(key) {
            return Ok(folder.clone());
        }
        let folder = self.downloads.join(self.known.len().to_string());
        let unpacked = archive::unpack(bytes, &folder)
            .map_err(|error| failure(format!("can't unpack the archive of {key}: {error}"), at))?;
        self.known.insert(key.to_owned(), (unpacked.clone(), String::new()));
        Ok(unpacked)
    }
}

/// Returns dbt's warning about a repository whose revision isn't a tag or commit.
fn unpinned(written: &str, revision: &str) -> Option<String> {
    let how = match revision {
        "HEAD" => "not pinned, using HEAD (default branch)".to_owned(),
        "main" | "master" => format!("pinned to the \"{revision}\" branch"),
        _ => return None,
    };
    Some(format!(
        "warning: the git package \"{written}\" is {how}. This can introduce breaking changes into your project \
         without warning!"
    ))
}

/// Returns the name in the project file of a package.
fn name_in(folder: &Path, at: &Span) -> Result<String, Diagnostic> {
    if !fs::metadata(folder).is_ok_and(|found| found.is_dir()) {
        return Err(failure(format!("there is no folder {}", folder.display()), at));
    }
    let settings = Project::settings_of(ProjectFiles::on_disk(folder)).map_err(|found| {
        let why = found.first().map(|found| found.message.clone()).unwrap_or_default();
        failure(format!("this isn't a package: {why}"), at)
    })?;
    checked_name(&settings.name.value, at)
}

/// Returns a name if it is a plain folder name, which can't lead to another folder.
fn checked_name(name: &str, at: &Span) -> Result<String, Diagnostic> {
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_name { Ok(name.to_owned()) } else { Err(failure(format!("invalid package name `{name}`"), at)) }
}

pub(super) fn failure(message: String, at: &Span) -> Diagnostic {
    Diagnostic::error("package-not-found", message).at(at.clone(), "")
}
