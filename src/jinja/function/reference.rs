//! `ref`, `source` and `changes`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, Rest, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        captures::{ChangesCall, RefCall, SourceCall, ref_target},
        fault::fault,
        rendering::{CallPosition, Rendering},
        value::TableValue,
    },
    name::PackageName,
};

/// Evaluates `ref('model')` or `ref('package', 'model')`, with an optional `v=` or `version=`.
pub(super) fn reference(
    run: &Arc<Rendering>,
    at: Option<CallPosition>,
    args: &[Value],
) -> Result<Value, Error> {
    let (Rest(names), options): (Rest<String>, Kwargs) = from_args(args)?;
    let (package, name) = match names.as_slice() {
        [name] => (None, name),
        [package, name] => (Some(package), name),
        names => return Err(count("ref takes a model's name, or a package's and a model's", names.len())),
    };
    let version: Option<Value> = options.get("v")?;
    let version = if version.is_some() { version } else { options.get("version")? };
    options.assert_all_used()?;
    let version = version.map(|version| version.to_string());
    let target = ref_target(name, version.as_deref());
    run.capture(|captures| {
        captures.refs.push(RefCall {
            package: package.cloned(),
            name: name.clone(),
            version,
            span: run.span(at),
        });
    });
    let found = run.names.reference(&run.package, package.map(String::as_str), &target);
    found
        .map(|found| Value::from_object(run.table(found)))
        .map_err(|why| fault(Diagnostic::error("unknown-ref", why)))
}

/// Evaluates `doc('block')` or `doc('package', 'block')`: returns a documentation block's text.
pub(super) fn doc(run: &Arc<Rendering>, at: Option<CallPosition>, args: &[Value]) -> Result<Value, Error> {
    let (Rest(names),): (Rest<String>,) = from_args(args)?;
    let (package, name) = match names.as_slice() {
        [name] => (None, name),
        [package, name] => (Some(package), name),
        names => return Err(count("doc takes a block's name, or a package's and a block's", names.len())),
    };
    let library = &run.shared.library;
    let docs = &run.shared.globals.docs;
    // As in dbt: the project, the template's own package, and then any other one.
    let searched = match package {
        Some(package) => vec![library.package(package).ok_or_else(|| {
            let found = Diagnostic::error("unknown-doc", format!("there is no package `{package}`"));
            fault(found.at(run.span(at), ""))
        })?],
        None => [library.project(), &run.package].into_iter().chain(library.packages()).collect(),
    };
    let found = searched.into_iter().find_map(|package| docs.get_key_value(&PackageName::new(package, name)));
    // A missing block is recorded as one of the project, so that it's known to be missing.
    let key = found.map_or_else(|| PackageName::new(library.project(), name), |(key, _)| key.clone());
    run.capture(|captures| captures.docs.push(key));
    found.map(|(_, text)| Value::from(text.as_str())).ok_or_else(|| {
        let found = Diagnostic::error("unknown-doc", format!("no documentation block is called `{name}`"));
        let names = docs.keys().map(|key| key.name.as_str());
        let found = found.at(run.span(at), "not found").near(name, names);
        let hint = format!("write it in a Markdown file: {{% docs {name} %}} … {{% enddocs %}}");
        fault(if found.hints.is_empty() { found.hint(hint) } else { found })
    })
}

/// Evaluates `source('source', 'table')`.
pub(super) fn source(run: &Arc<Rendering>, at: Option<CallPosition>, args: &[Value]) -> Result<Value, Error> {
    let (Rest(names),): (Rest<String>,) = from_args(args)?;
    let [source, table] = names.as_slice() else {
        return Err(count("source takes a source's name and a table's", names.len()));
    };
    run.capture(|captures| {
        let span = run.span(at);
        captures.sources.push(SourceCall { source: source.clone(), table: table.clone(), span });
    });
    let found = run.names.source(&run.package, source, table);
    found
        .map(|found| Value::from_object(run.table(found)))
        .map_err(|why| fault(Diagnostic::error("unknown-source", why)))
}

/// Evaluates `changes(ref('model'))`: the rows inserted into and deleted from a table since the model last
/// read it.
pub(super) fn changes(
    run: &Arc<Rendering>,
    at: Option<CallPosition>,
    args: &[Value],
) -> Result<Value, Error> {
    let (table,): (Value,) = from_args(args)?;
    let Some(relation) = table.downcast_object_ref::<TableValue>().and_then(TableValue::relation) else {
        let message = format!("changes takes a table, not {}", table.kind());
        let found = Diagnostic::error("invalid-argument", message)
            .hint("write changes(ref('a_model')), or changes(source('a_source', 'a_table'))");
        return Err(fault(found));
    };
    run.capture(|captures| {
        captures.changes.push(ChangesCall { relation: relation.clone(), span: run.span(at) });
    });
    Ok(Value::from_object(run.table(relation.changes())))
}

fn count(takes: &str, got: usize) -> Error {
    Error::new(ErrorKind::TooManyArguments, format!("{takes}; this call has {got} arguments"))
}
