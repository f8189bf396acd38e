//! Properties files: every YAML file under the model, seed, snapshot or test paths, and `sources.yml` next to
//! the project file.

use std::collections::{HashMap, HashSet};

use super::{
    exposure::{ExposureDecl, GroupDecl},
    files::{self, FoundFile, ProjectFiles},
    fixture::Fixtures,
    keys,
    macros::MacroProperties,
    parse,
    properties::ModelProperties,
    reader::YamlReader,
    settings,
    singular_test::TestProperties,
    sources::SourceDecl,
    unit_test::UnitTestDecl,
};
use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// The declarations of the properties files.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) sources: Vec<SourceDecl>,
    pub(super) models: Vec<ModelProperties>,
    pub(super) seeds: Vec<ModelProperties>,
    pub(super) snapshots: Vec<ModelProperties>,
    pub(super) tests: Vec<TestProperties>,
    pub(super) unit_tests: Vec<UnitTestDecl>,
    pub(super) exposures: Vec<ExposureDecl>,
    pub(super) groups: Vec<GroupDecl>,
    pub(super) macros: Vec<MacroProperties>,
}

/// Returns the properties files, each once, beginning with the one at the root.
pub(super) fn find<'f>(
    project: ProjectFiles<'_>,
    found: impl IntoIterator<Item = &'f FoundFile>,
) -> Vec<String> {
    let mut paths: Vec<String> = ["sources.yml", "sources.yaml"]
        .into_iter()
        .filter(|name| project.is_file(name))
        .map(|name| project.shown(name))
        .collect();
    // A file may be under both a model path and a test path.
    let mut seen: HashSet<String> = paths.iter().cloned().collect();
    for file in found.into_iter().filter(|file| matches!(file.extension().as_str(), "yml" | "yaml")) {
        let is_settings = settings::FILE_NAMES.iter().any(|name| file.shown == project.shown(name));
        if !is_settings && seen.insert(file.shown.clone()) {
            paths.push(file.shown.clone());
        }
    }
    paths
}

/// Reads all these files.
pub(super) fn load(paths: &[String], fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Document {
    let documents = files::in_parallel(paths, |path| {
        let mut findings = Vec::new();
        let document = match fixtures.files.read(path) {
            Ok(source) => Document::read(&source, fixtures, &mut findings),
            Err(finding) => {
                findings.push(finding);
                Document::default()
            }
        };
        (document, findings)
    });
    let mut all = Document::default();
    for (document, findings) in documents {
        all.sources.extend(document.sources);
        all.models.extend(document.models);
        all.seeds.extend(document.seeds);
        all.snapshots.extend(document.snapshots);
        all.tests.extend(document.tests);
        all.unit_tests.extend(document.unit_tests);
        all.exposures.extend(document.exposures);
        all.groups.extend(document.groups);
        all.macros.extend(document.macros);
        diagnostics.extend(findings);
    }
    all.refuse_duplicates(diagnostics);
    all
}

impl Document {
    fn read(source: &Source, fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut document = Self::default();
        let Some(yaml) = parse::yaml(source, diagnostics) else { return document };
        let Some(mut reader) = YamlReader::new(&keys::PROPERTIES_FILE, &yaml, diagnostics) else {
            return document;
        };
        for item in reader.list("sources") {
            document.sources.extend(SourceDecl::read(item, reader.diagnostics()));
        }
        for item in reader.list("models") {
            document.models.extend(ModelProperties::read(&keys::MODEL, item, reader.diagnostics()));
        }
        for item in reader.list("seeds") {
            document.seeds.extend(ModelProperties::read(&keys::SEED, item, reader.diagnostics()));
        }
        for item in reader.list("snapshots") {
            document.snapshots.extend(ModelProperties::snapshot(item, reader.diagnostics()));
        }
        for item in reader.renamed_list("data_tests", "tests") {
            document.tests.extend(TestProperties::read(item, reader.diagnostics()));
        }
        for item in reader.list("unit_tests") {
            document.unit_tests.extend(UnitTestDecl::read(item, fixtures, reader.diagnostics()));
        }
        for item in reader.list("exposures") {
            document.exposures.extend(ExposureDecl::read(item, reader.diagnostics()));
        }
        for item in reader.list("groups") {
            document.groups.extend(GroupDecl::read(item, reader.diagnostics()));
        }
        for item in reader.list("macros") {
            document.macros.extend(MacroProperties::read(item, reader.diagnostics()));
        }
        reader.finish(None);
        document
    }

    /// Reports duplicates, and keeps the first of each. A source may be spread over several files, but a
    /// table may not.
    fn refuse_duplicates(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        once_each("model", &mut self.models, |one| &one.name, diagnostics);
        once_each("seed", &mut self.seeds, |one| &one.name, diagnostics);
        once_each("snapshot", &mut self.snapshots, |one| &one.name, diagnostics);
        once_each("test", &mut self.tests, |test| &test.name, diagnostics);
        once_each("exposure", &mut self.exposures, |exposure| &exposure.name, diagnostics);
        once_each("group", &mut self.groups, |group| &group.name, diagnostics);
        once_each("macro", &mut self.macros, |one| &one.name, diagnostics);
        let mut unit_tests: HashMap<(String, String), Span> = HashMap::new();
        self.unit_tests.retain(|test| {
            let key = (test.model.value.clone(), test.name.value.clone());
            let what = || format!("the unit test `{}` of `{}`", test.name.value, test.model.value);
            let first = unit_tests.entry(key).or_insert_with(|| test.name.span.clone());
            once(what, first, &test.name.span, diagnostics)
        });
        let mut tables: HashMap<(String, String), Span> = HashMap::new();
        for source in &mut self.sources {
            source.tables.retain(|table| {
                let key = (source.name.value.clone(), table.name.value.clone());
                let what = || format!("the source table `{}.{}`", source.name.value, table.name.value);
                let first = tables.entry(key).or_insert_with(|| table.name.span.clone());
                once(what, first, &table.name.span, diagnostics)
            });
        }
    }
}

/// Keeps the first of each name, and reports the others.
fn once_each<T>(
    kind: &str,
    all: &mut Vec<T>,
    name: impl Fn(&T) -> &Spanned<String>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    all.retain(|one| {
        let name = name(one);
        let first = seen.entry(name.value.clone()).or_insert_with(|| name.span.clone());
        once(|| format!("the {kind} `{}`", name.value), first, &name.span, diagnostics)
    });
}

/// Returns whether `here` is the first place, and reports it if not.
fn once(what: impl Fn() -> String, first: &Span, here: &Span, diagnostics: &mut Vec<Diagnostic>) -> bool {
    if first == here {
        return true;
    }
    diagnostics.push(
        Diagnostic::error("described-twice", format!("{} is described twice", what()))
            .at(here.clone(), "here again")
            .at(first.clone(), "first here"),
    );
    false
}
