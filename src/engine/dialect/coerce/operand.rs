//! Operands and their common types.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    error::Result,
    logical_expr::{Expr, ExprSchemable},
};

use super::place::{PlaceClues, at, placed, refusal};
use crate::engine::cast::{
    self,
    types::{self, common, is_number, is_text},
};

/// An operand: its type, and its value if it is a literal that adapts.
pub(super) struct Operand {
    pub(super) data_type: DataType,
    pub(super) literal: Literal,
}

impl Operand {
    pub(super) fn of(expr: &Expr, data_type: DataType) -> Self {
        let value = if let Expr::Literal(value, _) = expr { Some(value) } else { None };
        Self::with_value(value, data_type)
    }

    fn with_value(value: Option<&ScalarValue>, data_type: DataType) -> Self {
        let literal = match value {
            Some(ScalarValue::Utf8(Some(_))) => Literal::Text,
            Some(ScalarValue::Int32(Some(number))) => Literal::Integer((*number).into()),
            Some(ScalarValue::Int64(Some(number))) => Literal::Integer(*number),
            _ => Literal::None,
        };
        Self { data_type, literal }
    }

    /// Returns the operand that stands for this one and another; `None` if they have no common type.
    fn and(self, other: &Self) -> Option<Self> {
        let data_type = meet(&self, other)?;
        let both_text = self.literal == Literal::Text && other.literal == Literal::Text;
        Some(Self { data_type, literal: if both_text { Literal::Text } else { Literal::None } })
    }

    /// Returns whether it is a literal that adapts to this type.
    pub(super) fn adapts_to(&self, other: &DataType) -> bool {
        match self.literal {
            Literal::Text => !is_text(other),
            Literal::Integer(number) => fits(number, other),
            Literal::None => false,
        }
    }
}

/// A literal that adapts its type to the other operand.
#[derive(PartialEq, Eq)]
pub(super) enum Literal {
    Text,
    Integer(i64),
    None,
}

pub(super) fn fits(number: i64, data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Int8 => i8::try_from(number).is_ok(),
        T::Int16 => i16::try_from(number).is_ok(),
        T::Int32 => i32::try_from(number).is_ok(),
        T::Int64 => true,
        T::UInt8 => u8::try_from(number).is_ok(),
        T::UInt16 => u16::try_from(number).is_ok(),
        T::UInt32 => u32::try_from(number).is_ok(),
        T::UInt64 => u64::try_from(number).is_ok(),
        _ => false,
    }
}

/// Returns the common type of two values, for results that can be either; `None` if an explicit cast is
/// needed.
pub(super) fn meet(left: &Operand, right: &Operand) -> Option<DataType> {
    if left.data_type == right.data_type {
        return Some(left.data_type.clone());
    }
    if right.adapts_to(&left.data_type) && left.data_type != DataType::Null && left.literal != Literal::Text {
        return Some(left.data_type.clone());
    }
    if left.adapts_to(&right.data_type) && right.data_type != DataType::Null {
        return Some(right.data_type.clone());
    }
    common(&left.data_type, &right.data_type)
}

/// Returns the type in which two values are compared.
pub(super) fn comparison(left: &Operand, right: &Operand) -> Option<DataType> {
    meet(left, right).or_else(|| {
        let (text, other) = match (is_text(&left.data_type), is_text(&right.data_type)) {
            (true, false) => (&left.data_type, &right.data_type),
            (false, true) => (&right.data_type, &left.data_type),
            _ => return None,
        };
        // A text column is cast to a date when compared with one. Comparing it with a number is more likely a
        // mistake.
        debug_assert!(is_text(text), "one side is text");
        (!is_number(other) && !other.is_nested()).then(|| other.clone())
    })
}

/// Returns the common type of values, some of which are literals, if they have one.
pub(super) fn common_type<'v>(
    values: impl IntoIterator<Item = (DataType, Option<&'v ScalarValue>)>,
) -> Option<DataType> {
    let mut operands = values.into_iter().map(|(data_type, value)| Operand::with_value(value, data_type));
    let first = operands.next()?;
    operands.try_fold(first, |before, side| before.and(&side)).map(|operand| operand.data_type)
}

/// Returns the common type of all operands, for CASE, COALESCE, lists and VALUES.
pub(super) fn meeting(operands: &[&Expr], schema: &DFSchema, what: &str) -> Result<DataType> {
    let mut found: Option<Operand> = None;
    for operand in operands {
        let side = Operand::of(operand, operand.get_type(schema)?);
        let Some(before) = found.take() else {
            found = Some(side);
            continue;
        };
        let (one, other) = (before.data_type.clone(), &side.data_type);
        found = before.and(&side);
        if found.is_none() {
            let (one, other) = (types::name(&one), types::name(other));
            let message = format!("{what} can't have values of {one} and of {other}");
            return Err(refusal(PlaceClues::of_all(operands.iter().copied()), message, "cast one of them"));
        }
    }
    Ok(found.map_or(DataType::Null, |side| side.data_type))
}

/// Casts an expression to a type unless it already has it.
pub(super) fn as_type(expr: Expr, wanted: &DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    cast_at(expr, &own, wanted)
}

/// Casts an expression implicitly, and locates the error if that fails.
pub(super) fn cast_at(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    if from == to {
        return Ok(expr);
    }
    let about = PlaceClues::of(&expr);
    cast::implicit(expr, from, to).map_err(|error| placed(error, about))
}

pub(super) fn boolean(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    let is_condition = matches!(own, DataType::Boolean | DataType::Null)
        || is_number(&own)
        || matches!(expr, Expr::Literal(ScalarValue::Utf8(_), _));
    if !is_condition {
        let message = format!("a condition must be BOOLEAN, not {}", types::name(&own));
        return Err(at(&expr, message, "compare it with something"));
    }
    cast_at(expr, &own, &DataType::Boolean)
}
