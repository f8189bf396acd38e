//! YAML tree with a span for every key and value. `parse` builds it; this module knows no keys of dbt's or
//! ours.

use crate::text::{Span, Spanned};

/// A value with its span. A collection's span begins at its first key or item.
#[derive(Debug, Clone, PartialEq)]
pub struct Yaml {
    pub value: YamlValue,
    /// The span; for an alias, that of the anchor's value.
    pub span: Span,
}

/// The kinds of YAML values.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlValue {
    /// An empty value, `null` or `~`.
    Null,
    /// `true`, `no`, …
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// Any other finite number.
    Float(f64),
    /// Text, in which Jinja isn't rendered.
    String(String),
    /// A list.
    Seq(Vec<Yaml>),
    /// A mapping in order, without duplicate keys. Keys that aren't text are converted to text.
    Map(Vec<(Spanned<String>, Yaml)>),
}

impl Yaml {
    /// Returns the value without spans.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            YamlValue::Null => serde_json::Value::Null,
            YamlValue::Bool(value) => (*value).into(),
            YamlValue::Int(value) => (*value).into(),
            YamlValue::Float(value) => (*value).into(),
            YamlValue::String(value) => value.as_str().into(),
            YamlValue::Seq(items) => items.iter().map(Self::to_json).collect(),
            YamlValue::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), value.to_json())).collect()
            }
        }
    }

    /// Returns the text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            YamlValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            YamlValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the texts of a list, or the single text.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match &self.value {
            YamlValue::Seq(items) => items.iter().filter_map(Self::as_str).map(str::to_owned).collect(),
            _ => self.as_str().map(str::to_owned).into_iter().collect(),
        }
    }

    /// Returns the value of a key, if this is a mapping with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            YamlValue::Map(entries) => {
                entries.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Returns whether the value is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == YamlValue::Null
    }

    /// Describes the value for messages: "a list", "the number 3".
    pub(super) fn kind(&self) -> String {
        match &self.value {
            YamlValue::Null => "nothing".to_owned(),
            YamlValue::Bool(value) => format!("the boolean {value}"),
            YamlValue::Int(value) => format!("the number {value}"),
            YamlValue::Float(value) => format!("the number {value}"),
            YamlValue::String(_) => "text".to_owned(),
            YamlValue::Seq(_) => "a list".to_owned(),
            YamlValue::Map(_) => "a mapping".to_owned(),
        }
    }
}
