//! Token rewrites: translate syntax that the parser can't read into syntax that it can, before parsing.
//!
//! Each rewrite keeps the spans of the tokens, so that errors still point at the original text. Names that
//! begin with `$` are marks for `statement` and the planners; DuckDB's users can't write them without quotes.
//!
//! - here: the entry point and the small rewrites
//! - `scan`: scans of tokens for words, brackets and lists
//! - `refusal`: syntax that is rejected because no rewrite gives DuckDB's rows
//! - `pivot`: PIVOT and UNPIVOT, as statements and after a table
//! - `list`: list comprehensions
//! - `star`: `* LIKE 'a%'`, `*COLUMNS(…)`
//! - `alias`: `name: expression`

mod alias;
mod list;
pub(super) mod pivot;
mod refusal;
mod scan;
mod star;

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError},
};

use self::scan::{depth, end_of_query, find, is_at, is_keyword, is_word, keyword, token};
use super::{depth::brackets, refusal::SyntaxRefusal};
use crate::engine::grammar::DuckDbGrammar;

/// The mark of an ASOF JOIN in a parsed statement: a keyword before JOIN that DuckDB doesn't have.
const GLOBAL: &str = "GLOBAL";

/// The reason that a text can't be tokenized.
pub(super) enum Problem {
    /// Invalid tokens.
    Tokens(TokenizerError),
    /// Valid syntax that can't be planned.
    Refused(SyntaxRefusal),
}

/// Tokenizes a statement and rewrites it to the parser's syntax.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Problem> {
    let grammar = DuckDbGrammar::of_part();
    let tokens = Tokenizer::new(&grammar, sql).tokenize_with_location().map_err(Problem::Tokens)?;
    let mut tokens = without_space(tokens);
    brackets(&tokens).map_err(Problem::Refused)?;
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
