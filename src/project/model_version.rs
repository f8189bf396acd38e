//! The version of a model that has several.

use std::cmp::Ordering;

use super::yaml::{Yaml, YamlValue};

/// The version of a model that has several.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVersion {
    /// The model's name, which its versions share.
    pub model: String,
    /// The version: a number or text.
    pub version: Yaml,
    /// The version that `ref` without `v` reads.
    pub latest: Yaml,
    /// The name of its file.
    pub file: String,
}

impl ModelVersion {
    /// Returns the version as text: `1`.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.version)
    }

    /// Compares the version with the latest one.
    #[must_use]
    pub fn cmp_latest(&self) -> Ordering {
        compared(&self.label(), &label(&self.latest))
    }

    /// Returns whether `ref` without `v` reads this version.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.label() == label(&self.latest)
    }
}

/// Returns a version as text.
pub(super) fn label(version: &Yaml) -> String {
    match &version.value {
        YamlValue::String(text) => text.clone(),
        YamlValue::Int(number) => number.to_string(),
        YamlValue::Float(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Compares versions as numbers if they are, otherwise as text.
pub(super) fn compared(one: &str, other: &str) -> Ordering {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.cmp(other),
    }
}
