//! Typed access to a YAML mapping. Missing, mistyped and unknown keys become diagnostics.
//!
//! A mapping's [`Section`] says which keys it has. [`YamlReader::finish`] reports unknown keys, suggests
//! similar names, and warns about keys that have no effect.

use std::collections::BTreeSet;

use super::{
    keys::{Effect, Section},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// A mapping that is being read.
pub(super) struct YamlReader<'y, 'd> {
    section: &'static Section,
    span: Span,
    entries: &'y [(Spanned<String>, Yaml)],
    known: BTreeSet<&'static str>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'y, 'd> YamlReader<'y, 'd> {
    /// Creates a reader of `yaml`. Reports anything but a mapping, and returns `None`. Null counts as an
    /// empty mapping.
    pub(super) fn new(
        section: &'static Section,
        yaml: &'y Yaml,
        diagnostics: &'d mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let entries: &[_] = match &yaml.value {
            YamlValue::Map(entries) => entries,
            YamlValue::Null => &[],
            _ => {
                let message = format!("{} is a mapping of keys to values", section.what);
                diagnostics.push(mismatch(message, yaml));
                return None;
            }
        };
        Some(Self { section, span: yaml.span.clone(), entries, known: BTreeSet::new(), diagnostics })
    }

    /// Returns the list of diagnostics, for readers of nested mappings.
    pub(super) fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        self.diagnostics
    }

    /// Returns a key's value, as written. Null counts as absent.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'y Yaml> {
        self.take_entry(key).map(|(_, value)| value)
    }

    /// Returns a key with its span, and its value.
    pub(super) fn take_entry(&mut self, key: &'static str) -> Option<(&'y Spanned<String>, &'y Yaml)> {
        self.note(key);
        let (name, value) = self.entries.iter().find(|(name, _)| name.value == key)?;
        (!value.is_null()).then_some((name, value))
    }

    /// Returns a key's value, as written, even if it is null, for keys where null has a meaning.
    pub(super) fn written(&mut self, key: &'static str) -> Option<&'y Yaml> {
        self.note(key);
        self.entries.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    /// Returns a key that has been renamed. Reports an error if both names are present.
    pub(super) fn renamed(
        &mut self,
        new: &'static str,
        old: &'static str,
    ) -> Option<(&'y Spanned<String>, &'y Yaml)> {
        let (former, current) = (self.take_entry(old), self.take_entry(new));
        if let (Some((former, _)), Some((current, _))) = (former, current) {
            let finding = Diagnostic::error("duplicate-key", format!("`{old}` and `{new}` are the same"))
                .at(current.span.clone(), "here")
                .at(former.span.clone(), "and here, by its old name")
                .hint(format!("put all of them under `{new}`"));
            self.diagnostics.push(finding);
        }
        current.or(former)
    }

    /// Returns a required key's value, of any type.
    pub(super) fn needed(&mut self, key: &'static str) -> Option<&'y Yaml> {
        let value = self.take(key);
        if value.is_none() {
            let article = if key.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            let message = format!("{} needs {article} `{key}`", self.section.what);
            let label = format!("no `{key}` here");
            self.diagnostics.push(Diagnostic::error("missing-key", message).at(self.span.clone(), label));
        }
        value
    }

    /// Returns a required text.
    pub(super) fn required(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.needed(key)?;
        self.string(key)
    }

    /// Returns a text.
    pub(super) fn string(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let yaml = self.take(key)?;
        match &yaml.value {
            YamlValue::String(text) => Some(Spanned::new(text.clone(), yaml.span.clone())),
            YamlValue::Bool(_) | YamlValue::Int(_) | YamlValue::Float(_) => {
                let hint = format!("put it in quotes: `{key}: \"{}\"`", yaml.span.text());
                let finding = mismatch(format!("`{key}` must be text"), yaml).hint(hint);
                self.diagnostics.push(finding);
                None
            }
            _ => self.wrong(key, "text", yaml),
        }
    }

    /// Returns a text, or a number or boolean as it is spelled (`version: 1.0`).
    pub(super) fn spelled(&mut self, key: &'static str) -> Option<String> {
        let yaml = self.take(key)?;
        match &yaml.value {
            YamlValue::String(text) => Some(text.clone()),
            YamlValue::Bool(_) | YamlValue::Int(_) | YamlValue::Float(_) => Some(yaml.span.text().to_owned()),
            _ => self.wrong(key, "text", yaml),
        }
    }

    /// Returns a positive integer.
    pub(super) fn count(&mut self, key: &'static str) -> Option<usize> {
        let yaml = self.take(key)?;
        match yaml.value {
            YamlValue::Int(number) if number > 0 => usize::try_from(number).ok(),
            _ => self.wrong(key, "a whole number above zero", yaml),
        }
    }

    /// Returns a list of texts. A single text is a list of one, as in dbt.
    pub(super) fn strings(&mut self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let yaml = self.take(key)?;
        strings(key, yaml, self.diagnostics)
    }

    /// Returns a list of anything.
    pub(super) fn list(&mut self, key: &'static str) -> &'y [Yaml] {
        self.take_entry(key).map_or(&[], |entry| self.items(entry))
    }

    /// Returns a list of anything, whose key has been renamed.
    pub(super) fn renamed_list(&mut self, new: &'static str, old: &'static str) -> &'y [Yaml] {
        self.renamed(new, old).map_or(&[], |entry| self.items(entry))
    }

    /// Returns the mapping itself.
    pub(super) fn entries(&self) -> &'y [(Spanned<String>, Yaml)] {
        self.entries
    }

    /// Returns a mapping of anything.
    pub(super) fn map(&mut self, key: &'static str) -> &'y [(Spanned<String>, Yaml)] {
        let Some(yaml) = self.take(key) else { return &[] };
        if let YamlValue::Map(entries) = &yaml.value {
            return entries;
        }
        self.wrong::<()>(key, "a mapping of keys to values", yaml);
        &[]
    }

    /// Notes that a key was requested. The table of keys has to know it.
    fn note(&mut self, key: &'static str) {
        if cfg!(test) {
            assert!(self.section.key(key).is_some(), "{} has no `{key}` in the table", self.section.what);
        }
        self.known.insert(key);
    }

    /// Reports a key whose value isn't one of `words`.
    pub(super) fn none_of(&mut self, key: &str, written: &Spanned<String>, words: &[&str]) {
        let message = format!("`{key}` must be one of {}", words.join(", "));
        let finding = Diagnostic::error("invalid-option", message)
            .at(written.span.clone(), "not one of them")
            .near(&written.value, words.iter().copied());
        self.diagnostics.push(finding);
    }

    /// Reports the keys that weren't requested. `hint` is for those that resemble no known key.
    pub(super) fn finish(self, hint: Option<&str>) {
        self.report_unknown(Diagnostic::error, hint);
    }

    /// Warns about the keys that weren't requested, where dbt takes any key.
    pub(super) fn finish_open(self, hint: &str) {
        self.report_unknown(Diagnostic::warning, Some(hint));
    }

    fn report_unknown(self, severity: fn(&'static str, String) -> Diagnostic, hint: Option<&str>) {
        for (key, value) in self.entries {
            if self.known.contains(key.value.as_str()) {
                continue;
            }
            match self.section.key(&key.value) {
                Some(known) if known.effect == Effect::Ignored && !value.is_null() => {
                    self.diagnostics.push(known.without_effect(&key.span));
                    continue;
                }
                Some(known) if known.effect != Effect::Active => continue,
                _ => {}
            }
            let message = format!("{} has no key `{}`", self.section.what, key.value);
            let mut finding = severity("unknown-key", message)
                .at(key.span.clone(), "unknown")
                .near(&key.value, self.section.keys().map(|known| known.name));
            if let (true, Some(hint)) = (finding.hints.is_empty(), hint) {
                finding = finding.hint(hint);
            }
            self.diagnostics.push(finding);
        }
    }

    fn items(&mut self, (key, yaml): (&Spanned<String>, &'y Yaml)) -> &'y [Yaml] {
        if let YamlValue::Seq(items) = &yaml.value {
            return items;
        }
        self.wrong::<()>(&key.value, "a list", yaml);
        &[]
    }

    fn wrong<T>(&mut self, key: &str, wanted: &str, yaml: &Yaml) -> Option<T> {
        self.diagnostics.push(mismatch(format!("`{key}` must be {wanted}"), yaml));
        None
    }
}

/// Reads a list of texts, or a single one.
pub(super) fn strings(
    key: &str,
    yaml: &Yaml,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<Spanned<String>>> {
    let items = match &yaml.value {
        YamlValue::Seq(items) => items.as_slice(),
        _ => std::slice::from_ref(yaml),
    };
    let mut texts = Vec::new();
    for item in items {
        let Some(text) = item.as_str() else {
            diagnostics.push(mismatch(format!("`{key}` must be a list of texts"), item));
            return None;
        };
        texts.push(Spanned::new(text.to_owned(), item.span.clone()));
    }
    Some(texts)
}

/// Creates the diagnostic for a value of the wrong type.
pub(super) fn mismatch(message: String, yaml: &Yaml) -> Diagnostic {
    Diagnostic::error("wrong-type", message).at(yaml.span.clone(), format!("this is {}", yaml.kind()))
}
