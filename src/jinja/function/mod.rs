//! dbt's template functions, plus our own `changes`.
//!
//! Each is a [`Function`], looked up by name in [`NAMES`]; the files of this folder implement them by
//! subject. Functions affect only the rendering they belong to.

mod adapter;
mod config;
mod convert;
mod exceptions;
mod reference;
mod variables;

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, from_args},
};

pub(super) use self::adapter::{NAMES as NAMESPACES, Namespace};
use super::{
    callable::{self, Callable},
    fault::fault,
    library::Place,
    run::{CallPlace, Run},
};
use crate::diag::Diagnostic;

/// The available functions. Only rewritten templates call those with leading underscores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ref,
    Source,
    Changes,
    Config,
    Var,
    EnvVar,
    IsIncremental,
    Log,
    Return,
    ToJson,
    FromJson,
    ToYaml,
    FromYaml,
    Set,
    Zip,
    Dict,
    List,
    Sequence,
    Query,
    Doc,
    At,
    Macro,
    Start,
    Loaded,
}

/// The functions by the name that templates use.
pub(super) const NAMES: [(&str, Kind); 31] = [
    ("ref", Kind::Ref),
    ("source", Kind::Source),
    ("changes", Kind::Changes),
    ("config", Kind::Config),
    ("var", Kind::Var),
    ("env_var", Kind::EnvVar),
    ("is_incremental", Kind::IsIncremental),
    ("log", Kind::Log),
    ("print", Kind::Log),
    ("return", Kind::Return),
    ("tojson", Kind::ToJson),
    ("fromjson", Kind::FromJson),
    ("toyaml", Kind::ToYaml),
    ("fromyaml", Kind::FromYaml),
    ("set", Kind::Set),
    ("set_strict", Kind::Set),
    ("zip", Kind::Zip),
    ("zip_strict", Kind::Zip),
    ("dict", Kind::Dict),
    ("doc", Kind::Doc),
    ("run_query", Kind::Query),
    ("statement", Kind::Query),
    ("load_result", Kind::Query),
    ("store_result", Kind::Query),
    ("__at", Kind::At),
    ("__macro", Kind::Macro),
    ("__start", Kind::Start),
    ("__loaded", Kind::Loaded),
    ("__list", Kind::List),
    ("__dict", Kind::Dict),
    ("__seq", Kind::Sequence),
];

/// A function bound to one rendering.
#[derive(Debug, Clone)]
pub(super) struct Function {
    run: Arc<Run>,
    kind: Kind,
    /// The position of the call, if the template provides it.
    at: Option<CallPlace>,
}

impl Function {
    /// Looks up a function by name.
    pub(super) fn find(run: &Arc<Run>, name: &str) -> Option<Self> {
        let (_, kind) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(Self { run: Arc::clone(run), kind: *kind, at: None })
    }

    /// Evaluates `__at(function, file, start, end)`: attaches the call's position to a function, and returns
    /// other values unchanged.
    fn placed(args: &[Value]) -> Result<Value, Error> {
        let (function, file, start, end): (Value, usize, usize, usize) = from_args(args)?;
        Ok(match function.downcast_object_ref::<Self>() {
            Some(found) => {
                Value::from_object(Self { at: Some(CallPlace { file, start, end }), ..found.clone() })
            }
            None => function,
        })
    }

    /// Evaluates `__macro(native, file, header)`: exposes a template's own macro under its original name.
    fn local_macro(&self, args: &[Value]) -> Result<Value, Error> {
        let (native, file, header): (Value, usize, usize) = from_args(args)?;
        Ok(Value::from_object(Callable::local(Arc::clone(&self.run), Place { file, header }, native)))
    }

    fn start_return(&self, args: &[Value]) -> Result<Value, Error> {
        let (value,): (Option<Value>,) = from_args(args)?;
        self.run.start_return(value.unwrap_or_else(|| Value::from(())));
        Err(Error::new(ErrorKind::InvalidOperation, "return"))
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let run = &self.run;
        match self.kind {
            Kind::Ref => reference::reference(run, self.at, args),
            Kind::Source => reference::source(run, self.at, args),
            Kind::Doc => reference::doc(run, self.at, args),
            Kind::Changes => reference::changes(run, self.at, args),
            Kind::Config => config::config(run, self.at, args),
            Kind::Var => variables::var(run, args),
            Kind::EnvVar => variables::env_var(run, args),
            Kind::IsIncremental => from_args(args).map(|()| Value::from(run.node.is_incremental)),
            Kind::Log => exceptions::log(run, args),
            Kind::Return => self.start_return(args),
            Kind::ToJson => convert::to_json(state, args),
            Kind::FromJson => convert::from_json(state, args),
            Kind::ToYaml => convert::to_yaml(state, args),
            Kind::FromYaml => convert::from_yaml(state, args),
            Kind::Set => convert::set(state, args),
            Kind::Zip => convert::zip(state, args),
            Kind::Dict => super::value::Dict::from_call(state, args).map(Value::from_object),
            Kind::List => {
                let (items,): (Value,) = from_args(args)?;
                super::value::List::of(state, &items).map(Value::from_object)
            }
            Kind::Sequence => {
                let (value,): (Value,) = from_args(args)?;
                super::value::cost::paid_operand(state, value)
            }
            Kind::Query => Err(fault(
                Diagnostic::error("query-in-compile", "a template can't query tables while it is compiled")
                    .hint("do it in the model's SQL, or pass the values in as variables"),
            )),
            Kind::At => Self::placed(args),
            Kind::Macro => self.local_macro(args),
            Kind::Start => from_args(args).map(|(import,)| {
                callable::start(state, import);
                Value::from(())
            }),
            Kind::Loaded => from_args(args).map(|(path, module)| {
                callable::loaded(state, path, module);
                Value::from(())
            }),
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (self.kind, method) {
            (Kind::Config, "get") => config::get(&self.run, args),
            (Kind::Config, "require") => config::require(&self.run, args),
            (Kind::Var, "has_var") => variables::has_var(&self.run, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {:?}>", self.kind)
    }
}
