//! Table tests of functions: each row has an expression, DuckDB's type, and the value as text or part of the
//! error.
//!
//! The tables of scalar functions are files in `cases/`, recorded from DuckDB. A case is a line of three
//! tab-separated fields; line breaks in values are written `\\n`, and lines that start with `#` are comments.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::array::RecordBatch;
use futures::TryStreamExt;

use crate::engine::{
    Engine, EngineSettings,
    cast::{type_name::type_name, value_text},
};

/// An expression, the name of its type (`error` if it fails), and its value (`NULL`) or part of the error
/// message.
pub(super) type FunctionCase = (&'static str, &'static str, &'static str);

pub(super) fn engine() -> Engine {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    Engine::new(&settings).unwrap()
}

/// Evaluates all cases, both as constants and over a column, and reports all differences at once.
pub(super) fn check(cases: &[FunctionCase]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = engine();
    let mut wrong = Vec::new();
    for (expression, wanted_type, wanted) in cases {
        let found = match runtime.block_on(evaluate(&engine, expression)) {
            Ok((found_type, value)) => (found_type, value),
            Err(error) => ("error".into(), error),
        };
        let right = match *wanted_type {
            "error" => found.0 == "error" && found.1.contains(wanted),
            // The type depends on the types of literals.
            "_" => found.1 == *wanted,
            _ => found.0 == *wanted_type && found.1 == *wanted,
        };
        if !right {
            wrong.push(format!(
                "{expression}\n    wanted {wanted} :: {wanted_type}\n    found  {} :: {}",
                found.1, found.0
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Evaluates the cases of a file.
fn check_table(table: &'static str) {
    let cases: Vec<FunctionCase> = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [expression, wanted_type, wanted] = fields[..] else { panic!("no case: {line}") };
            (expression, wanted_type, wanted)
        })
        .collect();
    check(&cases);
}

macro_rules! tables {
    ($($name:ident: $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check_table(include_str!(concat!("cases/", $file)));
        })*
    };
}

tables! {
    functions_of_text_answer_as_duckdb: "text.tsv";
    regular_expressions_match_as_duckdb: "regular_expression.tsv";
    functions_of_numbers_answer_as_duckdb: "number.tsv";
    functions_of_dates_answer_as_duckdb: "date.tsv";
    formats_paths_and_the_rest_answer_as_duckdb: "other.tsv";
}

/// Tests expressions as models contain them: parsed, typed and checked by the dialect.
#[test]
fn expressions_of_the_dialect_answer_as_duckdb() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = engine();
    let mut wrong = Vec::new();
    let lines = include_str!("cases/dialect.tsv").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [expression, wanted_type, wanted] = fields[..] else { panic!("no case: {line}") };
        let (found_type, found) = match runtime.block_on(answer(&engine, &format!("select {expression}"))) {
            Ok(found) => found,
            Err(error) => ("error".to_owned(), error),
        };
        let right = match wanted_type {
            "error" => found_type == "error",
            "_" => found == wanted,
            _ => found_type == wanted_type && found == wanted,
        };
        if !right {
            let wanted = format!("wanted {wanted} :: {wanted_type}");
            wrong.push(format!("{expression}\n    {wanted}\n    found  {found} :: {found_type}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Returns an expression's type and value, or the error.
async fn evaluate(engine: &Engine, expression: &str) -> Result<(String, String), String> {
    answer(engine, &format!("select {expression} as x")).await
}

/// Returns the type and value of a statement's first column, or the error.
async fn answer(engine: &Engine, sql: &str) -> Result<(String, String), String> {
    let batches = rows(engine, sql).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("no rows")?;
    let column = Arc::clone(batch.column(0));
    let value = value_text(&column, 0).map_err(|error| crate::engine::message(&error))?;
    let value = value.map(|text| text.replace('\n', "\\n"));
    Ok((type_name(column.data_type()), value.unwrap_or_else(|| "NULL".into())))
}

/// Returns a statement's rows, planned like a model, or the error.
pub(super) async fn rows(engine: &Engine, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let query = engine.plan(sql).await.map_err(|error| error.message)?;
    let rows = async {
        let bound = query.bind(&BTreeMap::new())?;
        engine.stream(&bound, None).await?.try_collect().await
    };
    rows.await.map_err(|error| crate::engine::message(&error))
}

/// Tests that the examples in the reference are correct.
#[test]
fn examples_hold() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = engine();
    let mut wrong = Vec::new();
    for function in super::catalog::functions() {
        let (expression, value) = function.example;
        if expression.is_empty() || value.is_empty() {
            continue;
        }
        match runtime.block_on(evaluate(&engine, expression)) {
            Ok((_, found)) if found == value => {}
            Ok((_, found)) => wrong.push(format!("{expression} is {found}, not {value}")),
            Err(error) => wrong.push(format!("{expression} fails: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lists_structs_maps_and_json_are_duckdbs() {
    check(super::nested_cases::CASES);
}

#[test]
fn errors_of_nested_values_say_what_is_wrong() {
    check(&[
        ("map([1, 1], ['a', 'b'])", "error", "the keys of a map must be unique"),
        ("map([1], ['a', 'b'])", "error", "a map of 1 keys can't have 2 values"),
        ("list_where([1, 2], [true, null])", "error", "the second list must not have NULL in it"),
        ("list_sort([1], 'bogus')", "error", "unknown order `bogus`"),
        ("list_distance([1.0::double], [1.0::double, 2.0::double])", "error", "the lists have 1 and 2 items"),
        ("list_aggregate([1], 'bogus')", "error", "unknown aggregate `bogus`"),
        ("list_reduce([1][2:1], (a, b) -> a + b)", "error", "needs a value to begin with"),
        ("struct_extract({'a': 1}, 'z')", "error", "it has a"),
        ("json_extract('{\"a\":1', '$.a')", "error", "malformed JSON at byte 6: unexpected end of data"),
        ("json_extract('{}', '$.a.')", "error", "invalid JSON path `$.a.`"),
        ("json_object('a')", "error", "a value for each key"),
        ("json_object(1, 2)", "error", "keys must be text"),
        (
            "json_transform_strict('{\"a\":\"z\"}', '{\"a\":\"INTEGER\"}')",
            "error",
            "can't be cast to INTEGER",
        ),
        ("range(1, 1000000000000)", "error", "too long"),
    ]);
}

#[test]
fn json_nests_in_json() {
    check(&[
        ("json_object('a', json_array(1, 'x'))", "VARCHAR", r#"{"a":[1,"x"]}"#),
        ("json_array(json_object('a', '1'), '{}')", "VARCHAR", r#"[{"a":"1"},"{}"]"#),
        ("json_object('a', json_extract('{\"b\":[1]}', '$.b'))", "VARCHAR", r#"{"a":[1]}"#),
        ("to_json(json_array(1))", "VARCHAR", "[1]"),
    ]);
}
