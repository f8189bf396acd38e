//! The parse budget: a limit on the attempts of the parser. If an expression that begins with a keyword has a
//! syntax error, sqlparser (0.62, `Parser::parse_prefix`) parses all of it again with the keyword as a name,
//! and so a typo within 30 nested calls is parsed 2³⁰ times. Delete this when sqlparser doesn't go back.

use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::sql::sqlparser::parser::{Parser, ParserError};

/// The beginning of the error of a statement whose budget is used up.
pub(super) const TOO_MANY_ATTEMPTS: &str = "this statement can be read in too many ways";

/// The attempts for each byte of a statement: valid ones need fewer than one.
const FOR_EACH_BYTE: usize = 16;
/// The attempts that a short statement has, too.
const FOR_ALL: usize = 50_000;

/// The expressions that the parser may still begin to parse.
///
/// An error that ends the last attempt isn't reported if there was an error before: the parser reports that
/// of the first attempt.
#[derive(Debug)]
pub(super) struct ParseBudget(AtomicUsize);

impl ParseBudget {
    /// Returns the budget of a statement of this many bytes.
    pub(super) fn of_statement(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes.saturating_mul(FOR_EACH_BYTE).saturating_add(FOR_ALL)))
    }

    /// Returns a budget that is never used up, for types and other short texts.
    pub(super) fn unlimited() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    /// Takes one attempt.
    ///
    /// # Errors
    /// If none is left.
    pub(super) fn take(&self, parser: &Parser) -> Result<(), ParserError> {
        let taken = |left: usize| left.checked_sub(1);
        if self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok() {
            return Ok(());
        }
        let place = parser.peek_token_ref().span.start;
        Err(ParserError::ParserError(format!("{TOO_MANY_ATTEMPTS}{place}")))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;
    use crate::engine::grammar::DuckDbGrammar;

    /// Parses an expression, and returns the error and the number of attempts that are left.
    fn parsed(sql: &str) -> (String, usize) {
        let grammar = DuckDbGrammar::of_statement(sql.len());
        let tokens = Tokenizer::new(&grammar, sql).tokenize_with_location().unwrap();
        let error = Parser::new(&grammar)
            .with_recursion_limit(1_000)
            .with_tokens_with_locations(tokens)
            .parse_expr()
            .unwrap_err();
        (error.to_string(), grammar.budget().0.load(Ordering::Relaxed))
    }

    #[test]
    fn a_typo_is_found_at_its_place_however_deep_it_is() {
        for (before, typo, after) in [
            ("cast(", "1 as 1nt", " as int)"),
            ("try_cast(", "1 as 1nt", " as int)"),
            ("case when a then ", "1 1", " end"),
            ("extract(day from ", "1 1", ")"),
            ("substring(", "1 1", " from 2)"),
            ("trim(", "1 1", ")"),
            ("exists(select ", "1 1", ")"),
        ] {
            let [short, long] =
                [2, 60].map(|levels| parsed(&(before.repeat(levels) + typo + &after.repeat(levels))).0);
            let message = |error: &str| error.split(" at Line").next().unwrap_or_default().to_owned();
            assert_eq!(message(&short), message(&long));
            assert!(!long.contains(TOO_MANY_ATTEMPTS), "{long}");
        }
    }

    #[test]
    fn a_form_that_the_parser_tries_as_a_call_ends() {
        let sql = "position('a' in ".repeat(60) + "1 1" + &")".repeat(60);
        assert!(parsed(&sql).0.contains(TOO_MANY_ATTEMPTS));
    }

    #[test]
    fn reserved_words_are_not_read_as_names() {
        for (before, typo, after) in [("cast(", "1 as 1nt", " as int)"), ("case when a then ", "1 1", " end")]
        {
            let levels = 60;
            let sql = before.repeat(levels) + typo + &after.repeat(levels);
            let attempts = sql.len() * FOR_EACH_BYTE + FOR_ALL - parsed(&sql).1;
            assert!(attempts < 4 * levels, "{attempts}");
        }
    }
}
