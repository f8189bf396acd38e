//! `MiniJinja` set up as dbt sets up Jinja.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value, value::ValueKind,
};

use super::value::List;

/// Methods that change a list or dict.
const CHANGES: [&str; 12] = [
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
    "add",
];

/// How much one rendering may do, in instructions; making 64 bytes of text counts as one as well. A large project's most
/// elaborate template needs a fiftieth of it, and all of it is spent in seconds.
pub(super) const FUEL: u64 = 10_000_000;

/// An environment without templates.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    // SQL is not HTML, whatever the file is called.
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // Undefined values may be asked about (`{% if x %}`), but not written or looked into.
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // Errors name the undefined expression only so.
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    minijinja_contrib::add_to_environment(&mut env);
    env.set_unknown_method_callback(unknown_method);
    env.add_filter("list", |value: Value| List::of(&value).map(Value::from_object));
    env
}

fn unknown_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let container = matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable);
    let own = value.downcast_object_ref::<List>().is_some()
        || value.downcast_object_ref::<super::value::Dict>().is_some();
    if container && !own && CHANGES.contains(&method) {
        let copy = if value.kind() == ValueKind::Map { "dict(…)" } else { "… | list" };
        let message = format!("`.{method}()`: this value can't be changed; change a copy of it: `{copy}`");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}
