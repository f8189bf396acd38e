//! `ref` and `source`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, Rest, from_args},
};

use crate::{
    diag::Diagnostic,
    jinja::{
        captures::{RefCall, SourceCall},
        fault::fault,
        run::{CallPlace, Run},
        value::Table,
    },
};

/// `ref('model')`, `ref('package', 'model')`, with `v=` or `version=`.
pub(super) fn reference(run: &Arc<Run>, at: Option<CallPlace>, args: &[Value]) -> Result<Value, Error> {
    let (Rest(names), options): (Rest<String>, Kwargs) = from_args(args)?;
    let (package, name) = match names.as_slice() {
        [name] => (None, name),
        [package, name] => (Some(package), name),
        names => return Err(count("ref takes a model's name, or a package's and a model's", names.len())),
    };
    let version: Option<Value> = options.get("v")?;
    let version = if version.is_some() { version } else { options.get("version")? };
    options.assert_all_used()?;
    run.capture(|captures| {
        captures.refs.push(RefCall {
            package: package.cloned(),
            name: name.clone(),
            version: version.map(|version| version.to_string()),
            span: run.span(at),
        });
    });
    let found = run.names.reference(package.map(String::as_str), name);
    found
        .map(|found| Value::from_object(Table(found)))
        .map_err(|why| fault(Diagnostic::error("unknown-ref", why)))
}

/// `source('source', 'table')`.
pub(super) fn source(run: &Arc<Run>, at: Option<CallPlace>, args: &[Value]) -> Result<Value, Error> {
    let (Rest(names),): (Rest<String>,) = from_args(args)?;
    let [source, table] = names.as_slice() else {
        return Err(count("source takes a source's name and a table's", names.len()));
    };
    run.capture(|captures| {
        let span = run.span(at);
        captures.sources.push(SourceCall { source: source.clone(), table: table.clone(), span });
    });
    let found = run.names.source(source, table);
    found
        .map(|found| Value::from_object(Table(found)))
        .map_err(|why| fault(Diagnostic::error("unknown-source", why)))
}

fn count(takes: &str, got: usize) -> Error {
    Error::new(ErrorKind::TooManyArguments, format!("{takes}; this call has {got} arguments"))
}
