//! Type check of expressions.

use std::{any::Any, sync::Arc};

use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, DFSchema, ScalarValue, Span},
    error::{DataFusionError, Result},
    functions, functions_nested,
    logical_expr::{
        BinaryExpr, Case, Expr, ExprSchemable, Operator, Projection, ScalarUDF,
        expr::{AggregateFunction, Between, InList, InSubquery, Like, ScalarFunction, WindowFunction},
    },
};

use super::{apart, by_interval, is_plain, place};
use crate::engine::{
    dialect::postgres::{
        cast::{self, is_possible},
        placeholder::{CAST, Placeholder, UNKNOWN},
        refuse::{at, unresolved},
        types::{self, Side},
    },
    function::postgres::{
        Bound, Named, bind,
        kind::{Given, as_numeric, type_name},
        output,
    },
};

/// Type-checks one expression whose operands are already type-checked.
pub(super) fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => binary(*left, op, *right, schema),
        Expr::Not(inner) => Ok(Expr::Not(Box::new(boolean(*inner, schema)?))),
        Expr::IsTrue(inner) => Ok(Expr::IsTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsFalse(inner) => Ok(Expr::IsFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotTrue(inner) => Ok(Expr::IsNotTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotFalse(inner) => Ok(Expr::IsNotFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsUnknown(inner) => Ok(Expr::IsUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotUnknown(inner) => Ok(Expr::IsNotUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::Between(between) => self::between(between, schema),
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(subquery) => in_subquery(subquery, schema),
        Expr::Like(like) => self::like(like, schema),
        Expr::Case(case) => self::case(case, schema),
        Expr::AggregateFunction(aggregate) => self::aggregate(aggregate, schema),
        Expr::WindowFunction(window) => self::window(*window, schema),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(..)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Cast(_)
        | Expr::Exists(_)
        | Expr::ScalarSubquery(_)
        | Expr::GroupingSet(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::Unnest(_) => Ok(expr),
        other => {
            let what = format!("`{other}` is not supported with `dialect: postgresql`");
            Err(at(place(&other), what, "write it in another way, or use `dialect: duckdb`"))
        }
    }
}

/// Returns an expression as an operand.
pub(super) fn side(expr: &Expr, schema: &DFSchema) -> Result<Side> {
    let data_type = expr.get_type(schema)?;
    let text = match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.clone()),
        _ => None,
    };
    Ok(Side { unknown: data_type == DataType::Null || text.is_some(), data_type, text })
}

fn given(expr: &Expr, schema: &DFSchema) -> Result<Given> {
    let literal = match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        _ => None,
    };
    Ok(Given { data_type: expr.get_type(schema)?, literal })
}

/// Casts an expression to a type unless it already has it.
pub(super) fn as_type(expr: Expr, wanted: &DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    let place = place(&expr);
    cast::cast(expr, &own, wanted, None).map_err(|error| placed(error, place))
}

fn placed(error: DataFusionError, place: Option<Span>) -> DataFusionError {
    if error.diagnostic().is_some() {
        return error;
    }
    let message = crate::engine::message(&error);
    at(place, message, "write a value of that type")
}

pub(super) fn boolean(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let own = side(&expr, schema)?;
    if own.data_type != DataType::Boolean && !own.unknown {
        let message = format!("a condition must be boolean, and this is {}", type_name(&own.data_type));
        return Err(at(place(&expr), message, "compare it with something"));
    }
    as_type(expr, &DataType::Boolean, schema)
}

fn downcast<T: 'static>(function: &Arc<ScalarUDF>) -> Option<&T> {
    (function.inner().as_ref() as &dyn Any).downcast_ref::<T>()
}

fn function(call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let place = call.args.iter().find_map(place);
    if let Some(placeholder) = downcast::<Placeholder>(&call.func) {
        let kind = placeholder.kind();
        return placeholder_call(kind, call.args, schema, place);
    }
    if let Some(named) = downcast::<Named>(&call.func) {
        let given: Vec<Given> = call.args.iter().map(|arg| given(arg, schema)).collect::<Result<_>>()?;
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
    let is_ours = downcast::<Bound>(&call.func).is_some() || downcast::<cast::Cast>(&call.func).is_some();
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
    let sides: Vec<Side> = args.iter().map(|arg| side(arg, schema)).collect::<Result<_>>()?;
    let name = kind.trim_start_matches('$');
    if kind == "$nullif" {
        let wrong = || at(place, "`nullif` takes two values", "write nullif(a, b)");
        let [value, other]: [Expr; 2] = args.try_into().map_err(|_| wrong())?;
        let sides: [Side; 2] = sides.try_into().map_err(|_| wrong())?;
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

fn binary(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    match op {
        Operator::And | Operator::Or => {
            let (left, right) = (boolean(left, schema)?, boolean(right, schema)?);
            Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
        }
        op if is_comparison(op) => compared(left, op, right, schema),
        op => {
            let message = format!("the operator `{op}` is not supported with `dialect: postgresql`");
            Err(at(place(&left), message, "use a comparison or a function"))
        }
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Type-checks a comparison in the common type of its operands.
pub(super) fn compared(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let sides = [side(&left, schema)?, side(&right, schema)?];
    let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
        return Err(incomparable(&left, &right, &sides, &op.to_string()));
    };
    let (left, right) = (
        length(as_type(left, &meeting, schema)?, &meeting),
        length(as_type(right, &meeting, schema)?, &meeting),
    );
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
}

/// Replaces an interval with its length, by which intervals are compared.
pub(super) fn length(expr: Expr, of: &DataType) -> Expr {
    if matches!(of, DataType::Interval(_)) {
        crate::engine::dialect::cast::interval_length(expr)
    } else {
        expr
    }
}

pub(super) fn incomparable(left: &Expr, right: &Expr, sides: &[Side; 2], op: &str) -> DataFusionError {
    let names = (type_name(&sides[0].data_type), type_name(&sides[1].data_type));
    let message = format!("operator does not exist: {} {op} {}", names.0, names.1);
    let text = |side: &Side| side.data_type == DataType::Utf8;
    let help = if text(&sides[0]) || text(&sides[1]) {
        let other = if text(&sides[0]) { &names.1 } else { &names.0 };
        format!("cast the text: x::{other}")
    } else {
        "cast one of them to the other's type".to_owned()
    };
    at(place(left).or_else(|| place(right)), message, help)
}

fn between(between: Between, schema: &DFSchema) -> Result<Expr> {
    // `x between a and b` compares x with each bound separately.
    let Between { expr, negated, low, high } = between;
    let over = compared(*expr.clone(), Operator::GtEq, *low, schema)?;
    let under = compared(*expr, Operator::LtEq, *high, schema)?;
    let both = Expr::BinaryExpr(BinaryExpr::new(Box::new(over), Operator::And, Box::new(under)));
    Ok(if negated { Expr::Not(Box::new(both)) } else { both })
}

fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let InList { expr, list, negated } = list;
    let own = side(&expr, schema)?;
    let sides: Vec<Side> = list.iter().map(|item| side(item, schema)).collect::<Result<_>>()?;
    // Prefer one common type for all items.
    let wanted = match types::common(&[vec![own.clone()], sides.clone()].concat()) {
        Some(found) => {
            let found = Side { unknown: false, data_type: found, text: None };
            types::comparable(&own, &found)
        }
        None => None,
    };
    let Some(wanted) = wanted else {
        let other = sides.iter().find(|item| types::comparable(&own, item).is_none()).cloned();
        let other = other.unwrap_or_else(|| own.clone());
        return Err(incomparable(&expr, &expr, &[own, other], "="));
    };
    let typed = |expr: Expr| Ok(length(as_type(expr, &wanted, schema)?, &wanted));
    let list = list.into_iter().map(typed).collect::<Result<_>>()?;
    Ok(Expr::InList(InList { expr: Box::new(typed(*expr)?), list, negated }))
}

fn in_subquery(list: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr, mut subquery, negated } = list;
    let own = side(&expr, schema)?;
    let plan = &subquery.subquery;
    let theirs = plan.schema().field(0).data_type().clone();
    let other = Side { unknown: theirs == DataType::Null, data_type: theirs.clone(), text: None };
    let sides = [own, other];
    let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
        return Err(incomparable(&expr, &expr, &sides, "="));
    };
    if matches!(meeting, DataType::Interval(_)) {
        return Err(by_interval("searched in a subquery", place(&expr)));
    }
    if theirs != meeting {
        let (qualifier, field) = plan.schema().qualified_field(0);
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let typed = cast::cast(column, &theirs, &meeting, None)?.alias(field.name());
        let made = Projection::try_new(vec![typed], Arc::clone(plan))?;
        subquery.subquery = Arc::new(datafusion::logical_expr::LogicalPlan::Projection(made));
    }
    Ok(Expr::InSubquery(InSubquery { expr: Box::new(as_type(*expr, &meeting, schema)?), subquery, negated }))
}

fn like(mut like: Like, schema: &DFSchema) -> Result<Expr> {
    for part in [&mut like.expr, &mut like.pattern] {
        let own = side(part, schema)?;
        if own.data_type != DataType::Utf8 && !own.unknown {
            let message = format!("LIKE takes text, not {}", type_name(&own.data_type));
            return Err(at(place(part), message, "cast it to text: x::text"));
        }
        **part = as_type(std::mem::take(part.as_mut()), &DataType::Utf8, schema)?;
    }
    Ok(Expr::Like(like))
}

fn case(mut case: Case, schema: &DFSchema) -> Result<Expr> {
    if let Some(operand) = case.expr.take() {
        // Each WHEN is a separate comparison.
        for (when, _) in &mut case.when_then_expr {
            let value = std::mem::take(when.as_mut());
            **when = compared(operand.as_ref().clone(), Operator::Eq, value, schema)?;
        }
    } else {
        for (when, _) in &mut case.when_then_expr {
            **when = boolean(std::mem::take(when.as_mut()), schema)?;
        }
    }
    // PostgreSQL looks at ELSE first when it resolves the common type.
    let results = case.else_expr.iter().chain(case.when_then_expr.iter().map(|(_, then)| then));
    let sides: Vec<Side> = results.map(|result| side(result, schema)).collect::<Result<_>>()?;
    let Some(wanted) = types::common(&sides) else {
        let place = case.when_then_expr.iter().find_map(|(_, then)| place(then));
        return Err(apart("CASE", &sides, place));
    };
    for (_, then) in &mut case.when_then_expr {
        **then = as_type(std::mem::take(then.as_mut()), &wanted, schema)?;
    }
    if let Some(otherwise) = case.else_expr.take() {
        case.else_expr = Some(Box::new(as_type(*otherwise, &wanted, schema)?));
    }
    Ok(Expr::Case(case))
}

fn no_interval<'a>(keys: impl IntoIterator<Item = &'a Expr>, schema: &DFSchema) -> Result<()> {
    for key in keys {
        if matches!(key.get_type(schema)?, DataType::Interval(_)) {
            return Err(by_interval("ordered or made distinct here", place(key)));
        }
    }
    Ok(())
}

/// Casts the arguments of an aggregate; text literals become text.
fn arguments(args: &mut [Expr], types: &[DataType], schema: &DFSchema) -> Result<()> {
    for (arg, wanted) in args.iter_mut().zip(types) {
        *arg = as_type(std::mem::take(arg), wanted, schema)?;
    }
    Ok(())
}

fn aggregate(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
    let params = &mut aggregate.params;
    if let Some(filter) = params.filter.take() {
        params.filter = Some(Box::new(boolean(*filter, schema)?));
    }
    no_interval(params.order_by.iter().map(|order| &order.expr), schema)?;
    if params.distinct {
        no_interval(&params.args, schema)?;
    }
    if params.distinct && !params.order_by.is_empty() {
        let same = params.order_by.iter().all(|order| params.args.contains(&order.expr));
        if !same {
            return Err(at(
                place(&params.order_by[0].expr),
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                "order by the argument",
            ));
        }
    }
    if !matches!(aggregate.func.name(), "count" | "grouping" | "first_value") {
        let own: Vec<DataType> =
            aggregate.params.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<_>>()?;
        let place = aggregate.params.args.iter().find_map(place);
        let wanted = aggregate.func.coerce_types(&own).map_err(|error| placed(error, place))?;
        arguments(&mut aggregate.params.args, &wanted, schema)?;
    }
    Ok(Expr::AggregateFunction(aggregate))
}

fn window(mut window: WindowFunction, schema: &DFSchema) -> Result<Expr> {
    use datafusion::logical_expr::WindowFunctionDefinition as Definition;
    let params = &mut window.params;
    if let Some(filter) = params.filter.take() {
        params.filter = Some(Box::new(boolean(*filter, schema)?));
    }
    let keys = params.order_by.iter().map(|order| &order.expr).chain(&params.partition_by);
    no_interval(keys, schema)?;
    let own: Vec<DataType> = params.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<_>>()?;
    let place = params.args.iter().find_map(place);
    match &window.fun {
        Definition::AggregateUDF(function) if function.name() != "count" => {
            let wanted = function.coerce_types(&own).map_err(|error| placed(error, place))?;
            arguments(&mut params.args, &wanted, schema)?;
        }
        Definition::AggregateUDF(_) => {}
        Definition::WindowUDF(function) => match (function.name(), own.as_slice()) {
            ("lag" | "lead", [of, rest @ ..]) if !is_plain(of) || rest.len() > 2 => {
                return Err(at(
                    place,
                    format!("`{}` doesn't take these arguments", function.name()),
                    "write lag(x, 1, y)",
                ));
            }
            ("lag" | "lead", [_, _, _]) => {
                let sides = [side(&params.args[0], schema)?, side(&params.args[2], schema)?];
                let Some(meeting) = types::common(&sides) else {
                    return Err(apart(function.name(), &sides, place));
                };
                params.args[0] = as_type(std::mem::take(&mut params.args[0]), &meeting, schema)?;
                params.args[2] = as_type(std::mem::take(&mut params.args[2]), &meeting, schema)?;
            }
            _ => {}
        },
    }
    Ok(Expr::WindowFunction(Box::new(window)))
}
