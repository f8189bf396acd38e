//! SQL errors, reported before anything is written at their location in the user's file.

use crate::{
    project::Project,
    ran::{Ran, assert_said},
};

/// Builds a valid `models/orders.sql` and the given `models/m.sql`.
fn refused(sql: &str) -> Ran {
    let project = Project::new()
        .model("orders.sql", "select 1 as order_id, 'paid' as status, 9.5 as amount")
        .model("m.sql", sql);
    let ran = project.run(["build"]).refused();
    assert!(!project.exists("lake"), "something was written\n{ran}");
    assert!(ran.stdout.is_empty(), "something was run\n{ran}");
    ran
}

#[test]
fn an_unknown_column_is_shown_with_a_near_one() {
    assert_said!(refused("select\n    order_id,\n    amuont\nfrom {{ ref('orders') }}\n"));
}

#[test]
fn an_unknown_column_without_a_near_one_is_shown_with_all() {
    assert_said!(refused("select colour from {{ ref('orders') }} as o"));
}

#[test]
fn a_place_behind_templates_is_the_place_in_the_file() {
    assert_said!(refused(
        "{% set wanted = ['order_id', 'status'] %}\nselect {% for c in wanted %}{{ c }}, {% endfor %}\n    total\n\
         from {{ ref('orders') }}\n"
    ));
}

#[test]
fn a_syntax_error_has_its_place() {
    assert_said!(refused("select order_id\nfrom {{ ref('orders') }}\nwhere status = = 'paid'\n"));
}

#[test]
fn a_forgotten_bracket_has_its_place() {
    assert_said!(refused("select count(order_id from {{ ref('orders') }}"));
}

#[test]
fn a_misspelt_function_is_shown_with_a_near_one() {
    assert_said!(refused("select lenght(status) as n from {{ ref('orders') }}"));
}

#[test]
fn types_that_do_not_fit_are_named() {
    assert_said!(refused("select order_id + interval '1 day' as d from {{ ref('orders') }}"));
}

#[test]
fn files_in_the_place_of_tables_are_refused_with_the_source_to_write() {
    assert_said!(refused("select * from read_csv_auto('raw/Order items-*.csv', header = true)"));
    let file = refused("select * from 'raw/a.parquet'");
    file.says("queries read tables, not files: 'raw/a.parquet'")
        .says("external: {location: 'raw/a.parquet'}");
}

#[test]
fn two_columns_of_one_name_are_refused() {
    assert_said!(refused("select order_id, amount as order_id from {{ ref('orders') }}"));
}

#[test]
fn two_columns_that_differ_in_case_alone_are_refused() {
    assert_said!(refused("select order_id, amount as \"Order_ID\" from {{ ref('orders') }}"));
}

#[test]
fn a_column_without_a_name_is_refused() {
    assert_said!(refused("select count(*), max(amount) from {{ ref('orders') }}"));
}

#[test]
fn a_name_that_delta_can_not_hold_is_shown_where_it_is_written() {
    let refused = refused("select order_id,\n  amount as \"Total Sales\" from {{ ref('orders') }}");
    refused.says("models/m.sql:2:13").says("give it another, as in `… as total`");
}

#[test]
fn a_table_by_its_bare_place_is_refused() {
    assert_said!(refused("select * from main.orders"));
}

#[test]
fn a_table_by_its_bare_name_is_refused() {
    assert_said!(refused("select * from orders"));
}

#[test]
fn a_table_that_is_no_model_is_refused() {
    assert_said!(refused("select * from warehouse.ordres"));
}

#[test]
fn partitions_are_by_columns_that_are_there() {
    assert_said!(refused("{{ config(partition_by='statsu') }}\nselect * from {{ ref('orders') }}"));
}

#[test]
fn partitions_leave_a_column() {
    assert_said!(refused("{{ config(partition_by='status') }}\nselect status from {{ ref('orders') }}"));
}

#[test]
fn a_model_is_a_query() {
    assert_said!(refused("delete from {{ ref('orders') }}"));
}

#[test]
fn a_model_is_one_query() {
    assert_said!(refused("select 1 as a;\nselect 2 as a;\n"));
}

#[test]
fn a_model_without_sql_is_refused() {
    assert_said!(refused("-- to be written\n"));
}

#[test]
fn below_a_broken_model_nothing_more_is_said() {
    let project = Project::new()
        .model("a.sql", "select nothing")
        .model("b.sql", "select wrong from {{ ref('a') }}")
        .model("c.sql", "select something");
    assert_said!(project.run(["build"]).refused());
}

#[test]
fn a_subquery_that_can_not_be_computed_is_found_before_anything_is_written() {
    assert_said!(refused(
        "select (select count(*) from {{ ref('orders') }} i where i.amount < o.amount) as cheaper\nfrom (select amount from {{ ref('orders') }} limit 2) o"
    ));
}

/// A message's advice can be pasted, and works.
#[test]
fn a_date_that_a_timestamp_can_not_hold_is_found_by_the_query_of_the_message() {
    let project = Project::new();
    let show = |sql: &str| project.run(["show", "--inline", sql]);
    let far = "date '9999-12-31' + 200000000";
    let finds = format!("{far} is not null and try_cast({far} as TIMESTAMP_NS) is null");
    show(&format!("select cast({far} as timestamp_ns) as t"))
        .refused()
        .says("can't cast 202932896 days since 1970-01-01 in date '9999-12-31' + 200000000 to TIMESTAMP_NS")
        .says(&format!("`{finds}` finds their rows"));
    assert_eq!(project.rows(&format!("select {finds} as found")), "found\ntrue\n");
    let days = "select date '9999-12-31' + 200000000 as day";
    show(&format!("select cast(day as timestamp) as t from ({days})"))
        .refused()
        .says("is beyond what a TIMESTAMP holds")
        .says("use try_cast");
    assert_eq!(
        project.rows(&format!("select try_cast(day as timestamp) is null as n from ({days})")),
        "n\ntrue\n"
    );
}
