//! dbt's default names for generic tests, built from the test, its subject and its argument values.

use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::python_text::{python_repr, scalar, with_texts};

/// The maximum length of file and table names; longer names are shortened.
const LONGEST: usize = 63;
/// The length of the prefix that a shortened name keeps.
const BEGINNING: usize = 30;
/// The number of hash digits in a test's unique id.
const HASH: usize = 10;

/// Returns the full name, such as `accepted_values_orders_status__placed__shipped`: the test (with its
/// package, and `source_` if it tests a source), its subject, and its argument values, sorted by argument
/// name.
#[must_use]
pub fn full(test: &str, of: &str, arguments: &Map<String, Value>) -> String {
    let mut names: Vec<&String> = arguments.keys().filter(|name| *name != "model").collect();
    names.sort();
    let values =
        names.into_iter().flat_map(|name| parts(&arguments[name.as_str()])).map(|value| clean(&value));
    format!("{test}_{of}_{}", values.collect::<Vec<_>>().join("__"))
}

/// Returns the name if it is short enough, or else its beginning and a digest of all of it.
#[must_use]
pub fn short(full: &str, test: &str, of: &str) -> String {
    if full.len() <= LONGEST {
        return full.to_owned();
    }
    let beginning: String = format!("{test}_{of}").chars().take(BEGINNING).collect();
    format!("{beginning}_{}", hex(full))
}

/// Returns dbt's hash that distinguishes a test from others of the same name: of the name, and of Python's
/// text of `{kwargs, name, namespace}`.
#[must_use]
pub fn hash(name: &str, metadata: &Value) -> String {
    let digest = hex(&format!("{name}{}", python_repr(&with_texts(metadata))));
    digest[digest.len() - HASH..].to_owned()
}

fn hex(text: &str) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(text.as_bytes()).into()))
}

/// Returns the values of an argument; for a list or mapping, those of its items.
fn parts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        // Formatted as in Python, where dbt's names come from.
        other => scalar(other),
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(entries) => entries.values().map(text).collect(),
        one => vec![text(one)],
    }
}

/// Replaces each run of other characters with one underscore.
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
    }

    #[test]
    fn hashes_are_those_that_dbt_gives() {
        let model = "{{ get_where_subquery(ref('orders')) }}";
        let not_null =
            json!({"namespace": null, "name": "not_null", "kwargs": {"model": model, "column_name": "id"}});
        assert_eq!(hash("not_null_orders_id", &not_null), "84ef11d8fe");
        let to =
            json!({"column_name": "customer", "to": "ref('stg_customers')", "field": "id", "model": model});
        let relationships = json!({"name": "relationships", "kwargs": to, "namespace": null});
        let name = "relationships_orders_customer__id__ref_stg_customers_";
        assert_eq!(hash(name, &relationships), "75f6cc3ce7");
    }
}
