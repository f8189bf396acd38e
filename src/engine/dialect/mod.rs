//! What SQL means: from text to a type-checked plan, as a dialect has it.
//!
//! ```text
//!  text ──grammar──▶ statement ──statement──▶ statement ──DataFusion──▶ plan ──coerce──▶ plan
//!                    as written               as DataFusion    with `operator`s         every type
//!                                             can plan it      as functions             as in DuckDB
//! ```
//!
//! `duckdb` means DuckDB's semantics (version 1.5). Other dialects are parsed as themselves and mean what DataFusion makes of
//! them. Functions with DuckDB's names live in [`function`](super::function); here is what is not a function to the writer.
//!
//! - `grammar`: operators, precedences and literals that the parser's DuckDB dialect lacks
//! - `statement`: rewrites that need no types
//! - `operator`, `arithmetic`, `compute`: operators, their types and their kernels
//! - `types`: names of types, and where two types meet
//! - `cast`: conversions; `placeholder`: what a cast is until its types are known
//! - `coerce`: the type check, which inserts DuckDB's implicit casts and refuses what has none
//! - `correlated`: subqueries that read outside columns, as joins

mod arithmetic;
mod cast;
mod coerce;
mod compute;
mod correlated;
mod grammar;
mod operator;
mod placeholder;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use datafusion::{
    common::{Column, Diagnostic, Location, SchemaError, Span, config},
    error::{DataFusionError, Result},
    execution::{SessionState, SessionStateBuilder},
    logical_expr::{LogicalPlan, ScalarUDF},
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement},
        sqlparser::{ast, tokenizer},
    },
};

use self::arithmetic::Operation;
pub(in crate::engine) use self::statement::SORTED;

/// How SQL is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// DuckDB's syntax and semantics.
    DuckDb,
    /// Another syntax, with DataFusion's semantics.
    Other,
}

/// Names of a statement that are tried again, at most.
const MOST_NAMES: usize = 1_000;

/// Nesting of parentheses and subqueries that the parser accepts.
const DEEPEST: usize = 1_000;

impl Dialect {
    /// The dialect by the name of its syntax.
    pub(super) fn of(syntax: config::Dialect) -> Self {
        if syntax == config::Dialect::DuckDB { Self::DuckDb } else { Self::Other }
    }

    /// The name of the semantics, if they aren't DataFusion's.
    pub(super) fn semantics(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => Some("duckdb 1.5"),
            Self::Other => None,
        }
    }

    /// Gives a session what plans of this dialect need.
    pub(super) fn prepare(self, mut builder: SessionStateBuilder) -> SessionStateBuilder {
        if self == Self::DuckDb {
            builder.expr_planners().get_or_insert_default().insert(0, Arc::new(operator::Operators));
        }
        builder
    }

    /// Registers the functions that statements of this dialect are rewritten to.
    pub(super) fn register(self, context: &SessionContext) {
        if self == Self::DuckDb {
            context.register_udf(ScalarUDF::from(placeholder::CastPlaceholder::new(false)));
            context.register_udf(ScalarUDF::from(placeholder::CastPlaceholder::new(true)));
            for operation in [Operation::Negate, Operation::BitwiseNot] {
                context.register_udf(operator::function(operation).as_ref().clone());
            }
        }
    }

    /// Parses a single statement, as written.
    pub(super) fn parse(self, state: &SessionState, sql: &str) -> Result<Statement> {
        match self {
            Self::DuckDb => {
                let mut statements = DFParserBuilder::new(sql)
                    .with_dialect(&grammar::Grammar)
                    .with_recursion_limit(DEEPEST)
                    .build()?
                    .parse_statements()?;
                if statements.len() > 1 {
                    return Err(DataFusionError::NotImplemented(
                        "The context currently only supports a single SQL statement".into(),
                    ));
                }
                statements
                    .pop_front()
                    .ok_or_else(|| DataFusionError::Plan("No SQL statements were provided".into()))
            }
            Self::Other => state.sql_to_statement(sql, &state.config().options().sql_parser.dialect),
        }
    }

    /// Plans a statement, with every type decided.
    pub(super) async fn plan(self, state: &SessionState, mut statement: Statement) -> Result<LogicalPlan> {
        if self == Self::Other {
            return state.statement_to_plan(statement).await;
        }
        let Statement::Statement(inner) = &mut statement else {
            return state.statement_to_plan(statement).await;
        };
        let ast::Statement::Query(query) = inner.as_mut() else {
            return state.statement_to_plan(statement).await;
        };
        statement::lower(query).map_err(refused)?;
        for _ in 0..MOST_NAMES {
            let planned = Statement::Statement(Box::new(ast::Statement::Query(query.clone())));
            let error = match state.statement_to_plan(planned).await {
                Ok(plan) => return correlated::without_not_in(coerce::check(plan)?),
                Err(error) => error,
            };
            let Some((name, place, valid)) = unknown_name(&error) else { return Err(error) };
            if !statement::resolve(query, &name, place, &valid) {
                return Err(error);
            }
        }
        correlated::without_not_in(coerce::check(state.statement_to_plan(statement).await?)?)
    }
}

impl Dialect {
    /// A plan in which subqueries that read outside columns are joins; `None` if this dialect leaves them to DataFusion.
    ///
    /// # Errors
    /// If one of them can't be.
    pub(super) fn without_correlation(self, plan: &LogicalPlan) -> Option<Result<LogicalPlan>> {
        (self == Self::DuckDb).then(|| correlated::joined(plan.clone()))
    }
}

/// The column that an error is about, where it is written, and the columns that are known there.
fn unknown_name(error: &DataFusionError) -> Option<(String, Location, Vec<Column>)> {
    let DataFusionError::SchemaError(found, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, valid_fields } = found.as_ref() else { return None };
    let place = error.diagnostic()?.span?.start;
    Some((field.name.clone(), place, valid_fields.clone()))
}

fn refused(refused: statement::Refused) -> DataFusionError {
    let mut diagnostic = Diagnostic::new_error(&refused.message, span(refused.span));
    if let Some(help) = &refused.help {
        diagnostic.add_help(help, None);
    }
    DataFusionError::NotImplemented(refused.message).with_diagnostic(diagnostic)
}

fn span(span: tokenizer::Span) -> Option<Span> {
    Span::try_from_sqlparser_span(span)
}
