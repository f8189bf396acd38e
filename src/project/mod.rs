//! The project as declared: every file is read, and every declaration has its span.
//!
//! Resolves no names and renders no Jinja: text with Jinja stays as written, for the stages that can render
//! it. Every error becomes a diagnostic, and reading continues.
//!
//! Start at [`Project::load`].
//!
//! | file | contents |
//! |---|---|
//! | `settings`, `target` | `project.yml` |
//! | `config` | layers of configuration |
//! | `document`, `common_keys` | properties files |
//! | `sources`, `external`, `source_format`, `source_options`, `source_overrides` | `sources:` |
//! | `external_location` | dbt-duckdb's location of a source |
//! | `exposure` | `exposures:` and `groups:`, with their owners |
//! | `macros` | `macros:` |
//! | `docs` | Markdown files |
//! | `packages`, `dispatch` | installed packages, the list of packages, and where macros are looked for |
//! | `freshness` | the maximum age of a source's rows |
//! | `properties` | `models:`, `seeds:`, `snapshots:`, columns |
//! | `data_test`, `constraint` | conditions on rows |
//! | `seed` | CSV files that become tables |
//! | `singular_test` | singular tests |
//! | `unit_test`, `rows`, `fixture` | `unit_tests:` and their rows |
//! | `files`, `digest` | finding and reading files, and detecting changes |
//! | `yaml`, `parse` | YAML with spans |
//! | `reader` | typed access to YAML mappings |

mod common_keys;
mod config;
mod constraint;
mod data_test;
mod digest;
mod dispatch;
mod docs;
mod document;
mod drift;
mod exposure;
mod external;
mod external_location;
mod files;
mod fixture;
mod freshness;
mod hooks;
mod macros;
mod model_version;
mod packages;
mod parse;
mod properties;
mod reader;
mod rows;
mod seed;
mod selectors;
mod settings;
mod singular_test;
mod source_format;
mod source_options;
mod source_overrides;
mod sources;
mod target;
#[cfg(test)]
mod tests;
mod unit_test;
mod versions;
mod yaml;

use std::path::{Path, PathBuf};

pub use config::{ConfigPatch, ConfigTree, KNOWN_CONFIG};
pub use constraint::{ConstraintDecl, ConstraintKind};
pub use data_test::TestDecl;
pub use digest::ProjectState;
pub use docs::DocFile;
pub use drift::{DriftDecl, LimitDecl};
pub use exposure::{ExposureDecl, GroupDecl, Owner};
pub use external::{ExternalDecl, OnErrorDecl};
pub use external_location::ExternalLocation;
pub use files::{Buffers, ProjectFiles};
pub use freshness::{FreshnessDecl, FreshnessSetting, Period, PeriodCount, PeriodDecl};
pub use hooks::RunHooks;
pub use macros::{ArgumentDecl, MacroProperties};
pub use model_version::ModelVersion;
pub use packages::{LockFile, PackageList};
pub use properties::{ColumnDecl, ModelProperties};
pub use rows::{RowsDecl, RowsText};
pub use seed::SeedFile;
pub use selectors::SelectorDecl;
pub use settings::ProjectSettings;
pub use singular_test::{TestFile, TestProperties};
pub use source_format::SourceFormatName;
pub use source_options::SOURCE_OPTIONS;
pub use sources::{SourceDecl, SourceTableDecl};
pub use target::Target;
pub use unit_test::{OverridesDecl, UnitTestDecl};
pub use yaml::{Yaml, YamlValue};

use document::Document;
use files::FoundFile;
use fixture::Fixtures;

use crate::{diag::Diagnostic, text::Source};

/// Everything that a project's folder declares. Its installed packages are projects too.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The project's root, as given; for a package, that of the project that installs it.
    pub root: PathBuf,
    /// The package's folder, relative to the root; empty for the project itself.
    pub folder: String,
    /// The installed packages by name. Packages don't contain packages: all of them are in the project's
    /// folder.
    pub packages: Vec<Project>,
    /// The contents of `project.yml`.
    pub settings: ProjectSettings,
    /// The sources, in the order of their files.
    pub sources: Vec<SourceDecl>,
    /// The model files.
    pub models: Vec<ModelFile>,
    /// The properties of models, in file order, without duplicates.
    pub properties: Vec<ModelProperties>,
    /// The seed files.
    pub seeds: Vec<SeedFile>,
    /// The properties of seeds, in file order, without duplicates.
    pub seed_properties: Vec<ModelProperties>,
    /// The SQL files of snapshots. A file may have several snapshots.
    pub snapshots: Vec<ModelFile>,
    /// The properties of snapshots, in file order, without duplicates.
    pub snapshot_properties: Vec<ModelProperties>,
    /// The files of singular tests.
    pub tests: Vec<TestFile>,
    /// The properties of singular tests, in file order, without duplicates.
    pub test_properties: Vec<TestProperties>,
    /// The unit tests, in file order. Names are unique for each model.
    pub unit_tests: Vec<UnitTestDecl>,
    /// The files of macros, then those of generic tests.
    pub macros: Vec<MacroFile>,
    /// The properties of macros, without duplicates.
    pub macro_properties: Vec<MacroProperties>,
    /// The exposures, with unique names.
    pub exposures: Vec<ExposureDecl>,
    /// The named selections of `selectors.yml`.
    pub selectors: Vec<SelectorDecl>,
    /// The groups, with unique names.
    pub groups: Vec<GroupDecl>,
    /// The Markdown files.
    pub docs: Vec<DocFile>,
}

/// A SQL file of a model, or of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// The model's name: the file name without its extension.
    pub name: String,
    /// The file.
    pub source: Source,
    /// The folders between the model path and the file.
    pub fqn_folders: Vec<String>,
    /// The model path that contains it.
    pub root_path: String,
}

/// A file with macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroFile {
    /// The file.
    pub source: Source,
}

impl Project {
    /// Reads the project at `root`, with all diagnostics. Returns `None` if its settings can't be read.
    #[must_use]
    pub fn load(root: &Path) -> (Option<Self>, Vec<Diagnostic>) {
        Self::read(ProjectFiles::on_disk(root))
    }

    /// Same as [`Project::load`], for files that may be in buffers.
    #[must_use]
    pub fn read(files: ProjectFiles<'_>) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let Some(mut project) = Self::read_one(files, &mut diagnostics) else { return (None, diagnostics) };
        project.packages = packages::installed(files, &project.settings, &mut diagnostics);
        source_overrides::apply(&mut project, &mut diagnostics);
        (Some(project), diagnostics)
    }

    /// Iterates over the project itself and its packages.
    pub fn with_packages(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.packages)
    }

    /// Returns the variables that nodes of this project or of a package see, in ascending precedence. As in
    /// dbt, the project overrides a package's own.
    pub fn vars_in<'p>(&'p self, package: &'p Self) -> impl Iterator<Item = (&'p str, &'p Yaml)> {
        let is_installed = package.name() != self.name();
        let own = is_installed.then(|| package.settings.vars_of(package.name()));
        own.into_iter().flatten().chain(self.settings.vars_of(package.name()))
    }

    /// Returns a file of the project or package by its path, without its text.
    #[must_use]
    pub fn source_at(&self, path: &str) -> Source {
        let inside = path.strip_prefix(&self.folder).map(|path| path.trim_start_matches('/'));
        Source::in_package(&self.folder, inside.unwrap_or(path), "")
    }

    /// Returns the package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name.value
    }

    /// Reads one project without its packages.
    fn read_one(files: ProjectFiles<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let settings = ProjectSettings::load(files, diagnostics)?;
        let artifacts = files.root().join(files.shown(&settings.paths.target));
        let found = files.walk(&settings.paths.models, &artifacts, diagnostics);
        let found_seeds = files.walk(&settings.paths.seeds, &artifacts, diagnostics);
        let found_snapshots = files.walk(&settings.paths.snapshots, &artifacts, diagnostics);
        let found_tests = files.walk(&settings.paths.tests, &artifacts, diagnostics);
        let found_macros = files.walk(&settings.paths.macros, &artifacts, diagnostics);
        let models = models(files, &found, diagnostics);
        let described = || {
            let all = found.iter().chain(&found_seeds).chain(&found_snapshots).chain(&found_tests);
            all.chain(&found_macros)
        };
        let documents = document::find(files, described());
        let docs = if settings.paths.docs.is_empty() {
            docs::files(files, described(), diagnostics)
        } else {
            let found = files.walk(&settings.paths.docs, &artifacts, diagnostics);
            docs::files(files, &found, diagnostics)
        };
        let fixtures = Fixtures { files, found: &found_tests };
        let Document {
            sources,
            models: properties,
            seeds: seed_properties,
            snapshots: snapshot_properties,
            tests: test_properties,
            unit_tests,
            exposures,
            groups,
            macros: macro_properties,
        } = document::load(&documents, fixtures, diagnostics);
        let file_names = models.iter().map(|model: &ModelFile| model.name.as_str()).collect();
        let properties = versions::expanded(properties, &file_names, diagnostics);
        let selectors = selectors::load(files, diagnostics);
        let seeds = seed::files(&found_seeds);
        let snapshots = sql_files(files, &found_snapshots, diagnostics);
        let mut macros = macros(files, &found_macros, diagnostics);
        let tests = tests(files, &found_tests, &mut macros, diagnostics);
        Some(Self {
            root: files.root().to_owned(),
            folder: files.package().to_owned(),
            packages: Vec::new(),
            settings,
            sources,
            models,
            properties,
            seeds,
            seed_properties,
            snapshots,
            snapshot_properties,
            tests,
            test_properties,
            unit_tests,
            macros,
            macro_properties,
            exposures,
            selectors,
            groups,
            docs,
        })
    }
}

fn models(
    project: ProjectFiles<'_>,
    found: &[FoundFile],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ModelFile> {
    for python in found.iter().filter(|file| file.extension() == "py") {
        let message = format!("`{}` is no model: models are written in SQL", python.shown);
        diagnostics.push(Diagnostic::warning("ignored-file", message));
    }
    sql_files(project, found, diagnostics)
}

fn sql_files(
    project: ProjectFiles<'_>,
    found: &[FoundFile],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ModelFile> {
    sql(project, found, diagnostics)
        .into_iter()
        .map(|(file, source)| ModelFile {
            name: file.stem().to_owned(),
            source,
            fqn_folders: file.folders.clone(),
            root_path: file.under.clone(),
        })
        .collect()
}

fn macros(
    project: ProjectFiles<'_>,
    found: &[FoundFile],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<MacroFile> {
    sql(project, found, diagnostics).into_iter().map(|(_, source)| MacroFile { source }).collect()
}

/// Reads the singular tests under the test paths. The generic tests become macros.
fn tests(
    project: ProjectFiles<'_>,
    found: &[FoundFile],
    macros: &mut Vec<MacroFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<TestFile> {
    let (generic, others): (Vec<_>, Vec<_>) = found
        .iter()
        .filter(|file| !file.is_in(fixture::FOLDER))
        .partition(|file| file.is_in(singular_test::GENERIC_FOLDER));
    macros.extend(sql(project, generic, diagnostics).into_iter().map(|(_, source)| MacroFile { source }));
    sql(project, others, diagnostics).into_iter().map(|(file, source)| TestFile::new(file, source)).collect()
}

/// Reads the SQL files among the files found.
fn sql<'f>(
    project: ProjectFiles<'_>,
    found: impl IntoIterator<Item = &'f FoundFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(&'f FoundFile, Source)> {
    let files: Vec<&FoundFile> = found.into_iter().filter(|file| file.extension() == "sql").collect();
    let sources = files::in_parallel(&files, |file| project.read(&file.shown));
    let mut read = Vec::with_capacity(files.len());
    for (file, source) in files.into_iter().zip(sources) {
        match source {
            Ok(source) => read.push((file, source)),
            Err(finding) => diagnostics.push(finding),
        }
    }
    read
}
