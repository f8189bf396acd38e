//! Python's text of values, which dbt hashes and writes into artifacts.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Returns Python's `str` of a value that holds no others.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns a value with Python's text in place of each scalar.
pub(super) fn with_texts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(with_texts).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| (key.clone(), with_texts(value))).collect::<Map<_, _>>().into()
        }
        one => scalar(one).into(),
    }
}

/// Returns Python's `repr` of a value, with the keys of dicts in order.
#[must_use]
pub fn python_repr(value: &Value) -> String {
    let mut written = String::new();
    write(value, &mut written);
    written
}

fn write(value: &Value, written: &mut String) {
    match value {
        Value::Array(items) => {
            written.push('[');
            for (index, item) in items.iter().enumerate() {
                written.push_str(if index == 0 { "" } else { ", " });
                write(item, written);
            }
            written.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            written.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                written.push_str(if index == 0 { "" } else { ", " });
                quote(key, written);
                written.push_str(": ");
                write(value, written);
            }
            written.push('}');
        }
        Value::String(text) => quote(text, written),
        one => written.push_str(&scalar(one)),
    }
}

/// Writes Python's `repr` of a text.
fn quote(text: &str, written: &mut String) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    written.push(mark);
    for letter in text.chars() {
        match letter {
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            letter if letter == mark => written.extend(['\\', letter]),
            letter if letter.is_control() => {
                // Writing to a string never fails.
                let _ = write!(written, "\\x{:02x}", u32::from(letter));
            }
            letter => written.push(letter),
        }
    }
    written.push(mark);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_does() {
        let value = json!({"b": [1, true, null, 1.5], "a": {"it's": "\"x\"\n"}, "c": "it's \"x\""});
        assert_eq!(
            python_repr(&value),
            r#"{'a': {"it's": '"x"\n'}, 'b': [1, True, None, 1.5], 'c': 'it\'s "x"'}"#
        );
        assert_eq!(python_repr(&with_texts(&json!([1, true, null]))), "['1', 'True', 'None']");
    }
}
