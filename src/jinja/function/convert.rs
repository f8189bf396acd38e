//! `tojson`, `fromjson`, `toyaml`, `fromyaml`, `set`, `zip`.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use md5::{Digest, Md5};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, Tuple, from_args},
};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::jinja::value::{
    self, List, Set,
    cost::{paid_items, pay_items, pay_value},
};

/// Evaluates `tojson(value, default, sort_keys=false)`, formatting JSON as Python does.
pub(super) fn to_json(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (value, _, named): (Value, Option<Value>, Kwargs) = from_args(args)?;
    let sort: bool = named.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    named.assert_all_used()?;
    pay_value(state, &value)?;
    let mut value = serde_json::to_value(&value).map_err(|why| unfit("tojson", &why))?;
    if sort {
        value.sort_all_objects();
    }
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Python);
    value.serialize(&mut serializer).map_err(|why| unfit("tojson", &why))?;
    String::from_utf8(bytes).map(Value::from).map_err(|why| unfit("tojson", &why))
}

/// Evaluates `fromjson(text, default)`. Text that isn't JSON is the default, which is `none`.
pub(super) fn from_json(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (text, default): (String, Option<Value>) = from_args(args)?;
    // A value can take a hundred times as much memory as its text.
    pay_items(state, text.len())?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) => Ok(value::from_json(&value)),
        Err(_) => Ok(default.unwrap_or_else(|| Value::from(()))),
    }
}

/// Evaluates `toyaml(value, default, sort_keys=false)`.
pub(super) fn to_yaml(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (value, default, named): (Value, Option<Value>, Kwargs) = from_args(args)?;
    let sort: bool = named.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    named.assert_all_used()?;
    pay_value(state, &value)?;
    let mut value = serde_json::to_value(&value).map_err(|why| unfit("toyaml", &why))?;
    if sort {
        value.sort_all_objects();
    }
    match serde_saphyr::to_string(&value) {
        Ok(text) => Ok(Value::from(text)),
        Err(why) => default.ok_or_else(|| unfit("toyaml", &why)),
    }
}

/// Evaluates `fromyaml(text, default)`. Text that isn't YAML is the default, which is `none`.
pub(super) fn from_yaml(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (text, default): (String, Option<Value>) = from_args(args)?;
    // A value can take a hundred times as much memory as its text.
    pay_items(state, text.len())?;
    match serde_saphyr::from_str::<serde_json::Value>(&text) {
        Ok(value) => Ok(value::from_json(&value)),
        Err(_) => Ok(default.unwrap_or_else(|| Value::from(()))),
    }
}

/// Evaluates `local_md5(text)`.
pub(super) fn local_md5(args: &[Value]) -> Result<Value, Error> {
    let (text,): (Value,) = from_args(args)?;
    let digest = Md5::digest(text.to_string().as_bytes());
    let digits = digest.iter().fold(String::with_capacity(32), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    Ok(Value::from(digits))
}

/// Evaluates `set(items, default)`. What has no items that a set can hold is the default, or an error if it
/// is `strict`.
pub(super) fn set(state: &State<'_, '_>, args: &[Value], strict: bool) -> Result<Value, Error> {
    let (items, default): (Value, Option<Value>) = from_args(args)?;
    if !strict && (items.is_none() || items.try_iter().is_err()) {
        return Ok(default.unwrap_or_else(|| Value::from(())));
    }
    match Set::new(paid_items(state, &items)?) {
        Err(_) if !strict => Ok(default.unwrap_or_else(|| Value::from(()))),
        set => set.map(Value::from_object),
    }
}

/// Evaluates `zip(a, b, …)`: returns tuples, as many as the shortest sequence has items. If one has none, it
/// is `none`, or an error if it is `strict`.
pub(super) fn zip(state: &State<'_, '_>, args: &[Value], strict: bool) -> Result<Value, Error> {
    let (Rest(sequences), named): (Rest<Value>, Kwargs) = from_args(args)?;
    let default: Option<Value> = named.get("default")?;
    named.assert_all_used()?;
    if !strict && sequences.iter().any(|items| items.is_none() || items.try_iter().is_err()) {
        return Ok(default.unwrap_or_else(|| Value::from(())));
    }
    let mut iterators = sequences.iter().map(Value::try_iter).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    while !iterators.is_empty() {
        let Some(row) = iterators.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() else { break };
        pay_items(state, row.len())?;
        rows.push(Value::from(Tuple::from(row)));
    }
    Ok(Value::from_object(List::new(rows)))
}

fn unfit(function: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::BadSerialization, format!("{function}: {why}"))
}

/// A JSON formatter with Python's spaces after `,` and `:`, and its escapes for all but ASCII.
struct Python;

impl Formatter for Python {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        for char in text.chars() {
            if char.is_ascii() {
                writer.write_all(&[char as u8])?;
                continue;
            }
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
