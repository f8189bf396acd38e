//! Template generation for generic tests: turns a declaration into a call of the test's macro, with the
//! arguments as template expressions.

use std::fmt::Write as _;

use super::test_subject::{TestSubject, literal};
use crate::{
    project::{TestDecl, Yaml, YamlValue},
    text::Spanned,
};

/// Returns the call of a generic test's macro, which templates call by the name `test`.
pub(super) fn call(
    test: &str,
    subject: &TestSubject,
    column: Option<&Spanned<String>>,
    declared: &TestDecl,
) -> String {
    let mut before = String::new();
    let mut call = format!("{{{{ {test}(model=get_where_subquery({})", subject.call());
    // Writing to a string never fails.
    if let Some(column) = column {
        let _ = write!(call, ", column_name={}", literal(&identifier(&column.value)));
    }
    for (name, value) in &declared.arguments {
        let _ = write!(call, ", {}={}", name.value, expression(value, &mut before));
    }
    before + &call + ") }}"
}

/// Converts a value to a template expression. Text that contains a template is prepended to `before` as a
/// block.
fn expression(value: &Yaml, before: &mut String) -> String {
    match &value.value {
        YamlValue::Null => "none".into(),
        YamlValue::Bool(value) => value.to_string(),
        YamlValue::Int(value) => value.to_string(),
        YamlValue::Float(value) => value.to_string(),
        YamlValue::String(text) => text_expression(text, before),
        YamlValue::Seq(items) => {
            let items: Vec<String> = items.iter().map(|item| expression(item, before)).collect();
            format!("[{}]", items.join(", "))
        }
        YamlValue::Map(entries) => {
            let entry = |(key, value): &(Spanned<String>, Yaml)| {
                format!("{}: {}", literal(&key.value), expression(value, before))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Converts text as dbt does: text that looks like a call of `ref`, `source`, `var` or `env_var` becomes that
/// call, and templates are rendered.
fn text_expression(text: &str, before: &mut String) -> String {
    const CALLS: [&str; 4] = ["ref", "source", "var", "env_var"];
    let trimmed = text.trim();
    let called = trimmed.strip_suffix(')').and_then(|call| call.split_once('('));
    if called.is_some_and(|(name, _)| CALLS.contains(&name.trim_end())) {
        return trimmed.to_owned();
    }
    if !text.contains("{{") && !text.contains("{%") {
        return literal(text);
    }
    let inner = trimmed.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    if let Some(inner) = inner.filter(|inner| !inner.contains("{{") && !inner.contains("}}")) {
        return format!("({})", inner.trim_matches('-').trim());
    }
    let name = format!("argument_{}", before.len());
    let _ = write!(before, "{{% set {name} %}}{text}{{% endset %}}");
    name
}

/// Quotes a column name for SQL if necessary.
#[must_use]
pub fn identifier(column: &str) -> String {
    let quoted = column.starts_with('"') || column.contains('.');
    let plain = column.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && column
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if quoted || (plain && !RESERVED.contains(&column)) {
        column.to_owned()
    } else {
        format!("\"{}\"", column.replace('"', "\"\""))
    }
}

/// Reserved words that can't be used as column names without quotes.
const RESERVED: [&str; 44] = [
    "all",
    "and",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "current_date",
    "current_timestamp",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "interval",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "right",
    "select",
    "then",
    "true",
    "union",
    "when",
    "where",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, before: &str, expect: &str) {
        let mut written = String::new();
        assert_eq!(text_expression(text, &mut written), expect, "{text}");
        assert_eq!(written, before, "{text}");
    }

    #[test]
    fn arguments_mean_what_dbt_takes_them_for() {
        check("plain 'text'", "", r#""plain 'text'""#);
        check(" ref('orders') ", "", "ref('orders')");
        check("source('a', 'b')", "", "source('a', 'b')");
        check("reference(1)", "", r#""reference(1)""#);
        check("{{ var('least') }}", "", "(var('least'))");
        check("a {{ b }} c", "{% set argument_0 %}a {{ b }} c{% endset %}", "argument_0");
        check("{{ a }} and {{ b }}", "{% set argument_0 %}{{ a }} and {{ b }}{% endset %}", "argument_0");
    }

    #[test]
    fn columns_are_quoted_where_they_must_be() {
        let named = ["id", "größe", "Id", "order", "a b", "\"Id\"", "_x1"].map(identifier);
        assert_eq!(named, ["id", "\"größe\"", "\"Id\"", "\"order\"", "\"a b\"", "\"Id\"", "_x1"]);
    }
}
