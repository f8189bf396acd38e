//! Errors of the type check.

use datafusion::{arrow::datatypes::DataType, common::Span, error::DataFusionError, logical_expr::Expr};

use super::operand::place;
use crate::engine::{
    dialect::postgres::{refuse::at, types::PostgresOperand},
    function::postgres::kind::type_name,
};

/// Returns the error for intervals where equal lengths with different months and days would count as
/// different.
pub(super) fn by_interval(what: &str, place: Option<Span>) -> datafusion::error::DataFusionError {
    at(
        place,
        format!("intervals can't be {what} with `dialect: postgresql`"),
        "use their length: extract(epoch from x)",
    )
}

/// Returns the error for values without a common type.
pub(super) fn apart(
    what: &str,
    sides: &[PostgresOperand],
    place: Option<Span>,
) -> datafusion::error::DataFusionError {
    let mut names: Vec<String> =
        sides.iter().filter(|side| !side.unknown).map(|side| type_name(&side.data_type)).collect();
    names.dedup();
    at(place, format!("{what} can't have values of {}", names.join(" and ")), "cast one of them")
}

pub(super) fn incomparable(
    left: &Expr,
    right: &Expr,
    sides: &[PostgresOperand; 2],
    op: &str,
) -> DataFusionError {
    let names = (type_name(&sides[0].data_type), type_name(&sides[1].data_type));
    let message = format!("operator does not exist: {} {op} {}", names.0, names.1);
    let text = |side: &PostgresOperand| side.data_type == DataType::Utf8;
    let help = if text(&sides[0]) || text(&sides[1]) {
        let other = if text(&sides[0]) { &names.1 } else { &names.0 };
        format!("cast the text: x::{other}")
    } else {
        "cast one of them to the other's type".to_owned()
    };
    at(place(left).or_else(|| place(right)), message, help)
}
