//! `project.yml`: the project's name, paths, variables and configuration tree.
//!
//! Values keep Jinja as written (`root`, `schema`, `storage_options`, `vars`, configuration). Names, paths
//! and the dialect are needed before any template runs, so they can't contain Jinja. Start at
//! [`ProjectSettings::read`].

use std::{collections::BTreeMap, path::Path};

use super::{
    config::ConfigTree,
    dispatch,
    files::ProjectFiles,
    hooks::RunHooks,
    keys, parse,
    reader::YamlReader,
    static_analysis::AnalysisSettings,
    target::{self, Target},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// The possible names of the project file, ours first.
pub(super) const FILE_NAMES: [&str; 2] = ["project.yml", "dbt_project.yml"];

/// The supported SQL dialects.
const DIALECTS: [&str; 14] = [
    "ansi",
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "generic",
    "hive",
    "mssql",
    "mysql",
    "postgresql",
    "redshift",
    "snowflake",
    "spark",
    "sqlite",
];

/// The contents of the project file.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectSettings {
    /// The file itself.
    pub source: Source,
    /// The project's name.
    pub name: Spanned<String>,
    /// The project's version, as spelled.
    pub version: Option<String>,
    pub paths: Paths,
    /// The SQL dialect, in lower case; one that the SQL engine knows.
    pub dialect: String,
    /// The variables, and those of single packages under their names; see [`ProjectSettings::vars_of`].
    pub vars: BTreeMap<String, Yaml>,
    /// The packages that `adapter.dispatch` searches, by the namespace that it asks for.
    pub dispatch: BTreeMap<String, Vec<String>>,
    /// Whether only public models can be referred to from other packages.
    pub restrict_access: bool,
    /// The configuration tree of models.
    pub models: ConfigTree,
    /// The configuration tree of seeds.
    pub seeds: ConfigTree,
    /// The configuration tree of snapshots.
    pub snapshots: ConfigTree,
    /// The configuration tree of data tests.
    pub data_tests: ConfigTree,
    /// The configuration tree of unit tests.
    pub unit_tests: ConfigTree,
    /// The configuration tree of sources.
    pub sources: ConfigTree,
    /// The configuration tree of exposures.
    pub exposures: ConfigTree,
    /// The hooks of runs, and how hooks are treated.
    pub hooks: RunHooks,
    /// The mode of static analysis.
    pub static_analysis: AnalysisSettings,
    /// The targets by name; never empty.
    pub targets: BTreeMap<String, Target>,
    /// The default target; may contain Jinja.
    pub default_target: Spanned<String>,
}

/// The project's folders, relative to its root, separated by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Models and their properties.
    pub models: Vec<String>,
    pub macros: Vec<String>,
    /// Singular and generic tests.
    pub tests: Vec<String>,
    /// CSV files.
    pub seeds: Vec<String>,
    pub snapshots: Vec<String>,
    /// SQL that is only compiled.
    pub analyses: Vec<String>,
    /// Descriptions in Markdown. If empty, all other paths.
    pub docs: Vec<String>,
    /// Files for the docs site.
    pub assets: Vec<String>,
    /// The folder for artifacts, possibly outside the project.
    pub target: String,
    /// The folder of the installed packages, possibly outside the project.
    pub packages: String,
}

impl ProjectSettings {
    /// Reads the settings of the project at `root`. Returns `None` if they can't be read at all.
    pub(super) fn load(files: ProjectFiles<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let present: Vec<&str> = FILE_NAMES.into_iter().filter(|name| files.exists(name)).collect();
        let name = match present[..] {
            [name] => name,
            [] => {
                let package = files.package();
                let folder =
                    if package.is_empty() { files.root().to_owned() } else { files.root().join(package) };
                let message = format!("there is no `project.yml` in `{}`", folder.display());
                let hint = "`headwater init NAME` makes a new project; `--project-dir` names another folder";
                diagnostics.push(Diagnostic::error("no-project", message).hint(hint));
                return None;
            }
            _ => {
                let message = "there are two project files: `project.yml` and `dbt_project.yml`";
                let hint = "keep one of them: `dbt_project.yml` if dbt reads the project, too";
                diagnostics.push(Diagnostic::error("two-project-files", message).hint(hint));
                return None;
            }
        };
        let source = files.read(&files.shown(name)).map_err(|finding| diagnostics.push(finding)).ok()?;
        Self::read(&source, diagnostics)
    }

    /// Reads the settings from a file's text. Returns `None` if it isn't a YAML mapping.
    pub(super) fn read(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let yaml = parse::yaml(source, diagnostics)?;
        let mut reader = YamlReader::new(&keys::PROJECT_FILE, &yaml, diagnostics)?;
        let name = name(&mut reader, source);
        let version = reader.spelled("version");
        let paths = Paths::read(&mut reader);
        let dialect = dialect(&mut reader);
        let vars = reader.map("vars").iter().map(|(name, value)| (name.value.clone(), value.clone()));
        let vars = vars.collect();
        let dispatch = dispatch::read(&mut reader);
        let restrict_access = reader.take("restrict-access").and_then(Yaml::as_bool).unwrap_or(false);
        let models = reader.take_entry("models");
        let models = tree(models, &mut reader);
        let seeds = reader.take_entry("seeds");
        let seeds = tree(seeds, &mut reader);
        let snapshots = reader.take_entry("snapshots");
        let snapshots = tree(snapshots, &mut reader);
        let data_tests = reader.renamed("data_tests", "tests");
        let data_tests = tree(data_tests, &mut reader);
        let unit_tests = reader.take_entry("unit_tests");
        let unit_tests = tree(unit_tests, &mut reader);
        let sources = reader.take_entry("sources");
        let sources = tree(sources, &mut reader);
        let exposures = reader.take_entry("exposures");
        let exposures = tree(exposures, &mut reader);
        let hooks = RunHooks::read(&mut reader);
        let is_dbts = source.package_path() == FILE_NAMES[1];
        let static_analysis = AnalysisSettings::read(&mut reader, is_dbts);
        let declared = reader.map("targets");
        let targets = target::read(declared, &name.span, reader.diagnostics());
        let default_target = default_target(&mut reader, &targets, &name.span);
        reader.finish(None);
        Some(Self {
            source: source.clone(),
            name,
            version,
            paths,
            dialect,
            vars,
            dispatch,
            restrict_access,
            models,
            seeds,
            snapshots,
            data_tests,
            unit_tests,
            sources,
            exposures,
            hooks,
            static_analysis,
            targets,
            default_target,
        })
    }
}

impl ProjectSettings {
    /// Returns the variables that this project sets for the nodes of a package: those under its name override
    /// the others.
    pub fn vars_of(&self, package: &str) -> impl Iterator<Item = (&str, &Yaml)> {
        let own = match self.vars.get(package).map(|section| &section.value) {
            Some(YamlValue::Map(own)) => own.as_slice(),
            _ => &[],
        };
        let general = self.vars.iter().map(|(name, value)| (name.as_str(), value));
        let is_own =
            move |name: &str, value: &Yaml| name == package && matches!(value.value, YamlValue::Map(_));
        let general = general.filter(move |(name, value)| !is_own(name, value));
        general.chain(own.iter().map(|(name, value)| (name.value.as_str(), value)))
    }
}

/// Reads a section with configuration by folder.
fn tree(section: Option<(&Spanned<String>, &Yaml)>, reader: &mut YamlReader<'_, '_>) -> ConfigTree {
    section.map_or_else(ConfigTree::default, |(name, section)| {
        ConfigTree::read(&name.value, section, reader.diagnostics())
    })
}

impl Paths {
    fn read(reader: &mut YamlReader<'_, '_>) -> Self {
        Self {
            models: renamed_paths(reader, "model-paths", "source-paths", &["models"]),
            macros: paths(reader, "macro-paths", &["macros"]),
            tests: paths(reader, "test-paths", &["data-tests", "tests"]),
            seeds: renamed_paths(reader, "seed-paths", "data-paths", &["seeds"]),
            snapshots: paths(reader, "snapshot-paths", &["snapshots"]),
            analyses: paths(reader, "analysis-paths", &["analyses"]),
            docs: paths(reader, "docs-paths", &[]),
            assets: paths(reader, "asset-paths", &[]),
            target: reader.string("target-path").map_or_else(|| "target".to_owned(), |path| path.value),
            packages: install_path(reader),
        }
    }
}

/// Reads the project's name. If it is missing, a placeholder lets reading continue.
fn name(reader: &mut YamlReader<'_, '_>, source: &Source) -> Spanned<String> {
    let Some(name) = reader.required("name") else {
        return Spanned::new("project".to_owned(), source.span(0..0));
    };
    let mut letters = name.value.chars();
    let identifier = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !identifier {
        let message = format!("`{}` can't be a project's name", name.value);
        let finding = Diagnostic::error("invalid-name", message)
            .at(name.span.clone(), "letters, digits and underscores only, and no digit first");
        reader.diagnostics().push(finding);
    }
    name
}

/// Reads paths whose key has been renamed, and warns about the old name.
fn renamed_paths(
    reader: &mut YamlReader<'_, '_>,
    key: &'static str,
    old: &'static str,
    default: &[&str],
) -> Vec<String> {
    let Some((name, _)) = reader.renamed(key, old).filter(|(name, _)| name.value == old) else {
        return paths(reader, key, default);
    };
    let finding = Diagnostic::warning("deprecated-key", format!("`{old}` is the old name of `{key}`"));
    let finding = finding.at(name.span.clone(), "deprecated").hint(format!("rename it to `{key}`"));
    reader.diagnostics().push(finding);
    paths(reader, old, default)
}

fn paths(reader: &mut YamlReader<'_, '_>, key: &'static str, default: &[&str]) -> Vec<String> {
    let Some(written) = reader.strings(key) else {
        return default.iter().map(|path| (*path).to_owned()).collect();
    };
    let mut paths = Vec::new();
    for path in written {
        let plain = path.value.replace('\\', "/");
        let plain = plain.trim_start_matches("./").trim_end_matches('/');
        if plain.contains("{{") || plain.contains("{%") {
            let finding = Diagnostic::error("jinja-not-allowed", format!("`{key}` can't hold Jinja"));
            reader.diagnostics().push(finding.at(path.span, "needed before any template runs"));
        } else if Path::new(plain).is_absolute() || plain.split('/').any(|part| part == "..") {
            let finding = Diagnostic::error("path-outside", format!("`{key}` must lie inside the project"));
            reader.diagnostics().push(finding.at(path.span, "leads out of it"));
        } else {
            paths.push(plain.to_owned());
        }
    }
    paths
}

/// Reads the folder of the installed packages, which may lie outside the project.
fn install_path(reader: &mut YamlReader<'_, '_>) -> String {
    const KEY: &str = "packages-install-path";
    let default = "dbt_packages".to_owned();
    let Some(path) = reader.string(KEY) else { return default };
    if path.value.contains("{{") || path.value.contains("{%") {
        let finding = Diagnostic::error("jinja-not-allowed", format!("`{KEY}` can't hold Jinja"));
        reader.diagnostics().push(finding.at(path.span, "needed before any template runs"));
        return default;
    }
    path.value.trim_start_matches("./").trim_end_matches('/').to_owned()
}

fn dialect(reader: &mut YamlReader<'_, '_>) -> String {
    let default = "duckdb".to_owned();
    let Some(written) = reader.string("dialect") else { return default };
    let name = match written.value.to_ascii_lowercase() {
        name if name == "postgres" => "postgresql".to_owned(),
        name => name,
    };
    if DIALECTS.contains(&name.as_str()) {
        return name;
    }
    let message = format!("there is no SQL dialect `{}`", written.value);
    let finding = Diagnostic::error("unknown-dialect", message).at(written.span, "unknown");
    let finding = finding.near(&name, DIALECTS).note(format!("the dialects are {}", DIALECTS.join(", ")));
    reader.diagnostics().push(finding);
    default
}

/// Returns the default target: the configured one, the only one, or `dev`.
fn default_target(
    reader: &mut YamlReader<'_, '_>,
    targets: &BTreeMap<String, Target>,
    project: &Span,
) -> Spanned<String> {
    if let Some(named) = reader.string("target") {
        if !named.value.contains("{{") && !targets.contains_key(&named.value) {
            let message = format!("there is no target `{}`", named.value);
            let finding = Diagnostic::error("unknown-target", message)
                .at(named.span.clone(), "not under `targets`")
                .near(&named.value, targets.keys().map(String::as_str));
            reader.diagnostics().push(finding);
        }
        return named;
    }
    let dev = targets.get_key_value("dev");
    let default = dev.or_else(|| targets.first_key_value());
    if dev.is_none() && targets.len() > 1 {
        let names: Vec<String> = targets.keys().map(|name| format!("`{name}`")).collect();
        let finding = Diagnostic::error("no-default-target", "the project has no default target")
            .at(project.clone(), "it has several targets, and none is called `dev`")
            .hint(format!("add `target:` with one of {}", names.join(", ")));
        reader.diagnostics().push(finding);
    }
    default.map_or_else(
        || Spanned::new("dev".to_owned(), project.clone()),
        |(name, target)| Spanned::new(name.clone(), target.span.clone()),
    )
}
