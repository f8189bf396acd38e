//! Data tests as templates: a generic test's declaration becomes a call of its macro, and a singular test is
//! a file.

use std::collections::{HashMap, hash_map::Entry};

use serde_json::{Map, Value, json};

use super::{placeholder::captures, template, test_name, test_subject::TestSubject};
use crate::{
    diag::{Diagnostic, Label},
    jinja::{Captures, GenericTest, Jinja, is_builtin, missing_package},
    name::NodeId,
    project::{ColumnDecl, ConfigPatch, Project, TestDecl, TestFile, Yaml},
    text::{Source, Span, Spanned},
};

/// A data test, with the captures of rendering its template once.
#[derive(Debug, Clone)]
pub struct ParsedTest {
    /// The test's id.
    pub id: NodeId,
    /// The full name, of any length.
    pub name: String,
    /// The name shortened for use as a file or table name.
    pub short_name: String,
    /// The template of the query that selects failing rows.
    pub template: Source,
    /// The span of the declaration, which messages point at.
    pub declared: Span,
    pub description: Option<Spanned<String>>,
    /// The captures of rendering the template.
    pub captures: Captures,
    /// The configuration from the test's properties.
    pub config: ConfigPatch,
    /// The tags of its column, its source and its source's table.
    pub tags: Vec<String>,
    /// Whether the test is singular or generic.
    pub kind: ParsedTestKind,
}

/// The kind of a data test.
#[derive(Debug, Clone)]
pub enum ParsedTestKind {
    /// A singular test: an SQL file, with the folders that contain it.
    Singular(Vec<String>),
    /// A generic test, declared in properties.
    Generic(Generic),
}

/// A generic test and its target.
#[derive(Debug, Clone)]
pub struct Generic {
    /// The test's name, without its package.
    pub test: String,
    /// The package given in the declaration.
    pub namespace: Option<String>,
    /// The tested relation.
    pub subject: TestSubject,
    /// The column that the test is declared on.
    pub column: Option<Spanned<String>>,
    /// The arguments as written.
    pub arguments: Map<String, Value>,
}

/// Returns the project's data tests, with their templates generated but not yet rendered.
pub(super) fn declared(project: &Project, jinja: &Jinja, findings: &mut Vec<Diagnostic>) -> Vec<ParsedTest> {
    let mut writer = TestWriter {
        project: &project.settings.name.value,
        jinja,
        findings,
        conditions: HashMap::new(),
        tests: Vec::new(),
    };
    let described =
        project.properties.iter().chain(&project.seed_properties).chain(&project.snapshot_properties);
    for properties in described {
        let subject = match &properties.version {
            Some(version) => TestSubject::Version(version.model.clone(), version.label()),
            None => TestSubject::Model(properties.name.value.clone()),
        };
        writer.all(&subject, &[], &properties.data_tests, &properties.columns);
    }
    for source in &project.sources {
        for table in &source.tables {
            let subject = TestSubject::Source(source.name.value.clone(), table.name.value.clone());
            let tags: Vec<String> = values(source.tags.iter().chain(&table.tags));
            writer.all(&subject, &tags, &table.data_tests, &table.columns);
        }
    }
    for file in &project.tests {
        writer.singular(file, project);
    }
    writer.tests
}

impl ParsedTest {
    /// Renders the template and returns the test with its captures.
    pub(super) fn rendered(&self, jinja: &Jinja) -> Result<Self, Diagnostic> {
        let captures = captures(jinja, &self.template, &self.name, &self.id, None);
        Ok(Self { captures: captures.map_err(|found| self.in_users_terms(found))?, ..self.clone() })
    }

    /// Moves a diagnostic about a generic test's generated template to the test's declaration.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if matches!(self.kind, ParsedTestKind::Generic(_)) {
            at_declaration(&mut found, &self.template, &self.declared);
        }
        found
    }
}

/// Replaces a diagnostic's labels in text that the user didn't write (`template`, generated from a
/// declaration, and built-in macros) with one at the declaration.
pub fn at_declaration(found: &mut Diagnostic, template: &Source, declared: &Span) {
    let unwritten = |span: &Span| span.source == *template || is_builtin(span);
    if found.labels.iter().any(|label| unwritten(&label.span)) {
        found.labels.retain(|label| !unwritten(&label.span));
        found.labels.insert(0, Label { span: declared.clone(), message: String::new() });
    }
}

fn values<'a>(spanned: impl IntoIterator<Item = &'a Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(|text| text.value.clone()).collect()
}

struct TestWriter<'a> {
    project: &'a str,
    jinja: &'a Jinja,
    findings: &'a mut Vec<Diagnostic>,
    /// The condition of the first test of each id.
    conditions: HashMap<NodeId, Option<Value>>,
    tests: Vec<ParsedTest>,
}

impl TestWriter<'_> {
    /// Adds the tests of a table and of its columns. `tags` are those that the tests inherit.
    fn all(&mut self, subject: &TestSubject, tags: &[String], tests: &[TestDecl], columns: &[ColumnDecl]) {
        for test in tests {
            self.generic(subject, None, tags.to_vec(), test);
        }
        for column in columns {
            let tags = [tags, &values(&column.tags)].concat();
            for test in &column.data_tests {
                self.generic(subject, Some(&column.name), tags.clone(), test);
            }
        }
    }

    fn generic(
        &mut self,
        subject: &TestSubject,
        column: Option<&Spanned<String>>,
        tags: Vec<String>,
        declared: &TestDecl,
    ) {
        let found = match self.find(declared) {
            Ok(found) => found,
            Err(found) => return self.findings.push(found),
        };
        if let Some(found) = misfit(&found, column.is_some(), declared) {
            return self.findings.push(found);
        }
        let mut arguments = Map::new();
        if let Some(column) = column {
            arguments.insert("column_name".into(), column.value.as_str().into());
        }
        arguments
            .extend(declared.arguments.iter().map(|(name, value)| (name.value.clone(), value.to_json())));
        let (before, of) = subject.in_name();
        let package = declared.namespace.as_ref().map(|name| format!("{name}_")).unwrap_or_default();
        let prefix = format!("{before}{package}{}", declared.test.value);
        let full = test_name::full(&prefix, &of, &arguments);
        let name = declared.name.as_ref().map_or(full, |name| name.value.clone());
        let id = self.id(&name, declared, subject, &arguments);
        self.add(ParsedTest {
            id,
            short_name: test_name::short(&name, &prefix, &of),
            name,
            template: declared.span.source.with_text(template::call(&found.call, subject, column, declared)),
            declared: declared.span.clone(),
            description: declared.description.clone(),
            captures: Captures::default(),
            config: declared.config.clone(),
            tags,
            kind: ParsedTestKind::Generic(Generic {
                test: declared.test.value.clone(),
                namespace: declared.namespace.clone(),
                subject: subject.clone(),
                column: column.cloned(),
                arguments,
            }),
        });
    }

    fn singular(&mut self, file: &TestFile, project: &Project) {
        let properties = project.test_properties.iter().find(|it| it.name.value == file.name);
        self.add(ParsedTest {
            id: NodeId::singular_test(self.project, &file.name),
            name: file.name.clone(),
            short_name: file.name.clone(),
            template: file.source.clone(),
            declared: file.source.span(0..0),
            description: properties.and_then(|it| it.description.clone()),
            captures: Captures::default(),
            config: properties.map(|it| it.config.clone()).unwrap_or_default(),
            tags: Vec::new(),
            kind: ParsedTestKind::Singular(file.fqn_folders.clone()),
        });
    }

    /// Returns dbt's id of a generic test. Tests that differ only in `where`, which dbt rejects, have ids of
    /// their own.
    fn id(
        &mut self,
        name: &str,
        declared: &TestDecl,
        subject: &TestSubject,
        arguments: &Map<String, Value>,
    ) -> NodeId {
        let mut kwargs = arguments.clone();
        kwargs.insert("model".to_owned(), subject.model_argument().into());
        let mut metadata =
            json!({ "namespace": declared.namespace, "name": declared.test.value, "kwargs": kwargs });
        let condition = declared.config.entries.get("where").map(Yaml::to_json);
        let id = NodeId::generic_test(self.project, name, &test_name::hash(name, &metadata));
        match self.conditions.entry(id) {
            Entry::Vacant(slot) => {
                let id = slot.key().clone();
                slot.insert(condition);
                id
            }
            Entry::Occupied(first) if *first.get() == condition => first.key().clone(),
            Entry::Occupied(_) => {
                metadata["where"] = condition.into();
                NodeId::generic_test(self.project, name, &test_name::hash(name, &metadata))
            }
        }
    }

    fn add(&mut self, test: ParsedTest) {
        self.tests.push(test);
    }

    /// Looks up the generic test that a declaration names, or returns a diagnostic.
    fn find(&self, declared: &TestDecl) -> Result<GenericTest, Diagnostic> {
        let name = &declared.test.value;
        let package = declared.namespace.as_deref();
        if let Some(known) = self.jinja.generic_test(package, name) {
            return Ok(known);
        }
        let full = package.map_or_else(|| name.clone(), |package| format!("{package}.{name}"));
        let found = Diagnostic::error("unknown-test", format!("there is no generic test `{full}`"));
        if let Some(package) = package.filter(|package| !self.jinja.has_package(package)) {
            let found = found.at(declared.test.span.clone(), "not found");
            let note = format!("the package `{package}` is not installed");
            return Err(found.note(note).hint(missing_package(package)));
        }
        let names = self.jinja.generic_tests(package);
        let found = found.at(declared.test.span.clone(), "not found").near(name, names.iter().copied());
        Err(if found.hints.is_empty() {
            found.note(format!("the generic tests: {}", names.join(", "))).hint(format!(
                "a project's own is declared by `{{% test {name}(model, column_name) %}}` in a macro file"
            ))
        } else {
            found
        })
    }
}

/// Checks the arguments of a generic test, and returns a diagnostic if they don't fit.
fn misfit(generic: &GenericTest, on_column: bool, declared: &TestDecl) -> Option<Diagnostic> {
    let names: Vec<&str> =
        generic.parameters.iter().skip(1).map(|parameter| parameter.name.as_str()).collect();
    let test = &declared.test.value;
    let takes = || format!("`{test}` takes {}", names.join(", "));
    if on_column && !generic.takes_kwargs && !names.contains(&"column_name") {
        let message = format!("the test `{test}` is of a whole table, and is declared on a column");
        let found = Diagnostic::error("test-argument", message).at(declared.span.clone(), "");
        return Some(found.note(takes()).hint("declare it under the `data_tests:` of the table itself"));
    }
    let unknown = declared.arguments.iter().find(|(name, _)| !names.contains(&name.value.as_str()));
    if let Some((name, _)) = unknown.filter(|_| !generic.takes_kwargs) {
        let found =
            Diagnostic::error("test-argument", format!("the test `{test}` has no argument `{}`", name.value))
                .at(name.span.clone(), "unknown")
                .near(&name.value, names.iter().copied());
        return Some(found.note(takes()));
    }
    let given = |name: &str| {
        (on_column && name == "column_name")
            || declared.arguments.iter().any(|(argument, _)| argument.value == name)
    };
    // As in dbt, an argument that isn't given is undefined; the built-in tests can do nothing without theirs.
    let mut needed = generic.parameters.iter().skip(1).filter(|_| generic.builtin);
    let missing = needed.find(|it| it.required && !given(&it.name))?;
    let found = Diagnostic::error(
        "test-argument",
        format!("the test `{test}` needs the argument `{}`", missing.name),
    )
    .at(declared.span.clone(), "")
    .note(takes());
    Some(if missing.name == "column_name" {
        found.hint("declare it on a column, or name the column: `arguments: {column_name: …}`")
    } else {
        found
    })
}
