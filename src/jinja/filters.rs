//! Filters and tests of Jinja2 that `MiniJinja` lacks, or whose arguments it takes only by name.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind},
};

use super::{
    text_methods,
    value::{
        cost::{paid_items, pay_bytes},
        time_arithmetic,
    },
};

/// Adds them to an environment.
pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("dictsort", |state: &State<'_, '_>, value: &Value, args: Rest<Value>, named: Kwargs| {
        let named = by_name(["case_sensitive", "by", "reverse"], &args, &named)?;
        pay_bytes(state, value.len().unwrap_or(0) * 64)?;
        minijinja::filters::dictsort(value, named)
    });
    env.add_filter(
        "truncate",
        |state: &mut State<'_, '_>, value: &Value, args: Rest<Value>, named: Kwargs| {
            let named = by_name(["length", "killwords", "end", "leeway"], &args, &named)?;
            minijinja_contrib::filters::truncate(state, value, named)
        },
    );
    env.add_filter("center", |state: &State<'_, '_>, value: Value, width: Option<usize>| {
        let width = width.unwrap_or(80);
        pay_bytes(state, width)?;
        Ok::<_, Error>(text_methods::centered(&value.to_string(), width, ' '))
    });
    env.add_filter("wordcount", |value: Value| {
        let is_word = |char: char| char.is_alphanumeric() || char == '_';
        value.to_string().split(|char| !is_word(char)).filter(|word| !word.is_empty()).count()
    });
    env.add_filter("random", |state: &State<'_, '_>, value: Value| {
        // A text that chance decides is as volatile as one that the time decides.
        let _ = state.lookup("run_started_at");
        let items = paid_items(state, &value)?;
        let place = uuid::Uuid::new_v4().as_u128() % items.len().max(1) as u128;
        let item = usize::try_from(place).ok().and_then(|place| items.get(place).cloned());
        item.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "random: there is no item"))
    });
    env.add_filter("is_list", |value: Value| value.kind() == ValueKind::Seq && !value.is_tuple());
    env.add_filter("__mod", modulo);
    env.add_filter("__plus", time_arithmetic::plus);
    env.add_filter("__minus", time_arithmetic::minus);
    // As in Python, text and mappings have a length and items.
    env.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
}

/// Adds positional arguments to those by name.
fn by_name<const N: usize>(parameters: [&str; N], args: &[Value], named: &Kwargs) -> Result<Kwargs, Error> {
    if args.len() > N {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut all: Vec<(String, Value)> =
        parameters.iter().zip(args).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    for name in named.args() {
        all.push((name.to_owned(), named.get(name)?));
    }
    Ok(all.into_iter().collect())
}

/// Evaluates `text % values`, which formats, and `number % number`.
fn modulo(state: &mut State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    if left.as_str().is_none() {
        let expression = state.env().compile_expression("left % right")?;
        return expression.eval(minijinja::context! { left, right });
    }
    let mut args = vec![left];
    if right.is_tuple() {
        args.extend(right.try_iter()?);
    } else {
        args.push(right);
    }
    state.apply_filter("format", &args)
}
