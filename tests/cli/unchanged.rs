//! Unchanged runs: the record of the last run answers them with the same report, and any change to anything
//! that a run reads causes a full run.

mod changes;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::{
    project::Project,
    ran::Ran,
    rebuilds::{Dice, commit},
};

/// Creates a project with every kind of input that a run reads. One test warns, and one row is rejected.
fn shop() -> Project {
    let project = Project::new()
        .file(
            "project.yml",
            "name: shop\ntarget: dev\nvars: { least: 5 }\ntargets:\n  dev:\n    root: lake\n  other:\n    root: lake\n    threads: 3\n",
        )
        .file(
            "sources.yml",
            "sources:
  - name: shop
    tables:
      - name: orders
        external: { location: in, format: csv }
        columns: [{ name: id, data_type: bigint }, { name: amount, data_type: bigint }, { name: _source_file, data_type: varchar }]
      - name: found
        external: { location: 'found/*.csv', format: csv }
      - name: customers
        external: { location: shop.db, format: sqlite }
",
        )
        .file("in/1.csv", "id,amount\n1,10\n2,20\n3,30\n4,forty\n")
        .file("found/1.csv", "id\n1\n2\n")
        .file("seeds/countries.csv", "code,name\nde,Germany\n")
        .file("macros/large.sql", "{% macro large(x) %}{{ x }} > {{ var('least') }}{% endmacro %}")
        .file("data-tests/fixtures/some.csv", "id,amount\n1,6\n")
        .file("data-tests/none.sql", "select * from {{ ref('total') }} where amount < 0")
        .model("raw.sql", "select id, amount from {{ source('shop', 'orders') }}")
        .model("loaded.sql", "{{ config(materialized='incremental') }} select id, _source_file from {{ source('shop', 'orders') }}")
        .model("found.sql", "select * from {{ source('shop', 'found') }}")
        .model("customers.sql", "select * from {{ source('shop', 'customers') }}")
        .model("large.sql", "{{ config(materialized='view') }} select * from {{ ref('raw') }} where {{ large('amount') }}")
        .model("total.sql", "select sum(amount) as amount, '{{ env_var('REGION', 'eu') }}' as region from {{ ref('large') }}")
        .model("notes.md", "{% docs total %}All of it.{% enddocs %}")
        .model("old.py", "")
        .file(
            "models/schema.yml",
            "models:
  - name: raw
    columns:
      - name: amount
        data_tests:
          - not_null
          - accepted_values: { arguments: { values: [10] }, config: { severity: warn } }
  - name: total
    description: \"{{ doc('total') }}\"
unit_tests:
  - name: takes_large_ones
    model: total
    given: [{ input: ref('large'), format: csv, fixture: some }]
    expect: { rows: [{ amount: 6 }] }
",
        );
    database(&project)
        .execute_batch("create table customers (id integer); insert into customers values (1);")
        .expect("a new table");
    project
}

fn database(project: &Project) -> rusqlite::Connection {
    rusqlite::Connection::open(project.path("shop.db")).expect("a database")
}

/// Returns the creation time of the manifest's nodes; a run that parses the project creates all of them.
fn made_at(project: &Project) -> Option<String> {
    let manifest = fs::read_to_string(project.path("target/manifest.json")).ok()?;
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
    let (_, first) = manifest["nodes"].as_object().expect("nodes").iter().next()?;
    Some(first["created_at"].to_string())
}

/// Runs a command and returns whether the record of an earlier run answered it.
#[track_caller]
fn is_answered(project: &Project, args: &[&str]) -> (bool, Ran) {
    let before = made_at(project);
    let ran = project.run(args);
    (before.is_some() && made_at(project) == before, ran)
}

/// Builds until nothing is left to do, and checks that the record answers from then on.
#[track_caller]
fn settle(project: &Project, args: &[&str]) {
    for _ in 0..4 {
        let (answered, ran) = is_answered(project, args);
        ran.success();
        if answered {
            return;
        }
    }
    panic!("no record answers {args:?}: {}", project.run(args));
}

/// Returns the results that a run reported, ordered by node.
fn outcomes(project: &Project) -> BTreeSet<String> {
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("results");
    let told = |result: &Value| {
        let keys =
            ["unique_id", "status", "message", "failures", "relation_name", "compiled_code", "compiled"];
        keys.map(|key| result[key].to_string()).join(" ")
    };
    results["results"].as_array().expect("results").iter().map(told).collect()
}

/// Returns the lines of a text, with everything masked that differs between runs, including step numbers.
fn masked(text: &str) -> BTreeSet<String> {
    let uuid = regex(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    let masks = [
        // Before other numbers: a short time is written without a decimal point, as 5e-5.
        regex(r#""(pid|index|execution_time|elapsed|run_duration|elapsed_time)":[0-9.e-]+"#),
        regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"),
        regex(r"\d\d:\d\d:\d\d"),
        regex(r"\d+\.\d+(e-\d+)?s?"),
        regex(r"\d+ of \d+"),
        regex(r"Thread-\d+"),
        uuid,
    ];
    let mask = |line: &str| {
        masks.iter().fold(line.to_owned(), |line, mask| mask.replace_all(&line, "#").into_owned())
    };
    text.lines().map(mask).collect()
}

fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern")
}

#[test]
fn an_answer_says_what_the_run_said() {
    let project = shop();
    project.run(["build"]).success();
    for format in ["text", "json"] {
        let args = ["build", "--threads", "1", "--log-format", format];
        let whole = project.run([&args[..], &["--no-partial-parse"]].concat()).success();
        let told = outcomes(&project);
        settle(&project, &args);
        let (answered, again) = is_answered(&project, &args);
        assert!(answered);
        let again = again.success();
        assert_eq!(masked(&again.stdout), masked(&whole.stdout));
        assert_eq!(masked(&again.stderr), masked(&whole.stderr));
        assert!(again.stderr.contains("old.py"), "warnings stay: {again}");
        assert_eq!(outcomes(&project), told);
    }
    // Each run has its own artifacts.
    let metadata = |file: &str| -> Value {
        let artifact: Value = serde_json::from_str(&project.read(&format!("target/{file}"))).expect("JSON");
        artifact["metadata"].clone()
    };
    settle(&project, &["build"]);
    let first = metadata("manifest.json");
    settle(&project, &["build"]);
    let second = metadata("manifest.json");
    assert_ne!(first["invocation_id"], second["invocation_id"]);
    assert_ne!(first["generated_at"], second["generated_at"]);
    assert_eq!(second["invocation_id"], metadata("run_results.json")["invocation_id"]);
    let summary: Value = serde_json::from_str(&project.read("target/graph_summary.json")).expect("JSON");
    assert_eq!(second["invocation_id"], summary["_invocation_id"]);
    project.run(["build"]).success().says("WARN=3").says("1 row of main.raw set aside");
    project.run(["retry"]).success().says("Nothing to retry");
}

#[test]
fn a_build_leaves_a_record_of_what_it_built() {
    let project = shop();
    // The update of an incremental model is compiled only once its table exists.
    for whole in [true, true, false] {
        let (answered, ran) = is_answered(&project, &["build"]);
        ran.success();
        assert_eq!(answered, !whole);
    }
    for edit in [
        |p: &Project| rewrite(p, "models/total.sql", "as region", "as region, 1 as one"),
        |p: &Project| p.write("in/2.csv", "id,amount\n5,50\nsix,60\n"),
        |p: &Project| p.write("models/new.sql", "select * from {{ ref('total') }}"),
    ] {
        edit(&project);
        let (answered, ran) = is_answered(&project, &["build", "--threads", "1"]);
        ran.success();
        assert!(!answered);
        let (answered, again) = is_answered(&project, &["build", "--threads", "1"]);
        assert!(answered);
        let told = outcomes(&project);
        let whole = project.run(["build", "--threads", "1", "--no-partial-parse"]).success();
        assert_eq!(masked(&again.stdout), masked(&whole.stdout));
        assert_eq!(masked(&again.stderr), masked(&whole.stderr));
        assert_eq!(outcomes(&project), told);
    }
    // An incremental model is recompiled when its columns change.
    rewrite(&project, "models/loaded.sql", "select id", "select id, amount");
    rewrite(
        &project,
        "models/loaded.sql",
        "'incremental'",
        "'incremental', on_schema_change='append_new_columns'",
    );
    for whole in [true, true, false] {
        let (answered, ran) = is_answered(&project, &["build"]);
        ran.success();
        assert_eq!(answered, !whole);
    }
}

fn rewrite(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert!(text.contains(from), "{path} has no {from}");
    project.write(path, text.replace(from, to));
}

#[test]
fn any_other_command_is_another() {
    let project = shop();
    settle(&project, &["build"]);
    for args in [
        &["run"][..],
        &["build", "-s", "total"],
        &["build", "-s", "+total"],
        &["build", "--exclude", "total"],
        &["build", "-s", "total", "--indirect-selection", "empty"],
        &["build", "--vars", "least: 7"],
        &["build", "--threads", "2"],
        &["build", "--target", "other"],
        &["build", "--fail-fast"],
        &["build", "--store-failures"],
        &["build", "-q"],
    ] {
        let (answered, ran) = is_answered(&project, args);
        ran.success();
        assert!(!answered, "taken for another command: {args:?}");
        settle(&project, args);
        settle(&project, &["build"]);
    }
    // Commands that always build or run something are never answered.
    for args in
        [&["build", "--force"][..], &["build", "--full-refresh"], &["test"], &["build", "--no-partial-parse"]]
    {
        for _ in 0..2 {
            let (answered, ran) = is_answered(&project, args);
            ran.success();
            assert!(!answered, "{args:?}");
        }
        settle(&project, &["build"]);
    }
}

#[test]
fn the_environment_counts_as_far_as_it_is_asked_for() {
    let with = |key: &str, value: &str, project: &Project| {
        let before = made_at(project);
        let ran = project.command(["build"]).env(key, value).output().expect("it starts");
        assert!(ran.status.success());
        made_at(project) == before
    };
    let project = shop();
    settle(&project, &["build"]);
    assert!(with("OTHER", "value", &project));
    assert!(!with("REGION", "us", &project));
    assert_eq!(project.rows("select region from {{ ref('total') }}"), "region\nus\n");
    settle(&project, &["build"]);
    // To be cautious, setting a variable to its default value counts as a change.
    assert!(!with("REGION", "eu", &project));
    settle(&project, &["build"]);
    for (key, value) in [
        ("HEADWATER_PARTIAL_PARSE", "false"),
        ("DBT_PARTIAL_PARSE", "0"),
        ("HEADWATER_LOG_LEVEL", "debug"),
        ("OPENLINEAGE_URL", ""),
    ] {
        assert!(!with(key, value, &project), "{key}");
        settle(&project, &["build"]);
    }
    assert!(with("HEADWATER_PARTIAL_PARSE", "true", &project));
    assert!(with("DBT_PARTIAL_PARSE", "True", &project));
}

#[test]
fn the_record_holds_no_value_of_the_environment() {
    let project = Project::new()
        .env("PLACE", "at-a-secret-place")
        .model("a.sql", "{{ config(tags=[env_var('PLACE') | length | string]) }} select 1 as n");
    settle(&project, &["build"]);
    let record = project.read("target/partial_parse.cache");
    assert!(record.contains("PLACE") && !record.contains("at-a-secret-place"));
}

#[test]
fn what_asks_for_the_time_is_never_answered() {
    for (path, text) in [
        ("models/a.sql", "select now() as at"),
        ("models/a.sql", "{{ config(tags=[run_started_at.strftime('%Y')]) }} select 1 as n"),
        ("models/a.sql", "{{ config(volatile=false) }} select '{{ run_started_at.strftime('%Y') }}' as n"),
        (
            "models/a.sql",
            "{{ config(volatile=false) }} select '{{ modules.datetime.date.today().year }}' as n",
        ),
        (
            "macros/m.sql",
            "{% macro generate_schema_name(x, node) %}{{ run_started_at.strftime('%Y') }}{% endmacro %}",
        ),
    ] {
        let project = Project::new().model("a.sql", "select 1 as n").file(path, text);
        if path.starts_with("macros") {
            project.write(
                "models/a.sql",
                "{{ config(schema='x') }} select '{{ generate_schema_name('x', none) }}' as n",
            );
        }
        for _ in 0..4 {
            let (answered, ran) = is_answered(&project, &["build"]);
            ran.success();
            assert!(!answered, "{text}");
        }
    }
}

#[test]
fn tests_that_are_run_each_time_are_run() {
    let project = shop();
    rewrite(
        &project,
        "sources.yml",
        "name: found\n",
        "name: found\n        columns: [{ name: id, data_type: bigint, data_tests: [unique] }]\n",
    );
    for _ in 0..4 {
        let (answered, ran) = is_answered(&project, &["build"]);
        ran.success().says("PASS source_unique_shop_found_id");
        assert!(!answered);
    }
}

#[test]
fn a_failure_is_never_an_answer() {
    let project = shop();
    settle(&project, &["build"]);
    rewrite(&project, "models/schema.yml", "severity: warn", "severity: error");
    for _ in 0..3 {
        let (answered, ran) = is_answered(&project, &["build"]);
        ran.failure();
        assert!(!answered);
    }
    // A record from before the failure doesn't answer either, although it would match again.
    rewrite(&project, "models/schema.yml", "severity: error", "severity: warn");
    let (answered, ran) = is_answered(&project, &["build"]);
    ran.success();
    assert!(!answered);
}
