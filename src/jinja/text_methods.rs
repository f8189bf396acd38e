//! Python's string methods that `MiniJinja` lacks.

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Tuple, from_args},
};

use super::value::{List, cost::pay_bytes};

/// Calls a method. Returns `None` if there is none of this name here.
pub(super) fn call(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            partition(text, separator, method == "partition")?
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            pay_bytes(state, width)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            let width = width.saturating_sub(sign.len());
            Value::from(format!("{sign}{}{digits}", "0".repeat(width.saturating_sub(digits.chars().count()))))
        }
        "ljust" | "rjust" | "center" => padded(state, text, method, args)?,
        "swapcase" => {
            let () = from_args(args)?;
            Value::from(text.chars().map(swapped).collect::<String>())
        }
        "casefold" => {
            let () = from_args(args)?;
            Value::from(text.to_lowercase())
        }
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            let rest =
                if method == "removeprefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Value::from(rest.unwrap_or(text))
        }
        "rsplit" => return rsplit(text, args),
        "startswith" | "endswith" if args.len() > 1 => return within(state, text, method, args).map(Some),
        "isdecimal" | "isidentifier" | "istitle" => {
            let () = from_args(args)?;
            Value::from(is_all(text, method))
        }
        "index" => {
            let (part,): (&str,) = from_args(args)?;
            let found = text.find(part).map(|at| text[..at].chars().count());
            Value::from(found.ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("index: `{part}` is not in the text"))
            })?)
        }
        _ => return Ok(None),
    }))
}

/// `ljust`, `rjust`, `center`: the text padded to a width.
fn padded(state: &State<'_, '_>, text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (usize, Option<char>) = from_args(args)?;
    pay_bytes(state, width)?;
    let fill = fill.unwrap_or(' ');
    let missing = width.saturating_sub(text.chars().count());
    let padding = || std::iter::repeat_n(fill, missing).collect::<String>();
    Ok(Value::from(match method {
        "ljust" => format!("{text}{}", padding()),
        "rjust" => format!("{}{text}", padding()),
        _ => centered(text, width, fill),
    }))
}

/// `rsplit` at a separator; `None` without one, since `MiniJinja` splits at blanks.
fn rsplit(text: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
    let Some(separator) = separator.filter(|separator| !separator.is_empty()) else {
        return Ok(None);
    };
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<Value> = text.rsplitn(most + 1, separator).map(Value::from).collect();
    parts.reverse();
    Ok(Some(Value::from_object(List::new(parts))))
}

/// `startswith`, `endswith` with the places between which they look.
fn within(state: &State<'_, '_>, text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (part, start, end): (Value, usize, Option<usize>) = from_args(args)?;
    let chars: Vec<char> = text.chars().collect();
    let end = end.unwrap_or(chars.len()).min(chars.len());
    let within: String = chars[start.min(end)..end].iter().collect();
    let expression = format!("text.{method}(part)");
    state.env().compile_expression(&expression)?.eval(minijinja::context! { text => within, part })
}

/// `isdecimal`, `isidentifier`, `istitle`.
fn is_all(text: &str, method: &str) -> bool {
    let is_start = |char: char| char.is_alphabetic() || char == '_';
    match method {
        "isdecimal" => !text.is_empty() && text.chars().all(|char| char.is_ascii_digit()),
        "isidentifier" => {
            text.starts_with(is_start) && text.chars().all(|char| char.is_alphanumeric() || char == '_')
        }
        _ => is_title(text),
    }
}

/// Returns a letter in the other case.
fn swapped(char: char) -> String {
    if char.is_uppercase() { char.to_lowercase().to_string() } else { char.to_uppercase().to_string() }
}

/// Returns whether each word starts with an upper-case letter and goes on with lower-case ones.
fn is_title(text: &str) -> bool {
    let (mut within, mut has_letters) = (false, false);
    for char in text.chars() {
        let is_letter = char.is_uppercase() || char.is_lowercase();
        if is_letter && char.is_uppercase() == within {
            return false;
        }
        has_letters |= is_letter;
        within = is_letter;
    }
    has_letters
}

/// Centers a text as Python does: of an odd rest, the larger half is on the left if the width is odd.
pub(super) fn centered(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    let padding = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    format!("{}{text}{}", padding(left), padding(missing - left))
}

fn partition(text: &str, separator: &str, first: bool) -> Result<Value, Error> {
    if separator.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "partition: the separator is empty"));
    }
    let parts = if first { text.split_once(separator) } else { text.rsplit_once(separator) };
    let parts = match parts {
        Some((before, after)) => [before, separator, after],
        None if first => [text, "", ""],
        None => ["", "", text],
    };
    Ok(Value::from(Tuple::from(parts.map(Value::from).to_vec())))
}
