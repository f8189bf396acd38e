//! PostgreSQL's grammar: the parser's own PostgreSQL dialect, except that a sign binds tighter than `^`, and
//! that numbers can't contain underscores.
//!
//! A dialect of sqlparser can't be extended, so every method that `PostgreSqlDialect` overrides in 0.62 is
//! repeated here. Compare them when updating sqlparser.

use std::any::TypeId;

use datafusion::sql::sqlparser::{
    ast::{Expr, UnaryOperator},
    dialect::{Dialect, PostgreSqlDialect, Precedence},
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

use crate::engine::parse_budget::ParseBudget;

/// The precedence of unary plus and minus: tighter than all binary operators except `::` and subscripts.
const SIGN_PRECEDENCE: u8 = 125;
/// The precedence of every operator without one of its own.
const OTHER_PRECEDENCE: u8 = 70;

const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// PostgreSQL's grammar. See the [module's documentation](self).
#[derive(Debug)]
pub(super) struct PostgresGrammar {
    budget: ParseBudget,
}

impl PostgresGrammar {
    /// Returns the grammar for one statement of this many bytes.
    pub(super) fn of_statement(bytes: usize) -> Self {
        Self { budget: ParseBudget::of_statement(bytes) }
    }

    /// Returns the grammar for types.
    pub(super) fn of_part() -> Self {
        Self { budget: ParseBudget::unlimited() }
    }
}

impl Dialect for PostgresGrammar {
    /// Returns PostgreSQL's type, because the parser checks it in a few places.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRES.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, character: char) -> bool {
        POSTGRES.is_delimited_identifier_start(character)
    }

    fn is_identifier_start(&self, character: char) -> bool {
        POSTGRES.is_identifier_start(character)
    }

    fn is_identifier_part(&self, character: char) -> bool {
        POSTGRES.is_identifier_part(character)
    }

    /// Reserves CASE and CAST, too, as PostgreSQL does.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        matches!(keyword, Keyword::CASE | Keyword::CAST) || POSTGRES.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, character: char) -> bool {
        POSTGRES.is_custom_operator_part(character)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        POSTGRES.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRES.prec_value(precedence)
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_create_index_with_clause(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_listen_notify(&self) -> bool {
        true
    }

    fn supports_factorial_operator(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_comment_on(&self) -> bool {
        true
    }

    fn supports_load_extension(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        false
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_geometric_types(&self) -> bool {
        true
    }

    fn supports_set_names(&self) -> bool {
        true
    }

    fn supports_alter_column_type_using(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        true
    }

    fn supports_create_table_like_parenthesized(&self) -> bool {
        true
    }

    fn supports_select_wildcard_with_alias(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_xml_expressions(&self) -> bool {
        true
    }

    fn supports_comment_optimizer_hint(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.budget.take(parser) {
            return Some(Err(error));
        }
        let (op, precedence) = match parser.peek_token_ref().token {
            Token::Minus => (UnaryOperator::Minus, SIGN_PRECEDENCE),
            Token::Plus => (UnaryOperator::Plus, SIGN_PRECEDENCE),
            Token::Tilde => (UnaryOperator::BitwiseNot, OTHER_PRECEDENCE),
            Token::AtSign => (UnaryOperator::PGAbs, OTHER_PRECEDENCE),
            _ => return None,
        };
        parser.next_token();
        let expr = parser.parse_subexpr(precedence);
        Some(expr.map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
    }
}
