//! Python's syntax of regular expressions in that of the crate.

/// Converts an expression: `{` that begins no repetition, and `[`, `&&` and `~~` within a class, are literal
/// in Python, and the end of the text is `\Z`.
pub(super) fn translated(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() + 8);
    let mut rest = expression;
    let mut in_class = false;
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        match sign {
            '\\' => {
                let escaped = after.chars().next();
                out.push('\\');
                out.extend(escaped.map(|escaped| if escaped == 'Z' && !in_class { 'z' } else { escaped }));
                rest = &after[escaped.map_or(0, char::len_utf8)..];
                continue;
            }
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                // A bracket at the beginning of a class is literal.
                let negated = after.strip_prefix('^');
                out.push_str(if negated.is_some() { "^" } else { "" });
                rest = negated.unwrap_or(after);
                if let Some(after) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = after;
                }
                continue;
            }
            ']' if in_class => in_class = false,
            '[' | '&' | '~' if in_class => out.push('\\'),
            '{' if !in_class && !is_repetition(after) => out.push('\\'),
            '{' if !in_class && after.starts_with(',') => {
                out.push_str("{0");
                rest = after;
                continue;
            }
            _ => {}
        }
        out.push(sign);
        rest = after;
    }
    out
}

/// Returns whether a brace with this text after it begins a repetition such as `{2,3}`.
fn is_repetition(after: &str) -> bool {
    let (numbers, _) = after.split_once('}').unwrap_or_default();
    let is_count = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match numbers.split_once(',') {
        Some((least, most)) => is_count(least) && is_count(most) && numbers.len() > 1,
        None => !numbers.is_empty() && is_count(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_literal_in_python() {
        for (python, ours) in [
            (r"(?<!distinct )(from|join) ({{x)", r"(?<!distinct )(from|join) (\{\{x)"),
            (r"a{2}b{2,}c{2,3}d{,3}", r"a{2}b{2,}c{2,3}d{0,3}"),
            (r"{a} {,} {", r"\{a} \{,} \{"),
            (r"[[a]+", r"[\[a]+"),
            (r"[]a][^]a{2]", r"[\]a][^\]a{2]"),
            (r"[a&&b~]", r"[a\&\&b\~]"),
            (r"\[\{\Z[\]Z]é\", r"\[\{\z[\]Z]é\"),
        ] {
            assert_eq!(translated(python), ours, "{python}");
        }
    }
}
