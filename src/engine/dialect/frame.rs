//! Window frame offsets: evaluates them to typed constants before the statement is planned.
//!
//! DataFusion reads an offset as untyped text. Here each offset is evaluated and written in a form that
//! [`offset`](super::offset) can read back during the type check: digits, or a value and its type.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    error::Result,
    execution::SessionState,
    logical_expr::Expr,
    sql::sqlparser::ast,
};

use super::{
    constant, explicit_cast,
    offset::written,
    refusal::{SyntaxRefusal, refused},
    statement,
};
use crate::engine::cast::types::CastTarget;

/// Evaluates the offsets of a query's frames.
///
/// # Errors
/// If an offset isn't constant or is NULL, or if a row count isn't a whole number from zero on.
pub(super) fn settle(state: &SessionState, query: &mut ast::Query) -> Result<()> {
    statement::frame::offsets(query, |units, offset| {
        let is_plain = matches!(&*offset, ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. })
            if digits.parse::<i32>().is_ok());
        if is_plain {
            return Ok(());
        }
        let span = ast::Spanned::span(&*offset);
        let refuse = |message: &str, help: &str| refused(SyntaxRefusal::new(message, Some(help), span));
        let value = value_of(state, offset).map_err(|_| {
            let message = "an offset of a window's frame must be a constant";
            refuse(message, "write a number or an interval, or join each row with the rows of its frame")
        })?;
        if value.is_null() {
            return Err(refuse("an offset of a window's frame is NULL", "write a number or an interval"));
        }
        let text = if units == ast::WindowFrameUnits::Range {
            ast::Value::SingleQuotedString(written(&value)?)
        } else {
            let count = whole(value).ok().flatten().filter(|count| *count >= 0);
            let Some(count) = count else {
                let message = "ROWS and GROUPS count rows: an offset must be a whole number, 0 or more";
                return Err(refuse(message, "write a whole number; FOLLOWING is the opposite of PRECEDING"));
            };
            ast::Value::Number(count.to_string(), false)
        };
        let is_number = matches!(text, ast::Value::Number(..));
        let text = ast::Expr::Value(text.with_span(span));
        *offset = if is_number {
            text
        } else {
            ast::Expr::Interval(ast::Interval {
                value: Box::new(text),
                leading_field: None,
                leading_precision: None,
                last_field: None,
                fractional_seconds_precision: None,
            })
        };
        Ok(())
    })
}

/// Evaluates an expression.
fn value_of(state: &SessionState, written: &ast::Expr) -> Result<ScalarValue> {
    let mut lowered =
        ast::Query { body: Box::new(statement::value_of(written.clone())), ..statement::nothing() };
    statement::lower(&mut lowered).map_err(refused)?;
    let Some(expr) = statement::only_value(lowered) else {
        return datafusion::common::plan_err!("an offset is one value");
    };
    let expr = ast::ExprWithAlias { expr, alias: None };
    constant::value(state.create_logical_expr_from_sql_expr(expr, &DFSchema::empty())?)
}

/// Casts a value to a whole number as DuckDB does.
fn whole(value: ScalarValue) -> Result<Option<i64>> {
    let from = value.data_type();
    let number = explicit_cast::explicit(
        Expr::Literal(value, None),
        &from,
        &CastTarget::plain(DataType::Int64),
        false,
    )?;
    Ok(match constant::value(number)? {
        ScalarValue::Int64(number) => number,
        _ => None,
    })
}
