//! Type check of scalar function calls and casts.

use std::{any::Any, sync::Arc};

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue, Span},
    error::Result,
    functions, functions_nested,
    logical_expr::{Case, Expr, ExprSchemable, Operator, ScalarUDF, expr::ScalarFunction},
};

use super::{
    comparison::compared,
    fault::{apart, by_interval, incomparable},
    operand::{as_type, given, is_plain, place, placed, side},
};
use crate::engine::{
    dialect::postgres::{
        cast::{self, is_possible},
        placeholder::{CAST, Placeholder, UNKNOWN},
        refuse::{at, unresolved},
        types::{self, PostgresOperand},
    },
    function::postgres::{
        BoundRoutine, NamedRoutine, bind,
        kind::{GivenArgument, as_numeric, type_name},
        output,
    },
};

fn downcast<T: 'static>(function: &Arc<ScalarUDF>) -> Option<&T> {
    (function.inner().as_ref() as &dyn Any).downcast_ref::<T>()
}

pub(super) fn function(call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let place = call.args.iter().find_map(place);
    if let Some(placeholder) = downcast::<Placeholder>(&call.func) {
        let kind = placeholder.kind();
        return placeholder_call(kind, call.args, schema, place);
    }
    if let Some(named) = downcast::<NamedRoutine>(&call.func) {
        let given: Vec<GivenArgument> =
            call.args.iter().map(|arg| given(arg, schema)).collect::<Result<_>>()?;
        let resolved = named.resolve(&given).map_err(|error| unresolved(place, error))?;
        let args = call.args.into_iter().zip(&resolved.types).map(|(arg, wanted)| {
            let own = arg.get_type(schema)?;
            if wanted == &DataType::Utf8 && own != DataType::Utf8 && named.name() == "$||" {
                output::writable(&own).map_err(|error| unresolved(place, error))?;
            }
            as_type(arg, wanted, schema)
        });
        let args: Vec<Expr> = args.collect::<Result<_>>()?;
        return Ok(bind(&resolved, args));
    }
    let is_ours = downcast::<BoundRoutine>(&call.func).is_some()
        || downcast::<cast::PostgresCast>(&call.func).is_some();
    let is_native =
        matches!(call.func.name(), "coalesce" | "greatest" | "least" | "make_array" | "interval_length");
    if is_ours || is_native {
        // The plan of a view is already checked.
        return Ok(Expr::ScalarFunction(call));
    }
    let what = format!("the function `{}` is not supported with `dialect: postgresql`", call.func.name());
    Err(at(place, what, "use a function that docs/dialect.md lists for PostgreSQL"))
}

fn placeholder_call(kind: &str, args: Vec<Expr>, schema: &DFSchema, place: Option<Span>) -> Result<Expr> {
    if kind == CAST {
        return explicit(args, schema, place);
    }
    if kind == UNKNOWN
        && let Ok([text]) = <[Expr; 1]>::try_from(args.clone())
    {
        return Ok(text);
    }
    let sides: Vec<PostgresOperand> = args.iter().map(|arg| side(arg, schema)).collect::<Result<_>>()?;
    let name = kind.trim_start_matches('$');
    if kind == "$nullif" {
        let wrong = || at(place, "`nullif` takes two values", "write nullif(a, b)");
        let [value, other]: [Expr; 2] = args.try_into().map_err(|_| wrong())?;
        let sides: [PostgresOperand; 2] = sides.try_into().map_err(|_| wrong())?;
        let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
            return Err(incomparable(&value, &other, &sides, "="));
        };
        // The result has the type in which the value is compared, unless that only adds precision.
        let result = match (&meeting, &sides[0].data_type) {
            (DataType::Decimal128(..) | DataType::Decimal256(..), own @ DataType::Decimal128(..)) => {
                own.clone()
            }
            (DataType::Decimal256(..), own) => as_numeric(own, None),
            (meeting, _) => meeting.clone(),
        };
        let same = compared(value.clone(), Operator::Eq, other, schema)?;
        let null = Expr::Literal(ScalarValue::try_from(&result)?, None);
        let value = as_type(value, &result, schema)?;
        return Ok(Expr::Case(Case::new(
            None,
            vec![(Box::new(same), Box::new(null))],
            Some(Box::new(value)),
        )));
    }
    let Some(meeting) = types::common(&sides) else { return Err(apart(&name.to_uppercase(), &sides, place)) };
    if kind == "$array" && (matches!(meeting, DataType::List(_)) || args.is_empty()) {
        return Err(at(
            place,
            "an array of arrays, or of nothing, is not supported with `dialect: postgresql`",
            "write items of one type, or '{}'::integer[]",
        ));
    }
    if matches!(meeting, DataType::Interval(_)) && matches!(kind, "$greatest" | "$least") {
        return Err(by_interval(&format!("compared by {name}"), place));
    }
    if !is_plain(&meeting) {
        return Err(at(
            place,
            format!("{name} doesn't take {}", type_name(&meeting)),
            "pick fields of the value",
        ));
    }
    let args: Vec<Expr> =
        args.into_iter().map(|arg| as_type(arg, &meeting, schema)).collect::<Result<_>>()?;
    Ok(match kind {
        "$coalesce" => functions::expr_fn::coalesce(args),
        "$greatest" => functions::expr_fn::greatest(args),
        "$least" => functions::expr_fn::least(args),
        _ => functions_nested::expr_fn::make_array(args),
    })
}

/// Plans a cast from the user's SQL.
fn explicit(mut args: Vec<Expr>, schema: &DFSchema, place: Option<Span>) -> Result<Expr> {
    let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = args.get(1) else {
        return Err(at(place, "a cast needs a type", "write x::integer"));
    };
    let target = types::parse(name).map_err(|(message, help)| at(place, message, help))?;
    let value = args.swap_remove(0);
    let own = side(&value, schema)?;
    let to = target.data_type.unwrap_or_else(|| as_numeric(&own.data_type, own.text.as_deref()));
    if !is_possible(&own.data_type, &to) {
        let message = format!("cannot cast type {} to {}", type_name(&own.data_type), type_name(&to));
        return Err(at(place, message, "cast it to text first, or compute the value"));
    }
    if to == DataType::Utf8 && own.data_type != DataType::Utf8 {
        output::writable(&own.data_type).map_err(|error| unresolved(place, error))?;
    }
    if own.text.is_some() && to == DataType::Utf8 && target.length.is_none() {
        // Keep the cast, so that the literal stays text.
        let cast = datafusion::logical_expr::Cast::new(Box::new(value), to);
        return Ok(Expr::Cast(cast));
    }
    cast::explicit(value, &own.data_type, &to, target.length).map_err(|error| placed(error, place))
}
