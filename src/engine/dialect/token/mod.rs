//! Token rewrites: translate syntax that the parser can't read into syntax that it can, before parsing.
//!
//! Each rewrite keeps the spans of the tokens, so that errors still point at the original text. Names that
//! begin with `$` are marks for `statement` and the planners; DuckDB's users can't write them without quotes.
//!
//! - here: the entry point and the small rewrites
//! - `refusal`: syntax that is rejected because no rewrite gives DuckDB's rows
//! - `pivot`: PIVOT and UNPIVOT, as statements and after a table
//! - `list`: list comprehensions
//! - `star`: `* LIKE 'a%'`, `*COLUMNS(…)`
//! - `alias`: `name: expression`

mod alias;
mod list;
pub(super) mod pivot;
mod refusal;
mod star;

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Span, Token, TokenWithSpan, Tokenizer, TokenizerError, Word},
};

pub(super) use self::star::UNPACK;
use super::{grammar::Grammar, statement::Refused};

/// The mark of an ASOF JOIN in a parsed statement: a keyword before JOIN that DuckDB doesn't have.
const GLOBAL: &str = "GLOBAL";

/// The reason that a text can't be tokenized.
pub(super) enum Problem {
    /// Invalid tokens.
    Tokens(TokenizerError),
    /// Valid syntax that can't be planned.
    Refused(Refused),
}

/// Tokenizes a statement and rewrites it to the parser's syntax.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Problem> {
    let tokens = Tokenizer::new(&Grammar, sql).tokenize_with_location().map_err(Problem::Tokens)?;
    let mut tokens = without_space(tokens);
    refusal::check(&tokens).map_err(Problem::Refused)?;
    as_of(&mut tokens);
    words(&mut tokens);
    from_first(&mut tokens);
    alias::rewrite(&mut tokens);
    list::rewrite(&mut tokens);
    star::rewrite(&mut tokens);
    pivot::rewrite(&mut tokens).map_err(Problem::Refused)?;
    Ok(tokens)
}

/// Removes whitespace, except between two string literals, which may form one literal across several lines.
fn without_space(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_space = |token: &Token| matches!(token, Token::Whitespace(_));
    let is_text = |token: Option<&TokenWithSpan>| {
        token.is_some_and(|token| matches!(token.token, Token::SingleQuotedString(_)))
    };
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !is_space(&token.token) {
            kept.push(token);
            continue;
        }
        let mut space = vec![token];
        while let Some(more) = tokens.next_if(|next| is_space(&next.token)) {
            space.push(more);
        }
        if is_text(kept.last()) && is_text(tokens.peek()) {
            kept.append(&mut space);
        }
    }
    kept
}

/// Marks `ASOF JOIN` and `ASOF LEFT JOIN`.
fn as_of(tokens: &mut [TokenWithSpan]) {
    const JOINS: [Keyword; 7] = [
        Keyword::JOIN,
        Keyword::INNER,
        Keyword::LEFT,
        Keyword::RIGHT,
        Keyword::FULL,
        Keyword::SEMI,
        Keyword::ANTI,
    ];
    for at in 0..tokens.len().saturating_sub(1) {
        if is_keyword(&tokens[at], Keyword::ASOF)
            && JOINS.iter().any(|join| is_keyword(&tokens[at + 1], *join))
        {
            tokens[at].token = Token::make_keyword(GLOBAL);
        }
    }
}

/// Replaces `TABLE t` with `FROM t`, `AS MATERIALIZED (` with `AS (`, and `FILTER (condition)` with
/// `FILTER (WHERE condition)`.
fn words(tokens: &mut Vec<TokenWithSpan>) {
    for at in (0..tokens.len()).rev() {
        let place = tokens[at].span;
        let after = |back: usize| at.checked_sub(back).and_then(|before| tokens.get(before));
        let follows_as = |back: usize| after(back).is_some_and(|token| is_keyword(token, Keyword::AS));
        let opens = is_at(tokens, at + 1, &Token::LParen);
        if is_word(&tokens[at], "materialized") && opens {
            if follows_as(1) {
                tokens.remove(at);
            } else if after(1).is_some_and(|token| is_keyword(token, Keyword::NOT)) && follows_as(2) {
                tokens.drain(at - 1..=at);
            }
        } else if is_keyword(&tokens[at], Keyword::TABLE) {
            let begins = at == 0 || matches!(tokens[at - 1].token, Token::LParen | Token::RParen);
            let reads = tokens.get(at + 1).is_some_and(|next| matches!(next.token, Token::Word(_)));
            if begins && reads {
                tokens[at] = keyword("FROM", place);
            }
        } else if is_keyword(&tokens[at], Keyword::FILTER) && opens {
            let is_clause = at > 0 && tokens[at - 1].token == Token::RParen;
            let has_where = tokens.get(at + 2).is_some_and(|next| is_keyword(next, Keyword::WHERE));
            if is_clause && !has_where {
                tokens.insert(at + 2, keyword("WHERE", place));
            }
        }
    }
}

/// Completes `FROM t WHERE …` without SELECT to `SELECT * FROM t WHERE …`.
fn from_first(tokens: &mut Vec<TokenWithSpan>) {
    const CLAUSES: [Keyword; 4] = [Keyword::WHERE, Keyword::GROUP, Keyword::HAVING, Keyword::QUALIFY];
    const SETS: [Keyword; 3] = [Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT];
    for at in (0..tokens.len()).rev() {
        if !is_keyword(&tokens[at], Keyword::FROM) {
            continue;
        }
        let begins = at == 0
            || matches!(tokens[at - 1].token, Token::LParen | Token::RParen | Token::SemiColon)
            || [Keyword::ALL, Keyword::UNION, Keyword::EXCEPT, Keyword::INTERSECT]
                .iter()
                .any(|word| is_keyword(&tokens[at - 1], *word));
        let end = end_of_query(tokens, at);
        let rest = &tokens[at..end];
        let is = |words: &[Keyword]| {
            find(rest, |tokens, at| words.iter().any(|word| is_keyword(&tokens[at], *word)))
        };
        let end_of_side = is(&SETS).unwrap_or(rest.len());
        let has_select = is(&[Keyword::SELECT]).is_some_and(|select| select < end_of_side);
        let has_clause = is(&CLAUSES).is_some_and(|clause| clause < end_of_side);
        if begins && has_clause && !has_select && !is_of_call(tokens, at) {
            let place = tokens[at].span;
            tokens.splice(at..at, [keyword("SELECT", place), token(Token::Mul, place)]);
        }
    }
}

/// Returns whether a SELECT list ends before a position: `SELECT f(x) FROM t`.
fn is_of_call(tokens: &[TokenWithSpan], at: usize) -> bool {
    let mut level = 0;
    for before in tokens[..at].iter().rev() {
        level -= depth(&before.token);
        if level < 0 {
            return false;
        }
        if level == 0 && is_keyword(before, Keyword::SELECT) {
            return true;
        }
    }
    false
}

/// Returns whether a token is this word, unquoted.
fn is_word(token: &TokenWithSpan, name: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name))
}

/// Returns whether a token is this keyword, unquoted.
fn is_keyword(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

/// Returns whether the token at a position is this one.
fn is_at(tokens: &[TokenWithSpan], at: usize, token: &Token) -> bool {
    tokens.get(at).is_some_and(|found| found.token == *token)
}

/// Returns whether the token at a position is this word, unquoted.
fn is_word_at(tokens: &[TokenWithSpan], at: usize, name: &str) -> bool {
    tokens.get(at).is_some_and(|found| is_word(found, name))
}

/// Returns a token with a span.
fn token(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan { token, span }
}

/// Returns a keyword with a span.
fn keyword(name: &str, span: Span) -> TokenWithSpan {
    token(Token::make_keyword(name), span)
}

/// Returns a name with a span, as if it were quoted.
fn name(name: &str, span: Span) -> TokenWithSpan {
    let word = Word { value: name.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
    token(Token::Word(word), span)
}

/// Returns `"name"(arguments)`.
fn call(function: &str, arguments: &[TokenWithSpan], span: Span) -> Vec<TokenWithSpan> {
    let mut made = vec![name(function, span), token(Token::LParen, span)];
    made.extend_from_slice(arguments);
    made.push(token(Token::RParen, span));
    made
}

/// Returns the change in nesting depth that a token causes.
fn depth(token: &Token) -> isize {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => 1,
        Token::RParen | Token::RBracket | Token::RBrace => -1,
        _ => 0,
    }
}

/// Returns the position of the parenthesis or bracket that closes the one at `open`.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
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
fn end_of_query(tokens: &[TokenWithSpan], from: usize) -> usize {
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
fn find(tokens: &[TokenWithSpan], is_it: impl Fn(&[TokenWithSpan], usize) -> bool) -> Option<usize> {
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
fn split(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
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
fn split_alias(tokens: &[TokenWithSpan]) -> (&[TokenWithSpan], &[TokenWithSpan]) {
    match tokens {
        [.., last_but_one, _] if is_keyword(last_but_one, Keyword::AS) => tokens.split_at(tokens.len() - 2),
        _ => (tokens, &[]),
    }
}

/// Returns the span of the tokens.
fn span(tokens: &[TokenWithSpan]) -> Span {
    Span::union_iter(tokens.iter().map(|token| token.span))
}
