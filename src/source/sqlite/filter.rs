//! Filter pushdown to SQLite, for filters with the same meaning there as in DataFusion.
//!
//! SQLite compares values of any types with one another; DataFusion compares only equal types. So a
//! comparison is pushed down only if the column's affinity makes SQLite store the declared type, and only for
//! values that compare in the same way in both: text for equality (its order depends on the database's
//! encoding), integers and doubles also for order. Rows with a value of another type are rejected when read,
//! whatever the filter.

use datafusion::{
    common::ScalarValue,
    logical_expr::{BinaryExpr, Expr, Operator, expr::InList},
};
use rusqlite::types::Value;

use super::catalog::{Affinity, SqliteColumn, quoted};
use crate::source::kind::ColumnKind;

/// A condition with a `?` for each of its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Translates a filter to SQLite, if it means the same there.
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
        _ if column.kind == ColumnKind::Text => return None,
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

/// Returns the column, if SQLite compares its values like the declared type.
fn find<'a>(expr: &Expr, columns: &'a [SqliteColumn]) -> Option<&'a SqliteColumn> {
    let Expr::Column(column) = expr else { return None };
    let column =
        columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name) && !known.is_missing)?;
    let alike = match column.kind {
        ColumnKind::Text => column.affinity == Affinity::Text,
        ColumnKind::Int8 | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 => {
            column.affinity == Affinity::Integer
        }
        ColumnKind::Float64 => column.affinity == Affinity::Real,
        _ => false,
    };
    alike.then_some(column)
}

/// Returns the column's name for a null test, which means the same for all types.
fn name(expr: &Expr, columns: &[SqliteColumn]) -> Option<String> {
    let Expr::Column(column) = expr else { return None };
    let column =
        columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name) && !known.is_missing)?;
    // An empty text that doesn't fit the declared type is rejected, never null.
    Some(quoted(&column.name))
}

/// Text is compared byte by byte, whatever the column's collation.
fn collation(column: &SqliteColumn) -> &'static str {
    if column.kind == ColumnKind::Text { " collate binary" } else { "" }
}

fn literal(expr: &Expr, column: &SqliteColumn) -> Option<Value> {
    let Expr::Literal(value, _) = expr else { return None };
    match (value, column.kind) {
        (
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            ColumnKind::Text,
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
        (ScalarValue::Float64(Some(number)), ColumnKind::Float64) if number.is_finite() => {
            Some(Value::Real(*number))
        }
        _ => None,
    }
}
