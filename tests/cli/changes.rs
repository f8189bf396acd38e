//! `changes(ref(…))`: models that read the change feed of upstream tables.

use crate::project::Project;

/// Orders from files, merged by id into `orders`; `log` records their changes, `totals` updates the days that
/// changed.
fn shop() -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: day, data_type: bigint }, { name: amount, data_type: bigint }]\n",
        )
        .file("in/1.csv", "id,day,amount\n1,1,10\n2,1,20\n3,2,30\n")
        .model("orders.sql", "select id, day, amount from {{ source('shop', 'orders') }}")
        .model(
            "log.sql",
            "{{ config(materialized='incremental', incremental_strategy='append') }}
            select id, amount, _change_type as kind from {{ changes(ref('orders')) }}",
        )
        .model(
            "totals.sql",
            "{{ config(materialized='incremental', unique_key='day', merge_delete_condition='DBT_INTERNAL_SOURCE.total is null') }}
            select days.day, sum(amount) as total
            from (select distinct day from {{ changes(ref('orders')) }}) as days
            left join {{ ref('orders') }} as orders on orders.day = days.day
            group by days.day",
        )
}

#[track_caller]
fn assert_rows(project: &Project, table: &str, expected: &str) {
    assert_eq!(project.rows(&format!("select * from {{{{ ref('{table}') }}}} order by all")), expected);
}

#[test]
fn only_what_changed_is_read() {
    let project = shop();
    project.run(["build"]).success();
    assert_rows(&project, "log", "id,amount,kind\n1,10,insert\n2,20,insert\n3,30,insert\n");
    assert_rows(&project, "totals", "day,total\n1,30\n2,30\n");
    project.run(["build"]).success().says("REUSED=3");

    // The whole table is rewritten: one row changes, one is deleted, one is new.
    project.write("in/1.csv", "id,day,amount\n1,1,10\n2,1,25\n4,3,40\n");
    let ran = project.run(["build"]).success();
    ran.says("4 inserted").says("1 inserted, 1 updated, 1 deleted");
    assert_rows(
        &project,
        "log",
        "id,amount,kind\n1,10,insert\n2,20,delete\n2,20,insert\n2,25,insert\n3,30,delete\n3,30,insert\n4,40,insert\n",
    );
    assert_rows(&project, "totals", "day,total\n1,35\n3,40\n");
    project.run(["build"]).success().says("REUSED=3");
}

#[test]
fn what_came_while_the_reader_was_not_built_is_told_once() {
    let project = shop();
    project.run(["build"]).success();
    for (file, row) in [("in/2.csv", "4,1,40"), ("in/3.csv", "5,2,50")] {
        project.write(file, format!("id,day,amount\n{row}\n"));
        project.run(["build", "-s", "orders"]).success();
    }
    project.run(["build", "-s", "log", "totals"]).success();
    project.run(["build", "-s", "log", "totals", "--force"]).success();
    project.write("in/4.csv", "id,day,amount\n6,2,60\n");
    project.run(["build"]).success();
    assert_rows(&project, "totals", "day,total\n1,70\n2,140\n");
    // The forced build read an empty change feed.
    let rows = project.rows("select kind, count(*) as rows from {{ ref('log') }} group by 1");
    assert_eq!(rows, "kind,rows\ninsert,6\n");
}

#[test]
fn where_the_past_is_gone_all_is_made_anew() {
    let project = shop();
    project.run(["build"]).success();
    let before = project.files("lake/main/orders");
    project.write("in/2.csv", "id,day,amount\n4,1,40\n");
    project.run(["build", "-s", "orders"]).success();
    // As a vacuum would do.
    for file in before.iter().filter(|file| file.ends_with(".parquet")) {
        std::fs::remove_file(project.path(&format!("lake/main/orders/{file}"))).unwrap();
    }
    project.run(["build"]).success();
    assert_rows(&project, "totals", "day,total\n1,70\n2,30\n");
    assert_rows(&project, "log", "id,amount,kind\n1,10,insert\n2,20,insert\n3,30,insert\n4,40,insert\n");
}

#[test]
fn changes_are_known_of_tables_only() {
    let project = shop()
        .model("v.sql", "{{ config(materialized='view') }} select * from {{ ref('orders') }}")
        .model("of_view.sql", "select * from {{ changes(ref('v')) }}")
        .model("of_files.sql", "select * from {{ changes(source('shop', 'orders')) }}")
        .model("in_view.sql", "{{ config(materialized='view') }} select * from {{ changes(ref('orders')) }}");
    let ran = project.run(["build"]).refused();
    insta::assert_snapshot!(ran);
    let project = shop().model("of_name.sql", "select * from {{ changes('orders') }}");
    project
        .run(["build"])
        .refused()
        .says("changes takes a table, not string")
        .says("write changes(ref('a_model'))");
}

#[test]
fn all_rows_have_just_come_to_who_only_looks() {
    let project = shop();
    project.run(["build"]).success();
    let ran = project.run(["show", "-s", "log", "--output", "csv"]).success();
    ran.says("1,10,insert").says("3,30,insert");
}

#[test]
fn a_model_that_is_replaced_whole_is_warned_that_all_rows_are_inserts() {
    let project = shop().model("all.sql", "select * from {{ changes(ref('orders')) }}");
    let ran = project.run(["build"]).success();
    ran.says("`all` isn't incremental, so that changes() returns all rows as inserts in each build");
}
