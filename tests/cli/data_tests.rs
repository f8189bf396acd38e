//! Data tests of every kind, and their verdicts.

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

/// A model of five orders, with these properties.
fn orders(properties: &str) -> Project {
    Project::new()
        .model(
            "orders.sql",
            "select * from (values (1, 'placed', 10.0), (2, 'shipped', 20.0), (3, 'lost', -1.0), (3, null, 5.0), \
             (null, 'placed', 7.0)) as t(id, status, amount)",
        )
        .file("models/schema.yml", format!("models:\n  - name: orders\n{properties}"))
}

fn column(name: &str, tests: &str) -> Project {
    orders(&format!("    columns:\n      - name: {name}\n        data_tests:\n{tests}"))
}

#[test]
fn every_built_in_test_finds_what_it_is_for() {
    let tests = "
    data_tests:
      - unique_combination_of_columns: {arguments: {combination_of_columns: [id, amount]}}
      - expression_is_true: {arguments: {expression: amount > 0}}
      - row_count_between: {arguments: {min_value: 6}}
      - equal_rowcount: {arguments: {compare_model: ref('orders')}}
      - dbt_utils.expression_is_true: {expression: amount > -5}
    columns:
      - name: id
        data_tests:
          - not_null
          - unique
          - relationships: {arguments: {to: ref('orders'), field: id}}
          - not_null_proportion: {arguments: {at_least: 0.9}}
          - at_least_one
          - sequential_values
      - name: status
        data_tests:
          - accepted_values: {arguments: {values: [placed, shipped]}}
          - not_empty_string
      - name: amount
        data_tests:
          - accepted_range: {arguments: {min_value: 0, inclusive: true}}
          - accepted_range: {arguments: {min_value: -1}}
";
    let ran = orders(tests).run(["build", "--threads", "1"]).failure();
    assert_said!(ran);
}

#[test]
fn a_projects_own_generic_test_is_used_by_its_name() {
    let project = column("amount", "          - is_below: {arguments: {limit: 15}}\n")
        .file("macros/is_below.sql", "{% test is_below(model, column_name, limit) %}\nselect * from {{ model }} where {{ column_name }} >= {{ limit }} -- above\n{% endtest %}");
    project.run(["test"]).failure().says("main.orders is not in the lake");
    project.run(["run"]).success();
    project.run(["test"]).failure().says("FAIL 1 is_below_orders_amount__15");
    project.write(
        "data-tests/generic/is_below.sql",
        "{% test is_below(model, column_name, limit) %}{{ config(severity='warn') }}select * from {{ model }} where {{ column_name }} >= {{ limit }}{% endtest %}",
    );
    std::fs::remove_file(project.path("macros/is_below.sql")).expect("the macro");
    project.run(["test"]).success().says("WARN 1 is_below_orders_amount__15");
}

#[test]
fn where_limit_and_thresholds_count() {
    let tests = "          - not_null: {name: only_cheap, config: {where: amount < 6}}
          - not_null: {name: enough, config: {error_if: '> 1', warn_if: '> 1'}}
          - not_null: {name: a_warning, config: {error_if: '> 1'}}
          - not_null: {name: counted_otherwise, config: {fail_calc: 'sum(amount)', error_if: '= 7'}}
          - unique: {name: switched_off, config: {enabled: false}}
";
    let ran = column("id", tests).run(["build"]).failure();
    ran.says("PASS only_cheap")
        .says("PASS enough")
        .says("WARN 1 a_warning")
        .says("FAIL 7 counted_otherwise")
        .says_nothing_of("switched_off");
}

#[test]
fn singular_tests_are_files() {
    let project = orders("    description: Orders.\n")
        .file("data-tests/finance/no_negative.sql", "{{ config(tags=['money']) }}\nselect * from {{ ref('orders') }} where amount < 0\n-- the end")
        .file("data-tests/schema.yml", "data_tests:\n  - name: no_negative\n    description: Nobody owes us.\n    config: {severity: warn}\n");
    project.run(["build"]).success().says("WARN 1 no_negative");
    project.run(["test", "-s", "tag:money"]).success().says("TOTAL=1");
    project.run(["test", "-s", "test_type:generic"]).success().says("Nothing to do");
}

#[test]
fn failures_are_kept_where_they_can_be_queried() {
    let project =
        column("id", "          - not_null: {config: {store_failures: true}}\n          - unique\n");
    let ran = project.run(["build"]).failure();
    ran.says("headwater show --inline \"select * from main_audit.not_null_orders_id\"");
    assert_eq!(project.rows("select amount from main_audit.not_null_orders_id"), "amount\n7.0\n");
    assert!(project.files("lake/main_audit/unique_orders_id").is_empty());
    project.run(["build", "--store-failures"]).failure();
    assert_eq!(project.rows("select n_records from main_audit.unique_orders_id"), "n_records\n2\n");
}

#[test]
fn tests_are_selected_with_what_they_test() {
    let project = column("id", "          - not_null\n          - unique: {config: {tags: [slow]}}\n")
        .model("other.sql", "select 1 as id")
        .file(
            "data-tests/both.sql",
            "select 1 as x from {{ ref('orders') }}, {{ ref('other') }} where false",
        );
    let list = |args: &[&str]| {
        let ran = project.run(["list", "--output", "name"].iter().chain(args)).success();
        ran.lines().join(" ")
    };
    assert_eq!(list(&["-s", "orders"]), "orders both not_null_orders_id unique_orders_id");
    assert_eq!(
        list(&["-s", "orders", "--indirect-selection", "cautious"]),
        "orders not_null_orders_id unique_orders_id"
    );
    assert_eq!(list(&["-s", "orders", "--indirect-selection", "empty"]), "orders");
    assert_eq!(list(&["-s", "orders,tag:slow"]), "unique_orders_id");
    assert_eq!(list(&["--exclude", "orders"]), "other");
    assert_eq!(list(&["-s", "test_name:unique"]), "unique_orders_id");
    assert_eq!(list(&["-s", "test_type:singular"]), "both");
    assert_eq!(list(&["--resource-type", "test", "--exclude", "tag:slow"]), "both not_null_orders_id");
}

#[test]
fn artifacts_have_dbts_statuses() {
    let project = column(
        "id",
        "          - not_null\n          - unique: {config: {severity: warn}}\n          - at_least_one\n",
    )
    .model("below.sql", "select * from {{ ref('orders') }}");
    project.run(["build"]).failure();
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("JSON");
    let mut rows: Vec<String> = results["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| {
            let id =
                result["unique_id"].as_str().expect("an id").split('.').nth(2).expect("a name").to_owned();
            format!("{id} {} {} {}", result["status"], result["failures"], result["message"])
        })
        .collect();
    rows.sort();
    insta::assert_snapshot!(rows.join("\n"));
    let compiled = project.read("target/compiled/shop/models/schema.yml/not_null_orders_id.sql");
    assert!(compiled.contains("is null"), "{compiled}");
}

#[test]
fn a_number_that_is_unlike_the_past_is_an_anomaly() {
    let project = Project::new()
        .model("a.sql", "select value as x from generate_series(1, {{ var('rows', 1) }}) as series(value)")
        .file(
            "models/schema.yml",
            "models:\n  - name: a\n    data_tests: [anomalous_row_count]\n    columns:\n      - name: x\n        data_tests: [anomalous_sum, anomalous_null_share]\n",
        );
    let build = |rows: u64| project.run(["build", "--vars", &format!("{{rows: {rows}}}")]);
    // The test passes until there are enough versions to compare with.
    for rows in [100, 5, 101, 99, 100, 102, 98] {
        build(rows).success();
    }
    build(100).success();
    let ran = build(1000).failure();
    ran.says("FAIL 1 anomalous_row_count_a_")
        .says("the last 8 versions make")
        .says("FAIL 1 anomalous_sum_a_x");
    assert_eq!(project.rows("select count(*) as n from {{ ref('a') }}"), "n\n100\n");
    build(103).success();
}

#[test]
fn each_wrong_value_counts_once() {
    let project = Project::new()
        .model("orders.sql", "select * from (values (1, 'a'), (2, 'x'), (3, 'x'), (4, 'y'), (5, null)) as v (id, status)")
        .file(
            "models/schema.yml",
            "models:\n  - name: orders\n    columns:\n      - name: status\n        data_tests:\n          - accepted_values: { arguments: { values: [a] } }\n          - not_null\n",
        );
    let ran = project.run(["build"]).failure().says("FAIL 2 accepted_values_orders_status__a");
    ran.says("value_field  n_records").says("x                    2").says("FAIL 1 not_null_orders_status");
}

#[test]
fn tests_of_one_name_are_refused_if_their_failures_are_stored() {
    let yaml = "models:\n  - name: m\n    columns:\n      - name: a\n        data_tests:\n          - accepted_values: {name: t1, arguments: {values: [1]}}\n";
    let project = Project::new()
        .model("m.sql", "select 1 as a")
        .file("models/m.yml", yaml)
        .file("data-tests/t1.sql", "select 7 as z from {{ ref('m') }} where a > 1");
    project.run(["build"]).success();
    let ran = project.run(["build", "--store-failures"]).refused();
    ran.says("would both be the table main_audit.t1").says("models/m.yml").says("data-tests/t1.sql");
}
