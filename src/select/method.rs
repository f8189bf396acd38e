//! Selection methods: the node property that a criterion tests.

use super::criterion::Criterion;
use crate::{diag::Diagnostic, text::Spanned};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SelectionMethod {
    Fqn,
    Path,
    File,
    Tag,
    Source,
    ResourceType,
    Package,
    TestName,
    TestType,
    UnitTest,
    Exposure,
    Group,
    Access,
    State,
    Result,
    SourceStatus,
    Version,
    /// `config.a.b`, with at least one key.
    Config(Vec<String>),
}

/// The names of methods. `selector` is replaced by what the selector means before methods are looked up.
pub(super) const NAMES: [&str; 19] = [
    "access",
    "config",
    "exposure",
    "file",
    "fqn",
    "group",
    "package",
    "path",
    "resource_type",
    "result",
    "selector",
    "source",
    "source_status",
    "state",
    "tag",
    "test_name",
    "test_type",
    "unit_test",
    "version",
];

/// The methods that the page doesn't have: it knows no earlier state.
pub(super) const COMMAND_LINE_ONLY: [&str; 4] = ["result", "source_status", "state", "version"];

/// dbt's methods that have no counterpart here.
pub(super) const NAMES_OF_DBT: [&str; 4] = ["function", "metric", "saved_query", "semantic_model"];

/// The extensions by which a value without a method is taken for a file.
pub(super) const FILE_EXTENSIONS: [&str; 3] = ["sql", "py", "csv"];

impl SelectionMethod {
    /// Returns the criterion's method, or the method that dbt infers from its value.
    pub(super) fn of(criterion: &Criterion) -> Result<Self, Diagnostic> {
        match &criterion.method {
            Some(written) => Self::look_up(written, &criterion.value.value),
            None => Ok(Self::guess(&criterion.value.value)),
        }
    }

    fn guess(value: &str) -> Self {
        let extension = value.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        if value.contains(['/', '\\']) {
            Self::Path
        } else if extension.is_some_and(|extension| FILE_EXTENSIONS.contains(&extension.as_str())) {
            Self::File
        } else {
            Self::Fqn
        }
    }

    fn look_up(written: &Spanned<String>, value: &str) -> Result<Self, Diagnostic> {
        let mut parts = written.value.split('.').map(str::to_owned);
        let name = parts.next().unwrap_or_default();
        let arguments: Vec<String> = parts.collect();
        let method = match name.as_str() {
            "config" if arguments.is_empty() || arguments.iter().any(String::is_empty) => {
                return Err(no_key(written, value));
            }
            "config" => return Ok(Self::Config(arguments)),
            "file" => Self::File,
            "fqn" => Self::Fqn,
            "package" => Self::Package,
            "path" => Self::Path,
            "resource_type" => Self::ResourceType,
            "source" => Self::Source,
            "tag" => Self::Tag,
            "test_name" => Self::TestName,
            "test_type" => Self::TestType,
            "unit_test" => Self::UnitTest,
            "exposure" => Self::Exposure,
            "group" => Self::Group,
            "access" => Self::Access,
            "state" => Self::State,
            "result" => Self::Result,
            "source_status" => Self::SourceStatus,
            "version" => Self::Version,
            name if NAMES_OF_DBT.contains(&name) => return Err(not_here(name, written)),
            name => return Err(unknown(name, written)),
        };
        if arguments.is_empty() { Ok(method) } else { Err(not_dotted(&name, written, value)) }
    }
}

fn unknown(name: &str, written: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("unknown-method", format!("there is no selection method `{name}`"))
        .at(written.span.clone(), "not a method")
        .near(name, NAMES.into_iter().chain(NAMES_OF_DBT))
        .note(format!("the methods are {}", NAMES.join(", ")))
}

fn not_here(name: &str, written: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("unavailable-method", format!("dbt's selection method `{name}` is not available here"))
        .at(written.span.clone(), "")
        .note(format!("the methods are {}", NAMES.join(", ")))
}

fn no_key(written: &Spanned<String>, value: &str) -> Diagnostic {
    Diagnostic::error("config-without-key", "`config` does not say which setting to compare")
        .at(written.span.clone(), "a key is missing")
        .hint(format!("name the setting after a dot, as in `config.materialized:{value}`"))
}

fn not_dotted(name: &str, written: &Spanned<String>, value: &str) -> Diagnostic {
    Diagnostic::error("method-with-key", format!("the selection method `{name}` takes nothing after a dot"))
        .at(written.span.clone(), "")
        .hint(format!("write `{name}:{value}`"))
}
