//! Lexer for templates: finds the tags and splits them into tokens.
//!
//! It covers just enough of Jinja's lexical grammar for [`super::rewrite`] to find calls, literals and macro
//! headers; `MiniJinja` validates the template. The lexer stops at text that it can't parse and leaves the
//! rest alone.

use std::ops::Range;

/// The kind of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{% … %}`
    Statement,
    /// `{{ … }}`
    Expression,
}

#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) kind: TagKind,
    /// The range from the opening `{` to the closing `}`.
    pub(super) range: Range<usize>,
    pub(super) tokens: Vec<TemplateToken>,
    /// The closing marker: `%}`, `-%}`, `}}` and so on.
    pub(super) closing: Range<usize>,
}

impl Tag {
    /// Returns the leading word of a statement, such as `macro`.
    pub(super) fn keyword<'t>(&self, text: &'t str) -> Option<&'t str> {
        let first = self.tokens.first().filter(|first| first.kind == TokenKind::Word)?;
        (self.kind == TagKind::Statement).then(|| &text[first.range.clone()])
    }
}

/// The kind of a token. An operator of several characters becomes several [`TokenKind::Sign`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Text,
    Number,
    Sign(u8),
}

/// A token inside a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplateToken {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
}

impl TemplateToken {
    pub(super) fn is(&self, sign: u8) -> bool {
        self.kind == TokenKind::Sign(sign)
    }
}

/// Returns the tags of a text, in order, skipping comments, raw blocks and documentation blocks.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(start) = next_open(text, at) {
        let kind = match text.as_bytes()[start + 1] {
            b'%' => TagKind::Statement,
            b'{' => TagKind::Expression,
            _ => match text[start + 2..].find("#}") {
                Some(end) => {
                    at = start + 2 + end + 2;
                    continue;
                }
                None => break,
            },
        };
        let Some(tag) = tag(text, kind, start) else { break };
        at = tag.range.end;
        let closer = match tag.keyword(text) {
            Some("raw") => Some("endraw"),
            Some("docs") => Some("enddocs"),
            _ => None,
        };
        tags.push(tag);
        if let Some(closer) = closer {
            match find_statement(text, at, closer) {
                Some(end) => at = end,
                None => break,
            }
        }
    }
    tags
}

/// Returns the position of the next `{%`, `{{` or `{#`.
fn next_open(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..bytes.len().saturating_sub(1))
        .find(|&at| bytes[at] == b'{' && matches!(bytes[at + 1], b'%' | b'{' | b'#'))
}

/// Returns the start of the next statement tag that opens with `word`.
fn find_statement(text: &str, from: usize, word: &str) -> Option<usize> {
    let mut at = from;
    loop {
        let start = at + text[at..].find("{%")?;
        let inside = text[start + 2..].trim_start_matches(['-', '+']).trim_start();
        if inside.starts_with(word) {
            return Some(start);
        }
        at = start + 2;
    }
}

fn tag(text: &str, kind: TagKind, start: usize) -> Option<Tag> {
    let end = if kind == TagKind::Statement { "%}" } else { "}}" };
    let mut at = start + 2;
    if text[at..].starts_with(['-', '+']) {
        at += 1;
    }
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        if depth == 0
            && let Some(length) = closing(&text[at..], end)
        {
            return Some(Tag { kind, range: start..at + length, tokens, closing: at..at + length });
        }
        let token = token(text, at)?;
        match token.kind {
            TokenKind::Sign(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Sign(b')' | b']' | b'}') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at = token.range.end;
        tokens.push(token);
    }
}

fn closing(rest: &str, end: &str) -> Option<usize> {
    let marked = rest.strip_prefix(['-', '+']).is_some_and(|rest| rest.starts_with(end));
    if marked { Some(end.len() + 1) } else { rest.starts_with(end).then_some(end.len()) }
}

fn token(text: &str, at: usize) -> Option<TemplateToken> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    let (kind, length) = match first {
        '\'' | '"' => (TokenKind::Text, string_length(rest, first)?),
        first if first.is_ascii_digit() => (TokenKind::Number, number_length(rest)),
        first if is_word(first) => (TokenKind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
        first => (TokenKind::Sign(u8::try_from(first).ok()?), first.len_utf8()),
    };
    Some(TemplateToken { kind, range: at..at + length })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn string_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    rest.char_indices().skip(1).find_map(|(at, c)| {
        let end = !escaped && c == quote;
        escaped = !escaped && c == '\\';
        end.then_some(at + 1)
    })
}

fn number_length(rest: &str) -> usize {
    let whole = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    match rest[whole..].strip_prefix('.') {
        Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => {
            whole + 1 + after.find(|c| !is_word(c)).unwrap_or(after.len())
        }
        _ => whole,
    }
}

/// Strips a string literal's quotes, without unescaping.
pub(super) fn unquoted(literal: &str) -> &str {
    literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<&str> = tags(text).into_iter().map(|tag| &text[tag.range]).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn tags_are_found_whatever_their_strings_hold() {
        check("a {{ '}}' }} b", &["{{ '}}' }}"]);
        check("{%- set x = {'a': {'b': 1}} -%}", &["{%- set x = {'a': {'b': 1}} -%}"]);
        check("{# {{ no }} #}{{ \"\\\"}}\" }}", &["{{ \"\\\"}}\" }}"]);
        check("{% raw %}{{ no }}{% endraw %}{{ é }}", &["{% raw %}", "{% endraw %}", "{{ é }}"]);
    }

    #[test]
    fn broken_text_ends_the_list() {
        check("{{ a }} {{ b", &["{{ a }}"]);
        check("{{ ) }} {{ b }}", &[]);
        check("{{", &[]);
        check("{# a", &[]);
    }
}
