//! Placeholders of a location, in each of dbt-duckdb's notations.

use std::collections::BTreeMap;

/// Fills in the placeholders.
///
/// # Errors
/// If a placeholder isn't closed, or names no value.
pub(super) fn filled(
    text: &str,
    formatter: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, String> {
    let value = |name: &str| {
        values.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = values.keys().map(String::as_str).collect();
            format!("`external_location` names `{name}`, which is none of {}", names.join(", "))
        })
    };
    let (opening, escaped): (&[&str], &str) = match formatter {
        "newstyle" => (&["{"], "{"),
        "oldstyle" => (&["%("], "%"),
        "template" => (&["${", "$"], "$"),
        other => {
            return Err(format!("there is no formatter `{other}`: it is newstyle, oldstyle or template"));
        }
    };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let twice = rest.strip_prefix(escaped).and_then(|after| after.strip_prefix(escaped));
        if let Some(after) = twice {
            out.push_str(escaped);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("}}").filter(|_| formatter == "newstyle") {
            out.push('}');
            rest = after;
        } else if let Some((open, after)) =
            opening.iter().find_map(|open| Some((*open, rest.strip_prefix(open)?)))
        {
            let (name, after) = named(open, after)?;
            out.push_str(&value(name)?);
            rest = after;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}

/// Returns the name in a placeholder, and the text after it.
fn named<'a>(open: &str, after: &'a str) -> Result<(&'a str, &'a str), String> {
    let close = match open {
        "{" | "${" => "}",
        "%(" => ")s",
        _ => {
            let end = after.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(after.len());
            return Ok(after.split_at(end));
        }
    };
    after.split_once(close).ok_or_else(|| format!("a placeholder of `external_location` lacks its `{close}`"))
}
