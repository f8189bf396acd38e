//! Layers of configuration: renders the settings of the project file, of properties files and of templates.

use super::resolver::Resolver;
use crate::{
    diag::{Diagnostic, near},
    jinja::Captures,
    manifest::config::{Layer, Setting, layer::HOOKS},
    project::{
        ConfigPatch, ConfigTree, ProjectSettings, Yaml, YamlValue,
        keys::{Effect, Section},
    },
    text::Span,
};

impl Resolver<'_> {
    /// Returns all layers of a node's configuration, outermost first: those of a section of its package's
    /// project file that apply to its fully qualified name, and its own. For a node of an installed package,
    /// those of the project's own file come last: the project overrides its packages, as in dbt.
    pub(super) fn layers(
        &mut self,
        section: fn(&ProjectSettings) -> &ConfigTree,
        fqn: &[String],
        own: impl IntoIterator<Item = Layer>,
    ) -> Vec<Layer> {
        let path: Vec<&str> = fqn.iter().skip(1).map(String::as_str).collect();
        let tree = section(&self.project.settings);
        let mut layers: Vec<Layer> =
            tree.layers(&self.package, &path).into_iter().map(|patch| self.layer(patch)).collect();
        layers.extend(own);
        if self.is_in_package() {
            let tree = section(&self.root.settings);
            let patches = tree.layers_of_package(&self.package, &path);
            layers.extend(patches.into_iter().map(|patch| self.layer(patch)));
        }
        layers
    }

    /// Warns about the settings in layers that have no effect, each place once.
    pub(super) fn warn_of_settings(&mut self, section: &Section, layers: &[Layer]) {
        for (key, setting) in layers.iter().flatten() {
            if let Some(found) = without_effect(section, key, setting)
                && !self.findings.contains(&found)
            {
                self.findings.push(found);
            }
        }
    }

    /// Renders one layer.
    pub(super) fn layer(&mut self, patch: &ConfigPatch) -> Layer {
        let mut layer = Layer::new();
        for (key, value) in &patch.entries {
            // Hooks are rendered when they run.
            let is_hook = HOOKS.contains(&key.as_str());
            let value_json = if is_hook { value.to_json() } else { self.rendered(value) };
            layer.insert(key.clone(), Setting { value: value_json, span: value.span.clone() });
        }
        layer
    }

    /// Renders the templates in a YAML value.
    fn rendered(&mut self, yaml: &Yaml) -> serde_json::Value {
        match &yaml.value {
            YamlValue::String(text) if text.contains("{{") || text.contains("{%") => {
                match self.jinja.render_native(text, &yaml.span) {
                    Ok(value) => value,
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

/// Warns about a setting that has no effect, and about an unknown one that resembles a known one. Other
/// unknown ones may be the user's own.
fn without_effect(section: &Section, key: &str, setting: &Setting) -> Option<Diagnostic> {
    if let Some(known) = section.key(key) {
        let is_ignored = known.effect == Effect::Ignored && !setting.value.is_null();
        return is_ignored.then(|| known.without_effect(&setting.span));
    }
    let question = near::question(key, section.keys().map(|known| known.name))?;
    let message = format!("unknown setting `{key}`, which only templates can read");
    Some(Diagnostic::warning("unknown-config", message).at(setting.span.clone(), "").hint(question))
}
