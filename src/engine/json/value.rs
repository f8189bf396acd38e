//! JSON documents: a parser and a writer that preserve key order and the digits of large integers.
//!
//! Numbers are written as in DuckDB: integers as they are, others as the shortest text of their double.

use std::fmt::Write as _;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Json {
    Null,
    Bool(bool),
    /// An integer of any size, as written.
    Integer(String),
    Real(f64),
    Text(String),
    List(Vec<Json>),
    /// The members, in order. Keys may repeat; the first one wins.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Returns a key's value if this is an object that contains it.
    pub(in crate::engine) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(own, _)| own == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Formats the document without whitespace.
    pub(in crate::engine) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Returns a string without quotes, and anything else as JSON.
    pub(in crate::engine) fn unquoted(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.text(),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Integer(digits) => out.push_str(digits),
            Self::Real(value) => real(*value, out),
            Self::Text(text) => quote(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    quote(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Formats the document with one value per line.
    pub(in crate::engine) fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(0, &mut out);
        out
    }

    fn write_pretty(&self, depth: usize, out: &mut String) {
        let line = |depth: usize, out: &mut String| {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", depth));
        };
        match self {
            Self::List(items) if !items.is_empty() => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    line(depth + 1, out);
                    item.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push(']');
            }
            Self::Object(members) if !members.is_empty() => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    line(depth + 1, out);
                    quote(key, out);
                    out.push_str(": ");
                    value.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push('}');
            }
            other => other.write(out),
        }
    }

    /// Returns DuckDB's name for the value's type.
    pub(in crate::engine) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "BOOLEAN",
            Self::Integer(digits) if digits.parse::<u64>().is_ok() => "UBIGINT",
            Self::Integer(digits) if digits.parse::<i64>().is_ok() => "BIGINT",
            Self::Integer(_) | Self::Real(_) => "DOUBLE",
            Self::Text(_) => "VARCHAR",
            Self::List(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// Returns whether the value is or contains another. Objects are compared by key, lists by item.
    pub(in crate::engine) fn contains(&self, other: &Self) -> bool {
        if self.includes(other) {
            return true;
        }
        match self {
            Self::List(items) => items.iter().any(|item| item.contains(other)),
            Self::Object(members) => members.iter().any(|(_, value)| value.contains(other)),
            _ => false,
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(own), Self::List(others)) => {
                others.iter().all(|other| own.iter().any(|item| item.includes(other)))
            }
            (Self::Object(_), Self::Object(others)) => {
                others.iter().all(|(key, other)| self.get(key).is_some_and(|value| value.includes(other)))
            }
            (own, other) => own == other,
        }
    }

    /// Applies a merge patch (RFC 7396).
    pub(in crate::engine) fn merged(self, patch: Self) -> Self {
        let Self::Object(changes) = patch else { return patch };
        let mut members = match self {
            Self::Object(members) => members,
            _ => Vec::new(),
        };
        // Changed members come last, in patch order.
        for (key, change) in changes {
            let place = members.iter().position(|(own, _)| *own == key);
            let own = place.map_or(Self::Null, |place| members.remove(place).1);
            if change != Self::Null {
                members.push((key, own.merged(change)));
            }
        }
        Self::Object(members)
    }
}

/// Writes the shortest text of a double, with a point or an exponent.
fn real(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        let scientific = format!("{value:e}");
        let exponent: i32 =
            scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
        if (-7..21).contains(&exponent) {
            let plain = format!("{value}");
            out.push_str(&plain);
            if !plain.contains('.') {
                out.push_str(".0");
            }
        } else {
            out.push_str(&scientific);
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
