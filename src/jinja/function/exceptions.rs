//! `exceptions.*`, `log`, `print`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        fault::fault,
        message::{MessageKind, TemplateMessage},
        rendering::{Rendering, SecretAccess},
    },
};

/// Evaluates `log(message, info=false)`.
pub(super) fn log(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (message, info, named): (Value, Option<bool>, Kwargs) = from_args(args)?;
    let named: Option<bool> = named.get("info")?;
    let is_info = info.or(named).unwrap_or(false);
    send(run, if is_info { MessageKind::Info } else { MessageKind::Debug }, &message);
    Ok(Value::from(""))
}

/// Evaluates `print(message)`.
pub(super) fn print(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (message,): (Value,) = from_args(args)?;
    send(run, MessageKind::Print, &message);
    Ok(Value::from(""))
}

fn send(run: &Arc<Rendering>, kind: MessageKind, message: &Value) {
    send_text(run, kind, message.to_string());
}

/// Sends a message, unless an earlier rendering of the template did.
pub(in crate::jinja) fn send_text(run: &Arc<Rendering>, kind: MessageKind, text: String) {
    let is_shown = kind != MessageKind::Debug && run.secrets == SecretAccess::Refused;
    run.capture(|captures| {
        captures.logs.push(text.clone());
        captures.prints |= is_shown;
    });
    // Storage settings are rendered with the values of secrets.
    if run.secrets == SecretAccess::Refused && run.counts_message() {
        let globals = &run.shared.globals;
        let invocation_id = globals.invocation_id.clone();
        globals.messages.receive(&TemplateMessage { kind, text, invocation_id });
    }
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
