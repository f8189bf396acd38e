//! DuckDB's grammar: extends the parser's own DuckDB dialect with the operators, precedences and literals
//! that it lacks.
//!
//! A dialect of sqlparser can't be extended, so every method that `DuckDbDialect` overrides in 0.62 is
//! repeated here. Compare them when updating sqlparser, and drop an addition once sqlparser has it.

use std::any::TypeId;

use datafusion::sql::sqlparser::{
    ast::{BinaryOperator, Expr, Interval, UnaryOperator, Value},
    dialect::{Dialect, DuckDbDialect, Precedence},
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Token, Word},
};

use super::parse_budget::ParseBudget;

/// The precedence of `^` and `**`: tighter than `*`, looser than unary minus.
const POWER_PRECEDENCE: u8 = 45;
/// The precedence of unary plus, minus and `~`.
const SIGN_PRECEDENCE: u8 = 46;
/// The precedence of every operator without one of its own: `||`, `&`, `|`, `<<`, `>>`, `->>`, `~`…
const OTHER_PRECEDENCE: u8 = 24;
/// The precedence of `->`, which is also the arrow of a lambda.
const ARROW_PRECEDENCE: u8 = 16;

/// DuckDB's grammar. See the [module's documentation](self).
#[derive(Debug)]
pub(crate) struct DuckDbGrammar {
    budget: ParseBudget,
}

impl DuckDbGrammar {
    /// Returns the grammar for one statement of this many bytes.
    pub(super) fn of_statement(bytes: usize) -> Self {
        Self { budget: ParseBudget::of_statement(bytes) }
    }

    /// Returns the grammar for types and other short texts.
    pub(crate) fn of_part() -> Self {
        Self { budget: ParseBudget::unlimited() }
    }

    /// Returns the attempts that the parser has left.
    #[cfg(test)]
    pub(super) fn budget(&self) -> &ParseBudget {
        &self.budget
    }
}

impl Dialect for DuckDbGrammar {
    /// Returns DuckDB's type, because the parser checks it in a few places.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, character: char) -> bool {
        DuckDbDialect.is_identifier_start(character)
    }

    fn is_identifier_part(&self, character: char) -> bool {
        DuckDbDialect.is_identifier_part(character)
    }

    fn supports_trailing_commas(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    /// Off, so that `coalesce(a = 'x', false)` is a comparison; DuckDB writes named arguments with `:=`.
    fn supports_named_fn_args_with_eq_operator(&self) -> bool {
        false
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_select_wildcard_rename(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    /// Off, so that any word may be a unit, as in `interval 3 centuries`. Unknown units are rejected later.
    fn require_interval_qualifier(&self) -> bool {
        false
    }

    /// Allows a string literal to continue on the next line.
    fn supports_string_literal_concatenation_with_newline(&self) -> bool {
        true
    }

    fn supports_factorial_operator(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        false
    }

    /// A column can't have the name of these words without quotes. Otherwise the parser would read them as
    /// names after an error in what follows.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        matches!(keyword, Keyword::CASE | Keyword::CAST) || DuckDbDialect.is_reserved_for_identifier(keyword)
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.budget.take(parser) {
            return Some(Err(error));
        }
        if let Some(interval) = interval(parser) {
            return Some(interval);
        }
        let op = match parser.peek_token_ref().token {
            Token::Minus => UnaryOperator::Minus,
            Token::Plus => UnaryOperator::Plus,
            Token::Tilde => UnaryOperator::BitwiseNot,
            Token::AtSign => UnaryOperator::PGAbs,
            _ => return None,
        };
        parser.next_token();
        let expr = parser.parse_subexpr(SIGN_PRECEDENCE);
        Some(expr.map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        let next = &parser.peek_token_ref().token;
        Some(Ok(match next {
            Token::Caret => POWER_PRECEDENCE,
            Token::Mul if parser.peek_nth_token_ref(1).token == Token::Mul => POWER_PRECEDENCE,
            Token::StringConcat
            | Token::Ampersand
            | Token::Pipe
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::LongArrow
            | Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk
            | Token::AtArrow
            | Token::ArrowAt
            | Token::Overlap
            | Token::CaretAt => OTHER_PRECEDENCE,
            Token::Arrow => ARROW_PRECEDENCE,
            Token::Word(word) if is_glob(word) => OTHER_PRECEDENCE,
            Token::Word(word) if is_null_test(word) => self.prec_value(Precedence::Is),
            _ => return None,
        }))
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if let Some(within) = within_list(parser, expr, precedence) {
            return Some(within);
        }
        let op = match (&parser.peek_token_ref().token, &parser.peek_nth_token_ref(1).token) {
            (Token::Mul, Token::Mul) => {
                parser.next_token();
                parser.next_token();
                BinaryOperator::Custom(POWER.into())
            }
            (Token::Word(word), _) if is_glob(word) => {
                parser.next_token();
                BinaryOperator::Custom(GLOB.into())
            }
            (Token::Word(word), _) if word.keyword == Keyword::IS => {
                return distinct(parser, expr, precedence);
            }
            (Token::Word(word), _) if is_null_test(word) => {
                parser.next_token();
                return Some(Ok(Expr::IsNull(Box::new(expr.clone()))));
            }
            (Token::Caret, _) => {
                parser.next_token();
                BinaryOperator::Custom(POWER.into())
            }
            (Token::Overlap, _) => {
                parser.next_token();
                BinaryOperator::PGOverlap
            }
            (Token::CaretAt, _) => {
                parser.next_token();
                BinaryOperator::PGStartsWith
            }
            _ => return None,
        };
        let right = parser.parse_subexpr(precedence);
        Some(right.map(|right| Expr::BinaryOp { left: Box::new(expr.clone()), op, right: Box::new(right) }))
    }
}

/// Parses `IS [NOT] DISTINCT FROM`. Its right operand ends before AND and OR, while sqlparser would read on
/// to the end.
fn distinct(parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
    let same = parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]);
    if !same && !parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
        return None;
    }
    Some(parser.parse_subexpr(precedence).map(|right| {
        let (left, right) = (Box::new(left.clone()), Box::new(right));
        if same { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) }
    }))
}

/// Interval units that the parser doesn't know.
const UNITS: [&str; 6] = ["centuries", "decades", "millennia", "millenniums", "quarters", "isoyears"];

/// Parses `interval 3 centuries`, because the parser would take the unit for an alias, and `interval` without
/// an amount, which is a column.
fn interval(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let is = |token: &Token, name: &str| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name));
    if !is(&parser.peek_token_ref().token, "interval") {
        return None;
    }
    if !begins_amount(&parser.peek_nth_token_ref(1).token) {
        return Some(parser.parse_identifier().map(Expr::Identifier));
    }
    let unit = UNITS.into_iter().find(|unit| is(&parser.peek_nth_token_ref(2).token, unit))?;
    let amount = match &parser.peek_nth_token_ref(1).token {
        Token::Number(amount, _) | Token::SingleQuotedString(amount) => amount.clone(),
        _ => return None,
    };
    parser.next_token();
    let span = parser.next_token().span;
    parser.next_token();
    // DuckDB ignores the fraction for these units.
    let whole =
        amount.trim().parse::<f64>().map_or_else(|_| amount.clone(), |number| number.trunc().to_string());
    let value = Value::SingleQuotedString(format!("{whole} {unit}")).with_span(span);
    Some(Ok(Expr::Interval(Interval {
        value: Box::new(Expr::Value(value)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })))
}

/// Returns whether a token after `interval` begins an amount, or a field of a column of that name.
fn begins_amount(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword == Keyword::NULL,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::Placeholder(_)
        | Token::LParen
        | Token::Plus
        | Token::Minus
        | Token::Period => true,
        _ => false,
    }
}

/// Parses `x IN list` with a list value as `contains(list, x)`.
fn within_list(parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
    let is_in = |token: &Token| matches!(token, Token::Word(word) if word.keyword == Keyword::IN);
    let is_not = |token: &Token| matches!(token, Token::Word(word) if word.keyword == Keyword::NOT);
    let negated = is_not(&parser.peek_token_ref().token);
    let (at, after) = if negated { (1, 2) } else { (0, 1) };
    let begins_value = |token: &Token| match token {
        Token::LBracket => true,
        Token::Word(word) => word.keyword != Keyword::UNNEST,
        _ => false,
    };
    if !is_in(&parser.peek_nth_token_ref(at).token) || !begins_value(&parser.peek_nth_token_ref(after).token)
    {
        return None;
    }
    for _ in 0..after {
        parser.next_token();
    }
    Some(parser.parse_subexpr(precedence).map(|list| {
        let contains = super::ast::call("contains", vec![list, expr.clone()]);
        if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(contains) } } else { contains }
    }))
}

/// Returns whether a word is the operator ISNULL.
fn is_null_test(word: &Word) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull")
}

/// Returns whether a word is the operator GLOB, which the parser has no keyword for.
fn is_glob(word: &Word) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(GLOB)
}

/// The name of the operator `**` in a parsed statement.
pub(crate) const POWER: &str = "**";

/// The name of the operator GLOB in a parsed statement.
pub(crate) const GLOB: &str = "GLOB";
