//! Namespaces: `dbt.x`, `adapter.dispatch`, `exceptions.warn`, `modules.datetime`, `builtins.ref` and so on.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, Rest, ValueOrKwargs, from_args},
};

use super::{exceptions, template_function::TemplateFunction};
use crate::{
    diag::Diagnostic,
    jinja::{
        callable::Callable,
        fault::fault,
        rendering::Rendering,
        value::{OverriddenMacro, TemplateMoment, from_json},
    },
};

/// The prefixes tried when a macro is dispatched, in order of preference.
const SEARCH_ORDER: [&str; 2] = ["headwater__", "default__"];

/// The name before the dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamespaceKind {
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
    run: Arc<Rendering>,
    kind: NamespaceKind,
    /// The scope whose names are the members of `context`.
    scope: Option<Value>,
}

impl Namespace {
    /// Looks up a namespace by name.
    pub(in crate::jinja) fn find(run: &Arc<Rendering>, name: &str) -> Option<Self> {
        let kind = match name {
            "dbt" => NamespaceKind::Dbt,
            "adapter" => NamespaceKind::Adapter,
            "exceptions" => NamespaceKind::Exceptions,
            "builtins" => NamespaceKind::Builtins,
            "modules" => NamespaceKind::Modules,
            name if name == run.shared.globals.project_name => NamespaceKind::Project,
            _ => return None,
        };
        Some(Self { run: Arc::clone(run), kind, scope: None })
    }

    /// Returns the namespace `context`, whose members are the names in a scope.
    pub(in crate::jinja) fn context(run: &Arc<Rendering>, scope: Value) -> Self {
        Self { run: Arc::clone(run), kind: NamespaceKind::Context, scope: Some(scope) }
    }

    fn inner(&self, kind: NamespaceKind) -> Value {
        Value::from_object(Self { run: Arc::clone(&self.run), kind, scope: None })
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
    fn now(&self) -> TemplateMoment {
        self.run.capture(|captures| captures.volatile = true);
        TemplateMoment::new(self.run.shared.globals.run_started_at)
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        let given = &self.run.node.overrides.macros;
        if let Some(given) = given.get(&format!("{}.{name}", self.prefix())) {
            return Some(Value::from_object(OverriddenMacro(from_json(given))));
        }
        match (self.kind, name) {
            (NamespaceKind::Dbt, _) => self.dispatched(name).or_else(|| self.global(name)),
            (NamespaceKind::Project, _) => self.global(name),
            (NamespaceKind::Builtins, _) => TemplateFunction::find(&self.run, name).map(Value::from_object),
            (NamespaceKind::Context, _) => {
                let value = self.scope.as_ref()?.get_attr(name).ok()?;
                if value.is_undefined() { None } else { Some(value) }
            }
            (NamespaceKind::Modules, "datetime") => Some(self.inner(NamespaceKind::Datetime)),
            (NamespaceKind::Datetime, "datetime") => Some(self.inner(NamespaceKind::DatetimeClass)),
            (NamespaceKind::Datetime, "date") => Some(self.inner(NamespaceKind::DateClass)),
            _ => None,
        }
    }

    fn prefix(&self) -> &str {
        match self.kind {
            NamespaceKind::Dbt => "dbt",
            NamespaceKind::Project => &self.run.shared.globals.project_name,
            NamespaceKind::Adapter => "adapter",
            NamespaceKind::Exceptions => "exceptions",
            NamespaceKind::Builtins => "builtins",
            NamespaceKind::Context => "context",
            NamespaceKind::Modules => "modules",
            NamespaceKind::Datetime => "modules.datetime",
            NamespaceKind::DatetimeClass => "modules.datetime.datetime",
            NamespaceKind::DateClass => "modules.datetime.date",
        }
    }

    fn unavailable(&self, name: &str) -> Error {
        let full = format!("{}.{name}", self.prefix());
        let finding = match self.kind {
            NamespaceKind::Dbt | NamespaceKind::Project => {
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
            matches!(
                self.kind,
                NamespaceKind::Modules
                    | NamespaceKind::Datetime
                    | NamespaceKind::DatetimeClass
                    | NamespaceKind::DateClass
            )
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
            (NamespaceKind::Adapter, "dispatch") => return self.dispatch(args),
            (NamespaceKind::Exceptions, _) => {
                let answer = exceptions::call(&self.run, state, method, args);
                return answer.map_err(|error| match error.kind() {
                    ErrorKind::UnknownMethod => self.unavailable(method),
                    _ => error,
                });
            }
            (NamespaceKind::DatetimeClass, "now" | "utcnow" | "today") => {
                return Ok(Value::from_object(self.now()));
            }
            (NamespaceKind::DateClass, "today") => return Ok(Value::from_object(self.now().date())),
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
