//! Layers of settings, and how they are merged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::text::Span;

/// The settings that hold hooks.
pub(in crate::manifest) const HOOKS: [&str; 2] = ["pre_hook", "post_hook"];

/// A setting with its span.
#[derive(Debug, Clone)]
pub struct Setting {
    pub value: Value,
    pub span: Span,
}

/// One layer of settings.
pub type Layer = BTreeMap<String, Setting>;

/// Returns the tags of a layer.
pub(in crate::manifest) fn tags(layer: &Layer) -> BTreeSet<String> {
    let listed = layer.get("tags").map(|setting| as_list(&setting.value)).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Merges all layers, weakest first.
pub(in crate::manifest) fn merged(layers: Vec<Layer>) -> Layer {
    let mut merged = Layer::new();
    for (key, setting) in layers.into_iter().flatten() {
        merge(&mut merged, key, setting);
    }
    merged
}

fn merge(into: &mut Layer, key: String, setting: Setting) {
    match into.get_mut(&key) {
        Some(below) if key == "tags" || HOOKS.contains(&key.as_str()) => {
            let mut all = as_list(&below.value);
            all.extend(as_list(&setting.value));
            *below = Setting { value: Value::Array(all), span: setting.span };
        }
        Some(Setting { value: Value::Object(below), .. }) if key == "meta" && setting.value.is_object() => {
            if let Value::Object(above) = setting.value {
                below.extend(above);
            }
        }
        _ => {
            into.insert(key, setting);
        }
    }
}

pub(super) fn as_list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}
