//! The `MiniJinja` environment, configured to match dbt's Jinja.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value,
    value::{Kwargs, Rest, StringInput, ValueKind, from_args},
};

use super::{
    filters, native, number, text_methods,
    value::{
        List, TableValue,
        cost::{is_sequence, pay_bytes, pay_indented, pay_items},
        from_json,
    },
};

/// Methods that mutate a list or dict.
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

/// The instruction budget of one rendering; 64 bytes of generated text cost one instruction. The most
/// elaborate template of a large project needs a fiftieth of it, and spending it all takes seconds.
pub(super) const FUEL: u64 = 10_000_000;

/// Returns an environment without templates.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    // Never escape: SQL isn't HTML, whatever the file's name.
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // As in Jinja, undefined values print nothing, and have no attributes.
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    // Errors name the undefined expression only in debug mode.
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    minijinja_contrib::add_to_environment(&mut env);
    env.set_unknown_method_callback(unknown_method);
    env.add_filter("list", |state: &State<'_, '_>, value: Value| {
        List::of(state, &value).map(Value::from_object)
    });
    // As in dbt, a relation is a mapping of the parts of its name.
    env.add_test("mapping", |value: &Value| {
        value.kind() == ValueKind::Map || value.downcast_object_ref::<TableValue>().is_some()
    });
    env.add_filter("join", join);
    env.add_filter("chain", chain);
    env.add_filter("sum", sum);
    env.add_filter("tojson", tojson);
    number::add(&mut env);
    native::add_filters(&mut env);
    filters::add(&mut env);
    env
}

/// Returns the environment of templates that are only parsed. They know neither tables nor nodes, so that
/// attributes, items and methods of undefined values are undefined, as in dbt.
pub(super) fn parsing(env: &Environment<'static>) -> Environment<'static> {
    let mut env = env.clone();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_unknown_method_callback(|state, value, method, args| {
        match unknown_method(state, value, method, args) {
            Err(error) if error.kind() == ErrorKind::UnknownMethod => Ok(Value::UNDEFINED),
            answer => answer,
        }
    });
    env
}

/// Wraps `tojson` to pay for the values and their indentation up front. As in Jinja, the keys are sorted.
fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    indent: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let given: Option<Value> = if indent.is_some() { indent.clone() } else { kwargs.get("indent")? };
    let width = given.and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
    pay_indented(state, value, width)?;
    let mut sorted = serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, format!("tojson: {error}")))?;
    sorted.sort_all_objects();
    minijinja::filters::tojson(&from_json(&sorted), indent, kwargs)
}

/// Wraps `join` to pay for the joined texts up front; `MiniJinja` charges only for the joiner.
fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    if attribute.is_none() && is_sequence(value) {
        for item in value.try_iter()?.checked() {
            pay_bytes(state, item?.as_str().map_or(0, str::len))?;
        }
    }
    minijinja::filters::join(state, value, joiner, attribute, kwargs)
}

/// Wraps `chain` to pay for the items: otherwise lazy chains of chains would double for free.
fn chain(state: &State<'_, '_>, value: Value, others: Rest<Value>) -> Result<Value, Error> {
    std::iter::once(&value)
        .chain(others.iter())
        .try_for_each(|part| pay_items(state, part.len().unwrap_or(1)))?;
    minijinja::filters::chain(state, value, others)
}

/// Wraps `sum`, which also adds lists: pays for them as `paid_operand` does.
fn sum(
    state: &State<'_, '_>,
    values: Value,
    attribute: Option<&str>,
    start: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    if is_sequence(&values) {
        for item in values.try_iter()?.checked() {
            let item = item?;
            if is_sequence(&item) {
                pay_items(state, item.len().unwrap_or(1))?;
            }
            pay_bytes(state, item.as_str().map_or(0, str::len))?;
        }
    }
    minijinja::filters::sum(state, values, attribute, start, kwargs)
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
    if value.is_tuple() && method == "index" {
        let (wanted,): (Value,) = from_args(args)?;
        pay_items(state, value.len().unwrap_or(0))?;
        let place = value.try_iter()?.position(|item| item == wanted).map(Value::from);
        return place
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "index: the value is not in the tuple"));
    }
    if let Some(text) = value.as_str() {
        return text_method(state, value, text, method, args);
    }
    if method == "count" {
        pay_items(state, value.len().unwrap_or(0))?;
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// Calls Python's string methods after paying for the text. Methods whose result can be much longer than the
/// text are also filters, which charge as they go.
fn text_method(
    state: &mut State<'_, '_>,
    value: &Value,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    pay_bytes(state, text.len())?;
    match (method, args) {
        ("replace", [old, new, ..])
            if args.len() <= 3 && old.as_str().is_some() && new.as_str().is_some() =>
        {
            return state.apply_filter("replace", &[std::slice::from_ref(value), args].concat());
        }
        ("join", [values]) if is_sequence(values) => {
            return state.apply_filter("join", &[values.clone(), value.clone()]);
        }
        ("format", _) => pay_bytes(state, formatted(text, args))?,
        _ => {}
    }
    if let Some(result) = text_methods::call(state, text, method, args)? {
        return Ok(result);
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// Returns an upper bound on the length of `.format(…)`'s result: every number may be a width, and every
/// brace may insert the longest argument.
fn formatted(text: &str, args: &[Value]) -> usize {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let widths = numbers.map(|digits| digits.parse().unwrap_or(usize::MAX));
    let longest = args.iter().map(|value| value.as_str().map_or(0, str::len)).max().unwrap_or(0);
    let braces = text.matches('{').count();
    widths.fold(braces.saturating_mul(longest), usize::saturating_add)
}
