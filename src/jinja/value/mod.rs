//! Template values that `MiniJinja` has no type for.
//!
//! - [`List`], [`Dict`], [`Set`]: Python's mutable collections; [`cost`] limits their size
//! - [`TemplateMoment`], [`TemplateDuration`], [`TimeZoneValue`]: times, such as `run_started_at`, durations
//!   and zones; `time_arithmetic` adds and subtracts them
//! - [`TableValue`]: the value of `ref`, `source` and `this`
//! - [`ColumnValue`]: a column of a relation
//! - [`TableOfRows`], [`NoResult`]: the rows of a query
//! - [`OverriddenMacro`]: a macro's return value as set by a unit test

mod column;
pub(super) mod cost;
mod dict;
mod duration;
mod list;
mod moment;
mod named_values;
mod overridden_macro;
mod query_table;
mod set;
mod table;
pub(super) mod time_arithmetic;
mod zone;

pub(super) use self::{
    column::ColumnValue,
    dict::Dict,
    duration::TemplateDuration,
    list::List,
    moment::{TemplateMoment, create as create_moment, zone_of},
    named_values::NoResult,
    overridden_macro::OverriddenMacro,
    query_table::TableOfRows,
    set::Set,
    table::TableValue,
    zone::TimeZoneValue,
};

use std::sync::Arc;

use minijinja::{Error, ErrorKind, State, Value};

/// Rejects a value that contains the container it is to be added to, which would create a cycle.
fn refuse_circle<T>(state: &State<'_, '_>, value: &Value, container: &T) -> Result<(), Error> {
    let container: *const () = std::ptr::from_ref(container).cast();
    let (mut open, mut unpaid) = (vec![value.clone()], 0);
    while let Some(value) = open.pop() {
        let (place, inside): (*const (), Vec<Value>) = if let Some(list) = value.downcast_object_ref::<List>()
        {
            (std::ptr::from_ref(list).cast(), list.snapshot())
        } else if let Some(dict) = value.downcast_object_ref::<Dict>() {
            let values = dict.snapshot().into_iter().map(|(_, value)| value);
            (std::ptr::from_ref(dict).cast(), values.collect())
        } else {
            continue;
        };
        if place == container {
            return Err(Error::new(ErrorKind::InvalidOperation, "a list or dict can't be put into itself"));
        }
        // Traversing a value is cheaper than storing it.
        unpaid += inside.len() + 1;
        cost::pay_items(state, unpaid / 16)?;
        unpaid %= 16;
        open.extend(inside);
    }
    Ok(())
}

/// Drops arbitrarily nested values without recursion.
fn dropped(mut values: Vec<Value>) {
    while let Some(value) = values.pop() {
        // If this is the last reference, take the content out first.
        if let Some(list) = value.downcast_object::<List>() {
            drop(value);
            if Arc::strong_count(&list) == 1 {
                values.extend(list.take());
            }
        } else if let Some(dict) = value.downcast_object::<Dict>() {
            drop(value);
            if Arc::strong_count(&dict) == 1 {
                values.extend(dict.take());
            }
        }
    }
}

/// Converts a value from outside. Lists and dicts are new copies that the template may mutate.
pub(super) fn from_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from_object(List::new(items.iter().map(from_json).collect())),
        Json::Object(items) => {
            let pairs = items.iter().map(|(key, value)| (Value::from(key.as_str()), from_json(value)));
            Value::from_object(Dict::new(pairs))
        }
    }
}
