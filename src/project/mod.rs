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
//! | `sources`, `external`, `source_format`, `source_options` | `sources:` |
//! | `exposure` | `exposures:` and `groups:`, with their owners |
//! | `macros` | `macros:` |
//! | `docs` | Markdown files |
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
mod docs;
mod document;
mod drift;
mod exposure;
mod external;
mod files;
mod fixture;
mod freshness;
mod macros;
mod parse;
mod properties;
mod reader;
mod rows;
mod seed;
mod settings;
mod singular_test;
mod source_format;
mod source_options;
mod sources;
mod target;
#[cfg(test)]
mod tests;
mod unit_test;
mod yaml;

use std::path::{Path, PathBuf};

pub use config::{ConfigPatch, ConfigTree, KNOWN_CONFIG};
pub use constraint::{ConstraintDecl, ConstraintKind};
pub use data_test::TestDecl;
pub use digest::ProjectState;
pub use docs::DocFile;
pub use drift::{DriftDecl, LimitDecl, ON_MISSING_COLUMN, ON_NEW_COLUMN};
pub use exposure::{ExposureDecl, GroupDecl, Owner};
pub use external::{ExternalDecl, OnErrorDecl};
pub use files::read as read_file;
pub use freshness::{FreshnessDecl, FreshnessSetting, Period, PeriodUnit};
pub use macros::{ArgumentDecl, MacroProperties};
pub use properties::{ColumnDecl, ModelProperties};
pub use rows::{RowsDecl, RowsText};
pub use seed::SeedFile;
pub use settings::{Paths, ProjectSettings};
pub use singular_test::{TestFile, TestProperties};
pub use source_format::SourceFormatName;
pub use source_options::{OptionValues, SOURCE_OPTIONS, SourceOption};
pub use sources::{SourceDecl, SourceTableDecl};
pub use target::Target;
pub use unit_test::{InputFixtureDecl, OverridesDecl, UnitTestDecl};
pub use yaml::{Yaml, YamlValue};

use document::Document;
use fixture::Fixtures;

use crate::{diag::Diagnostic, text::Source};

/// Everything that a project's folder declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The project's root, as given.
    pub root: PathBuf,
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
        let mut diagnostics = Vec::new();
        let Some(settings) = ProjectSettings::load(root, &mut diagnostics) else {
            return (None, diagnostics);
        };
        let artifacts = root.join(&settings.paths.target);
        let found = files::walk(root, &settings.paths.models, &artifacts, &mut diagnostics);
        let found_seeds = files::walk(root, &settings.paths.seeds, &artifacts, &mut diagnostics);
        let found_snapshots = files::walk(root, &settings.paths.snapshots, &artifacts, &mut diagnostics);
        let found_tests = files::walk(root, &settings.paths.tests, &artifacts, &mut diagnostics);
        let found_macros = files::walk(root, &settings.paths.macros, &artifacts, &mut diagnostics);
        let models = models(root, &found, &mut diagnostics);
        let described = || {
            let all = found.iter().chain(&found_seeds).chain(&found_snapshots).chain(&found_tests);
            all.chain(&found_macros)
        };
        let documents = document::find(root, described());
        let docs = if settings.paths.docs.is_empty() {
            docs::files(root, described(), &mut diagnostics)
        } else {
            let found = files::walk(root, &settings.paths.docs, &artifacts, &mut diagnostics);
            docs::files(root, &found, &mut diagnostics)
        };
        let fixtures = Fixtures { root, found: &found_tests };
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
        } = document::load(&documents, fixtures, &mut diagnostics);
        let seeds = seed::files(&found_seeds);
        let snapshots = sql_files(root, &found_snapshots, &mut diagnostics);
        let mut macros = macros(root, &found_macros, &mut diagnostics);
        let tests = tests(root, &found_tests, &mut macros, &mut diagnostics);
        let root = root.to_owned();
        let project = Self {
            root,
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
            groups,
            docs,
        };
        (Some(project), diagnostics)
    }
}

fn models(root: &Path, found: &[files::FoundFile], diagnostics: &mut Vec<Diagnostic>) -> Vec<ModelFile> {
    for python in found.iter().filter(|file| file.extension() == "py") {
        let message = format!("`{}` is no model: models are written in SQL", python.shown);
        diagnostics.push(Diagnostic::warning("ignored-file", message));
    }
    sql_files(root, found, diagnostics)
}

fn sql_files(root: &Path, found: &[files::FoundFile], diagnostics: &mut Vec<Diagnostic>) -> Vec<ModelFile> {
    sql(root, found, diagnostics)
        .into_iter()
        .map(|(file, source)| ModelFile {
            name: file.stem().to_owned(),
            source,
            fqn_folders: file.folders.clone(),
            root_path: file.under.clone(),
        })
        .collect()
}

fn macros(root: &Path, found: &[files::FoundFile], diagnostics: &mut Vec<Diagnostic>) -> Vec<MacroFile> {
    sql(root, found, diagnostics).into_iter().map(|(_, source)| MacroFile { source }).collect()
}

/// Reads the singular tests under the test paths. The generic tests become macros.
fn tests(
    root: &Path,
    found: &[files::FoundFile],
    macros: &mut Vec<MacroFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<TestFile> {
    let (generic, others): (Vec<_>, Vec<_>) = found
        .iter()
        .filter(|file| !file.is_in(fixture::FOLDER))
        .partition(|file| file.is_in(singular_test::GENERIC_FOLDER));
    macros.extend(sql(root, generic, diagnostics).into_iter().map(|(_, source)| MacroFile { source }));
    sql(root, others, diagnostics).into_iter().map(|(file, source)| TestFile::new(file, source)).collect()
}

/// Reads the SQL files among the files found.
fn sql<'f>(
    root: &Path,
    found: impl IntoIterator<Item = &'f files::FoundFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(&'f files::FoundFile, Source)> {
    let files: Vec<&files::FoundFile> = found.into_iter().filter(|file| file.extension() == "sql").collect();
    let sources = files::in_parallel(&files, |file| files::read(root, &file.shown));
    let mut read = Vec::with_capacity(files.len());
    for (file, source) in files.into_iter().zip(sources) {
        match source {
            Ok(source) => read.push((file, source)),
            Err(finding) => diagnostics.push(finding),
        }
    }
    read
}
