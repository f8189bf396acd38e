//! Data tests as templates: a generic test's declaration stands for a call of its macro, a singular test is a file.

use serde_json::{Map, Value};

use super::{
    captures,
    template::{self, literal},
    test_name,
};
use crate::{
    diag::{Diagnostic, Label},
    jinja::{Captures, GenericTest, Jinja, is_builtin},
    name::NodeId,
    project::{ColumnDecl, ConfigPatch, Project, TestDecl, TestFile, Yaml},
    text::{Source, Span, Spanned},
};

/// A data test whose template was rendered once.
#[derive(Debug, Clone)]
pub struct ParsedTest {
    /// Its id.
    pub id: NodeId,
    /// Its name, as long as it is.
    pub name: String,
    /// The same, short enough for a file or a table.
    pub short_name: String,
    /// What selects the rows that should not be.
    pub template: Source,
    /// Where the user asked for it: what messages point at.
    pub declared: Span,
    /// What the user says of it.
    pub description: Option<Spanned<String>>,
    /// What it asked for.
    pub captures: Captures,
    /// How its properties configure it.
    pub config: ConfigPatch,
    /// Whether it is a file or a declaration.
    pub kind: TestKind,
}

/// The two ways in which a data test comes about.
#[derive(Debug, Clone)]
pub enum TestKind {
    /// A file of SQL, and the folders it lies in.
    Singular(Vec<String>),
    /// A generic test, asked for by properties.
    Generic(Generic),
}

/// A generic test and what it is asked of.
#[derive(Debug, Clone)]
pub struct Generic {
    /// The test's name, without its package.
    pub test: String,
    /// The package that was named.
    pub namespace: Option<String>,
    /// What it tests.
    pub subject: Subject,
    /// The column that it is declared on.
    pub column: Option<Spanned<String>>,
    /// The arguments as written.
    pub arguments: Map<String, Value>,
}

/// What a generic test tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A model, a seed or a snapshot by its name.
    Model(String),
    /// A table of a source.
    Source(String, String),
}

impl Subject {
    /// What a template writes to mean it.
    pub(super) fn call(&self) -> String {
        match self {
            Self::Model(name) => format!("ref({})", literal(name)),
            Self::Source(source, table) => format!("source({}, {})", literal(source), literal(table)),
        }
    }

    /// What it adds to a test's name: what goes before the test's own, and what goes behind.
    fn in_name(&self) -> (&'static str, String) {
        match self {
            Self::Model(name) => ("", name.clone()),
            Self::Source(source, table) => ("source_", format!("{source}_{table}")),
        }
    }
}

/// The project's data tests, their templates written and not yet rendered.
pub(super) fn declared(project: &Project, jinja: &Jinja, findings: &mut Vec<Diagnostic>) -> Vec<ParsedTest> {
    let mut writer = Writer { project: &project.settings.name.value, jinja, findings, tests: Vec::new() };
    let described =
        project.properties.iter().chain(&project.seed_properties).chain(&project.snapshot_properties);
    for properties in described {
        let subject = Subject::Model(properties.name.value.clone());
        writer.all(&subject, &properties.data_tests, &properties.columns);
    }
    for source in &project.sources {
        for table in &source.tables {
            let subject = Subject::Source(source.name.value.clone(), table.name.value.clone());
            writer.all(&subject, &table.data_tests, &table.columns);
        }
    }
    for file in &project.tests {
        writer.singular(file, project);
    }
    writer.tests
}

impl ParsedTest {
    /// The test with what its template asks for.
    pub(super) fn rendered(&self, jinja: &Jinja) -> Result<Self, Diagnostic> {
        let captures = captures(jinja, &self.template, &self.name, &self.id, None);
        Ok(Self { captures: captures.map_err(|found| self.in_users_terms(found))?, ..self.clone() })
    }

    /// A finding about the template of a generic test, which nobody wrote, as one about its declaration.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if matches!(self.kind, TestKind::Generic(_)) {
            at_declaration(&mut found, &self.template, &self.declared);
        }
        found
    }
}

/// Puts the places in a finding that nobody wrote, those in a template made from a declaration and those in what every
/// project has, where the declaration is.
pub fn at_declaration(found: &mut Diagnostic, template: &Source, declared: &Span) {
    let unwritten = |span: &Span| span.source == *template || is_builtin(span);
    if found.labels.iter().any(|label| unwritten(&label.span)) {
        found.labels.retain(|label| !unwritten(&label.span));
        found.labels.insert(0, Label { span: declared.clone(), message: String::new() });
    }
}

struct Writer<'a> {
    project: &'a str,
    jinja: &'a Jinja,
    findings: &'a mut Vec<Diagnostic>,
    tests: Vec<ParsedTest>,
}

impl Writer<'_> {
    fn all(&mut self, subject: &Subject, tests: &[TestDecl], columns: &[ColumnDecl]) {
        for test in tests {
            self.generic(subject, None, test);
        }
        for column in columns {
            for test in &column.data_tests {
                self.generic(subject, Some(&column.name), test);
            }
        }
    }

    fn generic(&mut self, subject: &Subject, column: Option<&Spanned<String>>, declared: &TestDecl) {
        let generic = match self.find(declared) {
            Ok(generic) => generic,
            Err(found) => return self.findings.push(found),
        };
        if let Some(found) = misfit(&generic, column.is_some(), declared) {
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
        let metadata = serde_json::json!({
            "name": declared.test.value, "namespace": declared.namespace, "of": subject.call(), "kwargs": arguments,
            "where": declared.config.entries.get("where").map(Yaml::to_json),
        });
        let id = NodeId::generic_test(self.project, &name, &test_name::hash(&name, &metadata));
        let path = declared.span.source.path();
        self.add(ParsedTest {
            id,
            short_name: test_name::short(&name, &prefix, &of),
            name,
            template: Source::new(path, template::call(subject, column, declared)),
            declared: declared.span.clone(),
            description: declared.description.clone(),
            captures: Captures::default(),
            config: declared.config.clone(),
            kind: TestKind::Generic(Generic {
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
            kind: TestKind::Singular(file.fqn_folders.clone()),
        });
    }

    fn add(&mut self, test: ParsedTest) {
        self.tests.push(test);
    }

    /// The generic test that a declaration names, or what is wrong with the name.
    fn find(&self, declared: &TestDecl) -> Result<GenericTest, Diagnostic> {
        let name = &declared.test.value;
        let known = self.jinja.generic_test(name);
        let found = match (&declared.namespace, known) {
            (None, Some(known)) => return Ok(known),
            // A package's test may be one that is built in here.
            (Some(package), Some(known)) if package == self.project || known.builtin => return Ok(known),
            (Some(package), _) if package != self.project => {
                let message = format!("there is no generic test `{package}.{name}`");
                Diagnostic::error("unknown-test", message)
                    .note("packages are not installed; the generic tests that most projects install them for are built in")
            }
            _ => Diagnostic::error("unknown-test", format!("there is no generic test `{name}`")),
        };
        let names = self.jinja.generic_tests();
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

/// What is wrong with the arguments of a generic test.
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
    let missing = generic.parameters.iter().skip(1).find(|it| it.required && !given(&it.name))?;
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
