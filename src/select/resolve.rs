//! Criterion resolution: looks up the method of a criterion and compiles its value.

use glob::PatternError;

use super::{
    Indirect,
    criterion::{Criterion, GraphOperators},
    matcher::{Matcher, TestType},
    method::SelectionMethod,
    pattern::{Glob, PathGlob, QualifiedName},
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
