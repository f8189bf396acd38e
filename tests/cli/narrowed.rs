//! Narrowed tests: when little changed, tests examine only the changes, and find what a full test would find.

use std::fmt::Write as _;

use crate::project::Project;

/// Orders by day, with new ones in separate files. The first file is large enough for narrowed tests to pay
/// off.
fn shop(properties: &str) -> Project {
    let mut rows = String::from("id,day,customer\n");
    for id in 1..=60 {
        let _ = writeln!(rows, "{id},2021-01-{:02},{}", id % 20 + 1, id % 7);
    }
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: day, data_type: date }, { name: customer, data_type: bigint }, { name: _source_file, data_type: varchar }]\n",
        )
        .file("in/1.csv", rows)
        .model("customers.sql", "select unnest(range(0, 8)) as customer")
        .model(
            "orders.sql",
            "{{ config(materialized='incremental', partition_by='day') }}
            select id, day, customer, _source_file from {{ source('shop', 'orders') }}",
        )
        .file("models/schema.yml", format!("models:\n  - name: orders\n{properties}"))
}

fn build(project: &Project) -> crate::ran::Ran {
    project.run(["build"])
}

#[test]
fn a_new_row_beside_an_old_one_is_found() {
    let project = shop("    columns:\n      - { name: id, data_tests: [unique] }\n");
    build(&project).success();
    // In other partitions and files than the rows that they duplicate.
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n7,2021-02-01,2\n");
    let ran = build(&project).failure();
    ran.says("FAIL 1 unique_orders_id").says("7").says("WITHHELD");
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n62,2021-02-01,2\n");
    build(&project).success().says("PASS unique_orders_id");
    // A file with changed rows: its earlier rows no longer count.
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n61,2021-02-01,2\n");
    build(&project).failure().says("FAIL 1 unique_orders_id");
}

#[test]
fn groups_that_lost_a_row_are_looked_at() {
    let project = shop("    data_tests: [{ at_least: { arguments: { rows: 3 } } }]\n").file(
        "macros/at_least.sql",
        "{% test at_least(model, rows) %}
        select date_trunc('day', day) as d, count(*) as n from {{ model }} group by 1 having count(*) < {{ rows }}
        {% endtest %}",
    );
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n62,2021-01-20,1\n63,2021-01-20,1\n");
    build(&project).success();
    let first = project.read("in/1.csv");
    // A group that disappears can't be found by its rows; one that shrinks can.
    project.write("in/2.csv", "id,day,customer\n");
    build(&project).success();
    project.write("in/3.csv", "id,day,customer\n64,2021-02-20,1\n");
    build(&project).failure().says("FAIL 1 at_least_orders_3");
    project.write("in/3.csv", "id,day,customer\n");
    build(&project).success();
    project.write("in/1.csv", first.replace("5,2021-01-06,5\n", ""));
    build(&project).failure().says("FAIL 1 at_least_orders_3").says("2021-01-06");
}

#[test]
fn a_new_row_that_refers_to_nothing_is_found_and_so_is_an_old_one() {
    let test = "relationships: { arguments: { to: ref('customers'), field: customer } }";
    let project = shop(&format!(
        "    columns:\n      - name: customer\n        data_tests: [{{ {test} }}, not_null]\n"
    ));
    build(&project).success();
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,9\n");
    build(&project).failure().says("FAIL 1 relationships_orders_customer");
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,7\n62,2021-01-20,\n");
    build(&project).failure().says("FAIL 1 not_null_orders_customer");
    // The other table changed too, so all rows are tested.
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n");
    project.write("models/customers.sql", "select unnest(range(1, 8)) as customer");
    build(&project).failure().says("FAIL 8 relationships_orders_customer");
}

#[test]
fn what_a_warning_found_before_is_found_again() {
    let unique = "unique: { config: { severity: warn } }";
    let project =
        shop(&format!("    columns:\n      - name: customer\n        data_tests: [{{ {unique} }}]\n"));
    build(&project).success().says("WARN 7 unique_orders_customer");
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,100\n62,2021-01-20,100\n");
    build(&project).success().says("WARN 8 unique_orders_customer");
}

#[test]
fn a_new_row_that_breaks_a_constraint_is_found() {
    let columns = ["id: bigint", "day: date", "customer: bigint", "_source_file: varchar"].map(|column| {
        let (name, data_type) = column.split_once(": ").unwrap();
        format!("      - {{ name: {name}, data_type: {data_type} }}\n")
    });
    let check = "{ type: check, name: small, expression: id < 100 }";
    let contract = |more: &str| {
        format!(
            "    config: {{ contract: {{ enforced: true }} }}\n    constraints: [{check}{more}]\n    columns:\n{}",
            columns.concat()
        )
    };
    let project = shop(&contract(""));
    build(&project).success();
    project.write("in/2.csv", "id,day,customer\n61,2021-01-20,1\n");
    build(&project).success();
    project.write("in/3.csv", "id,day,customer\n500,2021-01-20,1\n");
    build(&project).failure().says("1 row breaks the constraint check (id < 100)");
    // A new constraint is checked on all rows.
    project.write("in/3.csv", "id,day,customer\n62,2021-01-20,1\n");
    let unique = ", { type: unique, columns: [customer] }";
    project.write("models/schema.yml", format!("models:\n  - name: orders\n{}", contract(unique)));
    build(&project).failure().says("7 rows break the constraint unique (customer)");
}

#[test]
fn the_groups_of_a_batch_are_looked_at_whole_and_those_of_others_not_in_part() {
    let mut rows = String::from("id,day,customer\n");
    for id in 1..=60 {
        let _ = writeln!(rows, "{id},2021-01-{:02},1", id % 20 + 1);
    }
    let project = shop("")
        .file("in/1.csv", rows.clone())
        .model("orders.sql", "{{ config(event_time='day') }} select id, day from {{ source('shop', 'orders') }}")
        .model(
            "daily.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day',
            begin='2021-01-01') }} select id, day from {{ ref('orders') }}",
        )
        .file("models/schema.yml", "models:\n  - name: daily\n    data_tests: [three_a_day]\n")
        .file(
            "macros/three_a_day.sql",
            "{% test three_a_day(model) %}
            select day, count(*) as n from {{ model }} group by day having count(*) <> 3
            {% endtest %}",
        );
    build(&project).success().says("PASS three_a_day_daily_");
    // The file with the row is rewritten, so the inserted rows include days that weren't rebuilt.
    project.write("in/1.csv", rows.replace("60,2021-01-01", "61,2021-01-01"));
    build(&project).success().says("1 batch; 3 inserted, 3 deleted").says("PASS three_a_day_daily_");
    project.write("in/1.csv", rows.replace("60,2021-01-01", "60,2021-01-02"));
    build(&project).failure().says("FAIL 2 three_a_day_daily_");
}
