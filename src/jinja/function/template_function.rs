//! Template functions: looked up by name, and called with positional and named arguments.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, from_args},
};

use super::{config, convert, exceptions, query, reference, variables};
use crate::jinja::{
    callable::{self, Callable},
    library::MacroPosition,
    rendering::{CallPosition, Rendering},
    value,
};

/// The available functions. Only rewritten templates call those with leading underscores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jinja) enum FunctionKind {
    Ref,
    Source,
    Changes,
    Config,
    Var,
    EnvVar,
    IsIncremental,
    Log,
    Print,
    Return,
    ToJson,
    FromJson,
    ToYaml,
    FromYaml,
    Set,
    SetStrict,
    Zip,
    ZipStrict,
    Dict,
    List,
    Sequence,
    RunQuery,
    Statement,
    LoadResult,
    StoreResult,
    LoadRelation,
    Doc,
    LocalMd5,
    Native,
    At,
    Macro,
    Start,
    Loaded,
}

/// The functions by the name that templates use.
pub(in crate::jinja) const NAMES: [(&str, FunctionKind); 36] = [
    ("ref", FunctionKind::Ref),
    ("source", FunctionKind::Source),
    ("changes", FunctionKind::Changes),
    ("config", FunctionKind::Config),
    ("var", FunctionKind::Var),
    ("env_var", FunctionKind::EnvVar),
    ("is_incremental", FunctionKind::IsIncremental),
    ("log", FunctionKind::Log),
    ("print", FunctionKind::Print),
    ("return", FunctionKind::Return),
    ("tojson", FunctionKind::ToJson),
    ("fromjson", FunctionKind::FromJson),
    ("toyaml", FunctionKind::ToYaml),
    ("fromyaml", FunctionKind::FromYaml),
    ("set", FunctionKind::Set),
    ("set_strict", FunctionKind::SetStrict),
    ("zip", FunctionKind::Zip),
    ("zip_strict", FunctionKind::ZipStrict),
    ("dict", FunctionKind::Dict),
    ("doc", FunctionKind::Doc),
    ("run_query", FunctionKind::RunQuery),
    ("statement", FunctionKind::Statement),
    ("load_result", FunctionKind::LoadResult),
    ("store_result", FunctionKind::StoreResult),
    ("store_raw_result", FunctionKind::StoreResult),
    ("load_relation", FunctionKind::LoadRelation),
    ("load_cached_relation", FunctionKind::LoadRelation),
    ("local_md5", FunctionKind::LocalMd5),
    ("__native", FunctionKind::Native),
    ("__at", FunctionKind::At),
    ("__macro", FunctionKind::Macro),
    ("__start", FunctionKind::Start),
    ("__loaded", FunctionKind::Loaded),
    ("__list", FunctionKind::List),
    ("__dict", FunctionKind::Dict),
    ("__seq", FunctionKind::Sequence),
];

/// A function bound to one rendering.
#[derive(Debug, Clone)]
pub(in crate::jinja) struct TemplateFunction {
    run: Arc<Rendering>,
    kind: FunctionKind,
    /// The position of the call, if the template provides it.
    at: Option<CallPosition>,
}

impl TemplateFunction {
    /// Looks up a function by name.
    pub(in crate::jinja) fn find(run: &Arc<Rendering>, name: &str) -> Option<Self> {
        let (_, kind) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(Self { run: Arc::clone(run), kind: *kind, at: None })
    }

    /// Evaluates `__at(function, file, start, end)`: attaches the call's position to a function, and returns
    /// other values unchanged.
    fn placed(args: &[Value]) -> Result<Value, Error> {
        let (function, file, start, end): (Value, usize, usize, usize) = from_args(args)?;
        Ok(match function.downcast_object_ref::<Self>() {
            Some(found) => {
                Value::from_object(Self { at: Some(CallPosition { file, start, end }), ..found.clone() })
            }
            None => function,
        })
    }

    /// Evaluates `__macro(native, file, header)`: exposes a template's own macro under its original name.
    fn local_macro(&self, args: &[Value]) -> Result<Value, Error> {
        let (native, file, header): (Value, usize, usize) = from_args(args)?;
        Ok(Value::from_object(Callable::local(Arc::clone(&self.run), MacroPosition { file, header }, native)))
    }

    /// Evaluates `return(value)`. An undefined value stays undefined, as in dbt.
    fn start_return(&self, args: &[Value]) -> Result<Value, Error> {
        let (value,): (Value,) = if args.is_empty() { (Value::from(()),) } else { from_args(args)? };
        self.run.start_return(value);
        Err(Error::new(ErrorKind::InvalidOperation, "return"))
    }
}

impl Object for TemplateFunction {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let run = &self.run;
        match self.kind {
            FunctionKind::Ref => reference::reference(run, self.at, args),
            FunctionKind::Source => reference::source(run, self.at, args),
            FunctionKind::Doc => reference::doc(run, self.at, args),
            FunctionKind::Changes => reference::changes(run, self.at, args),
            FunctionKind::Config => config::config(run, self.at, args),
            FunctionKind::Var => variables::var(run, state, args),
            FunctionKind::EnvVar => variables::env_var(run, args),
            FunctionKind::IsIncremental => from_args(args).map(|()| Value::from(run.node.is_incremental)),
            FunctionKind::Log => exceptions::log(run, args),
            FunctionKind::Print => exceptions::print(run, args),
            FunctionKind::Return => self.start_return(args),
            FunctionKind::ToJson => convert::to_json(state, args),
            FunctionKind::FromJson => convert::from_json(state, args),
            FunctionKind::ToYaml => convert::to_yaml(state, args),
            FunctionKind::FromYaml => convert::from_yaml(state, args),
            FunctionKind::Set => convert::set(state, args, false),
            FunctionKind::SetStrict => convert::set(state, args, true),
            FunctionKind::Zip => convert::zip(state, args, false),
            FunctionKind::ZipStrict => convert::zip(state, args, true),
            FunctionKind::Dict => value::Dict::from_call(state, args).map(Value::from_object),
            FunctionKind::List => {
                let (items,): (Value,) = from_args(args)?;
                value::List::of(state, &items).map(Value::from_object)
            }
            FunctionKind::Sequence => {
                let (value,): (Value,) = from_args(args)?;
                value::cost::paid_operand(state, value)
            }
            FunctionKind::RunQuery => query::run_query(run, state, args),
            FunctionKind::Statement => query::statement(run, state, args),
            FunctionKind::LoadResult => query::load_result(run, args),
            FunctionKind::StoreResult => query::store_result(run, args),
            FunctionKind::LoadRelation => query::load_relation(run, args),
            FunctionKind::LocalMd5 => convert::local_md5(args),
            FunctionKind::Native => from_args(args).map(|(value,): (Value,)| {
                run.set_native(value.clone());
                value
            }),
            FunctionKind::At => Self::placed(args),
            FunctionKind::Macro => self.local_macro(args),
            FunctionKind::Start => from_args(args).map(|(import, origin)| {
                callable::start(state, run, import, origin);
                Value::from(())
            }),
            FunctionKind::Loaded => from_args(args).map(|(path, module)| {
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
            (FunctionKind::Config, "get") => config::get(&self.run, args),
            (FunctionKind::Config, "require") => config::require(&self.run, args),
            (FunctionKind::Var, "has_var") => variables::has_var(&self.run, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {:?}>", self.kind)
    }
}
