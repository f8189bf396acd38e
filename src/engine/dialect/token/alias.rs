//! Prefix aliases: `name: expression` in a SELECT list and `name: table` in FROM.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan},
};

use super::scan::{depth, is_at, is_keyword, keyword};

/// Keywords that end a SELECT list.
const AFTER_LIST: [Keyword; 14] = [
    Keyword::FROM,
    Keyword::WHERE,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::WINDOW,
    Keyword::QUALIFY,
    Keyword::ORDER,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::USING,
    Keyword::FETCH,
];

/// Moves each prefix alias behind its item.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    // Goes backwards, so that earlier positions stay valid.
    for at in (1..tokens.len().saturating_sub(1)).rev() {
        let is_alias = matches!(tokens[at].token, Token::Word(_))
            && is_at(tokens, at + 1, &Token::Colon)
            && begins_item(tokens, at);
        if !is_alias {
            continue;
        }
        let end = end_of_item(tokens, at + 2);
        let alias = tokens[at].clone();
        let span = alias.span;
        tokens.splice(end..end, [keyword("AS", span), alias]);
        tokens.drain(at..at + 2);
    }
}

/// Returns whether an item of a SELECT list or of FROM begins at a position.
fn begins_item(tokens: &[TokenWithSpan], at: usize) -> bool {
    let before = &tokens[at - 1];
    let begins = [Keyword::SELECT, Keyword::DISTINCT, Keyword::FROM, Keyword::JOIN];
    if begins.iter().any(|word| is_keyword(before, *word)) {
        return true;
    }
    if before.token != Token::Comma {
        return false;
    }
    // A comma can also be inside a list, a struct or a call, so the nearest keyword outside parentheses
    // decides.
    let mut level = 0;
    for before in tokens[..at].iter().rev() {
        level -= depth(&before.token);
        if level < 0 {
            return false;
        }
        if level == 0 && (is_keyword(before, Keyword::SELECT) || is_keyword(before, Keyword::FROM)) {
            return true;
        }
    }
    false
}

fn end_of_item(tokens: &[TokenWithSpan], from: usize) -> usize {
    let mut level = 0;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let ends = token.token == Token::Comma
            || token.token == Token::SemiColon
            || AFTER_LIST.iter().any(|word| is_keyword(token, *word))
            || is_keyword(token, Keyword::JOIN)
            || is_keyword(token, Keyword::ON);
        if level == 0 && ends {
            return at;
        }
        level += depth(&token.token);
        if level < 0 {
            return at;
        }
    }
    tokens.len()
}
