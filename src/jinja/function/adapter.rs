//! Namespaces: `dbt.x`, `adapter.dispatch`, `exceptions.warn`, `modules.datetime`, `builtins.ref` and so on.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, Rest, ValueOrKwargs, from_args},
};

use super::{Function, exceptions};
use crate::{
    diag::Diagnostic,
    jinja::{
        callable::Callable,
        fault::fault,
        run::Run,
        scope::Scope,
        value::{Given, Moment, from_json},
    },
};

/// The prefixes tried when a macro is dispatched, in order of preference.
const SEARCH_ORDER: [&str; 2] = ["headwater__", "default__"];

/// The name before the dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `dbt`, with its cross-database macros.
    Dbt,
    /// The project's own name, with its macros.
    Project,
    Adapter,
    Exceptions,
    Builtins,
    Context,
    Modules,
    /// `modules.datetime`
    Datetime,
    /// `modules.datetime.datetime`
    DatetimeClass,
    /// `modules.datetime.date`
    DateClass,
}

/// The namespace names, for lookup and for suggestions.
pub(in crate::jinja) const NAMES: [&str; 6] =
    ["dbt", "adapter", "exceptions", "builtins", "context", "modules"];

/// A namespace: a name with members after a dot.
#[derive(Debug)]
pub(in crate::jinja) struct Namespace {
    run: Arc<Run>,
    kind: Kind,
}

impl Namespace {
    /// Looks up a namespace by name.
    pub(in crate::jinja) fn find(run: &Arc<Run>, name: &str) -> Option<Self> {
        let kind = match name {
            "dbt" => Kind::Dbt,
            "adapter" => Kind::Adapter,
            "exceptions" => Kind::Exceptions,
            "builtins" => Kind::Builtins,
            "context" => Kind::Context,
            "modules" => Kind::Modules,
            name if name == run.shared.globals.project_name => Kind::Project,
            _ => return None,
        };
        Some(Self { run: Arc::clone(run), kind })
    }

    fn inner(&self, kind: Kind) -> Value {
        Value::from_object(Self { run: Arc::clone(&self.run), kind })
    }

    fn global(&self, name: &str) -> Option<Value> {
        let place = self.run.shared.library.find(name)?;
        Some(Value::from_object(Callable::global(Arc::clone(&self.run), place)))
    }

    /// Returns the preferred implementation of a macro that has one per adapter.
    fn dispatched(&self, name: &str) -> Option<Value> {
        SEARCH_ORDER.iter().find_map(|prefix| self.global(&format!("{prefix}{name}")))
    }

    /// Evaluates `adapter.dispatch('name', 'namespace')`.
    fn dispatch(&self, args: &[Value]) -> Result<Value, Error> {
        let (name, Rest(_)): (String, Rest<ValueOrKwargs>) = from_args(args)?;
        // dbt rejects a dotted name; take the part after the dot.
        let name = name.rsplit('.').next().unwrap_or_default();
        self.dispatched(name).ok_or_else(|| {
            fault(
                Diagnostic::error("unknown-macro", format!("there is no implementation of macro `{name}`"))
                    .note(format!(
                        "looked for {}",
                        SEARCH_ORDER.map(|p| format!("`{p}{name}`")).join(" and ")
                    ))
                    .near(name, self.run.shared.library.names()),
            )
        })
    }

    /// Returns the invocation's start time as the current time, so that all templates of an invocation agree.
    fn now(&self) -> Moment {
        self.run.capture(|captures| captures.volatile = true);
        Moment::new(self.run.shared.globals.run_started_at)
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        let given = &self.run.node.overrides.macros;
        if let Some(given) = given.get(&format!("{}.{name}", self.prefix())) {
            return Some(Value::from_object(Given(from_json(given))));
        }
        match (self.kind, name) {
            (Kind::Dbt, _) => self.dispatched(name).or_else(|| self.global(name)),
            (Kind::Project, _) => self.global(name),
            (Kind::Builtins, _) => Function::find(&self.run, name).map(Value::from_object),
            (Kind::Context, _) => Scope::new(Arc::clone(&self.run)).lookup(name),
            (Kind::Modules, "datetime") => Some(self.inner(Kind::Datetime)),
            (Kind::Datetime, "datetime") => Some(self.inner(Kind::DatetimeClass)),
            (Kind::Datetime, "date") => Some(self.inner(Kind::DateClass)),
            _ => None,
        }
    }

    fn prefix(&self) -> &str {
        match self.kind {
            Kind::Dbt => "dbt",
            Kind::Project => &self.run.shared.globals.project_name,
            Kind::Adapter => "adapter",
            Kind::Exceptions => "exceptions",
            Kind::Builtins => "builtins",
            Kind::Context => "context",
            Kind::Modules => "modules",
            Kind::Datetime => "modules.datetime",
            Kind::DatetimeClass => "modules.datetime.datetime",
            Kind::DateClass => "modules.datetime.date",
        }
    }

    fn unavailable(&self, name: &str) -> Error {
        let full = format!("{}.{name}", self.prefix());
        let finding = match self.kind {
            Kind::Dbt | Kind::Project => {
                Diagnostic::error("unknown-macro", format!("there is no macro `{full}`"))
                    .near(name, self.run.shared.library.names())
            }
            _ => Diagnostic::error("unavailable-function", format!("`{full}` is not available in templates")),
        };
        fault(finding)
    }
}

impl Object for Namespace {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        // Report a missing member of Python's modules by name, rather than as an undefined value.
        let unavailable = || {
            matches!(self.kind, Kind::Modules | Kind::Datetime | Kind::DatetimeClass | Kind::DateClass)
                .then(|| Value::from(self.unavailable(name)))
        };
        self.lookup(name).or_else(unavailable)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (self.kind, method) {
            (Kind::Adapter, "dispatch") => return self.dispatch(args),
            (Kind::Exceptions, _) => {
                let answer = exceptions::call(&self.run, state, method, args);
                return answer.map_err(|error| match error.kind() {
                    ErrorKind::UnknownMethod => self.unavailable(method),
                    _ => error,
                });
            }
            (Kind::DatetimeClass, "now" | "utcnow" | "today") => return Ok(Value::from_object(self.now())),
            (Kind::DateClass, "today") => return Ok(Value::from_object(self.now().date())),
            _ => {}
        }
        match self.lookup(method) {
            Some(value) => value.call(state, args),
            None => Err(self.unavailable(method)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}
