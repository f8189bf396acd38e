//! YAML as a tree in which every key and value knows its place. `parse` makes it; knows no key of dbt's or ours.

use crate::text::{Span, Spanned};

/// A value and the place it was written at. A collection's place is where it begins: the first key of a mapping, the
/// first item of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Yaml {
    /// What it is.
    pub value: YamlValue,
    /// Where it stands; for an alias, where the anchor's value stands.
    pub span: Span,
}

/// The kinds of value there are.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlValue {
    /// Nothing written, `null` or `~`.
    Null,
    /// `true`, `no`, …
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// Any other finite number.
    Float(f64),
    /// Text; Jinja in it is not rendered.
    String(String),
    /// A list.
    Seq(Vec<Yaml>),
    /// A mapping in the order written; no key occurs twice, and keys that are not text became their text.
    Map(Vec<(Spanned<String>, Yaml)>),
}

impl Yaml {
    /// The same value without places.
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

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            YamlValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            YamlValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The texts of a list, or the single text.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match &self.value {
            YamlValue::Seq(items) => items.iter().filter_map(Self::as_str).map(str::to_owned).collect(),
            _ => self.as_str().map(str::to_owned).into_iter().collect(),
        }
    }

    /// The value of a mapping's key, if it is a mapping and has the key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            YamlValue::Map(entries) => {
                entries.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == YamlValue::Null
    }

    /// What it is, for messages: "a list", "the number 3".
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
