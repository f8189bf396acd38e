//! `var` and `env_var`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Rest, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        fault::{TemplateFault, fault},
        native::is_template,
        rendering::{Rendering, SCOPE, SecretAccess, VarProgress},
        rewrite::TemplateRole,
        template_file::{TemplateFile, code, message},
        value::from_json,
    },
    secret::hide,
    text::Source,
};

/// The name prefixes of environment variables whose values must never be written down.
const SECRET_PREFIXES: [&str; 2] = ["HEADWATER_ENV_SECRET_", "DBT_ENV_SECRET_"];

/// Evaluates `var('name', default)`.
pub(super) fn var(run: &Arc<Rendering>, state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (name, default) = name_and_default(args)?;
    run.capture(|captures| {
        captures.vars.insert(name.clone());
    });
    if let Some(value) = run.node.overrides.vars.get(&name) {
        return Ok(from_json(value));
    }
    let vars = run.shared.globals.vars_of(&run.package);
    if let Some(value) = vars.get(&name) {
        return match value.as_str() {
            Some(text) if is_template(text) => rendered(run, state, (&name, text)),
            _ => Ok(from_json(value)),
        };
    }
    default.ok_or_else(|| {
        fault(
            Diagnostic::error("unknown-var", format!("there is no variable `{name}`"))
                .near(&name, vars.keys().map(String::as_str))
                .hint(format!(
                    "set it under `vars:` in the project file, with `--vars '{{{name}: …}}'`, or give a \
                     default: `var('{name}', …)`"
                )),
        )
    })
}

/// Renders a variable whose value is a template. As in dbt, it sees what the calling template sees, and the
/// result is text.
fn rendered(run: &Arc<Rendering>, state: &State<'_, '_>, (name, text): (&str, &str)) -> Result<Value, Error> {
    match run.start_var(name) {
        VarProgress::Rendered(text) => return Ok(Value::from(text)),
        VarProgress::Started => {
            let message = format!("the variable `{name}` refers to itself");
            return Err(fault(Diagnostic::error("template-recursion", message)));
        }
        VarProgress::New => {}
    }
    let file =
        TemplateFile::new(&Source::new(format!("the variable `{name}`"), text), 0, TemplateRole::Model);
    file.check().map_err(fault)?;
    let scope = state.lookup(SCOPE).unwrap_or_default();
    let template = state.env().template_from_named_str(file.source.path(), file.rewritten.stitched.text())?;
    let text = template.render(scope).map_err(|error| {
        let causes =
            std::iter::successors(Some(&error), |error| std::error::Error::source(*error)?.downcast_ref());
        let cause = causes.last().unwrap_or(&error);
        let found = std::error::Error::source(cause).and_then(|cause| cause.downcast_ref::<TemplateFault>());
        let found = found.map(|TemplateFault(found)| found.clone());
        let found = found.unwrap_or_else(|| Diagnostic::error(code(cause.kind()), message(cause)));
        fault(found.note(format!("in the value of the variable `{name}`: {text}")))
    })?;
    run.finish_var(name, &text);
    Ok(Value::from(text))
}

/// Evaluates `var.has_var('name')`.
pub(super) fn has_var(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (name,): (String,) = from_args(args)?;
    let vars = run.shared.globals.vars_of(&run.package);
    let known = vars.contains_key(&name) || run.node.overrides.vars.contains_key(&name);
    run.capture(|captures| {
        captures.vars.insert(name);
    });
    Ok(Value::from(known))
}

/// Evaluates `env_var('NAME', default)`.
pub(super) fn env_var(run: &Arc<Rendering>, args: &[Value]) -> Result<Value, Error> {
    let (name, default) = name_and_default(args)?;
    let is_secret = SECRET_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if is_secret && run.secrets == SecretAccess::Refused {
        return Err(fault(
            Diagnostic::error("misplaced-secret", format!("the secret `{name}` can't be used here"))
                .note("values here are logged, and stored with tables and artifacts")
                .hint("use secrets in the `storage_options` of a target, or give the variable another name"),
        ));
    }
    run.capture(|captures| {
        captures.env_vars.insert(name.clone());
    });
    if let Some(value) = run.node.overrides.env_vars.get(&name) {
        return Ok(Value::from(value.as_str()));
    }
    let env = &run.shared.globals.env;
    if let Some(value) = env.get(&name) {
        if is_secret && !value.is_empty() {
            hide(value);
            if run.secrets == SecretAccess::Named {
                return Ok(Value::from(format!("[{name}]")));
            }
        }
        return Ok(Value::from(value.as_str()));
    }
    // As in dbt, `none` is no default.
    default.filter(|default| !default.is_none()).ok_or_else(|| {
        fault(
            Diagnostic::error("unknown-env-var", format!("the environment has no variable `{name}`"))
                .near(&name, env.keys().map(String::as_str))
                .hint(format!("set it, or give a default: `env_var('{name}', '…')`")),
        )
    })
}

/// Parses the arguments. `none` is a valid default, so a single `Option` isn't enough.
fn name_and_default(args: &[Value]) -> Result<(String, Option<Value>), Error> {
    let (name, Rest(mut default)): (String, Rest<minijinja::value::ValueOrKwargs>) = from_args(args)?;
    if default.len() > 1 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let default = match default.pop().map(minijinja::value::ValueOrKwargs::into_value) {
        Some(named) if named.is_kwargs() => {
            Some(named.get_attr("default")?).filter(|value| !value.is_undefined())
        }
        default => default,
    };
    Ok((name, default))
}
