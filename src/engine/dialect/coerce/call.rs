//! Type check of calls: casts, arithmetic and functions.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    error::Result,
    functions::core,
    logical_expr::{Expr, ExprSchemable, expr::ScalarFunction},
};

use super::super::super::function::{argument_types, function as function_of, of_null_structs};
use super::super::{
    arithmetic::{self, Arithmetic},
    order::Quantified,
    placeholder::CastPlaceholder,
};
use super::{
    compare::quantified,
    operand::{Literal, Operand, as_type, cast_at, comparison, meeting},
    place::{PlaceClues, placed, refusal},
};
use crate::engine::{
    cast::{
        parse_target,
        types::{self, is_number, is_text},
    },
    dialect::explicit_cast,
};

pub(super) fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    if let Some(placeholder) =
        (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<CastPlaceholder>()
    {
        let lenient = placeholder.is_lenient();
        let about = PlaceClues::of_all(call.args.first());
        let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = call.args.get(1) else {
            return Ok(Expr::ScalarFunction(call));
        };
        let target = parse_target(name).map_err(|error| placed(error, about.clone()))?;
        let value = call.args.swap_remove(0);
        let own = value.get_type(schema)?;
        return explicit_cast::explicit(value, &own, &target, lenient).map_err(|error| placed(error, about));
    }
    if let Some(arithmetic) = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Arithmetic>()
    {
        return operation(arithmetic.operation(), call.args, schema);
    }
    if let Some(found) = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Quantified>() {
        let (op, quantifier) = (found.op(), found.quantifier());
        return quantified(call, op, quantifier, schema);
    }
    if call.func.name() == "get_field"
        && let [map, _] = call.args.as_slice()
        && matches!(map.get_type(schema)?, DataType::Map(..))
        && let Some(function) = function_of("map_extract_value")
    {
        key_fits(&call, schema)?;
        return self::function(ScalarFunction::new_udf(function, call.args), schema);
    }
    let shared = match call.func.name() {
        "coalesce" => Some("COALESCE"),
        "make_array" => Some("a list"),
        _ => None,
    };
    if let Some(what) = shared {
        let operands: Vec<&Expr> = call.args.iter().collect();
        let meeting = meeting(&operands, schema, what)?;
        let args = call.args.into_iter().map(|arg| as_type(arg, &meeting, schema));
        call.args = args.collect::<Result<_>>()?;
        if what == "COALESCE" {
            call.func = core::coalesce();
        }
        return Ok(Expr::ScalarFunction(call));
    }
    let about = PlaceClues::of_call(&call);
    if let Some(wanted) = argument_types(&call, schema).map_err(|error| placed(error, about.clone()))? {
        let args = call.args.into_iter().zip(&wanted);
        call.args = args.map(|(arg, wanted)| as_type(arg, wanted, schema)).collect::<Result<_>>()?;
    }
    let expr = Expr::ScalarFunction(of_null_structs(call));
    // The function itself checks its arguments; this adds the location to its error.
    match expr.get_type(schema) {
        Ok(_) => Ok(expr),
        Err(error) => Err(placed(error, about)),
    }
}

/// Rejects a lookup key whose type doesn't match the map's, such as text for numeric keys.
fn key_fits(call: &ScalarFunction, schema: &DFSchema) -> Result<()> {
    let [map, key] = call.args.as_slice() else { return Ok(()) };
    let DataType::Map(entries, _) = map.get_type(schema)? else { return Ok(()) };
    let DataType::Struct(fields) = entries.data_type() else { return Ok(()) };
    let (wanted, found) = (fields[0].data_type(), key.get_type(schema)?);
    let own = Operand { data_type: wanted.clone(), literal: Literal::None };
    if comparison(&own, &Operand::of(key, found.clone())).is_some() {
        return Ok(());
    }
    let message = format!("the keys of this map are {}, not {}", types::name(wanted), types::name(&found));
    Err(refusal(PlaceClues::of_all([key, map]), message, "cast the key"))
}

/// Returns whether a numeric type can hold fractions.
pub(super) fn is_fraction(data_type: &DataType) -> bool {
    is_number(data_type) && !data_type.is_integer()
}

pub(super) fn operation(
    operation: crate::engine::operation::Operation,
    args: Vec<Expr>,
    schema: &DFSchema,
) -> Result<Expr> {
    let sides: Vec<Operand> =
        args.iter().map(|arg| Ok(Operand::of(arg, arg.get_type(schema)?))).collect::<Result<_>>()?;
    let mut operands: Vec<DataType> = sides.iter().map(|side| side.data_type.clone()).collect();
    if let [left, right] = sides.as_slice() {
        // A literal adapts to the type of the other operand: `tiny + 1` stays as small as `tiny`, and
        // `1.5 + '1'` is a double.
        let (a, b) = (&left.data_type, &right.data_type);
        if a.is_integer() && b.is_integer() && a != b {
            if right.adapts_to(a) && left.literal == Literal::None {
                operands = vec![a.clone(), a.clone()];
            } else if left.adapts_to(b) && right.literal == Literal::None {
                operands = vec![b.clone(), b.clone()];
            }
        } else if (is_fraction(a) && right.literal == Literal::Text)
            || (is_fraction(b) && left.literal == Literal::Text)
        {
            operands = vec![DataType::Float64, DataType::Float64];
        }
    }
    let Some(resolved) = arithmetic::resolve(operation, &operands) else {
        let names: Vec<String> = sides.iter().map(|side| types::name(&side.data_type)).collect();
        let text = sides.iter().any(|side| is_text(&side.data_type));
        let help = if text { "cast the text to a number or a date" } else { "cast an operand" };
        let message = format!("`{}` doesn't take {}", operation.symbol(), names.join(" and "));
        return Err(refusal(PlaceClues::of_all(&args), message, help));
    };
    let typed = args.into_iter().zip(&sides).zip(&resolved.operands);
    let args = typed.map(|((arg, side), wanted)| {
        // The operation itself aligns the scales of decimals.
        cast_at(arg, &side.data_type, wanted)
    });
    let args = args.collect::<Result<Vec<_>>>()?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        crate::engine::dialect::arithmetic::function(operation),
        args,
    )))
}
