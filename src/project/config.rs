//! Declared configuration: layers of keys, not yet merged.
//!
//! A [`ConfigPatch`] is one layer. A [`ConfigTree`] is a section of `project.yml` such as `models:`, whose
//! nesting follows the folders. The manifest decides which layer wins and which values are valid.

use std::collections::BTreeMap;

use super::{
    keys,
    yaml::{Yaml, YamlValue},
};
use crate::diag::Diagnostic;

/// One layer of configuration: keys without their `+` and with hyphens as underscores, and values as written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigPatch {
    /// The keys and their values.
    pub entries: BTreeMap<String, Yaml>,
}

impl ConfigPatch {
    /// Reads a `config:` mapping.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let YamlValue::Map(entries) = &yaml.value else {
            if !yaml.is_null() {
                diagnostics.push(super::reader::mismatch("`config` must be a mapping".to_owned(), yaml));
            }
            return Self::default();
        };
        Self { entries: entries.iter().map(|(key, value)| (name(&key.value), value.clone())).collect() }
    }

    /// Adds a key that may also be set outside `config:`. A value in `config:` wins.
    pub(super) fn or_insert(&mut self, key: &str, value: &Yaml) {
        self.entries.entry(key.to_owned()).or_insert_with(|| value.clone());
    }
}

/// Normalizes a key.
fn name(key: &str) -> String {
    key.strip_prefix('+').unwrap_or(key).replace('-', "_")
}

/// A section of the project file such as `models:`, with configuration for everything below a folder.
///
/// A key is configuration if it begins with `+`, if its value isn't a mapping, or if its value is always a
/// mapping (`meta`, `docs`, …). So a folder named `meta` can't be configured here, as in dbt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigTree {
    /// The configuration at this level.
    pub here: ConfigPatch,
    /// The subfolders. At the top level also the project's name.
    pub children: BTreeMap<String, ConfigTree>,
}

impl ConfigTree {
    /// Reads the section with this name.
    pub(super) fn read(section: &str, yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut tree = Self::default();
        let YamlValue::Map(entries) = &yaml.value else {
            if !yaml.is_null() {
                diagnostics.push(super::reader::mismatch(format!("`{section}` must be a mapping"), yaml));
            }
            return tree;
        };
        for (key, value) in entries {
            let name = name(&key.value);
            let folder = matches!(value.value, YamlValue::Map(_))
                && !key.value.starts_with('+')
                && !keys::of_config(&name).is_some_and(|key| key.is_mapping);
            if folder {
                tree.children.insert(key.value.clone(), Self::read(section, value, diagnostics));
            } else if value.is_null() && !key.value.starts_with('+') && keys::of_config(&name).is_none() {
                // A folder whose settings are all commented out.
            } else if tree.here.entries.insert(name.clone(), value.clone()).is_some() {
                let message = format!("`{name}` is configured twice at the same level");
                let finding = Diagnostic::error("duplicate-key", message).at(key.span.clone(), "here again");
                diagnostics.push(finding.hint("`+key`, `key` and their spellings with hyphens are the same"));
            }
        }
        tree
    }

    /// Returns the layers that apply to a path of folders and a name in a package, outermost first. The tree
    /// may have the package's name at its top level, or begin directly with the folders.
    #[must_use]
    pub fn layers(&self, package: &str, path: &[&str]) -> Vec<&ConfigPatch> {
        let mut layers = self.below(path);
        if let Some(own) = self.children.get(package) {
            layers.extend(own.below(path));
        }
        layers
    }

    /// Returns the layers of this project's tree that apply to a node of one of its packages: those of the
    /// whole section, and those under the package's name.
    #[must_use]
    pub fn layers_of_package(&self, package: &str, path: &[&str]) -> Vec<&ConfigPatch> {
        let own = self.children.get(package).map(|tree| tree.below(path)).unwrap_or_default();
        std::iter::once(&self.here).chain(own).collect()
    }

    fn below(&self, path: &[&str]) -> Vec<&ConfigPatch> {
        let mut layers = vec![&self.here];
        let mut level = self;
        for part in path {
            let Some(next) = level.children.get(*part) else { break };
            layers.push(&next.here);
            level = next;
        }
        layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{project::parse, text::Source};

    fn tree(text: &str) -> (ConfigTree, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let yaml = parse::yaml(&Source::new("project.yml", text), &mut diagnostics).unwrap();
        (ConfigTree::read("models", &yaml, &mut diagnostics), diagnostics)
    }

    fn check(text: &str, fqn: &[&str], expect: &[&str]) {
        let (tree, diagnostics) = tree(text);
        assert_eq!(diagnostics, []);
        let layers: Vec<String> = tree
            .layers(fqn[0], &fqn[1..])
            .iter()
            .filter(|layer| !layer.entries.is_empty())
            .map(|layer| {
                let entries = layer.entries.iter().map(|(key, value)| format!("{key}={}", value.to_json()));
                entries.collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(layers, expect, "{text}");
    }

    #[test]
    fn layers_run_from_the_outermost_to_the_innermost() {
        let text = "+tags: t\nshop:\n  +schema: base\n  staging:\n    schema: staging\n    orders: {+pre-hook: x}\n  other: {+alias: no}\n";
        check(
            text,
            &["shop", "staging", "orders"],
            &[r#"tags="t""#, r#"schema="base""#, r#"schema="staging""#, r#"pre_hook="x""#],
        );
        check(text, &["shop", "raw"], &[r#"tags="t""#, r#"schema="base""#]);
        check(text, &["another", "staging"], &[r#"tags="t""#]);
    }

    #[test]
    fn the_project_need_not_be_named() {
        check("staging: {+schema: s}\n", &["shop", "staging", "a"], &[r#"schema="s""#]);
    }

    #[test]
    fn mappings_are_folders_unless_they_are_configuration() {
        check(
            "meta: {owner: me}\n+docs: {show: no}\nraw:\n",
            &["shop", "meta"],
            &[r#"docs={"show":false} meta={"owner":"me"}"#],
        );
    }

    #[test]
    fn one_key_in_two_spellings_is_an_error() {
        let (_, diagnostics) = tree("+pre-hook: a\npre_hook: b\n");
        assert_eq!(diagnostics[0].code, "duplicate-key");
    }
}
