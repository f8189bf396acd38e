//! Layers of configuration: renders the settings of the project file, of properties files and of templates.

use super::resolver::Resolver;
use crate::{
    diag::{Diagnostic, near},
    jinja::Captures,
    manifest::config::{Layer, Setting},
    project::{ConfigPatch, ConfigTree, KNOWN_CONFIG, Yaml, YamlValue},
    text::Span,
};

impl Resolver<'_> {
    /// Returns the layers of a section of the project file that apply to a fully qualified name, outermost
    /// first.
    pub(super) fn layers(&mut self, section: &ConfigTree, fqn: &[String]) -> Vec<Layer> {
        let path: Vec<&str> = fqn.iter().skip(1).map(String::as_str).collect();
        let patches = section.layers(&self.package, &path);
        patches.into_iter().map(|patch| self.layer(patch)).collect()
    }

    /// Renders one layer.
    pub(super) fn layer(&mut self, patch: &ConfigPatch) -> Layer {
        let mut layer = Layer::new();
        for (key, value) in &patch.entries {
            let value_json = self.rendered(value);
            layer.insert(key.clone(), Setting { value: value_json, span: value.span.clone() });
        }
        layer
    }

    /// Renders the templates in a YAML value.
    fn rendered(&mut self, yaml: &Yaml) -> serde_json::Value {
        match &yaml.value {
            YamlValue::String(text) if text.contains("{{") || text.contains("{%") => {
                match self.jinja.render_value(text, &yaml.span) {
                    Ok(text) => serde_json::Value::String(text),
                    Err(found) => {
                        self.findings.push(found);
                        serde_json::Value::Null
                    }
                }
            }
            YamlValue::Seq(items) => items.iter().map(|item| self.rendered(item)).collect(),
            YamlValue::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), self.rendered(value))).collect()
            }
            _ => yaml.to_json(),
        }
    }
}

/// Returns the settings that a template makes with `config()`.
pub(super) fn in_template(captures: &Captures) -> Layer {
    let setting =
        |value: &serde_json::Value, span: &Span| Setting { value: value.clone(), span: span.clone() };
    captures.config.iter().map(|call| (call.key.clone(), setting(&call.value, &call.span))).collect()
}

/// Warns about an unknown setting if it resembles a known one. Otherwise it may be the user's own.
pub(super) fn misspelt(key: &str, setting: &Setting) -> Option<Diagnostic> {
    if KNOWN_CONFIG.contains(&key) {
        return None;
    }
    let question = near::question(key, KNOWN_CONFIG.iter().copied())?;
    let message = format!("the setting `{key}` means nothing to Headwater");
    Some(Diagnostic::warning("unknown-config", message).at(setting.span.clone(), "").hint(question))
}
