//! How dbt calls a generic test that nobody named: by the test, what it tests, and the values of its arguments.

use md5::{Digest, Md5};
use serde_json::{Map, Value};

/// Names longer than this are shortened where they become file or table names.
const LONGEST: usize = 63;
/// What is left of a long name's beginning.
const BEGINNING: usize = 30;
/// Digits of the hash in a test's unique id.
const HASH: usize = 10;

/// `accepted_values_orders_status__placed__shipped`: the test (with its package, and `source_` where it tests a
/// source), what it tests, and its arguments' values by the order of the arguments' names.
#[must_use]
pub fn full(test: &str, of: &str, arguments: &Map<String, Value>) -> String {
    let mut names: Vec<&String> = arguments.keys().filter(|name| *name != "model").collect();
    names.sort();
    let values =
        names.into_iter().flat_map(|name| parts(&arguments[name.as_str()])).map(|value| clean(&value));
    format!("{test}_{of}_{}", values.collect::<Vec<_>>().join("__"))
}

/// The name, or its beginning and a digest of it all.
#[must_use]
pub fn short(full: &str, test: &str, of: &str) -> String {
    if full.len() <= LONGEST {
        return full.to_owned();
    }
    let beginning: String = format!("{test}_{of}").chars().take(BEGINNING).collect();
    format!("{beginning}_{}", hex(full))
}

/// What tells a test from others of its name.
#[must_use]
pub fn hash(name: &str, metadata: &Value) -> String {
    let digest = hex(&format!("{name}{metadata}"));
    digest[digest.len() - HASH..].to_owned()
}

fn hex(text: &str) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(text.as_bytes()).into()))
}

/// The values of an argument: those of its items, if it is a list or a mapping.
fn parts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        // As Python writes them, since dbt's names come from there.
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(entries) => entries.values().map(text).collect(),
        one => vec![text(one)],
    }
}

/// Every run of other characters as one underscore.
fn clean(value: &str) -> String {
    let mut clean = String::with_capacity(value.len());
    for letter in value.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            clean.push(letter);
        } else if !clean.ends_with('\u{0}') {
            clean.push('\u{0}');
        }
    }
    clean.replace('\u{0}', "_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(test: &str, of: &str, arguments: &Value) -> String {
        full(test, of, arguments.as_object().unwrap())
    }

    #[test]
    fn names_are_those_that_dbt_gives() {
        assert_eq!(named("not_null", "orders", &json!({"column_name": "id"})), "not_null_orders_id");
        let values = json!({"column_name": "status", "values": ["placed", "on hold", true]});
        assert_eq!(
            named("accepted_values", "orders", &values),
            "accepted_values_orders_status__placed__on_hold__True"
        );
        let relationship = json!({"column_name": "customer_id", "to": "ref('customers')", "field": "id"});
        assert_eq!(
            named("relationships", "orders", &relationship),
            "relationships_orders_customer_id__id__ref_customers_"
        );
    }

    #[test]
    fn long_names_are_shortened_to_something_unique() {
        let name = format!("accepted_values_orders_status__{}", "x".repeat(80));
        let shortened = short(&name, "accepted_values", "orders");
        assert_eq!(shortened, format!("accepted_values_orders_{}", hex(&name)));
        assert_eq!(short("not_null_orders_id", "not_null", "orders"), "not_null_orders_id");
        assert_eq!(hash("a", &json!({})).len(), 10);
    }
}
