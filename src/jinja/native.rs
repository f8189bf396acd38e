//! Native values: YAML strings whose template is a single expression keep the expression's type, as in dbt.
//!
//! The filters `as_bool`, `as_number` and `as_native` read text, such as an environment variable, as a Python
//! literal; `as_text` keeps text. In SQL they change nothing.

use std::{fmt, sync::Arc};

use minijinja::{
    Environment, State, Value,
    value::{Object, ObjectRepr},
};
use serde_json::Value as Json;

use super::lexer::{self, TagKind};

/// The type that a filter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    Bool,
    Number,
    Any,
}

const FILTERS: [(&str, Wanted); 4] = [
    ("as_text", Wanted::Text),
    ("as_bool", Wanted::Bool),
    ("as_number", Wanted::Number),
    ("as_native", Wanted::Any),
];

/// The name that only scopes of YAML strings have.
pub(super) const SCOPE_MARK: &str = "__is_native";

/// A value that a filter marked with its type.
#[derive(Debug)]
struct Marked {
    text: String,
    wanted: Wanted,
}

impl Object for Marked {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Adds the filters.
pub(super) fn add_filters(env: &mut Environment<'static>) {
    for (name, wanted) in FILTERS {
        env.add_filter(name, move |state: &State<'_, '_>, value: Value| {
            let is_native = state.lookup(SCOPE_MARK).is_some_and(|mark| mark.is_true());
            if !is_native {
                return value;
            }
            Value::from_object(Marked { text: value.to_string(), wanted })
        });
    }
}

/// Returns whether a YAML string contains a template.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|opening| text.contains(opening))
}

/// Rewrites a text that is a single `{{ … }}` to capture the expression's value. Returns `None` for others.
pub(super) fn capturing(text: &str) -> Option<String> {
    let tags = lexer::tags(text);
    let [tag] = &tags[..] else { return None };
    let (first, last) = (tag.tokens.first()?, tag.tokens.last()?);
    if tag.kind != TagKind::Expression || tag.range != (0..text.len()) {
        return None;
    }
    Some(format!("{{{{ __native({}) }}}}", &text[first.range.start..last.range.end]))
}

/// Converts an expression's value to a YAML value, or returns a message.
pub(super) fn value(value: &Value) -> Result<Json, String> {
    let Some(Marked { text, wanted }) = value.downcast_object_ref::<Marked>() else {
        return Ok(serde_json::to_value(value).unwrap_or_else(|_| Json::String(value.to_string())));
    };
    if *wanted == Wanted::Text {
        return Ok(Json::String(text.clone()));
    }
    let read = match (wanted, text.as_str()) {
        // Environment variables are often written as in YAML.
        (Wanted::Bool, "true") => Some(Json::Bool(true)),
        (Wanted::Bool, "false") => Some(Json::Bool(false)),
        _ => literal(text),
    };
    match (wanted, &read) {
        (Wanted::Bool, Some(Json::Bool(_)))
        | (Wanted::Number, Some(Json::Number(_)))
        | (Wanted::Any, Some(_)) => {}
        (Wanted::Bool, _) => return Err(format!("could not convert value '{text}' into type 'bool'")),
        (Wanted::Number, _) => return Err(format!("could not convert value '{text}' into type 'number'")),
        (Wanted::Text | Wanted::Any, _) => return Ok(Json::String(text.clone())),
    }
    Ok(read.unwrap_or_default())
}

/// Reads a Python literal.
fn literal(text: &str) -> Option<Json> {
    let mut reader = LiteralReader { rest: text.trim() };
    let value = reader.value(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

struct LiteralReader<'t> {
    rest: &'t str,
}

impl LiteralReader<'_> {
    /// The maximum nesting depth.
    const DEEPEST: usize = 100;

    fn take(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > Self::DEEPEST {
            return None;
        }
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '[' => self.items('[', ']', depth).map(Json::Array),
            '(' => self.items('(', ')', depth).map(Json::Array),
            '{' => self.mapping(depth),
            quote @ ('\'' | '"') => self.text(quote).map(Json::String),
            _ => self.word(),
        }
    }

    fn items(&mut self, open: char, close: char, depth: usize) -> Option<Vec<Json>> {
        let mut items = Vec::new();
        self.take(open);
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                return self.take(close).then_some(items);
            }
        }
        Some(items)
    }

    fn mapping(&mut self, depth: usize) -> Option<Json> {
        let mut entries = serde_json::Map::new();
        self.take('{');
        while !self.take('}') {
            let key = self.value(depth + 1)?;
            let value = self.take(':').then(|| self.value(depth + 1))??;
            entries.insert(key.as_str().map_or_else(|| key.to_string(), str::to_owned), value);
            if !self.take(',') {
                return self.take('}').then_some(Json::Object(entries));
            }
        }
        Some(Json::Object(entries))
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                char if char == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                char => text.push(char),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Json> {
        let end = self.rest.find([',', ']', ')', '}', ':', ' ']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => Some(Json::Bool(true)),
            "False" => Some(Json::Bool(false)),
            "None" => Some(Json::Null),
            number => {
                let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
                let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
                let plain = number.trim_start_matches('+').replace('_', "");
                let whole = plain.parse::<i64>().map(Json::from);
                let any = whole.or_else(|_| plain.parse::<f64>().map(Json::from)).ok();
                any.filter(|_| is_number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_pythons() {
        for (text, expect) in [
            ("True", json!(true)),
            ("False", json!(false)),
            (" 41 ", json!(41)),
            ("-1.5e2", json!(-150.0)),
            ("1_000", json!(1000)),
            ("['a', \"b\", (1, None)]", json!(["a", "b", [1, null]])),
            ("{'a': {1: 'x\\'y'}, }", json!({"a": {"1": "x'y"}})),
        ] {
            assert_eq!(literal(text), Some(expect), "{text}");
        }
        for text in ["", "a", "true", "null", "1 + 1", "[1", "'a", "{'a'}", "inf", "1 2"] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_single_expression_is_captured() {
        assert_eq!(capturing("{{- a | b -}}").as_deref(), Some("{{ __native(a | b) }}"));
        for text in ["a", "{{ a }} ", "{{ a }}{{ b }}", "{% if a %}{{ b }}{% endif %}", "{{ }}"] {
            assert_eq!(capturing(text), None, "{text}");
        }
    }
}
