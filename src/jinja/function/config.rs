//! `config(…)`, `config.get`, `config.require`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, Value,
    value::{Rest, ValueOrKwargs, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        captures::ConfigCall,
        fault::fault,
        rendering::{CallPosition, Rendering},
        value::from_json,
    },
};

/// Evaluates `config(key=value, …)` or `config({…})`: captures the settings and returns an empty string.
pub(super) fn config(run: &Arc<Rendering>, at: Option<CallPosition>, args: &[Value]) -> Result<Value, Error> {
    let (Rest(mappings),): (Rest<ValueOrKwargs>,) = from_args(args)?;
    for mapping in mappings {
        let mapping = mapping.into_value();
        let wrong =
            || Error::new(ErrorKind::InvalidOperation, "config takes settings as `key=value`, or one dict");
        if mapping.as_object().is_none_or(|object| object.repr() != minijinja::value::ObjectRepr::Map) {
            return Err(wrong());
        }
        for key in mapping.try_iter()? {
            let value = mapping.get_item(&key)?;
            let key = key.as_str().ok_or_else(wrong)?.to_owned();
            if value.is_undefined() {
                return Err(Error::new(
                    ErrorKind::UndefinedError,
                    format!("the value of `{key}` is undefined"),
                ));
            }
            let value = serde_json::to_value(&value)
                .map_err(|why| Error::new(ErrorKind::BadSerialization, format!("`{key}`: {why}")))?;
            run.capture(|captures| captures.config.push(ConfigCall { key, value, span: run.span(at) }));
        }
    }
    Ok(Value::from(""))
}

/// Evaluates `config.get('key', default)`.
pub(super) fn get(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (key, named_or_default): (&str, Rest<ValueOrKwargs>) = from_args(args)?;
    if let Some(value) = run.node.config.get(key).filter(|value| !value.is_null()) {
        return Ok(from_json(value));
    }
    Ok(match named_or_default.0.into_iter().next().map(ValueOrKwargs::into_value) {
        None => Value::from(()),
        Some(named) if named.is_kwargs() => named.get_attr("default").unwrap_or_else(|_| Value::from(())),
        Some(default) => default,
    })
}

/// Evaluates `config.require('key')`. While parsing, when settings aren't known yet, the result is empty, as
/// in dbt.
pub(super) fn require(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (key, _): (&str, Option<Value>) = from_args(args)?;
    match run.node.config.get(key) {
        Some(value) => Ok(from_json(value)),
        None if run.node.executing => Err(fault(
            Diagnostic::error("missing-config", format!("`{}` has no setting `{key}`", run.node.name))
                .near(key, run.node.config.keys().map(String::as_str))
                .hint(format!("set it with `{{{{ config({key}=…) }}}}` or in the project's `models:`")),
        )),
        None => Ok(Value::from("")),
    }
}
