//! Paths into JSON documents: `$.a.b[0]`, `/a/b/0`, a plain key, or a position.

use crate::engine::json::value::Json;

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
enum JsonPathStep {
    Key(String),
    /// A position starting at 0; negative positions count from the end.
    Position(i64),
    /// A number in a path with slashes: a position in lists, and a key in objects.
    Either(String),
    AnyKey,
    AnyPosition,
    /// Never matches.
    Nowhere,
    /// The value and all its descendants.
    Deep,
}

/// A path into a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonPath(Vec<JsonPathStep>);

impl JsonPath {
    /// Parses a path.
    ///
    /// # Errors
    /// If it starts with `$` and continues with anything but keys and positions.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix('$') {
            return dollar(rest)
                .map(Self)
                .map_err(|near| format!("invalid JSON path `{text}`: unexpected `{near}`"));
        }
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        // DuckDB finds nothing for a path that starts with a quote.
        if text.starts_with('"') {
            return Ok(Self(vec![JsonPathStep::Nowhere]));
        }
        if let Some(rest) = text.strip_prefix('/') {
            let step = |part: &str| JsonPathStep::Either(part.replace("~1", "/").replace("~0", "~"));
            return Ok(Self(rest.split('/').map(step).collect()));
        }
        Ok(Self(vec![JsonPathStep::Key(text.to_owned())]))
    }

    /// Returns the path to a position in a list.
    pub(super) fn position(at: i64) -> Self {
        Self(vec![JsonPathStep::Position(at)])
    }

    /// Returns whether the path can match many values.
    pub(super) fn many(&self) -> bool {
        self.0
            .iter()
            .any(|step| matches!(step, JsonPathStep::AnyKey | JsonPathStep::AnyPosition | JsonPathStep::Deep))
    }

    /// Returns the value at the path, if there is one.
    pub(super) fn find<'a>(&self, document: &'a Json) -> Option<&'a Json> {
        self.0.iter().try_fold(document, |value, step| value.step(step))
    }

    /// Returns all values that match the path.
    pub(super) fn find_all<'a>(&self, document: &'a Json) -> Vec<&'a Json> {
        let mut found = vec![document];
        for (at, step) in self.0.iter().enumerate() {
            // `..*` matches everything that lists and objects contain.
            let deep = at > 0 && self.0[at - 1] == JsonPathStep::Deep;
            let mut next = Vec::new();
            for value in found {
                match step {
                    JsonPathStep::AnyKey => match value {
                        Json::Object(members) => next.extend(members.iter().map(|(_, value)| value)),
                        Json::List(items) if deep => next.extend(items),
                        _ => {}
                    },
                    JsonPathStep::AnyPosition => {
                        if let Json::List(items) = value {
                            next.extend(items);
                        }
                    }
                    JsonPathStep::Deep => within(value, &mut next),
                    step => next.extend(value.step(step)),
                }
            }
            found = next;
        }
        found
    }
}

fn within<'a>(value: &'a Json, found: &mut Vec<&'a Json>) {
    found.push(value);
    match value {
        Json::List(items) => items.iter().for_each(|item| within(item, found)),
        Json::Object(members) => members.iter().for_each(|(_, value)| within(value, found)),
        _ => {}
    }
}

impl Json {
    fn step(&self, step: &JsonPathStep) -> Option<&Self> {
        match (self, step) {
            (Self::List(items), JsonPathStep::Position(at)) => {
                let at = if *at < 0 { i64::try_from(items.len()).ok()?.checked_add(*at)? } else { *at };
                items.get(usize::try_from(at).ok()?)
            }
            (Self::List(items), JsonPathStep::Either(at)) => items.get(at.parse::<usize>().ok()?),
            (_, JsonPathStep::Key(key) | JsonPathStep::Either(key)) => self.get(key),
            _ => None,
        }
    }
}

/// Parses the steps after `$`. The error is the text that can't be parsed.
fn dollar(text: &str) -> Result<Vec<JsonPathStep>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            steps.push(JsonPathStep::Deep);
            rest = if after.starts_with('[') { after } else { key(after, &mut steps)? };
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = key(after, &mut steps)?;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = after.split_once(']').ok_or_else(|| rest.to_owned())?;
            steps.push(match inside {
                "*" => JsonPathStep::AnyPosition,
                "#" => JsonPathStep::Nowhere,
                inside => {
                    let number = inside.strip_prefix('#').unwrap_or(inside);
                    match (number.parse::<i64>(), inside.starts_with('#')) {
                        (Ok(at), true) if at < 0 => JsonPathStep::Position(at),
                        (Ok(at), false) => JsonPathStep::Position(at),
                        _ => match inside.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')) {
                            Some(key) => JsonPathStep::Key(key.to_owned()),
                            None => return Err(inside.to_owned()),
                        },
                    }
                }
            });
            rest = after;
        } else {
            return Err(rest.to_owned());
        }
    }
    Ok(steps)
}

/// Parses a key and returns the remaining text.
fn key<'a>(text: &'a str, steps: &mut Vec<JsonPathStep>) -> Result<&'a str, String> {
    if let Some(after) = text.strip_prefix('*') {
        steps.push(JsonPathStep::AnyKey);
        return Ok(after);
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let mut key = String::new();
        let mut characters = quoted.chars();
        while let Some(next) = characters.next() {
            match next {
                '"' => {
                    steps.push(JsonPathStep::Key(key));
                    return Ok(characters.as_str());
                }
                '\\' if characters.as_str().starts_with(['"', '\\']) => key.extend(characters.next()),
                other => key.push(other),
            }
        }
        return Err(text.to_owned());
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    if end == 0 {
        return Err(".".to_owned());
    }
    steps.push(JsonPathStep::Key(text[..end].to_owned()));
    Ok(&text[end..])
}
