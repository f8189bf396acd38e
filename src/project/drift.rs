//! `on_missing_column:`, `on_new_column:` and `max_rejected:` of sources and their tables: the policy for
//! schema drift.

use super::{
    keys,
    reader::YamlReader,
    yaml::{Yaml, YamlValue},
};
use crate::{diag::Diagnostic, text::Spanned};

/// The drift policy of a source or one of its tables. A table inherits its source's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftDecl {
    /// The policy for a declared column that a file lacks: one of [`ON_MISSING_COLUMN`].
    pub on_missing_column: Option<Spanned<String>>,
    /// The policy for an undeclared column: one of [`ON_NEW_COLUMN`].
    pub on_new_column: Option<Spanned<String>>,
    /// The maximum number of rejected rows in a file.
    pub max_rejected_per_file: Option<LimitDecl>,
    /// The maximum number of rejected rows in a run.
    pub max_rejected_per_run: Option<LimitDecl>,
}

/// A maximum number of rejected rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimitDecl {
    /// A share of the rows read, from 0 to 1.
    Share(f64),
    /// A number of rows.
    Rows(u64),
}

/// The values of `on_missing_column`, starting with the default.
pub const ON_MISSING_COLUMN: &[&str] = &["auto", "fail", "null", "reject_file"];
/// The values of `on_new_column`.
pub const ON_NEW_COLUMN: &[&str] = &["warn", "ignore", "fail", "rescue", "add"];

impl DriftDecl {
    /// Reads the policy from a mapping.
    pub(super) fn of(reader: &mut YamlReader<'_, '_>) -> Self {
        // An unquoted `null` is YAML's null; here it means the setting `null`.
        let on_missing_column = match reader.written("on_missing_column") {
            Some(yaml) if yaml.is_null() => Some(Spanned::new("null".to_owned(), yaml.span.clone())),
            _ => word(reader, "on_missing_column", ON_MISSING_COLUMN),
        };
        let on_new_column = word(reader, "on_new_column", ON_NEW_COLUMN);
        let (max_rejected_per_file, max_rejected_per_run) = max_rejected(reader);
        Self { on_missing_column, on_new_column, max_rejected_per_file, max_rejected_per_run }
    }

    /// Fills the unset settings from `above`.
    #[must_use]
    pub fn or(self, above: &Self) -> Self {
        Self {
            on_missing_column: self.on_missing_column.or_else(|| above.on_missing_column.clone()),
            on_new_column: self.on_new_column.or_else(|| above.on_new_column.clone()),
            max_rejected_per_file: self.max_rejected_per_file.or(above.max_rejected_per_file),
            max_rejected_per_run: self.max_rejected_per_run.or(above.max_rejected_per_run),
        }
    }
}

fn word(reader: &mut YamlReader<'_, '_>, key: &'static str, words: &[&str]) -> Option<Spanned<String>> {
    let written = reader.string(key)?;
    if words.contains(&written.value.as_str()) {
        return Some(written);
    }
    reader.none_of(key, &written, words);
    None
}

/// Reads one limit for both, or a mapping with a limit for each.
fn max_rejected(reader: &mut YamlReader<'_, '_>) -> (Option<LimitDecl>, Option<LimitDecl>) {
    let Some(yaml) = reader.take("max_rejected") else { return (None, None) };
    if !matches!(yaml.value, YamlValue::Map(_)) {
        let limit = limit("max_rejected", yaml, reader.diagnostics());
        return (limit, limit);
    }
    let Some(mut inner) = YamlReader::new(&keys::MAX_REJECTED, yaml, reader.diagnostics()) else {
        return (None, None);
    };
    let mut of = |key: &'static str| {
        let yaml = inner.take(key)?;
        limit(key, yaml, inner.diagnostics())
    };
    let limits = (of("per_file"), of("per_run"));
    inner.finish(None);
    limits
}

fn limit(key: &str, yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<LimitDecl> {
    let limit = match &yaml.value {
        YamlValue::Int(rows) => u64::try_from(*rows).ok().map(LimitDecl::Rows),
        YamlValue::Float(share) => Some(LimitDecl::Share(*share)),
        YamlValue::String(text) => match text.trim().strip_suffix('%') {
            Some(percent) => {
                percent.trim().parse().ok().map(|percent: f64| LimitDecl::Share(percent / 100.0))
            }
            None => None,
        },
        _ => None,
    };
    let limit =
        limit.filter(|limit| !matches!(limit, LimitDecl::Share(share) if !(0.0..=1.0).contains(share)));
    if limit.is_none() {
        let message = format!("`{key}` must be a share such as `10%` or 0.1, or a number of rows");
        diagnostics
            .push(Diagnostic::error("invalid-option", message).at(yaml.span.clone(), "neither of them"));
    }
    limit
}
