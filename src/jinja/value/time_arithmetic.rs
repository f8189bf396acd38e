//! Sums and differences of times and durations, which `MiniJinja` has no operators for.

use minijinja::{Error, State, Value, context};

use super::{TemplateDuration, TemplateMoment, duration::too_long};

/// Evaluates `left + right`, as Python does if one of them is a time or duration.
pub(in crate::jinja) fn plus(state: &State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    let durations = (duration(&left), duration(&right));
    match (moment(&left), moment(&right), durations) {
        (Some(moment), None, (_, Some(duration))) | (None, Some(moment), (Some(duration), _)) => {
            moment.plus(duration).map(Value::from_object)
        }
        (None, None, (Some(left), Some(right))) => {
            left.plus(right).map(Value::from_object).ok_or_else(too_long)
        }
        _ => state.env().compile_expression("left + right")?.eval(context! { left, right }),
    }
}

/// Evaluates `left - right`, as Python does if one of them is a time or duration.
pub(in crate::jinja) fn minus(state: &State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    match (moment(&left), moment(&right), duration(&left), duration(&right)) {
        (Some(left), Some(right), ..) => left.since(right).map(Value::from_object),
        (Some(left), None, _, Some(right)) => {
            let back = TemplateDuration::new(-right.0).ok_or_else(too_long)?;
            left.plus(back).map(Value::from_object)
        }
        (None, None, Some(left), Some(right)) => {
            left.minus(right).map(Value::from_object).ok_or_else(too_long)
        }
        _ => state.env().compile_expression("left - right")?.eval(context! { left, right }),
    }
}

fn moment(value: &Value) -> Option<&TemplateMoment> {
    value.downcast_object_ref()
}

fn duration(value: &Value) -> Option<TemplateDuration> {
    value.downcast_object_ref().copied()
}
