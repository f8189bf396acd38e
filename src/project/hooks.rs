//! `on-run-start`, `on-run-end` and `hooks` of the project file.

use super::{
    reader::{YamlReader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::text::Spanned;

/// The hooks of runs, and how hooks are treated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunHooks {
    /// The SQL before the first node, with templates.
    pub start: Vec<Spanned<String>>,
    /// The SQL after the last node, with templates.
    pub end: Vec<Spanned<String>>,
    /// Whether statements that hooks can't run are left out with a warning: `hooks: {unsupported: warn}`.
    pub warns: bool,
}

impl RunHooks {
    pub(super) fn read(reader: &mut YamlReader<'_, '_>) -> Self {
        let start = hooks(reader, "on-run-start");
        let end = hooks(reader, "on-run-end");
        let mut warns = false;
        for (key, value) in reader.map("hooks") {
            match (key.value.as_str(), value.as_str()) {
                ("unsupported", Some("warn")) => warns = true,
                ("unsupported", Some("error")) => {}
                _ => {
                    let message = "`hooks` takes `unsupported: warn` or `unsupported: error`".to_owned();
                    reader.diagnostics().push(mismatch(message, value));
                }
            }
        }
        Self { start, end, warns }
    }
}

/// Reads SQL, or a list of it.
fn hooks(reader: &mut YamlReader<'_, '_>, key: &'static str) -> Vec<Spanned<String>> {
    let Some(yaml) = reader.take(key) else { return Vec::new() };
    let items: Vec<&Yaml> = match &yaml.value {
        YamlValue::Seq(items) => items.iter().collect(),
        YamlValue::Null => Vec::new(),
        _ => vec![yaml],
    };
    let mut hooks = Vec::new();
    for item in items {
        let sql = match &item.value {
            YamlValue::Map(entries) => {
                entries.iter().find(|(key, _)| key.value == "sql").and_then(|(_, sql)| sql.as_str())
            }
            YamlValue::Null => continue,
            _ => item.as_str(),
        };
        match sql {
            Some(sql) => hooks.push(Spanned::new(sql.to_owned(), item.span.clone())),
            None => reader.diagnostics().push(mismatch(format!("`{key}` takes SQL, or a list of it"), item)),
        }
    }
    hooks
}
