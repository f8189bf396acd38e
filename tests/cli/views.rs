//! Views and ephemeral models.

use crate::{project::Project, ran::assert_said};

fn project() -> Project {
    Project::new()
        .file("macros/cents.sql", "{% macro cents(column) %}cast({{ column }} * 100 as bigint){% endmacro %}")
        .model("orders.sql", "select unnest([1, 2, 3]) as id, 2.5 as amount")
        .model("priced.sql", "{{ config(materialized='view') }} select id, {{ cents('amount') }} as cents from {{ ref('orders') }}")
        .model("first.sql", "{{ config(materialized='ephemeral') }} select * from {{ ref('priced') }} where id <= 2")
        .model("total.sql", "select sum(cents) as cents, count(*) as n from {{ ref('first') }}")
}

#[test]
fn a_view_is_checked_and_read_through() {
    let project = project();
    assert_said!(project.run(["build", "--threads", "1"]).success());
    assert_eq!(project.rows("select cents, n from {{ ref('total') }}"), "cents,n\n500,2\n");
    assert!(!project.exists("lake/main/priced") && !project.exists("lake/main/first"), "a view has no files");
}

#[test]
fn a_view_is_selected_with_what_depends_on_it() {
    let project = project();
    project.run(["build", "-s", "orders"]).success();
    project.run(["build", "-s", "priced+"]).success().says("PASS=2").says_nothing_of("main.orders");
}

#[test]
fn an_ephemeral_model_is_in_no_plan_but_keeps_the_order() {
    assert_said!(project().run(["plan"]).success());
}

#[test]
fn a_view_shows_its_rows() {
    let project = project();
    project.run(["build"]).success();
    assert_said!(project.run(["show", "-s", "priced", "--limit", "1"]).success());
    assert_eq!(project.rows("select max(id) as m from {{ ref('first') }}"), "m\n2\n");
}

#[test]
fn a_table_may_become_a_view() {
    let project = project();
    project.run(["build"]).success();
    project.write("models/orders.sql", "{{ config(materialized='view') }} select 1 as id, 1.0 as amount");
    project.run(["build"]).success();
    assert_eq!(
        project.rows("select cents from {{ ref('total') }}"),
        "cents\n100\n",
        "its old table is not read"
    );
}

#[test]
fn what_is_wrong_in_a_view_is_shown_there() {
    let project = Project::new()
        .model("v.sql", "{{ config(materialized='view') }} select missing")
        .model("t.sql", "select * from {{ ref('v') }}");
    project.run(["build", "-s", "t"]).refused().says("models/v.sql:1:");
}
