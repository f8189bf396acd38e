//! `MiniJinja` set up as dbt sets up Jinja.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value,
    value::{Kwargs, Rest, StringInput, ValueKind},
};

use super::value::{
    List,
    cost::{is_sequence, pay_bytes, pay_items},
};

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
    env.add_filter("list", |state: &State<'_, '_>, value: Value| {
        List::of(state, &value).map(Value::from_object)
    });
    env.add_filter("join", join);
    env.add_filter("chain", chain);
    env.add_filter("sum", sum);
    env
}

/// `join`, with its texts paid for before they are joined; `MiniJinja` charges for the joiner only.
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

/// `chain`, with the items paid for: lazy chains of chains would double for nothing.
fn chain(state: &State<'_, '_>, value: Value, others: Rest<Value>) -> Result<Value, Error> {
    std::iter::once(&value)
        .chain(others.iter())
        .try_for_each(|part| pay_items(state, part.len().unwrap_or(1)))?;
    minijinja::filters::chain(state, value, others)
}

/// `sum`, which adds lists too: paid for as [`paid_operand`] does.
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
    if let Some(text) = value.as_str() {
        return text_method(state, value, text, method, args);
    }
    if method == "count" {
        pay_items(state, value.len().unwrap_or(0))?;
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// Python's methods of text, paid for before they are called; those that can make much of little are filters
/// too, which charge as they go.
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
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// How long a text may get by `.format(…)`: widths are numbers, and each brace may stand for the longest
/// argument.
fn formatted(text: &str, args: &[Value]) -> usize {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let widths = numbers.map(|digits| digits.parse().unwrap_or(usize::MAX));
    let longest = args.iter().map(|value| value.as_str().map_or(0, str::len)).max().unwrap_or(0);
    let braces = text.matches('{').count();
    widths.fold(braces.saturating_mul(longest), usize::saturating_add)
}
