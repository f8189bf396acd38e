//! `retry`: the last command again, for nodes that didn't succeed.

use serde_json::Value;

use crate::{
    project::Project,
    ran::{Ran, assert_said},
    signals::{data_files, interrupt, wait_until},
};

/// `raw` → `orders` → `totals`, and a separate `other`. A test rejects amounts above `limit`.
fn project() -> Project {
    Project::new()
        .model(
            "raw.sql",
            "select value as id, value * 10 as amount from generate_series(1, {{ var('rows', 3) }}) as series(value)",
        )
        .model("orders.sql", "select * from {{ ref('raw') }}")
        .model("totals.sql", "select sum(amount) as amount from {{ ref('orders') }}")
        .model("other.sql", "select 1 as x")
        .file("models/schema.yml", schema(5))
}

fn schema(limit: u32) -> String {
    format!(
        "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [not_null]\n      - name: amount\n        data_tests:\n          - accepted_range: {{name: small, arguments: {{max_value: {limit}}}}}\n"
    )
}

/// Returns the nodes of the last run with their statuses, by kind and name.
fn endings(project: &Project) -> Vec<String> {
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("JSON");
    let text = |result: &Value, key: &str| result[key].as_str().expect("text").to_owned();
    let name =
        |id: String| id.split('.').filter(|part| *part != "shop").take(2).collect::<Vec<_>>().join(".");
    let mut all: Vec<String> = results["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| format!("{} {}", name(text(result, "unique_id")), text(result, "status")))
        .collect();
    all.sort();
    all
}

#[test]
fn what_failed_is_tried_again_with_all_that_judges_it() {
    let project = project();
    project.run(["build", "--threads", "1"]).failure().says("WITHHELD");
    // A test with different arguments is a different test.
    project.write("models/schema.yml", schema(500));
    assert_said!(project.run(["retry", "--threads", "1"]).success());
    assert_eq!(
        endings(&project),
        ["model.orders success", "model.totals success", "test.not_null_orders_id pass", "test.small pass"]
    );
    assert_said!(project.run(["retry"]).success());
}

#[test]
fn a_test_that_passed_judges_what_is_tried_again() {
    let project = project();
    project.run(["build"]).failure();
    project.write("models/schema.yml", schema(500));
    // The earlier failure is fixed, but another test fails now.
    project.write("models/orders.sql", "select nullif(id, 2) as id, amount from {{ ref('raw') }}");
    project.run(["retry"]).failure().says("FAIL 1 not_null_orders_id");
    assert!(!project.exists("lake/main/orders/_delta_log"), "it was published");
    project.write("models/orders.sql", "select * from {{ ref('raw') }}");
    project.run(["retry"]).success().says("TOTAL=4");
}

#[test]
fn flags_are_those_of_the_last_run_unless_given_anew() {
    let project = project();
    project.write("models/orders.sql", "select id, amount * {{ var('by') }} as amount from {{ ref('raw') }}");
    let failing = ["run", "-s", "+orders", "--vars", "{by: 9000000000000000000, rows: 4}", "--threads", "1"];
    project.run(failing).failure().says("ERROR=1");
    project.run(["retry"]).failure().says("1 thread (").says("TOTAL=1");
    project.run(["retry", "--vars", "{by: 2}"]).success().says("4 rows");
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("JSON");
    let args = &results["args"];
    assert_eq!((&args["which"], &args["select"][0]), (&"run".into(), &"+orders".into()));
    assert_eq!(args["invocation_command"], "headwater retry --vars {by: 2}");
}

#[test]
fn without_a_last_run_there_is_nothing_to_retry() {
    assert_said!(project().run(["retry"]).refused());
}

#[test]
fn what_can_not_be_retried_is_told() {
    let project = project();
    project.run(["source", "freshness"]).success();
    assert_said!(project.run(["retry"]).refused());
    project.write("target/run_results.json", "{}");
    project.run(["retry"]).refused().says("can't read the results of the last run");
}

#[test]
fn a_node_that_is_gone_is_told() {
    let project = project();
    project.run(["build"]).failure();
    std::fs::remove_file(project.path("models/totals.sql")).expect("a file");
    project.write("models/schema.yml", schema(500));
    let ran = project.run(["retry"]).success();
    ran.says("warning: model.shop.totals is not in the project any more and is not retried").says("TOTAL=3");
}

#[cfg(unix)]
#[test]
fn what_ctrl_c_stopped_is_taken_up_again() {
    let project = project();
    project.write("models/schema.yml", schema(500));
    project.write(
        "models/orders.sql",
        "select value as id, (select max(amount) from {{ ref('raw') }}) as amount from generate_series(1, {{ var('times', 1) }}) as series(value)",
    );
    let args = ["build", "--vars", "{times: 100000000000}", "--threads", "1"];
    let child = project.command(args).spawn().expect("the binary starts");
    wait_until("a data file of orders is begun", || {
        project.files("lake/main/orders").iter().any(|file| file.contains(".parquet"))
    });
    interrupt(&child);
    let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path("")).failure();
    assert!(data_files(&project) > 0, "{ran}");
    project.run(["retry", "--vars", "{times: 1}"]).success();
    assert!(endings(&project).contains(&"model.orders success".to_owned()));
    assert_eq!(project.rows("select amount from {{ ref('totals') }}"), "amount\n30\n");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_target_path_is_named() {
    let project = Project::new().model("a.sql", "select 1 as x");
    project.run(["build"]).success();
    for file in ["run_results.json", "partial_parse.cache"] {
        let path = project.path(&format!("target/{file}"));
        std::fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    }
    let ran = project.run(["retry"]).refused();
    ran.says("target/run_results.json: it is a named pipe")
        .says("remove it, and run the command itself again");
    project.run(["describe", "a"]).success().says("target/run_results.json: it is a named pipe");
    // A build replaces both.
    project.run(["build"]).success();
    project.run(["retry"]).success();
}
