//! `dialect: postgresql`: PostgreSQL 15's semantics for an allow list of constructs; everything else is
//! rejected.
//!
//! ```text
//!  text ──grammar──▶ statement ──lower──▶ statement ──DataFusion──▶ plan ──check──▶ plan
//!                    as written           operators               with             types as
//!                                         as calls                placeholders     in PostgreSQL
//! ```
//!
//! - `grammar`: the parser's dialect
//! - `lower`, `clause`, `from`, `expression`, `name`: the allow list, as rewrites
//! - `build`: SQL expressions that rewrites insert
//! - `placeholder`: stands in for casts until types are known; `operator`: comparisons of any types
//! - `types`, `check`, `cast`: types, common types and conversions
//! - `refuse`: error messages

mod build;
mod cast;
mod check;
mod clause;
mod expression;
mod from;
mod grammar;
mod lower;
mod name;
mod operator;
mod placeholder;
mod refuse;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use datafusion::{
    error::{DataFusionError, Result},
    execution::{SessionState, SessionStateBuilder},
    logical_expr::{LogicalPlan, ScalarUDF},
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement},
        sqlparser::{ast, parser::ParserError, tokenizer::Tokenizer},
    },
};

use super::{
    depth::{MOST_BRACKETS, brackets},
    refusal::refused,
};

/// Adds the planners that plans of this dialect need to a session.
pub(super) fn prepare(builder: &mut SessionStateBuilder) {
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(operator::ComparisonPlanner));
}

/// Registers the functions that statements of this dialect are rewritten to.
pub(super) fn register(context: &SessionContext) {
    for name in placeholder::ALL {
        context.register_udf(ScalarUDF::from(placeholder::Placeholder::new(name)));
    }
}

/// Parses a single statement without rewriting it.
pub(super) fn parse(sql: &str) -> Result<Statement> {
    let grammar = grammar::PostgresGrammar::of_statement(sql.len());
    let tokens = Tokenizer::new(&grammar, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| DataFusionError::SQL(Box::new(ParserError::from(error)), None))?;
    brackets(&tokens).map_err(refused)?;
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
    statements.pop_front().ok_or_else(|| DataFusionError::Plan("No SQL statements were provided".into()))
}

/// Plans a statement and resolves every type.
pub(super) async fn plan(state: &SessionState, mut statement: Statement) -> Result<LogicalPlan> {
    if let Statement::Statement(inner) = &mut statement
        && let ast::Statement::Query(query) = inner.as_mut()
    {
        lower::lower(query)?;
    }
    let planned = state.statement_to_plan(statement).await.map_err(|error| {
        // The planner's message uses DataFusion's type names.
        if error.to_string().to_lowercase().contains("non-boolean predicate") {
            return refuse::at(None, "a condition must be boolean", "compare it with something");
        }
        error
    })?;
    let plan = check::check(super::ordered::settled(planned)?)?;
    for field in plan.schema().fields() {
        if let Some(name) = name::is_taken(field.name()) {
            return Err(refuse::at(
                None,
                format!("two columns are named `{name}`"),
                "give them names with AS: a table needs different ones",
            ));
        }
    }
    Ok(plan)
}
