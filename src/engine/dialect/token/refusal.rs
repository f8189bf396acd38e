//! Unsupported syntax: rejects syntax that the parser would misread, or that has no plan with DuckDB's rows.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan},
};

use super::scan::{is_at, is_keyword, is_word, is_word_at, span};
use crate::engine::dialect::refusal::SyntaxRefusal;

/// Checks a statement's tokens.
///
/// # Errors
/// For the first unsupported construct.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), SyntaxRefusal> {
    for at in 0..tokens.len() {
        if let Some((message, help, length)) = refusal(tokens, at) {
            return Err(SyntaxRefusal::new(message, Some(help), span(&tokens[at..at + length])));
        }
    }
    Ok(())
}

/// Returns the message, the help and the number of tokens if the construct at a position is unsupported.
fn refusal(tokens: &[TokenWithSpan], at: usize) -> Option<(&'static str, &'static str, usize)> {
    const SAMPLE: &str = "take rows by a key, so that each run has the same: where hash(key) % 10 = 0";
    let word = &tokens[at];
    let followed = |name: &str| is_word_at(tokens, at + 1, name);
    if is_word(word, "positional") && followed("join") {
        return Some((
            "POSITIONAL JOIN is not supported: rows of a table have no positions",
            "join on row_number() over (order by …) of both sides",
            2,
        ));
    }
    if (is_word(word, "using") && followed("sample")) || is_sample(tokens, at) {
        return Some(("a sample of rows is not supported", SAMPLE, 1));
    }
    if is_word(word, "limit") && is_percentage(tokens, at + 1) {
        return Some((
            "LIMIT with a percentage is not supported",
            "number the rows: qualify row_number() over (order by …) <= 0.1 * count(*) over ()",
            2,
        ));
    }
    if is_word(word, "try") && is_at(tokens, at + 1, &Token::LParen) {
        return Some((
            "TRY(…) is not supported",
            "use try_cast, or test the value with CASE before it is computed",
            1,
        ));
    }
    if is_word(word, "using") && followed("key") {
        return Some((
            "a recursive query with USING KEY is not supported",
            "write UNION ALL and take the last row of each key from its result",
            2,
        ));
    }
    if is_word(word, "exclude") && is_exclusion_of_frame(tokens, at) {
        return Some((
            "EXCLUDE in a window's frame is not supported",
            "subtract the rows yourself, as in sum(x) over (…) - x for EXCLUDE CURRENT ROW",
            1,
        ));
    }
    if is_keyword(word, Keyword::FOR) && (followed("update") || followed("share")) {
        return Some(("a model reads; it can't lock rows", "leave out FOR UPDATE", 2));
    }
    None
}

/// Returns whether `10%` or `10 PERCENT` ends a clause at a position; `10 % 3` is a number.
fn is_percentage(tokens: &[TokenWithSpan], at: usize) -> bool {
    if !matches!(tokens.get(at).map(|amount| &amount.token), Some(Token::Number(..))) {
        return false;
    }
    let ends = |at: usize| {
        tokens.get(at).is_none_or(|next| {
            matches!(next.token, Token::RParen | Token::SemiColon | Token::EOF)
                || is_keyword(next, Keyword::OFFSET)
        })
    };
    is_word_at(tokens, at + 1, "percent") || (is_at(tokens, at + 1, &Token::Mod) && ends(at + 2))
}

fn is_sample(tokens: &[TokenWithSpan], at: usize) -> bool {
    is_word(&tokens[at], "tablesample")
}

/// Returns whether `EXCLUDE CURRENT ROW`, `EXCLUDE GROUP` or `EXCLUDE TIES` follows the bounds of a frame.
fn is_exclusion_of_frame(tokens: &[TokenWithSpan], at: usize) -> bool {
    let is_bound =
        at > 0 && ["row", "preceding", "following"].iter().any(|bound| is_word(&tokens[at - 1], bound));
    is_bound && ["current", "group", "ties", "no"].iter().any(|what| is_word_at(tokens, at + 1, what))
}
