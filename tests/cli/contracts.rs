//! Contracts: declared columns and constraints, and rows that violate a model's rules.

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

fn orders(columns: &str) -> Project {
    Project::new()
        .model(
            "orders.sql",
            "select id::bigint as id, name, amount::double as amount from (values (1, 'a', 10.0), ({{ var('second', 2) }}, 'b', {{ var('amount', 20.0) }})) as t(id, name, amount)",
        )
        .file(
            "models/schema.yml",
            format!("models:\n  - name: orders\n    config: {{contract: {{enforced: true}}}}\n    columns:\n{columns}"),
        )
}

const KEPT: &str = "      - {name: name, data_type: varchar}
      - {name: amount, data_type: double, constraints: [{type: check, name: positive, expression: amount >= 0}]}
      - {name: id, data_type: bigint, constraints: [{type: primary_key}]}
";

#[test]
fn a_contract_that_is_kept_is_silent() {
    let project = orders(KEPT);
    project.run(["build"]).success().says("PASS=1");
    project.run(["build", "--force"]).success().says("PASS=1");
    let log = project.read("lake/main/orders/_delta_log/00000000000000000000.json");
    let metadata: Value = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|line| line.get("metaData").is_some())
        .expect("metadata");
    assert_eq!(metadata["metaData"]["configuration"]["delta.constraints.positive"], "amount >= 0");
    let schema = metadata["metaData"]["schemaString"].as_str().expect("a schema");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let nullable: Vec<&Value> =
        schema["fields"].as_array().expect("fields").iter().map(|field| &field["nullable"]).collect();
    assert_eq!(nullable, [true, true, false], "only the key may not be null");
    let second = project.read("lake/main/orders/_delta_log/00000000000000000001.json");
    assert!(!second.contains("metaData"), "nothing about the table changed");
}

#[test]
fn a_contract_that_is_not_kept_is_shown_side_by_side() {
    let project = orders(
        "      - {name: id, data_type: integer}\n      - {name: name, data_type: varchar}\n      - {name: total, data_type: double}\n",
    );
    assert_said!(project.run(["build"]).refused());
    assert!(project.files("lake").is_empty());
}

#[test]
fn a_contract_needs_types() {
    assert_said!(orders("      - name: id\n").run(["build"]).refused());
}

#[test]
fn constraints_hold_back_what_breaks_them() {
    let project = orders(KEPT);
    project.run(["build"]).success();
    let before = project.files("lake/main/orders");
    assert_said!(project.run(["build", "--vars", "{second: 1, amount: -5}"]).failure());
    project.run(["build", "--vars", "{second: 'null'}"]).failure().says("column id is NULL in 1 row");
    assert_eq!(project.files("lake/main/orders"), before);
    project.run(["build", "--vars", "{second: 3}"]).success();
}

#[test]
fn a_constraint_may_go_again() {
    let project = orders(KEPT);
    project.run(["build"]).success();
    project.write("models/schema.yml", "models:\n  - name: orders\n");
    project.run(["plan"]).success().says("constraints changed");
    project.run(["build", "--vars", "{second: 'null', amount: -5}"]).success();
}

#[test]
fn rows_that_break_a_rule_go_to_quarantine() {
    let project = Project::new()
        .model(
            "readings.sql",
            "select value as meter, case when value = 3 then -1.0 when value = 4 then null else value * 1.0 end as kwh \
             from generate_series(1, {{ var('rows', 10) }}) as series(value)",
        )
        .model("total.sql", "select count(*) as n from {{ ref('readings') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: readings\n    columns:\n      - name: kwh\n        data_tests:\n          - accepted_range: {name: plausible, arguments: {min_value: 0}, config: {on_violation: quarantine}}\n          - not_null: {name: measured, config: {on_violation: drop}}\n          - not_null: {name: all_measured}\n",
        );
    assert_said!(project.run(["build", "--threads", "1"]).success());
    assert_eq!(project.rows("select n from {{ ref('total') }}"), "n\n8\n");
    assert_eq!(
        project.rows("select meter, kwh, _rule from main_quarantine.readings"),
        "meter,kwh,_rule\n3,-1.0,plausible\n"
    );
    // They are the model's own rules, so `run` applies them too.
    project.run(["run"]).success();
    assert_eq!(project.rows("select count(*) as n from {{ ref('readings') }}"), "n\n8\n");
    project.run(["test"]).success();
    project.run(["build", "--vars", "{rows: 2}"]).success().says("WARN=0");
    assert_eq!(project.rows("select count(*) as n from main_quarantine.readings"), "n\n0\n");
}

#[test]
fn only_rows_can_be_taken_out() {
    let project = Project::new().model("a.sql", "select 1 as id").file(
        "models/schema.yml",
        "models:\n  - name: a\n    columns: [{name: id, data_tests: [{unique: {config: {on_violation: quarantine}}}]}]\n",
    );
    assert_said!(project.run(["build"]).refused());
}
