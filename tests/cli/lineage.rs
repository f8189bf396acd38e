//! Column lineage, upstream and downstream.

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

/// Nothing is built: schemas suffice to answer.
fn meters() -> Project {
    Project::smart_meters().with_repository_data()
}

#[test]
fn a_model_is_a_table_of_its_columns() {
    assert_said!(meters().run(["lineage", "stg_readings"]).success());
}

#[test]
fn a_column_is_a_tree_in_both_directions() {
    assert_said!(meters().run(["lineage", "stg_readings.consumption_kwh"]).success());
}

#[test]
fn a_model_in_one_direction_is_a_tree_a_column() {
    let project = meters();
    assert_said!(project.run(["lineage", "active_agreements", "--upstream"]).success());
}

#[test]
fn an_impact_is_told_node_by_node_and_test_by_test() {
    let project = meters();
    assert_said!(project.run(["lineage", "case_study.product.display_name", "--impact"]).success());
    project
        .run(["lineage", "gold_avg_half_hour_by_product.interval_start", "--impact"])
        .success()
        .says("touches 0 columns of 0 nodes, 1 test and 1 exposure.");
    project
        .run(["lineage", "stg_agreements.account_id", "--impact"])
        .success()
        .says("Nothing depends on stg_agreements.account_id.");
}

#[test]
fn diagrams_are_drawn_by_others() {
    let project = meters();
    let one = ["lineage", "total_consumption_half_hour.total_kwh", "--upstream", "--format"];
    assert_said!(project.run(one.iter().chain(&["mermaid"])).success());
    assert_said!(project.run(one.iter().chain(&["dot"])).success());
    project
        .run(["lineage", "stg_readings", "--impact", "--format", "dot"])
        .refused()
        .says("an impact is no diagram");
}

#[test]
fn json_holds_columns_edges_and_uses() {
    let project = meters();
    let ran = project.run(["lineage", "stg_readings.consumption_kwh", "--format", "json"]).success();
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["subject"][0]["node"], "model.smart_meters.stg_readings");
    let edge = |from: &str, to: &str| {
        let edges = told["edges"].as_array().expect("edges");
        let found = edges.iter().find(|edge| {
            edge["from"]["node"].as_str().is_some_and(|node| node.ends_with(from))
                && edge["to"]["node"].as_str().is_some_and(|node| node.ends_with(to))
        });
        found.map(|edge| edge["how"].as_str().expect("a word"))
    };
    assert_eq!(edge("raw_readings", "stg_readings"), Some("renamed"));
    assert_eq!(edge("files.readings", "raw_readings"), Some("copied"));
    assert_eq!(edge("stg_readings_with_agreement", "consumption_per_product_per_day"), Some("aggregated"));
    let uses = told["uses"].as_array().expect("uses");
    let is_join =
        |used: &&Value| used["used_for"].as_array().is_some_and(|words| words.contains(&"join".into()));
    assert!(uses.iter().filter(is_join).count() > 0, "{uses:?}");
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let project = meters();
    let ran = project.run(["lineage", "stg_readings.consumption"]).refused();
    ran.says("`stg_readings` has no column `consumption`").says("did you mean");
    project.run(["lineage", "stg_reading"]).refused().says("did you mean `stg_readings`");
}
