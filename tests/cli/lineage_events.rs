//! OpenLineage events of a run. OpenLineage's own client checks that each event conforms to the
//! specification, in `tests/artifacts`.

use std::{collections::BTreeMap, time::Instant};

use serde_json::Value;

use crate::project::Project;

fn shop() -> Project {
    Project::new()
        .model("orders.sql", "select * from (values (1, 2.5), (2, 3.5)) as o(id, amount)")
        .model("large.sql", "{{ config(materialized='ephemeral') }} select id, amount from {{ ref('orders') }} where amount > 3")
        .model("totals.sql", "select sum(amount) as total from {{ ref('large') }}")
        .model("broken.sql", "select cast(cast(id as varchar) || 'x' as bigint) as id from {{ ref('orders') }}")
        .file(
            "models/schema.yml",
            "models:\n- name: orders\n  description: All orders.\n  columns: [{name: amount, description: In euros., data_tests: [{accepted_range: {arguments: {max_value: 3}, config: {severity: warn}}}]}]\n",
        )
        .env("OPENLINEAGE__TRANSPORT__TYPE", "file")
        .env("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "events.jsonl")
        .env("OPENLINEAGE_NAMESPACE", "shop-dev")
}

fn events(project: &Project) -> Vec<Value> {
    project.read("events.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of<'e>(events: &'e [Value], job: &str, kind: &str) -> &'e Value {
    let is_it = |event: &&Value| event["job"]["name"] == job && event["eventType"] == kind;
    events.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} of {job}"))
}

#[test]
fn what_starts_ends_once_and_belongs_to_the_run() {
    let project = shop();
    let _ = project.run(["build"]).failure();
    let events = events(&project);
    let mut runs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &events {
        let id = event["run"]["runId"].as_str().expect("an id");
        runs.entry(id).or_default().push(event["eventType"].as_str().expect("a type"));
    }
    assert!(runs.len() >= 5, "{runs:?}");
    assert!(runs.values().all(|told| matches!(told[..], ["START", "COMPLETE" | "FAIL"])), "{runs:?}");
    let run = of(&events, "shop.build", "FAIL")["run"]["runId"].clone();
    let broken = of(&events, "shop.broken", "FAIL");
    assert_eq!(broken["run"]["facets"]["parent"]["run"]["runId"], run);
    let message = broken["run"]["facets"]["errorMessage"]["message"].as_str().expect("a message");
    assert!(message.contains("1x"), "{message}");
    assert_eq!(broken["job"]["namespace"], "shop-dev");
}

#[test]
fn what_has_nothing_to_do_is_no_run() {
    let project = shop();
    let _ = project.run(["build", "-s", "orders"]).success();
    std::fs::remove_file(project.path("events.jsonl")).expect("the events");
    let _ = project.run(["build", "-s", "orders"]).success();
    let jobs: Vec<String> = events(&project).iter().map(|event| event["job"]["name"].to_string()).collect();
    assert_eq!(jobs, ["\"shop.build\"", "\"shop.build\""]);
}

#[test]
fn a_model_tells_its_rows_and_where_its_columns_come_from() {
    let project = shop();
    let _ = project.run(["build"]).failure();
    let events = events(&project);
    let totals = &of(&events, "shop.totals", "COMPLETE")["outputs"][0];
    assert_eq!(totals["outputFacets"]["outputStatistics"]["rowCount"], 1);
    let lineage = &totals["facets"]["columnLineage"];
    let from = &lineage["fields"]["total"]["inputFields"][0];
    // Ephemeral models don't exist outside the project, so lineage looks through them.
    assert!(from["name"].as_str().expect("a name").ends_with("/lake/main/orders"), "{from}");
    assert_eq!(from["transformations"][0]["subtype"], "AGGREGATION");
    assert_eq!(lineage["dataset"][0]["transformations"][0]["subtype"], "FILTER");
    let inputs = &of(&events, "shop.totals", "START")["inputs"];
    assert!(inputs[0]["name"].as_str().expect("a name").ends_with("/lake/main/orders"), "{inputs}");
    let test = of(&events, "shop.accepted_range_orders_amount__3", "COMPLETE");
    let judged = &test["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"][0];
    assert_eq!(
        (&judged["success"], &judged["severity"], &judged["actual"]),
        (&false.into(), &"warn".into(), &"1".into())
    );
    assert_eq!(test["inputs"][0]["facets"]["schema"]["fields"][1]["description"], "In euros.");
}

#[test]
fn nobody_waits_for_an_endpoint_that_is_away() {
    let project = Project::new()
        .model("a.sql", "select 1 as x")
        // Nothing listens on the discard port.
        .env("OPENLINEAGE_URL", "http://127.0.0.1:9");
    let began = Instant::now();
    project.run(["build"]).success().says("cannot write lineage events to http://127.0.0.1:9/api/v1/lineage");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    assert!(project.exists("lake/main/a"));
    let silent = project.env("OPENLINEAGE_DISABLED", "true");
    silent.run(["build", "--force"]).success().says_nothing_of("lineage");
}
