//! Construction of documents from values.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::DataType,
    },
    common::plan_err,
    error::Result,
};

use super::super::{
    call::{Call, fail},
    description::{Function, Gives, Overload, Typing, takes},
    kind::ParameterKind::{Any, Boolean, Json, Varchar},
};
use super::{convert::json_of, documents::documents};
use crate::engine::json::{parse::parsed, value::Json as Document};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["to_json", "json_quote"],
        syntax: "to_json(value)",
        doc: "Returns a value as JSON: structs and maps as objects, lists as arrays, text in quotes.",
        example: ("to_json([1, 2])", "[1,2]"),
        overloads: &[takes(&[Any], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["array_to_json"],
        syntax: "array_to_json(list)",
        doc: "Returns a list as JSON.",
        example: ("array_to_json([1, 2])", "[1,2]"),
        overloads: &[takes(&[super::super::kind::ParameterKind::AnyList], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["row_to_json"],
        syntax: "row_to_json(struct)",
        doc: "Returns a struct as JSON.",
        example: ("row_to_json({'a': 1})", r#"{"a":1}"#),
        overloads: &[takes(&[super::super::kind::ParameterKind::AnyStruct], Varchar, to_json)],
        ..Function::JSON
    },
    Function {
        names: &["json_array"],
        syntax: "json_array(value, …)",
        doc: "Makes a JSON array of its arguments.",
        example: ("json_array(1, 'a', null)", r#"[1,"a",null]"#),
        overloads: &[Overload { rest: Some(Any), ..takes(&[], Varchar, array) }],
        ..Function::JSON
    },
    Function {
        names: &["json_object"],
        syntax: "json_object(key, value, …)",
        doc: "Makes a JSON object of keys and values.",
        example: ("json_object('a', 1)", r#"{"a":1}"#),
        overloads: &[Overload {
            takes: &[],
            rest: Some(Any),
            gives: Gives::By(object_type, "VARCHAR"),
            body: object,
        }],
        ..Function::JSON
    },
    Function {
        names: &["json_merge_patch"],
        syntax: "json_merge_patch(json, patch, …)",
        doc: "Changes a document by a merge patch (RFC 7396).",
        example: (r#"json_merge_patch('{"a": 1}', '{"b": 2}')"#, r#"{"a":1,"b":2}"#),
        overloads: &[takes(&[Json, Json], Varchar, |call| {
            let patches = (0..call.len()).map(|at| documents(call, at)).collect::<Result<Vec<_>>>()?;
            call.each(|row| {
                let patched = patches.iter().map(|column| column[row].clone()).reduce(|own, patch| {
                    // A NULL patch makes the result NULL; a NULL document is replaced by the patch.
                    patch.map(|patch| own.unwrap_or(Document::Null).merged(patch))
                });
                Ok(patched.flatten().map(|document| document.text()))
            })
        })
        .and(Json)],
        ..Function::JSON
    },
    Function {
        names: &["json"],
        syntax: "json(text)",
        doc: "Checks a document and returns it without spaces.",
        example: (r#"json('{ "a" : 1 }')"#, r#"{"a":1}"#),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(parsed(text)?.text())))
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_valid"],
        syntax: "json_valid(text)",
        doc: "Returns whether a text is JSON.",
        example: ("json_valid('{')", "false"),
        overloads: &[takes(&[Varchar], Boolean, |call| {
            call.map1(|text: &str| Ok(Some(Document::parse(text).is_ok())))
        })],
        ..Function::JSON
    },
    Function {
        names: &["json_pretty"],
        syntax: "json_pretty(json)",
        doc: "Returns a document with a line per value.",
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| Ok(Some(parsed(text)?.pretty())))
        })],
        ..Function::JSON
    },
];

fn to_json(call: &Call) -> Result<ArrayRef> {
    let column = call.array(0)?;
    call.each(|row| {
        if column.is_null(row) || column.data_type().is_null() {
            Ok(None)
        } else {
            Ok(Some(json_of(&column, row)?.text()))
        }
    })
}

fn array(call: &Call) -> Result<ArrayRef> {
    let columns = call.arrays()?;
    call.each(|row| {
        let items = columns.iter().map(|column| json_of(column, row)).collect::<Result<_>>()?;
        Ok(Some(Document::List(items).text()))
    })
}

fn object_type(typing: &Typing) -> Result<DataType> {
    if typing.types.len() % 2 == 1 {
        return plan_err!("`json_object` takes a value for each key");
    }
    if typing.types.iter().step_by(2).any(|key| *key != DataType::Utf8) {
        return plan_err!("`json_object`: keys must be text: cast them to varchar");
    }
    Ok(DataType::Utf8)
}

fn object(call: &Call) -> Result<ArrayRef> {
    let columns = call.arrays()?;
    call.each(|row| {
        let mut members = Vec::new();
        for pair in columns.chunks(2) {
            let keys = pair[0].as_string::<i32>();
            if keys.is_null(row) {
                return fail("`json_object`: a key must not be NULL");
            }
            members.push((keys.value(row).to_owned(), json_of(&pair[1], row)?));
        }
        Ok(Some(Document::Object(members).text()))
    })
}
