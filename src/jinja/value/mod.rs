//! Values templates hold that `MiniJinja` has no kind for.
//!
//! - [`List`], [`Dict`]: Python's, which can be changed
//! - [`Moment`]: a point in time, such as `run_started_at`
//! - [`Table`]: what `ref`, `source` and `this` give
//! - [`Given`]: what a unit test has a macro give

mod dict;
mod given;
mod list;
mod moment;
mod table;

pub(super) use self::{dict::Dict, given::Given, list::List, moment::Moment, table::Table};

use minijinja::{Error, ErrorKind, Value};

/// Whether a container can be reached from a value, so that adding the value to it would close a circle.
fn reaches(value: &Value, container: *const ()) -> bool {
    let inside: Vec<Value> = if let Some(list) = value.downcast_object_ref::<List>() {
        if std::ptr::from_ref(list).cast() == container {
            return true;
        }
        list.snapshot()
    } else if let Some(dict) = value.downcast_object_ref::<Dict>() {
        if std::ptr::from_ref(dict).cast() == container {
            return true;
        }
        dict.snapshot().into_iter().map(|(_, value)| value).collect()
    } else {
        return false;
    };
    inside.iter().any(|value| reaches(value, container))
}

/// Refuses a value that holds the container it is to be put into.
fn refuse_circle<T>(value: &Value, container: &T) -> Result<(), Error> {
    if reaches(value, std::ptr::from_ref(container).cast()) {
        return Err(Error::new(ErrorKind::InvalidOperation, "a list or dict can't be put into itself"));
    }
    Ok(())
}

/// A value from outside: lists and dicts are the template's own, so it may change them.
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
