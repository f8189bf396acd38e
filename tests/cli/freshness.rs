//! Source freshness.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::project::Project;

const HOUR: u64 = 3600;

fn project(freshness: &str) -> Project {
    Project::new()
        .file(
            "sources.yml",
            format!(
                "sources:\n  - name: shop\n    {freshness}\n    tables:\n      - name: orders\n        external: {{ location: 'in/*.csv', format: csv }}\n        columns: [{{ name: id, data_type: bigint }}, {{ name: loaded, data_type: timestamptz }}]\n"
            ),
        )
        .file("in/a.csv", "id,loaded\n1,2020-01-01T00:00:00Z\n2,2020-01-02T00:00:00Z\n")
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}")
}

fn age(project: &Project, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * HOUR);
    File::options()
        .append(true)
        .open(project.path("in/a.csv"))
        .and_then(|file| file.set_modified(then))
        .expect("a time");
}

const WARN_AND_ERROR: &str =
    "freshness: {warn_after: {count: 2, period: hour}, error_after: {count: 1, period: day}}";

fn results(project: &Project) -> Value {
    let text = project.read("target/sources.json");
    let artifact: Value = serde_json::from_str(&text).expect("JSON");
    artifact["results"][0].clone()
}

#[test]
fn files_are_as_old_as_the_newest_of_them() {
    let project = project(WARN_AND_ERROR);
    for (hours, status, said) in [
        (1, "pass", "PASS freshness of shop.orders"),
        (3, "warn", "WARN freshness of shop.orders"),
        (30, "error", "ERROR STALE freshness of shop.orders"),
    ] {
        age(&project, hours);
        let ran = project.run(["source", "freshness"]);
        let ran = if status == "error" { ran.failure() } else { ran.success() };
        ran.says(said);
        let result = results(&project);
        assert_eq!(result["status"], status);
        assert_eq!(result["criteria"]["warn_after"], serde_json::json!({"count": 2, "period": "hour"}));
    }
}

#[test]
fn rows_tell_their_age_by_a_column_or_a_query() {
    let by_column = format!("loaded_at_field: loaded\n    {WARN_AND_ERROR}");
    let project = project(&by_column);
    project.run(["source", "freshness"]).failure().says("ERROR STALE freshness of shop.orders");
    assert_eq!(results(&project)["max_loaded_at"], "2020-01-02T00:00:00.000000Z");
    let yaml =
        project.read("sources.yml").replace("loaded_at_field: loaded", "loaded_at_query: select now() as at");
    project.write("sources.yml", yaml);
    project.run(["source", "freshness"]).success().says("PASS freshness of shop.orders");
}

#[test]
fn a_build_can_demand_fresh_sources() {
    let project = project(WARN_AND_ERROR);
    age(&project, 30);
    project.run(["build", "--fresh-sources"]).failure().says("ERROR STALE").says("SKIP=1");
    assert!(project.files("lake").is_empty());
    project.run(["build"]).success();
    age(&project, 0);
    project.run(["build", "--fresh-sources"]).success();
}

#[test]
fn a_source_that_nobody_asks_for_is_not_asked() {
    project("loader: us").run(["source", "freshness"]).success().says("Nothing to do");
}
