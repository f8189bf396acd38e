//! Filters and tests of Jinja2 that `MiniJinja` lacks, or whose arguments it takes only by name.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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
    env.add_filter("escape", escaped);
    env.add_filter("e", escaped);
    env.add_filter("urlencode", url_encoded);
    env.add_filter("indent", indented);
    env.add_function("namespace", |defaults: Option<Value>, named: Kwargs| {
        let mut values: Vec<(String, Value)> = Vec::new();
        if let Some(defaults) = defaults {
            for key in defaults.try_iter()? {
                values.push((key.to_string(), defaults.get_item(&key)?));
            }
        }
        for name in named.args() {
            values.push((name.to_owned(), named.get(name)?));
        }
        let values: Kwargs = values.into_iter().collect();
        minijinja::functions::namespace(Some(Value::from(values).into()))
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

/// Escapes the signs of HTML as Jinja does.
fn escaped(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let text = value.to_string();
    pay_bytes(state, text.len())?;
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    Ok(escaped)
}

/// Encodes a text for an address, or a mapping or pairs for its query.
fn url_encoded(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    const KEPT_IN_TEXT: AsciiSet = KEPT.remove(b'/');
    if value.kind() != ValueKind::Map {
        let text = value.to_string();
        pay_bytes(state, text.len())?;
        return Ok(utf8_percent_encode(&text, &KEPT_IN_TEXT).to_string());
    }
    let encoded = |value: &Value| {
        let text = value.to_string();
        pay_bytes(state, text.len())?;
        Ok::<_, Error>(utf8_percent_encode(&text, &KEPT).to_string().replace("%20", "+"))
    };
    let pairs = value.try_iter()?.map(|key| {
        let item = value.get_item(&key)?;
        Ok(format!("{}={}", encoded(&key)?, encoded(&item)?))
    });
    Ok(pairs.collect::<Result<Vec<_>, Error>>()?.join("&"))
}

/// Indents the lines of a text after the first, by a number of spaces or a text.
#[expect(clippy::needless_pass_by_value, reason = "filters get their arguments by value")]
fn indented(state: &State<'_, '_>, value: &Value, args: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let named = by_name(["width", "first", "blank"], &args, &named)?;
    let width: Option<Value> = named.get("width")?;
    let is_set = |name: &str| Ok::<_, Error>(named.get::<Option<bool>>(name)?.unwrap_or(false));
    let (first, blank) = (is_set("first")?, is_set("blank")?);
    named.assert_all_used()?;
    let by = match width {
        Some(width) if width.as_str().is_some() => width.to_string(),
        width => {
            let width = width.map_or(Ok(4), usize::try_from)?;
            pay_bytes(state, width)?;
            " ".repeat(width)
        }
    };
    let text = value.to_string();
    pay_bytes(state, text.len() + by.len().saturating_mul(text.matches('\n').count() + 1))?;
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let is_indented = if number == 0 { first } else { blank || !line.is_empty() };
        if is_indented { format!("{by}{line}") } else { line.to_owned() }
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
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
