//! Star rewrites: `* LIKE 'a%'` and similar become `COLUMNS(* , '$like', 'a%')`; `*COLUMNS(…)` in a call
//! becomes `"$unpack"(COLUMNS(…))`.

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan},
};

use super::scan::{call, closing, is_at, is_keyword, is_word, is_word_at, name, span, token};
use crate::engine::dialect::marker::UNPACK;

/// Name tests that may follow a star, and the functions of name and pattern that they become.
const TESTS: [(&str, &str); 4] =
    [("like", "$like"), ("ilike", "$ilike"), ("glob", "$glob"), ("similar", "$similar")];

/// Rewrites all stars, last first.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    for at in (0..tokens.len()).rev() {
        if tokens[at].token != Token::Mul {
            continue;
        }
        unpacked(tokens, at);
        tested(tokens, at);
    }
}

/// Rewrites `*COLUMNS(…)` as an argument.
fn unpacked(tokens: &mut Vec<TokenWithSpan>, at: usize) {
    let begins = at > 0 && matches!(tokens[at - 1].token, Token::LParen | Token::Comma | Token::LBracket);
    if !begins || !is_word_at(tokens, at + 1, "columns") || !is_at(tokens, at + 2, &Token::LParen) {
        return;
    }
    if let Some(close) = closing(tokens, at + 2) {
        let made = call(UNPACK, &tokens[at + 1..=close], tokens[at].span);
        tokens.splice(at..=close, made);
    }
}

/// Rewrites `* [EXCLUDE …] [NOT] LIKE 'pattern'`.
fn tested(tokens: &mut Vec<TokenWithSpan>, at: usize) {
    let mut test = at + 1;
    while ["exclude", "replace", "rename"].iter().any(|option| is_word_at(tokens, test, option)) {
        test += 1;
        test = if is_at(tokens, test, &Token::LParen) {
            match closing(tokens, test) {
                Some(close) => close + 1,
                None => return,
            }
        } else {
            test + 1
        };
    }
    let options = at + 1..test;
    let negated = tokens.get(test).is_some_and(|token| is_keyword(token, Keyword::NOT));
    test += usize::from(negated);
    let Some((_, mark)) =
        tokens.get(test).and_then(|token| TESTS.iter().find(|(word, _)| is_word(token, word)))
    else {
        return;
    };
    let pattern = if is_word_at(tokens, test + 1, "to") { test + 2 } else { test + 1 };
    let Some(Token::SingleQuotedString(_)) = tokens.get(pattern).map(|token| &token.token) else { return };
    // Include the qualifiers before the star: `t.*`, `s.t.*`.
    let mut first = at;
    while first >= 2
        && tokens[first - 1].token == Token::Period
        && matches!(tokens[first - 2].token, Token::Word(_))
    {
        first -= 2;
    }
    let place = span(&tokens[first..=pattern]);
    let quoted = |text: &str| token(Token::SingleQuotedString(text.to_owned()), place);
    let mut arguments = tokens[first..=at].to_vec();
    arguments.extend_from_slice(&tokens[options]);
    arguments.extend([token(Token::Comma, place), quoted(mark), token(Token::Comma, place)]);
    arguments.push(tokens[pattern].clone());
    if negated {
        arguments.extend([token(Token::Comma, place), quoted("not")]);
    }
    let mut made = call("columns", &arguments, place);
    made[0] = name("columns", place);
    tokens.splice(first..=pattern, made);
}
