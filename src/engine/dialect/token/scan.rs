//! Scans of tokens: words, brackets, lists and aliases.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Span, Token, TokenWithSpan, Word},
};

/// Returns whether a token is this word, unquoted.
pub(super) fn is_word(token: &TokenWithSpan, name: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name))
}

/// Returns whether a token is this keyword, unquoted.
pub(super) fn is_keyword(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

/// Returns whether the token at a position is this one.
pub(super) fn is_at(tokens: &[TokenWithSpan], at: usize, token: &Token) -> bool {
    tokens.get(at).is_some_and(|found| found.token == *token)
}

/// Returns whether the token at a position is this word, unquoted.
pub(super) fn is_word_at(tokens: &[TokenWithSpan], at: usize, name: &str) -> bool {
    tokens.get(at).is_some_and(|found| is_word(found, name))
}

/// Returns a token with a span.
pub(super) fn token(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan { token, span }
}

/// Returns a keyword with a span.
pub(super) fn keyword(name: &str, span: Span) -> TokenWithSpan {
    token(Token::make_keyword(name), span)
}

/// Returns a name with a span, as if it were quoted.
pub(super) fn name(name: &str, span: Span) -> TokenWithSpan {
    let word = Word { value: name.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
    token(Token::Word(word), span)
}

/// Returns `"name"(arguments)`.
pub(super) fn call(function: &str, arguments: &[TokenWithSpan], span: Span) -> Vec<TokenWithSpan> {
    let mut made = vec![name(function, span), token(Token::LParen, span)];
    made.extend_from_slice(arguments);
    made.push(token(Token::RParen, span));
    made
}

/// Returns the change in nesting depth that a token causes.
pub(super) fn depth(token: &Token) -> isize {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => 1,
        Token::RParen | Token::RBracket | Token::RBrace => -1,
        _ => 0,
    }
}

/// Returns the position of the parenthesis or bracket that closes the one at `open`.
pub(super) fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut level = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        level += depth(&token.token);
        if level == 0 {
            return Some(at);
        }
    }
    None
}

/// Returns the end of the query around a position: its closing parenthesis, a semicolon, or the end.
pub(super) fn end_of_query(tokens: &[TokenWithSpan], from: usize) -> usize {
    let mut level = 0;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        level += depth(&token.token);
        if level < 0 || (level == 0 && token.token == Token::SemiColon) {
            return at;
        }
    }
    tokens.len()
}

/// Returns the first position outside inner parentheses where a condition holds.
pub(super) fn find(
    tokens: &[TokenWithSpan],
    is_it: impl Fn(&[TokenWithSpan], usize) -> bool,
) -> Option<usize> {
    let mut level = 0;
    for at in 0..tokens.len() {
        if level == 0 && is_it(tokens, at) {
            return Some(at);
        }
        level += depth(&tokens[at].token);
    }
    None
}

/// Splits tokens at the commas outside inner parentheses, and ignores a trailing comma.
pub(super) fn split(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    while let Some(comma) = find(rest, |tokens, at| tokens[at].token == Token::Comma) {
        parts.push(&rest[..comma]);
        rest = &rest[comma + 1..];
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Splits off a trailing `AS name`.
pub(super) fn split_alias(tokens: &[TokenWithSpan]) -> (&[TokenWithSpan], &[TokenWithSpan]) {
    match tokens {
        [.., last_but_one, _] if is_keyword(last_but_one, Keyword::AS) => tokens.split_at(tokens.len() - 2),
        _ => (tokens, &[]),
    }
}

/// Returns the span of the tokens.
pub(super) fn span(tokens: &[TokenWithSpan]) -> Span {
    Span::union_iter(tokens.iter().map(|token| token.span))
}
