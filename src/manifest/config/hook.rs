//! Hooks: SQL that runs before or after a model is built. They add up over the layers of settings.

use serde_json::Value;

use super::layer::{HOOKS, Layer, as_list};
use crate::{diag::Diagnostic, text::Span};

/// A hook as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// Its SQL, with templates.
    pub sql: String,
    /// Its position.
    pub span: Span,
}

/// The hooks of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hooks {
    /// Those that run before.
    pub pre: Vec<Hook>,
    /// Those that run after.
    pub post: Vec<Hook>,
    /// Whether unsupported statements are skipped with a warning.
    pub warns: bool,
}

impl Hooks {
    /// Returns whether there are no hooks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pre.is_empty() && self.post.is_empty()
    }

    /// Iterates over all of them, in order.
    pub fn all(&self) -> impl Iterator<Item = &Hook> {
        self.pre.iter().chain(&self.post)
    }

    /// Reads the hooks of all layers, weakest first, and reports those without SQL.
    pub(super) fn of(layers: &[Layer], findings: &mut Vec<Diagnostic>) -> Self {
        let [pre, post] = HOOKS.map(|key| {
            let settings = layers.iter().filter_map(|layer| layer.get(key));
            let items = settings.flat_map(|setting| {
                as_list(&setting.value).into_iter().map(|value| (value, setting.span.clone()))
            });
            items.filter_map(|(value, span)| read(key, &value, span, findings)).collect::<Vec<_>>()
        });
        Self { pre, post, warns: false }
    }
}

/// Reads a hook: SQL, or a mapping `{sql: …, transaction: …}`, or the same mapping as JSON.
pub(in crate::manifest) fn read(
    key: &str,
    value: &Value,
    span: Span,
    findings: &mut Vec<Diagnostic>,
) -> Option<Hook> {
    let sql = match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(mapping)) => mapping.get("sql").and_then(Value::as_str).map(str::to_owned),
            _ => Some(text.clone()),
        },
        Value::Object(mapping) => mapping.get("sql").and_then(Value::as_str).map(str::to_owned),
        Value::Null => return None,
        _ => None,
    };
    let Some(sql) = sql else {
        let message = format!("`{}` takes SQL, or a mapping with `sql`", key.replace('_', "-"));
        findings.push(Diagnostic::error("invalid-config", message).at(span, ""));
        return None;
    };
    Some(Hook { sql, span })
}
