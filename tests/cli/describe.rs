//! `describe`: a model and its history.

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

fn shop() -> Project {
    Project::new()
        .model("orders.sql", "select 1 as id, 9.5 as amount")
        .model("totals.sql", "select sum(amount) as total, count(*) as orders from {{ ref('orders') }}")
        .file(
            "models/schema.yml",
            "models:\n- name: totals\n  description: >\n    What all orders come to, in the currency of the shop; refunds are not taken off, since the till does not know of them.\n\
             \x20 columns:\n  - {name: total, description: The sum., data_tests: [not_null, {accepted_range: {arguments: {max_value: 1}, config: {severity: warn}}}]}\n\
             exposures:\n- {name: board, type: dashboard, owner: {name: Fin}, depends_on: [ref('totals')]}\n",
        )
}

#[test]
fn a_model_that_was_never_built_has_no_versions() {
    assert_said!(shop().run(["describe", "totals"]).success());
}

#[test]
fn each_version_says_why_it_was_made() {
    let project = shop();
    let _ = project.run(["build"]).success();
    project.write("models/orders.sql", "select 1 as id, 10.5 as amount");
    let _ = project.run(["build"]).success();
    project.write("models/totals.sql", "select sum(amount) as total, 7 as orders from {{ ref('orders') }}");
    let _ = project.run(["build"]).success();
    // Nothing is due: the tests have no verdict in this run, but the version has.
    let _ = project.run(["build"]).success();
    let ran = project.run(["describe", "totals", "--output", "json"]).success();
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let versions = told["versions"].as_array().expect("versions");
    let why: Vec<&str> = versions.iter().map(|version| version["why"].as_str().expect("a reason")).collect();
    assert_eq!(why, ["SQL changed", "orders changed", "first build"]);
    let status = |name: &str| {
        let tests = told["tests"].as_array().expect("tests");
        let test = tests.iter().find(|test| test["name"].as_str().is_some_and(|it| it.starts_with(name)));
        test.and_then(|test| test["status"].as_str()).map(str::to_owned)
    };
    assert_eq!((status("not_null").as_deref(), status("accepted").as_deref()), (Some("pass"), Some("warn")));
    assert_eq!((&told["rows"], &told["files"]), (&1.into(), &1.into()));
    project
        .run(["describe", "totals", "--versions", "1"])
        .success()
        .says("SQL changed")
        .says_nothing_of("first build");
}

#[test]
fn a_column_is_asked_of_lineage() {
    shop()
        .run(["describe", "totals.total"])
        .refused()
        .says("`headwater describe totals`, or `headwater lineage totals.total`");
}
