//! Calls: casts, arithmetic and functions.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    error::{DataFusionError, Result},
    logical_expr::{Expr, ExprSchemable, expr::ScalarFunction},
};

use super::{
    super::{
        super::function::argument_types,
        arithmetic::{self, Arithmetic},
        cast, operator,
        placeholder::{CastPlaceholder, parse_target},
        types::{self, is_number, is_text},
    },
    operand::{Literal, Side, as_type, cast_at, meeting},
    place::{at, place, place_of, placed},
};

pub(super) fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    if let Some(placeholder) =
        (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<CastPlaceholder>()
    {
        let lenient = placeholder.is_lenient();
        let place = place_of(&call.args);
        let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = call.args.get(1) else {
            return Ok(Expr::ScalarFunction(call));
        };
        let target = parse_target(name).map_err(|error| placed(error, place))?;
        let value = call.args.swap_remove(0);
        let own = value.get_type(schema)?;
        return cast::explicit(value, &own, &target, lenient).map_err(|error| placed(error, place));
    }
    if let Some(arithmetic) = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Arithmetic>()
    {
        return operation(arithmetic.operation(), call.args, schema);
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
        return Ok(Expr::ScalarFunction(call));
    }
    let place = place_of(&call.args);
    if let Some(wanted) = argument_types(&call, schema).map_err(|error| placed(error, place))? {
        let args = call.args.into_iter().zip(&wanted);
        call.args = args.map(|(arg, wanted)| as_type(arg, wanted, schema)).collect::<Result<_>>()?;
    }
    let expr = Expr::ScalarFunction(call);
    // Whether the arguments fit is known to the function; its answer gets a place.
    match expr.get_type(schema) {
        Ok(_) => Ok(expr),
        Err(error) => Err(placed(error, place)),
    }
}

/// Returns whether a number may have a fraction.
pub(super) fn is_fraction(data_type: &DataType) -> bool {
    is_number(data_type) && !data_type.is_integer()
}

pub(super) fn operation(
    operation: arithmetic::Operation,
    args: Vec<Expr>,
    schema: &DFSchema,
) -> Result<Expr> {
    let sides: Vec<Side> =
        args.iter().map(|arg| Ok(Side::of(arg, arg.get_type(schema)?))).collect::<Result<_>>()?;
    let mut operands: Vec<DataType> = sides.iter().map(|side| side.data_type.clone()).collect();
    if let [left, right] = sides.as_slice() {
        // A literal takes the type of the other side: `tiny + 1` is as small as `tiny`, `1.5 + '1'` is a double.
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
        return Err(args.first().map_or_else(
            || DataFusionError::Plan(message.clone()),
            |first| {
                at(
                    if place(first).is_some() { first } else { args.last().unwrap_or(first) },
                    message.clone(),
                    help,
                )
            },
        ));
    };
    let typed = args.into_iter().zip(&sides).zip(&resolved.operands);
    let args = typed.map(|((arg, side), wanted)| {
        // Decimals meet in the operation itself.
        cast_at(arg, &side.data_type, wanted)
    });
    let args = args.collect::<Result<Vec<_>>>()?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(operator::function(operation), args)))
}
