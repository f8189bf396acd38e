//! SQL dialects: turns SQL text into a type-checked plan with the semantics of the project's dialect.
//!
//! ```text
//!  text ──grammar──▶ statement ──statement──▶ statement ──DataFusion──▶ plan ──coerce──▶ plan
//!                    as written               as DataFusion    with `operator`s         every type
//!                                             can plan it      as functions             as in DuckDB
//! ```
//!
//! `duckdb` has DuckDB's semantics (version 1.5), and `postgresql` PostgreSQL's (version 15): see `postgres`.
//! Other dialects are parsed with their own syntax and get DataFusion's semantics. Functions with DuckDB's
//! names live in [`function`](super::function), its types and casts in [`cast`](super::cast), and operators
//! and literals that the parser lacks in [`grammar`].
//!
//! - `token`: rewrites syntax the parser can't be taught into syntax it knows
//! - `statement`: rewrites that need no types
//! - `depth`: limits of nesting; `statement_size`: balances long chains, and applies the limits
//! - `frame`, `offset`: offsets of window frames
//! - `constant`, `evaluation`: constant expressions, type-checked and evaluated
//! - `refusal`: errors for unsupported syntax
//! - `lateral`: subqueries in FROM that unnest a list of an earlier table; `independent`: a guard
//! - `star`: COLUMNS and stars with options; `relation`: PIVOT and UNPIVOT; `as_of`: ASOF JOIN
//! - `operator`, `arithmetic`, `compute`: operators, their types and their kernels
//! - `marker`: names that exist only until a query is planned
//! - `ordered`: carries the order of a subquery to where it is read
//! - `order`: comparisons of nested values, and with the elements of lists
//! - `explicit_cast`: casts that users write; `placeholder`: stands in for one until its types are known
//! - `unnested`: names of unnested fields
//! - `coerce`: the type check, which inserts DuckDB's implicit casts and rejects everything else
//! - `correlated`: rewrites subqueries that read outer columns as joins

mod arithmetic;
pub(super) mod as_of;
mod coerce;
mod compute;
mod constant;
mod correlated;
mod depth;
mod evaluation;
mod explicit_cast;
mod frame;
mod independent;
mod lateral;
mod marker;
mod offset;
mod operator;
mod order;
mod ordered;
mod placeholder;
mod postgres;
mod refusal;
mod relation;
mod star;
mod statement;
mod statement_size;
#[cfg(test)]
mod tests;
mod token;
mod unnested;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, DFSchema, Diagnostic, Location, ScalarValue, SchemaError, config,
        tree_node::TreeNodeRecursion,
    },
    error::{DataFusionError, Result},
    execution::{SessionState, SessionStateBuilder},
    logical_expr::{LogicalPlan, ScalarUDF},
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement},
        sqlparser::{ast, parser::ParserError, tokenizer},
    },
};

use self::{
    depth::MOST_BRACKETS,
    refusal::{SyntaxRefusal, refused},
};
use super::{grammar, operation::Operation};
use crate::diag::near;

/// The dialect of a SQL statement: its syntax and semantics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// DuckDB's syntax and semantics.
    DuckDb,
    /// PostgreSQL's syntax and semantics.
    Postgres,
    /// Another syntax, with DataFusion's semantics.
    Other,
}

/// The maximum number of attempts to resolve the names of one statement.
const MOST_NAMES: usize = 1_000;

impl Dialect {
    /// Returns the dialect for a configured syntax.
    pub(super) fn of(syntax: config::Dialect) -> Self {
        match syntax {
            config::Dialect::DuckDB => Self::DuckDb,
            config::Dialect::PostgreSQL => Self::Postgres,
            _ => Self::Other,
        }
    }

    /// Returns the name of the semantics, or `None` if they are DataFusion's.
    pub(super) fn semantics(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => Some("duckdb 1.5"),
            Self::Postgres => Some("postgresql 15"),
            Self::Other => None,
        }
    }

    /// Adds the planners and analyzer rules that plans of this dialect need to a session.
    pub(super) fn prepare(self, mut builder: SessionStateBuilder) -> SessionStateBuilder {
        if self == Self::Postgres {
            postgres::prepare(&mut builder);
        }
        if self == Self::DuckDb {
            builder.expr_planners().get_or_insert_default().insert(0, Arc::new(operator::Operators));
            builder.relation_planners().get_or_insert_default().insert(0, Arc::new(relation::Relations));
            builder = builder
                .with_analyzer_rule(Arc::new(as_of::AsOf))
                .with_analyzer_rule(Arc::new(independent::Independent));
        }
        builder
    }

    /// Registers the functions that statements of this dialect are rewritten to.
    pub(super) fn register(self, context: &SessionContext) {
        if self == Self::Postgres {
            postgres::register(context);
        }
        if self == Self::DuckDb {
            context.register_udf(ScalarUDF::from(placeholder::CastPlaceholder::new(false)));
            context.register_udf(ScalarUDF::from(placeholder::CastPlaceholder::new(true)));
            context.register_udf(ScalarUDF::from(coerce::CoalescePlaceholder::new()));
            for function in order::Quantified::every() {
                context.register_udf(ScalarUDF::from(function));
            }
            context.register_udf(ScalarUDF::from(as_of::Mark::new(self::marker::AS_OF)));
            context.register_udf(ScalarUDF::from(as_of::Mark::new(self::marker::UNPACK)));
            for operation in [Operation::Negate, Operation::BitwiseNot] {
                context.register_udf(self::arithmetic::function(operation).as_ref().clone());
            }
        }
    }

    /// Parses a single statement without rewriting it.
    pub(super) fn parse(self, state: &SessionState, sql: &str) -> Result<Statement> {
        match self {
            Self::DuckDb => {
                let tokens = token::tokens(sql).map_err(|problem| match problem {
                    token::Problem::Tokens(error) => {
                        DataFusionError::SQL(Box::new(ParserError::from(error)), None)
                    }
                    token::Problem::Refused(problem) => refused(problem),
                })?;
                let grammar = grammar::DuckDbGrammar::of_statement(sql.len());
                let mut statements = DFParserBuilder::new(tokens)
                    .with_dialect(&grammar)
                    .with_recursion_limit(MOST_BRACKETS)
                    .build()?
                    .parse_statements()?;
                if statements.len() > 1 {
                    return Err(DataFusionError::NotImplemented(
                        "The context currently only supports a single SQL statement".into(),
                    ));
                }
                let statement = statements
                    .pop_front()
                    .ok_or_else(|| DataFusionError::Plan("No SQL statements were provided".into()))?;
                statement_size::bounded(self, statement)
            }
            Self::Postgres => statement_size::bounded(self, postgres::parse(sql)?),
            Self::Other => state.sql_to_statement(sql, &state.config().options().sql_parser.dialect),
        }
    }

    /// Plans a statement and resolves every type.
    pub(super) async fn plan(self, state: &SessionState, mut statement: Statement) -> Result<LogicalPlan> {
        match self {
            Self::DuckDb => {}
            // Boxed because the future is large and most sessions use another dialect.
            Self::Postgres => return Box::pin(postgres::plan(state, statement)).await,
            Self::Other => return state.statement_to_plan(statement).await,
        }
        let Statement::Statement(inner) = &mut statement else {
            return state.statement_to_plan(statement).await;
        };
        let ast::Statement::Query(query) = inner.as_mut() else {
            return state.statement_to_plan(statement).await;
        };
        let written = query.clone();
        let planned = Box::pin(self.plan_query(state, query)).await;
        planned.map_err(|error| suggested(coerce::located(error, &written), state))
    }

    async fn plan_query(self, state: &SessionState, query: &mut ast::Query) -> Result<LogicalPlan> {
        statement::having(query, |name| state.aggregate_functions().contains_key(name));
        let stars = statement::lower(query).map_err(refused)?;
        limit(state, query)?;
        frame::settle(state, query)?;
        let natural = statement::using::natural(query);
        let mut left = statement::MOST_EXPRESSIONS;
        for _ in 0..MOST_NAMES {
            let error = match state.statement_to_plan(whole(query)).await {
                Ok(plan) => return checked(joined(plan, natural)?),
                Err(error) => error,
            };
            let Some((name, place, valid)) = unknown_name(&error) else { return Err(error) };
            if let Some(number) = statement::number_of(&name)
                && let Some(star) = stars.get(number)
            {
                star::expand(state, query, number, star, &valid)?;
            } else if !statement::order_by_all(query, &name, valid.len()) {
                let resolved = place.map(|place| statement::resolve(query, &name, place, &valid, &mut left));
                if !resolved.transpose().map_err(refused)?.unwrap_or(false) {
                    return Err(error);
                }
            }
        }
        checked(joined(state.statement_to_plan(whole(query)).await?, natural)?)
    }
}

impl Dialect {
    /// Rewrites subqueries that read outer columns as joins. Returns `None` if this dialect leaves them to
    /// DataFusion.
    ///
    /// # Errors
    /// If such a subquery can't be rewritten as a join.
    pub(super) fn without_correlation(self, plan: &LogicalPlan) -> Option<Result<LogicalPlan>> {
        (self == Self::DuckDb).then(|| correlated::joined(plan.clone()))
    }
}

fn whole(query: &ast::Query) -> Statement {
    Statement::Statement(Box::new(ast::Statement::Query(Box::new(query.clone()))))
}

/// Rejects a natural join that may have found no common column, because DataFusion turns it into a cross
/// join. Returns any other plan unchanged.
fn joined(plan: LogicalPlan, natural: Option<tokenizer::Span>) -> Result<LogicalPlan> {
    let Some(span) = natural else { return Ok(plan) };
    let mut crosses = false;
    plan.apply_with_subqueries(|node| {
        crosses |= matches!(node, LogicalPlan::Join(join) if join.on.is_empty() && join.filter.is_none());
        Ok(if crosses { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if crosses {
        let message = "NATURAL JOIN without a column that both sides have, or next to a cross join";
        return Err(refused(SyntaxRefusal::new(message, Some("name the columns: `join … using (…)`"), span)));
    }
    Ok(plan)
}

/// Runs the rewrites and the type check that follow DataFusion's planning.
fn checked(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = lateral::flatten(unnested::named(ordered::settled(plan)?)?)?;
    correlated::without_not_in(as_of::settle(coerce::check(plan)?)?)
}

/// Evaluates the constant expressions in LIMIT and OFFSET.
fn limit(state: &SessionState, query: &mut ast::Query) -> Result<()> {
    statement::limits(query, |clause| {
        let ast::LimitClause::LimitOffset { limit, offset, .. } = clause else { return Ok(()) };
        for count in [limit.as_mut(), offset.as_mut().map(|offset| &mut offset.value)].into_iter().flatten() {
            let is_plain = matches!(count, ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. })
                if digits.parse::<i64>().is_ok());
            if is_plain {
                continue;
            }
            let span = ast::Spanned::span(count);
            let unknown = || {
                let help =
                    "write a number, or keep rows by qualify row_number() over (order by …) <= (select …)";
                refused(SyntaxRefusal::new("LIMIT and OFFSET take a constant", Some(help), span))
            };
            let mut lowered =
                ast::Query { body: Box::new(statement::value_of(count.clone())), ..statement::nothing() };
            statement::lower(&mut lowered).map_err(refused)?;
            let Some(expr) = statement::only_value(lowered) else { return Err(unknown()) };
            let expr = ast::ExprWithAlias { expr, alias: None };
            let planned = state.create_logical_expr_from_sql_expr(expr, &DFSchema::empty());
            let value = planned.and_then(constant::value).map_err(|_| unknown())?;
            let value = value.cast_to(&DataType::Float64).map_err(|_| unknown())?;
            *count = match value {
                ScalarValue::Float64(Some(value)) if value >= 0.0 => {
                    let whole = format!("{:.0}", value.round());
                    ast::Expr::Value(ast::Value::Number(whole, false).with_span(span))
                }
                ScalarValue::Float64(None) => ast::Expr::Value(ast::Value::Null.with_span(span)),
                _ => return Err(unknown()),
            };
        }
        Ok(())
    })
}

/// Returns the unknown column that an error is about, its location, and the columns known there.
fn unknown_name(error: &DataFusionError) -> Option<(String, Option<Location>, Vec<Column>)> {
    let DataFusionError::SchemaError(found, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, valid_fields } = found.as_ref() else { return None };
    let place = error.diagnostic().and_then(|diagnostic| diagnostic.span).map(|span| span.start);
    Some((field.name.clone(), place, valid_fields.clone()))
}

/// Adds similar function names to an error about an unknown function.
fn suggested(error: DataFusionError, state: &SessionState) -> DataFusionError {
    let wanted = error.diagnostic().and_then(|found| {
        let name = found.message.strip_prefix("Invalid function '")?.strip_suffix('\'')?;
        Some((name.to_owned(), found.span))
    });
    let Some((name, span)) = wanted else { return error };
    let (scalar, aggregate) = (state.scalar_functions().keys(), state.aggregate_functions().keys());
    let known = scalar.chain(aggregate).chain(state.window_functions().keys());
    // Internal functions have names that SQL can't spell, so don't suggest them.
    let known = known
        .map(String::as_str)
        .filter(|known| known.starts_with(char::is_alphabetic) && !known.contains(' '));
    let message = format!("there is no function `{name}`");
    let mut diagnostic = Diagnostic::new_error(&message, span);
    if let Some(question) = near::question(&name, known) {
        diagnostic.add_help(question, None);
    }
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}
