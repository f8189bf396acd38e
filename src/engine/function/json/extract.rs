//! Functions that query documents.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::DataType,
    },
    common::{ScalarValue, plan_err},
    error::Result,
};

use super::super::{
    call::{Call, Give, fail},
    description::{Function, Gives, Overload, Typing, takes},
    kind::{
        ParameterKind::{self, BigInt, Boolean, List, UBigInt, Varchar},
        list_of,
    },
};
use super::{documents::documents, path::JsonPath, structure::structure};
use crate::engine::json::value::Json;

/// Defines an overload with a path. It returns a list for a list of paths, and for a path with many matches.
macro_rules! with_path {
    ($item:expr, $body:expr) => {
        Overload {
            takes: &[ParameterKind::Json, Varchar],
            rest: None,
            gives: Gives::By(|typing| path_type(typing, $item), "item, or item[]"),
            body: |call| walk(call, $body),
        }
    };
}

macro_rules! with_position {
    ($item:expr, $body:expr) => {
        takes(&[ParameterKind::Json, BigInt], $item, |call| walk(call, $body))
    };
}

macro_rules! with_paths {
    ($item:expr, $body:expr) => {
        Overload {
            takes: &[ParameterKind::Json, List(&Varchar)],
            rest: None,
            gives: Gives::By(|typing| paths_type(typing, $item), "item[]"),
            body: |call| walk(call, $body),
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["json_extract", "json_extract_path"],
        syntax: "json_extract(json, path)",
        doc: "Returns the JSON at a path: `$.a.b[0]`, `/a/b/0`, a key, or a position; NULL if there is none.",
        example: (r#"json_extract('{"a": [1, "x"]}', '$.a[1]')"#, r#""x""#),
        overloads: &[
            with_path!(DataType::Utf8, |value| Ok(value.map(Json::text))),
            with_position!(Varchar, |value| Ok(value.map(Json::text))),
            with_paths!(DataType::Utf8, |value| Ok(value.map(Json::text))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_extract_string", "json_extract_path_text"],
        syntax: "json_extract_string(json, path)",
        doc: "Returns the value at a path as text, without quotes; NULL for `null`, or if there is none.",
        example: (r#"json_extract_string('{"a": [1, "x"]}', '$.a[1]')"#, "x"),
        overloads: &[
            with_path!(DataType::Utf8, |value| Ok(value.and_then(unquoted))),
            with_position!(Varchar, |value| Ok(value.and_then(unquoted))),
            with_paths!(DataType::Utf8, |value| Ok(value.and_then(unquoted))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_value"],
        syntax: "json_value(json, path)",
        doc: "Returns the JSON at a path if it is a number, text or truth value; NULL otherwise.",
        example: (r#"json_value('{"a": 5}', '$.a')"#, "5"),
        overloads: &[
            with_path!(DataType::Utf8, |value| Ok(value.and_then(scalar))),
            with_position!(Varchar, |value| Ok(value.and_then(scalar))),
            with_paths!(DataType::Utf8, |value| Ok(value.and_then(scalar))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_exists"],
        syntax: "json_exists(json, path)",
        doc: "Returns whether a document has a value at a path, `null` included.",
        example: (r#"json_exists('{"a": null}', '$.a')"#, "true"),
        overloads: &[
            with_path!(DataType::Boolean, |value| Ok(Some(value.is_some()))),
            with_position!(Boolean, |value| Ok(Some(value.is_some()))),
            with_paths!(DataType::Boolean, |value| Ok(Some(value.is_some()))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_type"],
        syntax: "json_type(json[, path])",
        doc: "Returns the type of a document, or of the value at a path.",
        example: ("json_type('[1]')", "ARRAY"),
        overloads: &[
            takes(&[ParameterKind::Json], Varchar, |call| whole(call, |value| Ok(Some(value.kind())))),
            with_path!(DataType::Utf8, |value| Ok(value.map(Json::kind))),
            with_position!(Varchar, |value| Ok(value.map(Json::kind))),
            with_paths!(DataType::Utf8, |value| Ok(value.map(Json::kind))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_array_length"],
        syntax: "json_array_length(json[, path])",
        doc: "Returns the number of items of a list, 0 for other values.",
        example: ("json_array_length('[1, 2]')", "2"),
        overloads: &[
            takes(&[ParameterKind::Json], UBigInt, |call| whole(call, |value| Ok(Some(length(value))))),
            with_path!(DataType::UInt64, |value| Ok(value.map(length))),
            with_position!(UBigInt, |value| Ok(value.map(length))),
            with_paths!(DataType::UInt64, |value| Ok(value.map(length))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_keys"],
        syntax: "json_keys(json[, path])",
        doc: "Returns the keys of an object, none for other values.",
        example: (r#"json_keys('{"a": 1, "b": 2}')"#, "[a, b]"),
        overloads: &[
            takes(&[ParameterKind::Json], List(&Varchar), |call| whole(call, |value| Ok(Some(keys(value))))),
            with_path!(list_of(DataType::Utf8), |value| Ok(value.map(keys))),
            with_position!(List(&Varchar), |value| Ok(value.map(keys))),
            with_paths!(list_of(DataType::Utf8), |value| Ok(value.map(keys))),
        ],
        ..Function::JSON
    },
    Function {
        names: &["json_contains"],
        syntax: "json_contains(json, other)",
        doc: "Returns whether a document is or has another.",
        example: ("json_contains('[1, 2, 3]', '2')", "true"),
        overloads: &[takes(&[ParameterKind::Json, ParameterKind::Json], Boolean, |call| {
            let (own, others) = (documents(call, 0)?, documents(call, 1)?);
            call.each(|row| match (&own[row], &others[row]) {
                (Some(own), Some(other)) => Ok(Some(own.contains(other))),
                _ => Ok(None),
            })
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_structure"],
        syntax: "json_structure(json)",
        doc: "Returns the structure of a document: its keys and the types of their values.",
        example: (r#"json_structure('{"a": [1, 2.5]}')"#, r#"{"a":["DOUBLE"]}"#),
        overloads: &[takes(&[ParameterKind::Json], Varchar, |call| {
            whole(call, |value| Ok(Some(structure(value).text())))
        })],
        ..Function::JSON
    },
];

fn unquoted(value: &Json) -> Option<String> {
    (*value != Json::Null).then(|| value.unquoted())
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::List(_) | Json::Object(_) => None,
        value => Some(value.text()),
    }
}

fn length(value: &Json) -> u64 {
    match value {
        Json::List(items) => items.len() as u64,
        _ => 0,
    }
}

fn keys(value: &Json) -> Vec<Option<String>> {
    match value {
        Json::Object(members) => members.iter().map(|(key, _)| Some(key.clone())).collect(),
        _ => Vec::new(),
    }
}

/// Returns the result type for a list of paths, none of which may match many values.
fn paths_type(typing: &Typing, item: DataType) -> Result<DataType> {
    if let Some(Some(ScalarValue::List(paths))) = typing.literals.get(1)
        && paths.is_valid(0)
        && let Some(paths) = paths.value(0).as_string_opt::<i32>()
    {
        if paths.null_count() > 0 {
            return plan_err!("a JSON path must not be NULL");
        }
        for path in paths.iter().flatten() {
            match JsonPath::parse(path) {
                Ok(found) if found.many() => {
                    return plan_err!("`{path}` in a list of JSON paths leads to many values: give it alone");
                }
                Ok(_) => {}
                Err(error) => return plan_err!("{error}"),
            }
        }
    }
    Ok(list_of(item))
}

/// Returns the result type for a constant path.
fn path_type(typing: &Typing, item: DataType) -> Result<DataType> {
    let many = match typing.text(1).map(JsonPath::parse) {
        Some(Ok(path)) => path.many(),
        Some(Err(error)) => return plan_err!("{error}"),
        None => false,
    };
    Ok(if many { list_of(item) } else { item })
}

fn whole<R: Give>(call: &Call, give: impl Fn(&Json) -> Result<Option<R>>) -> Result<ArrayRef> {
    let documents = documents(call, 0)?;
    call.each(|row| match &documents[row] {
        Some(document) => give(document),
        None => Ok(None),
    })
}

/// Applies `give` to the value at each row's path or paths.
fn walk<R: Give>(call: &Call, give: impl Fn(Option<&Json>) -> Result<Option<R>>) -> Result<ArrayRef> {
    let documents = documents(call, 0)?;
    match call.type_of(1) {
        DataType::Int64 => {
            let position = call.column::<i64>(1)?;
            call.each(|row| match (&documents[row], position.at(row)) {
                (Some(document), Some(at)) => give(JsonPath::position(at).find(document)),
                _ => Ok(None),
            })
        }
        DataType::List(_) => {
            let paths = call.column::<ArrayRef>(1)?;
            call.each(|row| {
                let (Some(document), Some(paths)) = (&documents[row], paths.at(row)) else { return Ok(None) };
                let mut found = Vec::new();
                for at in 0..paths.len() {
                    let path = ScalarValue::try_from_array(&paths, at)?;
                    found.push(match path.try_as_str().flatten() {
                        Some(path) => give(read(path)?.find(document))?,
                        None => None,
                    });
                }
                Ok(Some(found))
            })
        }
        _ => {
            let constant = call.constant_value::<&str>(1)?.map(read).transpose()?;
            if let Some(path) = constant.as_ref().filter(|path| path.many()) {
                return call.each(|row| match &documents[row] {
                    Some(document) => path
                        .find_all(document)
                        .into_iter()
                        .map(|value| give(Some(value)))
                        .collect::<Result<Vec<Option<R>>>>()
                        .map(Some),
                    None => Ok(None),
                });
            }
            let paths = call.column::<&str>(1)?;
            call.each(|row| match (&documents[row], &constant, paths.at(row)) {
                (Some(document), Some(path), _) => give(path.find(document)),
                (Some(document), None, Some(path)) => {
                    let path = read(path)?;
                    if path.many() {
                        return fail("a JSON path with a wildcard must be a constant");
                    }
                    give(path.find(document))
                }
                _ => Ok(None),
            })
        }
    }
}

fn read(path: &str) -> Result<JsonPath> {
    JsonPath::parse(path).or_else(fail)
}
