//! Templates that refer to something that doesn't exist.

use crate::{
    project::Project,
    ran::{Ran, assert_said},
};

const SOURCES: &str = "
sources:
  - name: shop
    tables:
      - name: customers
        external: { location: customers.csv, format: csv }
        columns: [{ name: id, data_type: bigint }]
";

fn refused(sql: &str) -> Ran {
    let project = Project::new()
        .file("sources.yml", SOURCES)
        .model("stg_orders.sql", "select 1 as order_id")
        .model("m.sql", sql);
    let ran = project.run(["build"]).refused();
    assert!(!project.exists("lake"), "something was written\n{ran}");
    ran
}

#[test]
fn a_misspelt_ref_is_shown_with_a_near_one() {
    assert_said!(refused("select * from {{ ref('stg_order') }}"));
}

#[test]
fn a_ref_to_a_sources_table_is_told_so() {
    assert_said!(refused("select * from {{ ref('customers') }}"));
}

#[test]
fn an_unknown_source_is_refused() {
    assert_said!(refused("select * from {{ source('shoop', 'customers') }}"));
}

#[test]
fn an_unknown_table_of_a_source_is_refused() {
    assert_said!(refused("select * from {{ source('shop', 'custmers') }}"));
}

#[test]
fn every_unknown_name_is_shown_at_once() {
    assert_said!(refused("select * from {{ ref('one') }}\njoin {{ ref('two') }} using (id)"));
}

#[test]
fn a_ref_to_a_disabled_model_is_told_so() {
    let project = Project::new()
        .model("old.sql", "{{ config(enabled=false) }} select 1 as a")
        .model("m.sql", "select * from {{ ref('old') }}");
    assert_said!(project.run(["build"]).refused());
}

#[test]
fn a_cycle_is_shown_whole() {
    let project = Project::new()
        .model("a.sql", "select * from {{ ref('c') }}")
        .model("b.sql", "select * from {{ ref('a') }}")
        .model("c.sql", "select * from {{ ref('b') }}");
    assert_said!(project.run(["build"]).refused());
}

#[test]
fn a_model_that_reads_itself_is_a_cycle() {
    let project = Project::new().model("a.sql", "select * from {{ ref('a') }}");
    assert_said!(project.run(["build"]).refused());
}

#[test]
fn an_undefined_variable_has_its_place() {
    assert_said!(refused("select {{ discount.rate }} as d"));
}

#[test]
fn an_undefined_variable_prints_nothing_and_is_a_warning() {
    let project = Project::new().model("m.sql", "select 1 {{ discuont }} as d{% set discount = 2 %}");
    assert_said!(project.run(["compile"]).success());
}

#[test]
fn a_missing_var_is_told_how_to_set_it() {
    assert_said!(refused("select {{ var('discount') }} as d"));
}

#[test]
fn a_missing_environment_variable_is_told_how_to_default_it() {
    assert_said!(refused("select '{{ env_var('REGION') }}' as r"));
}

#[test]
fn an_unknown_macro_has_its_place() {
    assert_said!(refused("select {{ cents('amount') }} as c"));
}

#[test]
fn broken_jinja_has_its_place() {
    assert_said!(refused("select 1 as a\n{% if true %}\nwhere true\n"));
}

#[test]
fn what_a_macro_does_wrong_is_shown_with_its_caller() {
    let project = Project::new()
        .file(
            "macros/cents.sql",
            "{% macro cents(column) %}\n    {{ column.nothing.more }}\n{% endmacro %}\n",
        )
        .model("m.sql", "select {{ cents('amount') }} as c");
    assert_said!(project.run(["build"]).refused());
}

#[test]
fn a_projects_own_error_is_shown() {
    assert_said!(refused("{{ exceptions.raise_compiler_error('give a day') }}"));
}

#[test]
fn an_unknown_materialization_is_shown_with_a_near_one() {
    assert_said!(refused("{{ config(materialized='veiw') }} select 1 as a"));
}

#[test]
fn a_materialization_of_dbts_that_is_not_here_is_told_so() {
    assert_said!(refused("{{ config(materialized='materialized_view') }} select 1 as a"));
}
