//! Typed access to merged settings.

use serde_json::Value;

use super::{
    layer::{Layer, as_list},
    static_analysis::static_analysis,
};
use crate::{diag::Diagnostic, project::StaticAnalysis, text::Spanned};

/// Typed access to merged settings. Values of the wrong type become diagnostics.
pub(super) struct SettingsReader<'a> {
    pub(super) settings: &'a Layer,
    pub(super) findings: Vec<Diagnostic>,
}

impl<'a> SettingsReader<'a> {
    pub(super) fn new(settings: &'a Layer) -> Self {
        Self { settings, findings: Vec::new() }
    }

    /// Returns all settings, for templates and artifacts.
    pub(super) fn all(&self) -> serde_json::Map<String, Value> {
        self.settings.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect()
    }

    pub(super) fn bool(&mut self, key: &str) -> Option<bool> {
        match &self.settings.get(key)?.value {
            Value::Bool(value) => Some(*value),
            Value::Null => None,
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => self.mistyped(key, "true or false"),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match &self.settings.get(key)?.value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            Value::Number(number) => Some(number.to_string()),
            _ => self.mistyped(key, "text"),
        }
    }

    /// Returns a text with its span. An empty text counts as not set, as in dbt.
    pub(super) fn name(&mut self, key: &str) -> Option<Spanned<String>> {
        let name = self.text(key).filter(|name| !name.is_empty())?;
        Some(Spanned::new(name, self.settings.get(key)?.span.clone()))
    }

    pub(super) fn list(&mut self, key: &str) -> Vec<String> {
        let Some(setting) = self.settings.get(key) else { return Vec::new() };
        let items: Option<Vec<String>> =
            as_list(&setting.value).iter().map(|item| item.as_str().map(str::to_string)).collect();
        items.or_else(|| self.mistyped(key, "a name or a list of names")).unwrap_or_default()
    }

    pub(super) fn size(&mut self, key: &str) -> Option<u64> {
        match self.settings.get(key)?.value.as_u64() {
            Some(0) | None => self.mistyped(key, "a number of bytes above 0"),
            size => size,
        }
    }

    pub(super) fn static_analysis(&mut self) -> Option<StaticAnalysis> {
        static_analysis(self.settings).map_err(|found| self.findings.push(found)).ok().flatten()
    }

    pub(super) fn mistyped<T>(&mut self, key: &str, wanted: &str) -> Option<T> {
        self.finding(key, format!("`{key}` takes {wanted}"), |found| found);
        None
    }

    pub(super) fn finding(
        &mut self,
        key: &str,
        message: String,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let mut found = Diagnostic::error("invalid-config", message);
        if let Some(setting) = self.settings.get(key) {
            found = found.at(setting.span.clone(), "");
        }
        self.findings.push(more(found));
    }
}

/// Returns the item that a setting names, and reports an unknown name.
pub(super) fn named<T: Copy>(
    reader: &mut SettingsReader<'_>,
    key: &str,
    things: &[(&'static str, T)],
) -> Option<T> {
    let text = reader.text(key)?.to_lowercase();
    if let Some((_, thing)) = things.iter().find(|(name, _)| *name == text) {
        return Some(*thing);
    }
    let names: Vec<&str> = things.iter().map(|(name, _)| *name).collect();
    let message = format!("`{key}` is one of {}, not `{text}`", names.join(", "));
    reader.finding(key, message, |found| found.near(&text, names.iter().copied()));
    None
}
