//! Criterion resolution: looks up the method of a criterion and compiles its value.

use glob::PatternError;

use super::{
    Indirect,
    comparison::ComparisonTest,
    criterion::{Criterion, GraphOperators},
    matcher::{Matcher, TestType},
    method::SelectionMethod,
    pattern::{Glob, PathGlob, QualifiedName},
    version_stage::VersionStage,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResolvedCriterion {
    /// The span of the criterion, for messages.
    pub(super) span: Span,
    /// The value as written, for messages.
    pub(super) value: String,
    /// The matcher for nodes.
    pub(super) matcher: Matcher,
    /// The relatives to select along with them.
    pub(super) reach: GraphOperators,
    /// The tests to select along with them, if not those of the command.
    pub(super) indirect: Option<Indirect>,
}

/// dbt's resource types, including those that this project doesn't use.
pub(super) const RESOURCE_TYPES: [&str; 12] = [
    "analysis",
    "exposure",
    "function",
    "metric",
    "model",
    "saved_query",
    "seed",
    "semantic_model",
    "snapshot",
    "source",
    "test",
    "unit_test",
];

/// Resolves a criterion.
pub(super) fn resolve(criterion: Criterion) -> Result<ResolvedCriterion, Diagnostic> {
    let matcher = matcher(SelectionMethod::of(&criterion)?, &criterion.value)?;
    let Criterion { span, reach, value, .. } = criterion;
    Ok(ResolvedCriterion { span, value: value.value, matcher, reach, indirect: None })
}

fn matcher(method: SelectionMethod, value: &Spanned<String>) -> Result<Matcher, Diagnostic> {
    let text = value.value.as_str();
    let malformed = |error| malformed(value, &error);
    Ok(match method {
        SelectionMethod::Fqn => Matcher::Fqn(QualifiedName::new(text).map_err(malformed)?),
        SelectionMethod::Path => Matcher::Path(PathGlob::new(text).map_err(malformed)?),
        SelectionMethod::File => Matcher::File(Glob::new(text).map_err(malformed)?),
        SelectionMethod::Tag => Matcher::Tag(Glob::new(text).map_err(malformed)?),
        SelectionMethod::Source => source(value)?,
        SelectionMethod::ResourceType if RESOURCE_TYPES.contains(&text) => {
            Matcher::ResourceType(text.to_owned())
        }
        SelectionMethod::ResourceType => return Err(unknown_type(value)),
        SelectionMethod::Package if text == "this" => Matcher::ThisPackage,
        SelectionMethod::Package => Matcher::Package(Glob::new(text).map_err(malformed)?),
        SelectionMethod::TestName => Matcher::TestName(Glob::new(text).map_err(malformed)?),
        SelectionMethod::TestType => {
            Matcher::TestType(TestType::of(text).ok_or_else(|| unknown_test_type(value))?)
        }
        SelectionMethod::UnitTest => {
            let (package, name) = text.rsplit_once('.').unwrap_or(("*", text));
            Matcher::UnitTest {
                package: Glob::new(package).map_err(malformed)?,
                name: Glob::new(name).map_err(malformed)?,
            }
        }
        SelectionMethod::Exposure => {
            let (package, name) = text.rsplit_once('.').unwrap_or(("*", text));
            Matcher::Exposure {
                package: Glob::new(package).map_err(malformed)?,
                name: Glob::new(name).map_err(malformed)?,
            }
        }
        SelectionMethod::Group => Matcher::Group(Glob::new(text).map_err(malformed)?),
        SelectionMethod::Access => Matcher::Access(text.to_owned()),
        SelectionMethod::State => {
            let state = ComparisonTest::of_state(text);
            Matcher::Compared(state.ok_or_else(|| unknown_value("state", value, &ComparisonTest::states()))?)
        }
        SelectionMethod::Result => Matcher::Compared(ComparisonTest::Result(text.to_owned())),
        SelectionMethod::SourceStatus if text == "fresher" => Matcher::Compared(ComparisonTest::Fresher),
        SelectionMethod::SourceStatus => return Err(unknown_value("source status", value, &["fresher"])),
        SelectionMethod::Version => Matcher::Version(version(value)?),
        SelectionMethod::Config(keys) => Matcher::Config { keys, value: text.to_owned() },
    })
}

/// Parses `source`, `source.table` or `project.source.table`.
fn source(value: &Spanned<String>) -> Result<Matcher, Diagnostic> {
    let parts: Vec<&str> = value.value.split('.').collect();
    let (package, source, table) = match parts[..] {
        [source] => ("*", source, "*"),
        [source, table] => ("*", source, table),
        [package, source, table] => (package, source, table),
        _ => return Err(long_source(value)),
    };
    let glob = |part| Glob::new(part).map_err(|error| malformed(value, &error));
    Ok(Matcher::Source { package: glob(package)?, source: glob(source)?, table: glob(table)? })
}

/// Parses a value of `version:`.
fn version(value: &Spanned<String>) -> Result<Option<VersionStage>, Diagnostic> {
    let stages = [VersionStage::Latest, VersionStage::Prerelease, VersionStage::Old];
    match value.value.as_str() {
        "none" => Ok(None),
        word => stages
            .into_iter()
            .find(|stage| stage.word() == word)
            .map(Some)
            .ok_or_else(|| unknown_value("version", value, &["latest", "prerelease", "old", "none"])),
    }
}

fn malformed(value: &Spanned<String>, error: &PatternError) -> Diagnostic {
    Diagnostic::error("malformed-pattern", format!("`{}` is not a pattern", value.value))
        .at(value.span.clone(), error.msg)
        .note("`*` matches any text, `?` one character, `[abc]` one of these")
}

fn long_source(value: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("malformed-source", format!("`{}` has too many parts for a source", value.value))
        .at(value.span.clone(), "")
        .hint("write `source:name`, `source:name.table` or `source:project.name.table`")
}

fn unknown_value(of: &str, value: &Spanned<String>, known: &[&str]) -> Diagnostic {
    Diagnostic::error("unknown-value", format!("there is no {of} `{}`", value.value))
        .at(value.span.clone(), "")
        .near(&value.value, known.iter().copied())
        .note(format!("the values are {}", known.join(", ")))
}

fn unknown_type(value: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("unknown-resource-type", format!("there is no resource type `{}`", value.value))
        .at(value.span.clone(), "")
        .near(&value.value, RESOURCE_TYPES)
        .note(format!("the types are {}", RESOURCE_TYPES.join(", ")))
}

fn unknown_test_type(value: &Spanned<String>) -> Diagnostic {
    Diagnostic::error("unknown-test-type", format!("there is no type of test `{}`", value.value))
        .at(value.span.clone(), "")
        .near(&value.value, TestType::NAMES)
        .note(format!("the types are {}", TestType::NAMES.join(", ")))
}
