//! Namespaces: `dbt.x`, `adapter.dispatch`, `exceptions.warn`, `modules.datetime`, `builtins.ref` and so on.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ObjectRepr, from_args},
};

use super::{datetime, exceptions, itertools, query, regular, template_function::TemplateFunction};
use crate::{
    diag::Diagnostic,
    jinja::{
        callable::Callable,
        fault::fault,
        library::{DBT, missing_package},
        rendering::Rendering,
        value::{
            ColumnValue, OverriddenMacro, TableValue, TemplateDuration, TemplateMoment, TimeZoneValue,
            from_json,
        },
    },
    name::quoted,
};

/// Returns the packages that are searched when a macro is dispatched in a namespace, as in dbt: those of the
/// project file's `dispatch:`, or else the project and the namespace's own package. Without a namespace,
/// the only one is `None`: the macro is looked up like any call.
fn search_order<'r>(run: &'r Rendering, namespace: Option<&'r str>) -> Vec<Option<&'r str>> {
    let library = &run.shared.library;
    let Some(namespace) = namespace else { return vec![None] };
    match run.shared.globals.dispatch.get(namespace) {
        Some(order) => order.iter().map(|package| Some(package.as_str())).collect(),
        None if namespace == DBT || library.package(namespace).is_some() => {
            vec![Some(&**library.project()), Some(namespace)]
        }
        None => Vec::new(),
    }
}

/// Returns the implementations that are tried when a macro is dispatched: packages and names. Those for the
/// dialect come first, then `default__`. Those for Postgres are a last resort: its SQL is the nearest.
fn attempts<'r>(
    run: &'r Rendering,
    name: &str,
    namespace: Option<&'r str>,
) -> Vec<(Option<&'r str>, String)> {
    let dialect = run.shared.globals.target.get("type").and_then(serde_json::Value::as_str);
    let prefixes = ["headwater", dialect.unwrap_or("duckdb"), "default"];
    let packages = search_order(run, namespace);
    let mut attempts = Vec::new();
    for package in &packages {
        attempts.extend(prefixes.map(|prefix| (*package, format!("{prefix}__{name}"))));
    }
    attempts.extend(packages.iter().map(|package| (*package, format!("postgres__{name}"))));
    attempts
}

/// Returns the preferred implementation of a macro that has one per adapter.
pub(in crate::jinja) fn dispatched(
    run: &Arc<Rendering>,
    name: &str,
    namespace: Option<&str>,
) -> Option<Value> {
    let library = &run.shared.library;
    let found = attempts(run, name, namespace).into_iter().find_map(|(package, name)| match package {
        Some(package) => library.find_in(package, &name),
        None => library.find(&run.package, &name),
    });
    found.map(|place| Value::from_object(Callable::global(Arc::clone(run), place)))
}

/// The name before the dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamespaceKind {
    /// `dbt`, with its cross-database macros.
    Dbt,
    /// The name of the project or of a package, with its macros.
    Package,
    Adapter,
    Api,
    /// `api.Relation`
    RelationClass,
    /// `api.Column`
    ColumnClass,
    Exceptions,
    Builtins,
    Context,
    Modules,
    /// `modules.itertools`
    Itertools,
    /// `modules.re`
    Regular,
    /// `modules.datetime`
    Datetime,
    /// `modules.datetime.datetime`
    DatetimeClass,
    /// `modules.datetime.date`
    DateClass,
    /// `modules.datetime.timezone`
    TimezoneClass,
    /// `modules.pytz`
    Pytz,
}

impl NamespaceKind {
    /// Returns whether it is a module or class of Python.
    fn is_python(self) -> bool {
        matches!(
            self,
            Self::Modules
                | Self::Datetime
                | Self::DatetimeClass
                | Self::DateClass
                | Self::TimezoneClass
                | Self::Pytz
        )
    }

    /// Returns whether its members are known here, rather than macros of the project.
    fn has_fixed_members(self) -> bool {
        self.is_python() || matches!(self, Self::Regular | Self::Itertools | Self::Exceptions)
    }
}

/// The functions that are macros in dbt, and are also called as members of its namespace.
const MACROS_OF_DBT: [&str; 4] = ["is_incremental", "run_query", "statement", "load_relation"];

/// The namespace names, for lookup and for suggestions.
pub(in crate::jinja) const NAMES: [&str; 7] =
    ["dbt", "adapter", "api", "exceptions", "builtins", "context", "modules"];

/// A namespace: a name with members after a dot.
#[derive(Debug)]
pub(in crate::jinja) struct Namespace {
    run: Arc<Rendering>,
    kind: NamespaceKind,
    /// The package whose macros are its members.
    package: Option<Arc<str>>,
    /// The scope whose names are the members of `context`.
    scope: Option<Value>,
}

impl Namespace {
    /// Looks up a namespace by name.
    pub(in crate::jinja) fn find(run: &Arc<Rendering>, name: &str) -> Option<Self> {
        let kind = match name {
            "dbt" => NamespaceKind::Dbt,
            "adapter" => NamespaceKind::Adapter,
            "api" => NamespaceKind::Api,
            "exceptions" => NamespaceKind::Exceptions,
            "builtins" => NamespaceKind::Builtins,
            "modules" => NamespaceKind::Modules,
            name => {
                let package = Some(Arc::clone(run.shared.library.package(name)?));
                let kind = NamespaceKind::Package;
                return Some(Self { run: Arc::clone(run), kind, package, scope: None });
            }
        };
        Some(Self { run: Arc::clone(run), kind, package: None, scope: None })
    }

    /// Returns the namespace `context`, whose members are the names in a scope.
    pub(in crate::jinja) fn context(run: &Arc<Rendering>, scope: Value) -> Self {
        Self { run: Arc::clone(run), kind: NamespaceKind::Context, package: None, scope: Some(scope) }
    }

    fn inner(&self, kind: NamespaceKind) -> Value {
        Value::from_object(Self { run: Arc::clone(&self.run), kind, package: None, scope: None })
    }

    /// Returns a macro of the namespace's package.
    fn macro_in(&self, package: &str, name: &str) -> Option<Value> {
        let place = self.run.shared.library.find_in(package, name)?;
        Some(Value::from_object(Callable::global(Arc::clone(&self.run), place)))
    }

    /// Evaluates `adapter.dispatch('name', 'namespace')`.
    fn dispatch(&self, args: &[Value]) -> Result<Value, Error> {
        let (name, positional, named): (String, Option<Value>, Kwargs) = from_args(args)?;
        let named: Option<Value> = named.get("macro_namespace")?;
        let namespace = positional.or(named);
        let namespace = namespace.as_ref().and_then(Value::as_str);
        // dbt rejects a dotted name; take the part after the dot.
        let name = name.rsplit('.').next().unwrap_or_default();
        dispatched(&self.run, name, namespace).ok_or_else(|| {
            let (run, library) = (&self.run, &self.run.shared.library);
            let within = namespace.map(|namespace| format!(" in the namespace `{namespace}`"));
            let message =
                format!("there is no implementation of macro `{name}`{}", within.unwrap_or_default());
            let found = Diagnostic::error("unknown-macro", message);
            let tried: Vec<String> = attempts(run, name, namespace)
                .into_iter()
                .map(|(package, name)| match package {
                    Some(package) => format!("`{package}.{name}`"),
                    None => format!("`{name}`"),
                })
                .collect();
            fault(if let Some(namespace) = namespace.filter(|_| tried.is_empty()) {
                found.hint(missing_package(namespace))
            } else {
                let found = found.note(format!("looked for {}", tried.join(", ")));
                found.near(name, library.names(&run.package))
            })
        })
    }

    /// Returns whether a schema has tables of the project. As in dbt, those of its nodes exist before a run.
    fn has_schema(&self, wanted: &str) -> bool {
        let shared = &self.run.shared;
        let nodes = shared.graph.get().and_then(|context| context.graph.get("nodes")?.as_object());
        let schemas = nodes.into_iter().flat_map(|nodes| nodes.values()).map(|node| &node["schema"]);
        let of_target = shared.globals.target.get("schema");
        schemas.chain(of_target).any(|schema| schema.as_str() == Some(wanted))
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
            (NamespaceKind::Dbt, _) => {
                let found = dispatched(&self.run, name, Some(DBT)).or_else(|| self.macro_in(DBT, name));
                // Macros of dbt that are functions here.
                let function = || {
                    MACROS_OF_DBT.contains(&name).then(|| TemplateFunction::find(&self.run, name)).flatten()
                };
                found.or_else(|| function().map(Value::from_object))
            }
            (NamespaceKind::Package, _) => self.macro_in(self.package.as_ref()?, name),
            (NamespaceKind::Builtins, _) => TemplateFunction::find(&self.run, name).map(Value::from_object),
            (NamespaceKind::Context, _) => {
                let value = self.scope.as_ref()?.get_attr(name).ok()?;
                if value.is_undefined() { None } else { Some(value) }
            }
            (NamespaceKind::Api, "Relation") => Some(self.inner(NamespaceKind::RelationClass)),
            (NamespaceKind::Api, "Column") => Some(self.inner(NamespaceKind::ColumnClass)),
            (NamespaceKind::Modules, "itertools") => Some(self.inner(NamespaceKind::Itertools)),
            (NamespaceKind::Modules, "re") => Some(self.inner(NamespaceKind::Regular)),
            (NamespaceKind::Regular, _) => regular::flag(name),
            (NamespaceKind::Modules, "datetime") => Some(self.inner(NamespaceKind::Datetime)),
            (NamespaceKind::Datetime, "datetime") => Some(self.inner(NamespaceKind::DatetimeClass)),
            (NamespaceKind::Datetime, "date") => Some(self.inner(NamespaceKind::DateClass)),
            (NamespaceKind::Datetime, "timezone") => Some(self.inner(NamespaceKind::TimezoneClass)),
            (NamespaceKind::Modules, "pytz") => Some(self.inner(NamespaceKind::Pytz)),
            (NamespaceKind::TimezoneClass, "utc") | (NamespaceKind::Pytz, "utc" | "UTC") => {
                Some(Value::from_object(TimeZoneValue::UTC))
            }
            _ => None,
        }
    }

    fn prefix(&self) -> &str {
        match self.kind {
            NamespaceKind::Dbt => "dbt",
            NamespaceKind::Package => self.package.as_deref().unwrap_or_default(),
            NamespaceKind::Adapter => "adapter",
            NamespaceKind::Api => "api",
            NamespaceKind::RelationClass => "api.Relation",
            NamespaceKind::ColumnClass => "api.Column",
            NamespaceKind::Exceptions => "exceptions",
            NamespaceKind::Builtins => "builtins",
            NamespaceKind::Context => "context",
            NamespaceKind::Modules => "modules",
            NamespaceKind::Itertools => "modules.itertools",
            NamespaceKind::Regular => "modules.re",
            NamespaceKind::Datetime => "modules.datetime",
            NamespaceKind::DatetimeClass => "modules.datetime.datetime",
            NamespaceKind::DateClass => "modules.datetime.date",
            NamespaceKind::TimezoneClass => "modules.datetime.timezone",
            NamespaceKind::Pytz => "modules.pytz",
        }
    }

    /// Returns the answer of a member, or says that there is no member of this name.
    fn called(&self, method: &str, answer: Result<Value, Error>) -> Result<Value, Error> {
        answer.map_err(|error| match error.kind() {
            ErrorKind::UnknownMethod => self.unavailable(method),
            _ => error,
        })
    }

    fn unavailable(&self, name: &str) -> Error {
        let full = format!("{}.{name}", self.prefix());
        let finding = match self.kind {
            NamespaceKind::Dbt | NamespaceKind::Package => {
                let library = &self.run.shared.library;
                let names = library.all().filter(|(_, place)| **library.package_of(*place) == *self.prefix());
                Diagnostic::error("unknown-macro", format!("there is no macro `{full}`"))
                    .near(name, names.map(|(name, _)| name))
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
        let unavailable = || self.kind.is_python().then(|| Value::from(self.unavailable(name)));
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
            (NamespaceKind::Adapter, "quote") => {
                let (name,): (&str,) = from_args(args)?;
                return Ok(Value::from(quoted(name)));
            }
            (NamespaceKind::Adapter, "execute") => return query::execute(&self.run, state, args),
            (NamespaceKind::Adapter, "get_relation") => return query::get_relation(&self.run, args),
            (NamespaceKind::Adapter, "get_columns_in_relation") => {
                return query::get_columns(&self.run, args);
            }
            (NamespaceKind::Adapter, "drop_relation")
                if self.run.node.is_hook || !self.run.node.executing =>
            {
                return query::drop_relation(&self.run, args);
            }
            (NamespaceKind::Adapter, "type") => {
                let () = from_args(args)?;
                return Ok(from_json(&self.run.shared.globals.target["type"]));
            }
            (NamespaceKind::Adapter, "check_schema_exists") => {
                let schema = query::wanted_schema(args)?;
                return Ok(Value::from(self.run.node.executing && self.has_schema(&schema)));
            }
            (NamespaceKind::Context | NamespaceKind::Package, "get") if self.lookup("get").is_none() => {
                let (name, default): (&str, Option<Value>) = from_args(args)?;
                return Ok(self.lookup(name).unwrap_or_else(|| default.unwrap_or(Value::from(()))));
            }
            (NamespaceKind::RelationClass, "create") => {
                return TableValue::create(args).map(Value::from_object);
            }
            (NamespaceKind::ColumnClass, "create") => {
                return ColumnValue::create(args).map(Value::from_object);
            }
            (NamespaceKind::ColumnClass, _) => {
                return self.called(method, ColumnValue::class_method(method, args));
            }
            (NamespaceKind::RelationClass, "add_ephemeral_prefix") => {
                let (name,): (&str,) = from_args(args)?;
                return Ok(Value::from(format!("__dbt__cte__{name}")));
            }
            _ => {}
        }
        let now = || self.now();
        let answer = match (self.kind, method) {
            (NamespaceKind::Regular, _) => regular::call(state, method, args),
            (NamespaceKind::Itertools, _) => itertools::call(state, method, args),
            (NamespaceKind::Exceptions, _) => exceptions::call(&self.run, state, method, args),
            (NamespaceKind::Datetime, "timedelta") => TemplateDuration::create(args).map(Value::from_object),
            (NamespaceKind::DatetimeClass, _) => datetime::of_datetime(method, args, now),
            (NamespaceKind::DateClass, _) => datetime::of_date(method, args, now),
            (NamespaceKind::Pytz, _) => datetime::pytz(method, args),
            _ => match self.lookup(method) {
                Some(value) => value.call(state, args),
                None => Err(self.unavailable(method)),
            },
        };
        answer.map_err(|error| match (error.kind(), self.kind) {
            (ErrorKind::UnknownMethod, kind) if kind.has_fixed_members() => self.unavailable(method),
            _ => error,
        })
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        match self.kind {
            NamespaceKind::DatetimeClass => datetime::create(args, false),
            NamespaceKind::DateClass => datetime::create(args, true),
            _ => Err(Error::new(ErrorKind::InvalidOperation, format!("`{}` can't be called", self.prefix()))),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}
