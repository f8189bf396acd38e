//! `data_tests:` of models, source tables and columns: generic tests with their arguments.
//!
//! ```yaml
//! data_tests:
//!   - not_null                                     # a name
//!   - accepted_values: {values: [a, b]}            # a name with its arguments
//!   - dbt_utils.accepted_range:
//!       arguments: {min_value: 0}                  # or with all settings
//!       config: {severity: warn}
//!   - {test_name: not_null, name: id_is_there}     # the same, with the name as a key
//! ```
//!
//! The macros define which tests exist, and which arguments they take.

use super::{
    common_keys,
    config::ConfigPatch,
    keys,
    reader::{YamlReader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// The configuration keys that may appear next to a test's arguments.
const FLAT_CONFIG: &[&str] = &[
    "alias",
    "database",
    "enabled",
    "error_if",
    "fail_calc",
    "group",
    "limit",
    "meta",
    "on_violation",
    "schema",
    "severity",
    "sql_header",
    "store_failures",
    "store_failures_as",
    "tags",
    "warn_if",
    "where",
];

/// A data test that a properties file declares on a model, a source table or a column.
#[derive(Debug, Clone, PartialEq)]
pub struct TestDecl {
    /// The generic test's name without its namespace: `accepted_range`.
    pub test: Spanned<String>,
    /// The namespace: `dbt_utils` in `dbt_utils.accepted_range`.
    pub namespace: Option<String>,
    /// The custom name.
    pub name: Option<Spanned<String>>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    /// The arguments in order, both those under `arguments:` and those next to it, without duplicates.
    pub arguments: Vec<(Spanned<String>, Yaml)>,
    /// The configuration: `config:`, and the keys next to the arguments.
    pub config: ConfigPatch,
    /// The span of the test's name, for messages.
    pub span: Span,
}

/// Reads `data_tests:` (formerly `tests:`) of the current item.
pub(super) fn list(reader: &mut YamlReader<'_, '_>) -> Vec<TestDecl> {
    let declared = reader.renamed_list("data_tests", "tests");
    declared.iter().filter_map(|item| TestDecl::read(item, reader.diagnostics())).collect()
}

impl TestDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        match &yaml.value {
            YamlValue::String(name) => Self::called(name, &yaml.span, diagnostics),
            YamlValue::Map(entries) if yaml.get("test_name").is_some() => {
                let name = YamlReader::new(&keys::TEST, yaml, diagnostics)?.required("test_name")?;
                let mut test = Self::called(&name.value, &name.span, diagnostics)?;
                let rest = entries.iter().filter(|(key, _)| key.value != "test_name").cloned().collect();
                let body = Yaml { value: YamlValue::Map(rest), span: yaml.span.clone() };
                test.complete(&body, diagnostics);
                Some(test)
            }
            YamlValue::Map(entries) => {
                let [(name, body)] = &entries[..] else {
                    diagnostics.push(several_keys(entries, &yaml.span));
                    return None;
                };
                let mut test = Self::called(&name.value, &name.span, diagnostics)?;
                test.complete(body, diagnostics);
                Some(test)
            }
            _ => {
                let message = "a test is its name, or its name with a mapping of arguments".to_owned();
                diagnostics.push(mismatch(message, yaml));
                None
            }
        }
    }

    /// Creates the test with this name, without arguments or configuration.
    fn called(written: &str, span: &Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let (namespace, name) = match written.split_once('.') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, written),
        };
        if ![namespace.unwrap_or("_"), name].into_iter().all(is_identifier) {
            let finding = Diagnostic::error("invalid-name", format!("`{written}` can't be a test's name"))
                .at(span.clone(), "neither `name` nor `package.name`");
            diagnostics.push(finding);
            return None;
        }
        Some(Self {
            test: Spanned::new(name.to_owned(), span.clone()),
            namespace: namespace.map(str::to_owned),
            name: None,
            description: None,
            arguments: Vec::new(),
            config: ConfigPatch::default(),
            span: span.clone(),
        })
    }

    /// Adds the settings below the test's name.
    fn complete(&mut self, body: &Yaml, diagnostics: &mut Vec<Diagnostic>) {
        if !matches!(body.value, YamlValue::Map(_) | YamlValue::Null) {
            let message = format!("the arguments of `{}` must be a mapping", self.test.value);
            let hint = format!("name the argument: `- {}: {{argument: value}}`", self.span.text());
            diagnostics.push(mismatch(message, body).hint(hint));
            return;
        }
        let Some(mut reader) = YamlReader::new(&keys::TEST, body, diagnostics) else { return };
        self.name = reader.string("name");
        self.description = reader.string("description");
        self.config = common_keys::config(&mut reader);
        let below = reader.map("arguments");
        for (key, value) in reader.entries() {
            let findings = match key.value.as_str() {
                "config" | "description" | "name" => Vec::new(),
                "arguments" => below.iter().filter_map(|(key, value)| self.argue(key, value)).collect(),
                own if FLAT_CONFIG.contains(&own) => self.configure(key, value).into_iter().collect(),
                _ => self.argue(key, value).into_iter().collect(),
            };
            reader.diagnostics().extend(findings);
        }
    }

    /// Adds configuration from next to the arguments. Returns an error if `config:` has the same key.
    fn configure(&mut self, key: &Spanned<String>, value: &Yaml) -> Option<Diagnostic> {
        let Some(other) = self.config.entries.get(&key.value) else {
            self.config.or_insert(&key.value, value);
            return None;
        };
        let message = format!("`{}` of the test is given twice", key.value);
        let finding = Diagnostic::error("duplicate-key", message)
            .at(key.span.clone(), "here")
            .at(other.span.clone(), "and here, under `config`");
        Some(finding)
    }

    /// Adds an argument. Returns an error if it is a duplicate.
    fn argue(&mut self, key: &Spanned<String>, value: &Yaml) -> Option<Diagnostic> {
        let Some((other, _)) = self.arguments.iter().find(|(name, _)| name.value == key.value) else {
            self.arguments.push((key.clone(), value.clone()));
            return None;
        };
        let message = format!("the argument `{}` of the test is given twice", key.value);
        let finding = Diagnostic::error("duplicate-key", message)
            .at(key.span.clone(), "here again")
            .at(other.span.clone(), "first here");
        Some(finding)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Returns a diagnostic that guesses the intent of a mapping with several keys, or none.
fn several_keys(entries: &[(Spanned<String>, Yaml)], span: &Span) -> Diagnostic {
    let finding = Diagnostic::error("test-form", "a test is one name, with its arguments below that name");
    let [(first, value), second, ..] = entries else {
        return finding.at(span.clone(), "no name here").hint("write `- not_null`");
    };
    let (key, name) = (&second.0, &first.value);
    if value.is_null() {
        let form = format!("- {name}: {{{}: …}}", key.value);
        return finding
            .at(key.span.clone(), format!("this is next to `{name}`, not below it"))
            .hint(format!("indent it further than `{name}`, or write `{form}`"));
    }
    finding.at(key.span.clone(), "a second key").hint(format!(
        "if `{}` is a test too, give it a `- ` of its own; if these are one test's arguments, add `test_name: …`",
        key.value
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{project::parse, text::Source};

    /// Compares the test as text: `namespace.test "name" (arguments) {config}`.
    fn check(item: &str, expect: &str) {
        let mut diagnostics = Vec::new();
        let yaml = parse::yaml(&Source::new("x.yml", item), &mut diagnostics).unwrap();
        let test = TestDecl::read(&yaml, &mut diagnostics).unwrap();
        assert_eq!(diagnostics, [], "{item}");
        let namespace = test.namespace.map(|namespace| format!("{namespace}.")).unwrap_or_default();
        let name = test.name.map(|name| format!(" {:?}", name.value)).unwrap_or_default();
        let arguments: Vec<_> =
            test.arguments.iter().map(|(key, yaml)| (&key.value, yaml.to_json())).collect();
        let arguments: Vec<_> = arguments.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let config = test.config.entries.iter().map(|(key, value)| format!(" {key}={}", value.to_json()));
        let config: String = config.collect();
        let shown = format!("{namespace}{}{name} ({}){config}", test.test.value, arguments.join(", "));
        assert_eq!(shown, expect, "{item}");
    }

    #[test]
    fn every_form_is_read() {
        check("not_null", "not_null ()");
        check("not_null:", "not_null ()");
        check("dbt_utils.not_constant", "dbt_utils.not_constant ()");
        check("accepted_values: {values: [a, 1]}", r#"accepted_values (values=["a",1])"#);
        check(
            "accepted_values: {quote: no, arguments: {values: [a]}, config: {severity: warn}, name: x, where: b}",
            r#"accepted_values "x" (quote=false, values=["a"]) severity="warn" where="b""#,
        );
        check(
            "{name: x, test_name: p.range, min: 1, arguments: {max: 2}, on_violation: set_aside}",
            r#"p.range "x" (min=1, max=2) on_violation="set_aside""#,
        );
        check("unique: {column_name: a || b, arguments: , config: }", r#"unique (column_name="a || b")"#);
    }

    #[test]
    fn a_test_is_where_its_name_is_written() {
        let source = Source::new("x.yml", "- {where: x, test_name: p.unique}\n- p.range: {}\n- not_null\n");
        let mut diagnostics = Vec::new();
        let yaml = parse::yaml(&source, &mut diagnostics).unwrap();
        let YamlValue::Seq(items) = &yaml.value else { panic!("a list") };
        let tests = items.iter().filter_map(|item| TestDecl::read(item, &mut diagnostics));
        let places: Vec<_> = tests.map(|test| test.span.text().to_owned()).collect();
        assert_eq!(places, ["p.unique", "p.range", "not_null"]);
    }
}
