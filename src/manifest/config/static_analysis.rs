//! The setting `static_analysis`.

use serde_json::Value;

use super::layer::Layer;
use crate::{diag::Diagnostic, project::StaticAnalysis};

const KEY: &str = "static_analysis";

/// Returns the mode that a layer sets. YAML may take `on` and `off` as true and false.
///
/// # Errors
/// If there is no such mode.
pub(in crate::manifest) fn static_analysis(layer: &Layer) -> Result<Option<StaticAnalysis>, Diagnostic> {
    let Some(setting) = layer.get(KEY) else { return Ok(None) };
    let name = match &setting.value {
        Value::Null => return Ok(None),
        Value::Bool(true) => "on",
        Value::Bool(false) => "off",
        Value::String(name) => name.as_str(),
        _ => "",
    };
    StaticAnalysis::of(name).map(Some).ok_or_else(|| {
        let names = StaticAnalysis::NAMES;
        let message = format!("`{KEY}` is one of {}", names.join(", "));
        Diagnostic::error("invalid-config", message).at(setting.span.clone(), "").near(name, names)
    })
}
