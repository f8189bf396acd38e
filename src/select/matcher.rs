//! A method that is known and its value: says yes or no to a candidate.

use serde_json::Value;

use super::{
    candidate::Candidate,
    pattern::{Glob, PathGlob, QualifiedName},
};

/// One of the methods, with the value ready to compare.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Matcher {
    /// `fqn:`, and names without a method. Never a source.
    Fqn(QualifiedName),
    /// `path:`.
    Path(PathGlob),
    /// `file:`, with the extension or without.
    File(Glob),
    /// `tag:`.
    Tag(Glob),
    /// `source:`, as a project, a source and a table.
    Source { package: Glob, source: Glob, table: Glob },
    /// `resource_type:`.
    ResourceType(String),
    /// `package:`.
    Package(Glob),
    /// `config.a.b:`, the value compared as a whole.
    Config { keys: Vec<String>, value: String },
}

impl Matcher {
    pub(super) fn matches(&self, candidate: &Candidate) -> bool {
        match self {
            Self::Fqn(name) => candidate.source_name.is_none() && name.matches(candidate),
            Self::Path(path) => path.matches(&candidate.path),
            Self::File(name) => {
                let file = candidate.file();
                name.matches(file) || file.rsplit_once('.').is_some_and(|(stem, _)| name.matches(stem))
            }
            Self::Tag(tag) => candidate.tags.iter().any(|one| tag.matches(one)),
            Self::Source { package, source, table } => {
                candidate.source_table().is_some_and(|(in_source, name)| {
                    package.matches(&candidate.package) && source.matches(in_source) && table.matches(name)
                })
            }
            Self::ResourceType(kind) => candidate.resource_type == kind,
            Self::Package(package) => package.matches(&candidate.package),
            Self::Config { keys, value } => setting(&candidate.config, keys).is_some_and(|found| {
                let any_case = *keys == ["severity"];
                match found {
                    Value::Array(items) => items.iter().any(|item| equals(item, value, any_case)),
                    Value::Object(entries) => entries.contains_key(value),
                    one => equals(one, value, any_case),
                }
            }),
        }
    }
}

/// The setting under a path of keys.
pub(super) fn setting<'a>(config: &'a Value, keys: &[String]) -> Option<&'a Value> {
    keys.iter().try_fold(config, |value, key| value.get(key))
}

fn equals(found: &Value, wanted: &str, any_case: bool) -> bool {
    match found {
        Value::String(text) if any_case => text.eq_ignore_ascii_case(wanted),
        Value::String(text) => text == wanted,
        Value::Bool(flag) => wanted.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        Value::Number(number) => number.to_string() == wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}
