//! Filters that SQLite can surely answer as DataFusion would.
//!
//! SQLite compares values of any type with one another, DataFusion only like with like. So a comparison is handed
//! down only where the column's affinity makes SQLite store what the declared type is, and only for values that
//! compare alike in both: text for equality (its order depends on the database's encoding), whole numbers and
//! doubles for order too. Rows whose value is of another type are set aside when read, whatever the filter says.

use datafusion::{
    common::ScalarValue,
    logical_expr::{BinaryExpr, Expr, Operator, expr::InList},
};
use rusqlite::types::Value;

use super::catalog::{Affinity, SqliteColumn, quoted};
use crate::engine::source::kind::Kind;

/// A condition with `?` for each of its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// The filter in SQLite's words, if it means the same there.
pub(super) fn translate(filter: &Expr, columns: &[SqliteColumn]) -> Option<Filter> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (left, right) = (translate(left, columns)?, translate(right, columns)?);
            let sql = format!("({} {op} {})", left.sql, right.sql);
            Some(Filter { sql, values: [left.values, right.values].concat() })
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(_), Expr::Literal(..)) => compare(left, *op, right, columns),
            (Expr::Literal(..), Expr::Column(_)) => compare(right, op.swap()?, left, columns),
            _ => None,
        },
        Expr::IsNull(inner) => {
            Some(Filter { sql: format!("{} is null", name(inner, columns)?), values: vec![] })
        }
        Expr::IsNotNull(inner) => {
            Some(Filter { sql: format!("{} is not null", name(inner, columns)?), values: vec![] })
        }
        Expr::InList(InList { expr, list, negated }) => {
            let column = find(expr, columns)?;
            let values = list.iter().map(|value| literal(value, column)).collect::<Option<Vec<_>>>()?;
            let marks = vec!["?"; values.len()].join(", ");
            let not = if *negated { "not " } else { "" };
            Some(Filter {
                sql: format!("{}{} {not}in ({marks})", quoted(&column.name), collation(column)),
                values,
            })
        }
        _ => None,
    }
}

fn compare(left: &Expr, op: Operator, right: &Expr, columns: &[SqliteColumn]) -> Option<Filter> {
    let column = find(left, columns)?;
    let sign = match op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        _ if column.kind == Kind::Text => return None,
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    };
    let value = literal(right, column)?;
    Some(Filter {
        sql: format!("{}{} {sign} ?", quoted(&column.name), collation(column)),
        values: vec![value],
    })
}

/// The column, if SQLite's values of it compare as the declared type's do.
fn find<'a>(expr: &Expr, columns: &'a [SqliteColumn]) -> Option<&'a SqliteColumn> {
    let Expr::Column(column) = expr else { return None };
    let column =
        columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name) && !known.is_missing)?;
    let alike = match column.kind {
        Kind::Text => column.affinity == Affinity::Text,
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => column.affinity == Affinity::Integer,
        Kind::Float64 => column.affinity == Affinity::Real,
        _ => false,
    };
    alike.then_some(column)
}

/// The column's name, for a test of null, which means the same for all types.
fn name(expr: &Expr, columns: &[SqliteColumn]) -> Option<String> {
    let Expr::Column(column) = expr else { return None };
    let column =
        columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name) && !known.is_missing)?;
    // An empty text that is no value of a declared type would be set aside, never null.
    Some(quoted(&column.name))
}

/// Text is compared byte by byte, whatever the column's own collation.
fn collation(column: &SqliteColumn) -> &'static str {
    if column.kind == Kind::Text { " collate binary" } else { "" }
}

fn literal(expr: &Expr, column: &SqliteColumn) -> Option<Value> {
    let Expr::Literal(value, _) = expr else { return None };
    match (value, column.kind) {
        (
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            Kind::Text,
        ) => Some(Value::Text(text.clone())),
        (ScalarValue::Int64(Some(number)), _) if column.affinity == Affinity::Integer => {
            Some(Value::Integer(*number))
        }
        (ScalarValue::Int32(Some(number)), _) if column.affinity == Affinity::Integer => {
            Some(Value::Integer((*number).into()))
        }
        (ScalarValue::Int16(Some(number)), _) if column.affinity == Affinity::Integer => {
            Some(Value::Integer((*number).into()))
        }
        (ScalarValue::Int8(Some(number)), _) if column.affinity == Affinity::Integer => {
            Some(Value::Integer((*number).into()))
        }
        (ScalarValue::Float64(Some(number)), Kind::Float64) if number.is_finite() => {
            Some(Value::Real(*number))
        }
        _ => None,
    }
}
