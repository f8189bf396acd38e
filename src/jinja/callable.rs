//! Macros as callable values, available to every template.
//!
//! In `MiniJinja`, a macro lives in the state of the template that declares it. A macro file is therefore
//! loaded into the running state when one of its macros is first called, and templates hold a [`Callable`]
//! under the macro's name: it binds arguments as Jinja does (`varargs`, `kwargs`, `caller`) and catches
//! `return`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, LazyLock},
};

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Enumerator, Kwargs, Object, ObjectRepr},
};

use super::{
    captures::PrintedUndefined,
    fault::fault,
    header::{MacroHeader, hidden_name},
    library::MacroPosition,
    rendering::Rendering,
    value::{Dict, List},
};
use crate::{diag::Diagnostic, name::PackageName};

/// A macro under its original name.
#[derive(Debug)]
pub(super) struct Callable {
    run: Arc<Rendering>,
    place: MacroPosition,
    /// The macro itself if it is declared in the calling template; macros of macro files are looked up.
    native: Option<Value>,
}

/// The macro files loaded into a state.
struct Loaded {
    /// The prelude's macro that loads a file.
    import: Value,
    /// The prelude's macro that fails with the origin of an undefined value.
    origin: Value,
    run: Arc<Rendering>,
    /// The places and origins of the undefined values that were printed.
    undefined: BTreeSet<String>,
    modules: BTreeMap<String, Value>,
}

impl Callable {
    /// Returns a callable for a macro of a macro file.
    pub(super) fn global(run: Arc<Rendering>, place: MacroPosition) -> Self {
        Self { run, place, native: None }
    }

    /// Returns a callable for a macro that the calling template declares.
    pub(super) fn local(run: Arc<Rendering>, place: MacroPosition, native: Value) -> Self {
        Self { run, place, native: Some(native) }
    }

    fn header(&self) -> Result<&MacroHeader, Error> {
        let header = self.run.header(self.place);
        header.ok_or_else(|| Error::new(ErrorKind::UnknownFunction, "this macro is not known"))
    }

    fn native(&self, state: &mut State<'_, '_>, header: &MacroHeader) -> Result<Value, Error> {
        if let Some(native) = &self.native {
            return Ok(native.clone());
        }
        let file = self.run.shared.library.file(self.place.file);
        let path = file.map(|file| file.source.path()).unwrap_or_default();
        module(state, path)?.get_attr(&hidden_name(&header.name))
    }
}

impl Object for Callable {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let header = self.header()?;
        // Calls of built-in macros aren't captured: they say nothing about the project.
        if !header.local && !self.run.shared.library.is_builtin(self.place) {
            let package = self.run.shared.library.package_of(self.place);
            let name = PackageName::new(package, header.name.as_str());
            self.run.capture(|captures| {
                captures.macros.insert(name);
            });
        }
        let args = bind(header, args)?;
        let native = self.native(state, header)?;
        native.call(state, &args).or_else(|error| match self.run.take_return() {
            Some(value) => Ok(value),
            None => Err(Error::new(error.kind(), format!("in macro `{}`", header.name)).with_source(error)),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.header().map(|header| header.name.as_str()).unwrap_or_default())
    }
}

/// Called by the prelude first: remembers how this state loads files.
pub(super) fn start(state: &mut State<'_, '_>, run: &Arc<Rendering>, import: Value, origin: Value) {
    let run = Arc::clone(run);
    state.get_or_insert_extension(Loaded {
        import,
        origin,
        run,
        undefined: BTreeSet::new(),
        modules: BTreeMap::new(),
    });
}

/// The instruction budget that finding the origin of an undefined value takes.
const ORIGIN_FUEL: u64 = 100;

/// Captures an undefined value that is printed, with an error that says where it was created.
pub(super) fn note_undefined(state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let path = state.name().to_owned();
    let loaded =
        state.get_extension::<Loaded>().map(|loaded| (loaded.origin.clone(), Arc::clone(&loaded.run)));
    // A template that is only parsed is rendered again.
    let Some((origin, run)) = loaded.filter(|(_, run)| run.node.executing) else { return Ok(()) };
    state.consume_fuel(ORIGIN_FUEL)?;
    let Err(error) = origin.call(state, std::slice::from_ref(value)) else { return Ok(()) };
    let printed = format!("{path}: {}", error.detail().unwrap_or_default());
    let is_new = state.get_extension_mut::<Loaded>().is_some_and(|loaded| loaded.undefined.insert(printed));
    if !is_new {
        return Ok(());
    }
    let printed = PrintedUndefined { template: path, error: Arc::new(error) };
    run.capture(|captures| captures.undefined.push(printed));
    Ok(())
}

/// Called by the prelude with a loaded file's macros.
pub(super) fn loaded(state: &mut State<'_, '_>, path: String, module: Value) {
    if let Some(loaded) = state.get_extension_mut::<Loaded>() {
        loaded.modules.entry(path).or_insert(module);
    }
}

fn module(state: &mut State<'_, '_>, path: &str) -> Result<Value, Error> {
    let known = |state: &State<'_, '_>| state.get_extension::<Loaded>()?.modules.get(path).cloned();
    if let Some(module) = known(state) {
        return Ok(module);
    }
    if let Some(import) = state.get_extension::<Loaded>().map(|loaded| loaded.import.clone()) {
        import.call(state, &[Value::from(path)])?;
    }
    known(state).ok_or_else(|| Error::new(ErrorKind::TemplateNotFound, format!("`{path}` is not loaded")))
}

/// The value of a parameter without an argument. As in dbt it is undefined, and prints nothing; only an `if`
/// without `else` gives such a value.
static MISSING: LazyLock<Value> = LazyLock::new(|| {
    let env = Environment::new();
    let missing = env.compile_expression("0 if false").and_then(|expression| expression.eval(()));
    missing.unwrap_or(Value::UNDEFINED)
});

/// Binds arguments to the hidden macro's parameters, one value per parameter.
fn bind(header: &MacroHeader, args: &[Value]) -> Result<Vec<Value>, Error> {
    let (positional, mut named) = split(args)?;
    let count = header.parameters.len();
    let mut bound = Vec::with_capacity(count + 3);
    for (index, parameter) in header.parameters.iter().enumerate() {
        bound.push(match (positional.get(index), take(&mut named, &parameter.name)) {
            (Some(_), Some(_)) => {
                return Err(misfit(header, &format!("got two values for `{}`", parameter.name)));
            }
            (Some(value), None) => value.clone(),
            (None, value) => value.unwrap_or_else(|| MISSING.clone()),
        });
    }
    let caller = if header.takes_caller() { take(&mut named, "caller") } else { None };
    let surplus = positional.get(count..).unwrap_or_default();
    if header.takes_varargs() {
        bound.push(Value::from_object(List::new(surplus.to_vec())));
    } else if !surplus.is_empty() {
        let takes = format!("takes {count} argument{}, but got {}", plural(count), positional.len());
        return Err(misfit(header, &takes));
    }
    if header.takes_kwargs() {
        bound.push(Value::from_object(Dict::new(named)));
    } else if let Some((name, _)) = named.first() {
        return Err(misfit(header, &format!("has no parameter `{name}`")));
    }
    bound.extend(caller.map(|caller| Value::from(Kwargs::from_iter([("caller", caller)]))));
    Ok(bound)
}

/// Arguments by name; few enough for a linear search.
type NamedArguments = Vec<(Value, Value)>;

/// Splits arguments into positional ones, and named ones in call order.
fn split(args: &[Value]) -> Result<(&[Value], NamedArguments), Error> {
    let Some((last, positional)) = args.split_last().filter(|(last, _)| last.is_kwargs()) else {
        return Ok((args, Vec::new()));
    };
    let named = last.try_iter()?.map(|name| Ok((name.clone(), last.get_item(&name)?)));
    Ok((positional, named.collect::<Result<_, Error>>()?))
}

fn take(named: &mut NamedArguments, wanted: &str) -> Option<Value> {
    let at = named.iter().position(|(name, _)| name.as_str() == Some(wanted))?;
    Some(named.remove(at).1)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn misfit(header: &MacroHeader, what: &str) -> Error {
    let parameters: Vec<&str> = header.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    fault(Diagnostic::error("macro-arguments", format!("macro `{}` {what}", header.name)).note(format!(
        "it is declared as `{}({})`",
        header.name,
        parameters.join(", ")
    )))
}
