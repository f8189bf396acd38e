//! Structure inference for documents: keys, and the types of values.

use crate::engine::json::value::Json;

/// Returns the structure of a value.
pub(super) fn structure(value: &Json) -> Json {
    match value {
        // An object without keys could hold anything.
        Json::Object(members) if members.is_empty() => name("JSON"),
        Json::Object(members) => {
            let mut found: Vec<(String, Json)> = Vec::new();
            for (key, value) in members {
                match found.iter_mut().find(|(own, _)| own == key) {
                    Some((_, own)) => *own = common(own.clone(), structure(value)),
                    None => found.push((key.clone(), structure(value))),
                }
            }
            Json::Object(found)
        }
        Json::List(items) => {
            let empty = |item: &Json| matches!(item, Json::Object(members) if members.is_empty());
            let known = items.iter().filter(|item| !empty(item)).map(structure).reduce(common);
            let any_empty = items.iter().any(empty);
            Json::List(vec![match known {
                // Objects with keys determine the structure of those without.
                Some(object @ Json::Object(_)) => object,
                Some(_) | None if any_empty => name("JSON"),
                Some(known) => known,
                None => name("NULL"),
            }])
        }
        other => name(other.kind()),
    }
}

fn name(text: &str) -> Json {
    Json::Text(text.to_owned())
}

/// Returns the common structure of values that have either structure.
fn common(a: Json, b: Json) -> Json {
    match (a, b) {
        (a, b) if a == b => a,
        (Json::Text(null), other) | (other, Json::Text(null)) if null == "NULL" => other,
        (Json::Text(a), Json::Text(b)) => {
            let integer = |of: &str| matches!(of, "UBIGINT" | "BIGINT" | "HUGEINT");
            let number = |of: &str| integer(of) || of == "DOUBLE";
            name(match (a.as_str(), b.as_str()) {
                (a, b) if integer(a) && integer(b) => "HUGEINT",
                (a, b) if number(a) && number(b) => "DOUBLE",
                _ => "JSON",
            })
        }
        (Json::List(mut a), Json::List(mut b)) => match (a.pop(), b.pop()) {
            (Some(a), Some(b)) => Json::List(vec![common(a, b)]),
            (one, other) => Json::List(one.or(other).into_iter().collect()),
        },
        (Json::Object(mut a), Json::Object(b)) => {
            for (key, value) in b {
                match a.iter_mut().find(|(own, _)| *own == key) {
                    Some((_, own)) => *own = common(own.clone(), value),
                    None => a.push((key, value)),
                }
            }
            Json::Object(a)
        }
        _ => name("JSON"),
    }
}
