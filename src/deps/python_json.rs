//! JSON as Python's `json.dumps(…, sort_keys=True)` writes it, over which dbt hashes.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a value.
pub(super) fn dumps(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(dumps).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let entries = entries.into_iter().map(|(key, value)| format!("{}: {}", text(key), dumps(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// Quotes a text in ASCII.
fn text(string: &str) -> String {
    let mut quoted = String::new();
    for letter in Value::from(string).to_string().chars() {
        if letter.is_ascii() {
            quoted.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string never fails.
                let _ = write!(quoted, "\\u{unit:04x}");
            }
        }
    }
    quoted
}
