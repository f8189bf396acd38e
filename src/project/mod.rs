//! The user's folder as declared: every file read, every declaration with its place.
//!
//! Resolves no name and renders no Jinja: text that holds Jinja is kept as written, for the stages that can render
//! it. Whatever is wrong becomes a diagnostic, and reading goes on.
//!
//! Start at [`Project::load`].
//!
//! | file | what |
//! |---|---|
//! | `settings`, `target` | `project.yml` |
//! | `config` | layers of configuration |
//! | `document` | what a properties file holds |
//! | `sources`, `external` | `sources:` |
//! | `exposure` | `exposures:` and `groups:`: who uses the tables, who answers for them |
//! | `macros` | `macros:` |
//! | `docs` | Markdown files |
//! | `freshness` | how old a source's rows may be |
//! | `properties` | `models:`, `seeds:`, `snapshots:`, columns |
//! | `data_test`, `constraint` | what rows must satisfy |
//! | `seed` | CSV files that become tables |
//! | `singular` | tests that are queries of their own |
//! | `unit_test`, `rows`, `fixture` | `unit_tests:` and their rows |
//! | `files`, `digest` | finding and reading files; whether any changed |
//! | `yaml`, `parse` | YAML with places |
//! | `reader` | typed access to its mappings |

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
mod singular;
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
pub use external::{ExternalDecl, OnErrorDecl, SourceFormatName};
pub use files::read as read_file;
pub use freshness::{Freshness, FreshnessDecl, Period, PeriodUnit};
pub use macros::{ArgumentDecl, MacroProperties};
pub use properties::{ColumnDecl, ModelProperties};
pub use rows::{RowsDecl, RowsText};
pub use seed::SeedFile;
pub use settings::{Paths, Settings};
pub use singular::{TestFile, TestProperties};
pub use source_options::{OptionValues, SOURCE_OPTIONS, SourceOption};
pub use sources::{SourceDecl, SourceTableDecl};
pub use target::Target;
pub use unit_test::{GivenDecl, OverridesDecl, UnitTestDecl};
pub use yaml::{Yaml, YamlValue};

use document::Document;
use fixture::Fixtures;

use crate::{diag::Diagnostic, text::Source};

/// Everything a project's folder declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The folder, as given.
    pub root: PathBuf,
    /// What `project.yml` says.
    pub settings: Settings,
    /// The sources, in the order of their files.
    pub sources: Vec<SourceDecl>,
    /// The models' files.
    pub models: Vec<ModelFile>,
    /// What properties files say of models, in the order of the files; no model twice.
    pub properties: Vec<ModelProperties>,
    /// The seeds' files.
    pub seeds: Vec<SeedFile>,
    /// What properties files say of seeds, in the order of the files; no seed twice.
    pub seed_properties: Vec<ModelProperties>,
    /// The files of snapshots that are written in SQL, each of which may hold several.
    pub snapshots: Vec<ModelFile>,
    /// What properties files say of snapshots, in the order of the files; no snapshot twice.
    pub snapshot_properties: Vec<ModelProperties>,
    /// The singular tests' files.
    pub tests: Vec<TestFile>,
    /// What properties files say of singular tests, in the order of the files; no test twice.
    pub test_properties: Vec<TestProperties>,
    /// The unit tests, in the order of their files; no two of a model have one name.
    pub unit_tests: Vec<UnitTestDecl>,
    /// The files of the macros, then those of the generic tests.
    pub macros: Vec<MacroFile>,
    /// What properties files say of macros; no macro twice.
    pub macro_properties: Vec<MacroProperties>,
    /// What is done with the tables; no two of one name.
    pub exposures: Vec<ExposureDecl>,
    /// Who answers for which models; no two of one name.
    pub groups: Vec<GroupDecl>,
    /// The Markdown files.
    pub docs: Vec<DocFile>,
}

/// A model's SQL, or that of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// The model's name: the file's without its extension.
    pub name: String,
    /// The file.
    pub source: Source,
    /// The folders between the model path and the file.
    pub fqn_folders: Vec<String>,
    /// The model path it lies under.
    pub root_path: String,
}

/// A file of macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroFile {
    /// The file.
    pub source: Source,
}

impl Project {
    /// Reads the project at `root`, with everything that is wrong with it; `None` if its settings can't be read.
    #[must_use]
    pub fn load(root: &Path) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let Some(settings) = Settings::load(root, &mut diagnostics) else { return (None, diagnostics) };
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

fn models(root: &Path, found: &[files::Found], diagnostics: &mut Vec<Diagnostic>) -> Vec<ModelFile> {
    for python in found.iter().filter(|file| file.extension() == "py") {
        let message = format!("`{}` is no model: models are written in SQL", python.shown);
        diagnostics.push(Diagnostic::warning("ignored-file", message));
    }
    sql_files(root, found, diagnostics)
}

fn sql_files(root: &Path, found: &[files::Found], diagnostics: &mut Vec<Diagnostic>) -> Vec<ModelFile> {
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

fn macros(root: &Path, found: &[files::Found], diagnostics: &mut Vec<Diagnostic>) -> Vec<MacroFile> {
    sql(root, found, diagnostics).into_iter().map(|(_, source)| MacroFile { source }).collect()
}

/// The singular tests under the test paths; the generic ones there become macros.
fn tests(
    root: &Path,
    found: &[files::Found],
    macros: &mut Vec<MacroFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<TestFile> {
    let (generic, others): (Vec<_>, Vec<_>) = found
        .iter()
        .filter(|file| !file.lies_in(fixture::FOLDER))
        .partition(|file| file.lies_in(singular::GENERIC_FOLDER));
    macros.extend(sql(root, generic, diagnostics).into_iter().map(|(_, source)| MacroFile { source }));
    sql(root, others, diagnostics).into_iter().map(|(file, source)| TestFile::new(file, source)).collect()
}

/// The SQL files among those found, with their texts.
fn sql<'f>(
    root: &Path,
    found: impl IntoIterator<Item = &'f files::Found>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(&'f files::Found, Source)> {
    let files: Vec<&files::Found> = found.into_iter().filter(|file| file.extension() == "sql").collect();
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
