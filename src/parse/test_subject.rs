//! Subjects of generic tests: the relations that they apply to.

use serde_json::Value;

/// The relation that a generic test applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestSubject {
    /// A model, seed or snapshot, by name.
    Model(String),
    /// A version of a model, by the model's name and the version.
    Version(String, String),
    /// A source table, by source and table name.
    Source(String, String),
}

impl TestSubject {
    /// Returns the template expression that refers to the subject.
    pub(super) fn call(&self) -> String {
        match self {
            Self::Model(name) => format!("ref({})", literal(name)),
            Self::Version(name, version) => format!("ref({}, version={})", literal(name), literal(version)),
            Self::Source(source, table) => format!("source({}, {})", literal(source), literal(table)),
        }
    }

    /// Returns the argument `model` as dbt's artifacts hold it.
    #[must_use]
    pub fn model_argument(&self) -> String {
        let call = match self {
            Self::Model(name) => format!("ref('{name}')"),
            Self::Version(name, version) => format!("ref('{name}', version='{version}')"),
            Self::Source(source, table) => format!("source('{source}', '{table}')"),
        };
        format!("{{{{ get_where_subquery({call}) }}}}")
    }

    /// Returns what the subject contributes to a test's name: the part before the test's own name, and the
    /// part after it.
    pub(super) fn in_name(&self) -> (&'static str, String) {
        match self {
            Self::Model(name) => ("", name.clone()),
            Self::Version(name, version) => ("", format!("{name}_v{version}")),
            Self::Source(source, table) => ("source_", format!("{source}_{table}")),
        }
    }
}

/// Quotes text as a template literal.
pub(super) fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
