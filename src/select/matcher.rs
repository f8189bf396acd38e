//! Matchers: compiled criteria that test candidates.

use serde_json::Value;

use super::{
    candidate::{Candidate, TestKind},
    comparison::ComparisonTest,
    pattern::{Glob, PathGlob, QualifiedName},
    version_stage::VersionStage,
};
use crate::name::NodeKind;

/// A selection method with its compiled value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Matcher {
    /// `fqn:`, and names without a method. Never matches a source.
    Fqn(QualifiedName),
    /// `path:`.
    Path(PathGlob),
    /// `file:`, with or without the extension.
    File(Glob),
    /// `tag:`.
    Tag(Glob),
    /// `source:`, as project, source and table.
    Source { package: Glob, source: Glob, table: Glob },
    /// `resource_type:`.
    ResourceType(String),
    /// `package:`.
    Package(Glob),
    /// `package:this`: the project itself.
    ThisPackage,
    /// `test_name:`.
    TestName(Glob),
    /// `test_type:`.
    TestType(TestType),
    /// `unit_test:`, as project and name.
    UnitTest { package: Glob, name: Glob },
    /// `exposure:`, as project and name.
    Exposure { package: Glob, name: Glob },
    /// `group:`.
    Group(Glob),
    /// `access:`, which only models have.
    Access(String),
    /// `config.a.b:`; the value is compared as a whole.
    Config { keys: Vec<String>, value: String },
    /// `version:`; `None` for models without versions.
    Version(Option<VersionStage>),
    /// `state:`, `result:` and `source_status:`.
    Compared(ComparisonTest),
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
                    package.matches(candidate.id.package())
                        && source.matches(in_source)
                        && table.matches(name)
                })
            }
            Self::ResourceType(kind) => candidate.id.kind().as_str() == kind,
            Self::Package(package) => package.matches(candidate.id.package()),
            Self::ThisPackage => !candidate.is_installed,
            Self::TestName(name) => candidate.test.as_ref().is_some_and(|test| name.matches(&test.test_name)),
            Self::TestType(wanted) => candidate.test.as_ref().is_some_and(|test| wanted.is(test.kind)),
            Self::UnitTest { package, name } => {
                candidate.test.as_ref().is_some_and(|test| test.kind == TestKind::Unit)
                    && package.matches(candidate.id.package())
                    && name.matches(&candidate.name)
            }
            Self::Exposure { package, name } => {
                candidate.id.kind() == NodeKind::Exposure
                    && package.matches(candidate.id.package())
                    && name.matches(&candidate.name)
            }
            Self::Group(group) => text(candidate, "group").is_some_and(|own| group.matches(own)),
            Self::Access(access) => {
                candidate.id.kind() == NodeKind::Model
                    && text(candidate, "access").unwrap_or("protected") == access
            }
            Self::Version(stage) => candidate.id.kind() == NodeKind::Model && candidate.version == *stage,
            Self::Compared(test) => test.holds(&candidate.comparison),
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

/// The kinds of tests in the selection language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TestType {
    Generic,
    Singular,
    Unit,
    /// Generic and singular.
    Data,
}

impl TestType {
    pub(super) const NAMES: [&str; 5] = ["data", "generic", "schema", "singular", "unit"];

    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "generic" | "schema" => Self::Generic,
            "singular" => Self::Singular,
            "unit" => Self::Unit,
            "data" => Self::Data,
            _ => return None,
        })
    }

    pub(super) fn is(self, kind: TestKind) -> bool {
        match self {
            Self::Generic => kind == TestKind::Generic,
            Self::Singular => kind == TestKind::Singular,
            Self::Unit => kind == TestKind::Unit,
            Self::Data => kind != TestKind::Unit,
        }
    }
}

/// Returns the setting under a path of keys.
pub(super) fn setting<'a>(config: &'a Value, keys: &[String]) -> Option<&'a Value> {
    keys.iter().try_fold(config, |value, key| value.get(key))
}

/// Returns a setting that is text.
pub(super) fn text<'c>(candidate: &'c Candidate, key: &str) -> Option<&'c str> {
    candidate.config.get(key).and_then(Value::as_str)
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
