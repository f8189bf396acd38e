//! Warnings for criteria that match no node: suggest similar names and other methods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    candidate::{Candidate, TestKind},
    matcher::{self, Matcher},
    pattern,
    resolve::ResolvedCriterion,
};
use crate::{diag::Diagnostic, name::NodeKind};

/// Returns the warning for a criterion.
pub(super) fn warning(target: &ResolvedCriterion, candidates: &[Candidate]) -> Diagnostic {
    let text = target.span.text();
    let warning =
        Diagnostic::warning("no-match", format!("the selection criterion `{text}` matches no node"))
            .at(target.span.clone(), "");
    if pattern::has_wildcard(&target.value) {
        return warning;
    }
    let value = match target.matcher {
        Matcher::Path(_) => pattern::normal(&target.value),
        _ => target.value.clone(),
    };
    let known: BTreeSet<String> =
        candidates.iter().flat_map(|candidate| comparable(&target.matcher, &value, candidate)).collect();
    let warning = warning.near(&value, known.iter().map(String::as_str));
    match &target.matcher {
        Matcher::Fqn(_) => other_methods(&value, candidates).into_iter().fold(warning, Diagnostic::hint),
        Matcher::Config { keys, .. } if known.is_empty() => {
            warning.note(format!("no node sets `{}`", keys.join(".")))
        }
        _ => warning,
    }
}

/// Returns the values of a candidate that would have matched, in the form of the written value.
fn comparable(matcher: &Matcher, value: &str, candidate: &Candidate) -> Vec<String> {
    match matcher {
        Matcher::Fqn(_) if candidate.source_name.is_some() => Vec::new(),
        Matcher::Fqn(_) if value.contains('.') => {
            vec![candidate.fqn.join("."), candidate.fqn.get(1..).unwrap_or_default().join(".")]
        }
        Matcher::Fqn(_) => vec![candidate.name.clone()],
        Matcher::Path(_) => {
            let folders = candidate.path.match_indices('/').map(|(end, _)| candidate.path[..end].to_owned());
            folders.chain([candidate.path.clone()]).collect()
        }
        Matcher::File(_) => vec![candidate.file().to_owned()],
        Matcher::Tag(_) => candidate.tags.iter().cloned().collect(),
        Matcher::Source { .. } => candidate.source_table().map_or_else(Vec::new, |(source, table)| {
            if value.contains('.') { vec![format!("{source}.{table}")] } else { vec![source.to_owned()] }
        }),
        Matcher::ResourceType(_)
        | Matcher::TestType(_)
        | Matcher::Access(_)
        | Matcher::Version(_)
        | Matcher::Compared(_) => Vec::new(),
        Matcher::Group(_) => matcher::text(candidate, "group").map(str::to_owned).into_iter().collect(),
        Matcher::Package(_) | Matcher::ThisPackage => vec![candidate.id.package().to_owned()],
        Matcher::TestName(_) => candidate.test.iter().map(|test| test.test_name.clone()).collect(),
        Matcher::UnitTest { .. } => match &candidate.test {
            Some(test) if test.kind == TestKind::Unit => vec![candidate.name.clone()],
            _ => Vec::new(),
        },
        Matcher::Exposure { .. } => {
            let is_one = candidate.id.kind() == NodeKind::Exposure;
            is_one.then(|| candidate.name.clone()).into_iter().collect()
        }
        Matcher::Config { keys, .. } => match matcher::setting(&candidate.config, keys) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::Object(entries)) => entries.keys().cloned().collect(),
            Some(other) => vec![other.to_string()],
            None => Vec::new(),
        },
    }
}

/// Suggests other methods for a bare word, which matches only names of models and folders.
fn other_methods(value: &str, candidates: &[Candidate]) -> Vec<String> {
    let mut hints = Vec::new();
    if candidates.iter().any(|candidate| candidate.tags.contains(value)) {
        hints.push(format!("`{value}` is a tag: write `tag:{value}`"));
    }
    let sources: BTreeSet<String> = candidates
        .iter()
        .filter_map(Candidate::source_table)
        .filter_map(|(source, table)| {
            let full = format!("{source}.{table}");
            if source == value {
                Some(source.to_owned())
            } else {
                (table == value || full == value).then_some(full)
            }
        })
        .collect();
    hints.extend(
        sources.iter().take(3).map(|source| format!("`{value}` is a source: write `source:{source}`")),
    );
    hints
}
