//! `exceptions.*`, `log`, `print`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{fault::fault, rendering::Rendering},
};

/// Evaluates `log(message, info=false)` and `print(message)`.
pub(super) fn log(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (message, _, _): (Value, Option<bool>, Kwargs) = from_args(args)?;
    run.capture(|captures| captures.logs.push(message.to_string()));
    Ok(Value::from(""))
}

/// Evaluates a method of `exceptions`.
pub(super) fn call(
    run: &Arc<Rendering>,
    state: &State<'_, '_>,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match method {
        "raise_compiler_error" | "raise_not_implemented" | "raise_fail_fast_error" => {
            let (message, _): (Value, Option<Value>) = from_args(args)?;
            Err(fault(Diagnostic::error("raised", message.to_string())))
        }
        "warn" => {
            let (message, _): (Value, Option<Value>) = from_args(args)?;
            // Calls have no position, so point at the macro's file.
            let source = &run.file_at(state.name()).source;
            let warning =
                Diagnostic::warning("template-warning", message.to_string()).at(source.span(0..0), "");
            run.capture(|captures| captures.warnings.push(warning));
            Ok(Value::from(""))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}
