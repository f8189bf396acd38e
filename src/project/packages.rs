//! Packages: the list in `packages.yml` or `dependencies.yml`, and the projects in the folder where they
//! are installed (`dbt_packages/`).
//!
//! Every folder there is a package, whether it is listed or not, as in dbt. `deps` puts them there.

use std::{collections::BTreeMap, fs, io};

use super::{
    Project, files::ProjectFiles, keys, parse, reader::YamlReader, settings::ProjectSettings, yaml::Yaml,
};
use crate::{diag::Diagnostic, text::Source};

/// The files that list packages.
pub(super) const FILE_NAMES: [&str; 2] = ["packages.yml", "dependencies.yml"];

/// The packages that a project asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageList {
    /// The file that lists them.
    pub source: Source,
    /// The entries, as written.
    pub entries: Vec<Yaml>,
}

impl PackageList {
    /// Reads the list of the project in these files. Returns `None` if it has none.
    #[must_use]
    pub fn read(files: ProjectFiles<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut found: Vec<Self> = Vec::new();
        for name in FILE_NAMES {
            if !files.is_file(name) {
                continue;
            }
            let source = files.read(&files.shown(name)).map_err(|finding| diagnostics.push(finding)).ok()?;
            let yaml = parse::yaml(&source, diagnostics)?;
            let mut reader = YamlReader::new(&keys::PACKAGE_LIST, &yaml, diagnostics)?;
            let section = reader.take_entry("packages");
            let entries = reader.list("packages").to_vec();
            if let Some((key, _)) = reader.take_entry("projects") {
                let finding = if name == FILE_NAMES[0] {
                    Diagnostic::error("invalid-key", "the 'projects' key cannot be specified in packages.yml")
                } else {
                    Diagnostic::warning(
                        "ignored-key",
                        "`projects` has no effect: they are projects of dbt's cloud",
                    )
                };
                let finding = finding.at(key.span.clone(), "");
                reader.diagnostics().push(finding.hint("list them under `packages:` to read their models"));
            }
            reader.finish(None);
            if let Some((key, _)) = section {
                if !found.is_empty() {
                    let message =
                        "the 'packages' key cannot be specified in both packages.yml and dependencies.yml";
                    let finding =
                        Diagnostic::error("duplicate-key", message).at(key.span.clone(), "here again");
                    diagnostics.push(finding.hint("keep one of the two lists"));
                    return found.pop();
                }
                found.push(Self { source, entries });
            }
        }
        found.pop()
    }
}

/// Returns the folders of the installed packages, relative to the project.
pub(super) fn folders(files: ProjectFiles<'_>, settings: &ProjectSettings) -> io::Result<Vec<String>> {
    let path = settings.paths.packages.trim_end_matches('/');
    let mut folders = Vec::new();
    let entries = match fs::read_dir(files.root().join(path)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folders),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // As in dbt, a folder that begins with `__` is no package.
        if !name.starts_with('.') && !name.starts_with("__") && entry.path().is_dir() {
            folders.push(format!("{path}/{name}"));
        }
    }
    folders.sort();
    Ok(folders)
}

/// Reads the installed packages of a project.
pub(super) fn installed(
    files: ProjectFiles<'_>,
    settings: &ProjectSettings,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Project> {
    let path = &settings.paths.packages;
    let folders = folders(files, settings).unwrap_or_else(|error| {
        diagnostics.push(Diagnostic::error("unreadable", format!("`{path}` can't be read: {error}")));
        Vec::new()
    });
    if let Some(list) = PackageList::read(files, diagnostics)
        && list.entries.len() > folders.len()
    {
        let (file, specified, installed) = (list.source.path(), list.entries.len(), folders.len());
        let message =
            format!("{file} lists more packages ({specified}) than are installed in {path} ({installed})");
        let finding = Diagnostic::error("missing-packages", message).at(list.source.span(0..0), "");
        diagnostics.push(finding.hint("run `headwater deps` to install them"));
    }
    let mut packages: BTreeMap<String, Project> = BTreeMap::new();
    for folder in folders {
        let Some(package) = Project::read_one(files.of_package(&folder), diagnostics) else { continue };
        let name = package.settings.name.clone();
        let first = (name.value == settings.name.value).then(|| settings.name.span.clone());
        let first = first.or_else(|| Some(packages.get(&name.value)?.settings.name.span.clone()));
        if let Some(first) = first {
            let message = format!("more than one package is called `{}`", name.value);
            let finding = Diagnostic::error("duplicate-package", message)
                .at(name.span, "this one")
                .at(first, "and this one")
                .hint(format!(
                    "package names are unique in a project: remove `{folder}`, or rename one of them"
                ));
            diagnostics.push(finding);
            continue;
        }
        packages.insert(name.value, package);
    }
    packages.into_values().collect()
}

/// A lock file of packages.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFile {
    /// The entries, as written.
    pub entries: Vec<Yaml>,
    /// The digest of the list that they were found for.
    pub hash: Option<String>,
}

impl LockFile {
    /// Reads the project's lock file of this name, if it has one.
    ///
    /// # Errors
    /// If it isn't valid.
    pub fn read(files: ProjectFiles<'_>, name: &str) -> Result<Option<Self>, Vec<Diagnostic>> {
        if !files.is_file(name) {
            return Ok(None);
        }
        let mut findings = Vec::new();
        let source = files.read(name).map_err(|found| vec![found])?;
        let Some(yaml) = parse::yaml(&source, &mut findings) else { return Err(findings) };
        let Some(mut reader) = YamlReader::new(&keys::LOCK_FILE, &yaml, &mut findings) else {
            return Err(findings);
        };
        let entries = reader.list("packages").to_vec();
        let hash = reader.spelled("sha1_hash");
        reader.finish(None);
        if findings.is_empty() { Ok(Some(Self { entries, hash })) } else { Err(findings) }
    }
}

impl Project {
    /// Reads only the settings of the project in these files.
    ///
    /// # Errors
    /// If its project file can't be read.
    pub fn settings_of(files: ProjectFiles<'_>) -> Result<ProjectSettings, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        ProjectSettings::load(files, &mut findings).ok_or(findings)
    }
}
