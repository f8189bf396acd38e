//! Templates that query the lake while they are compiled.

use crate::project::Project;

fn project() -> Project {
    Project::new()
        .model("sales.sql", "select unnest(['tea', 'mate', 'tea']) as kind, 1 as n")
        .model(
            "wide.sql",
            "{%- set kinds = run_query('select distinct kind from ' ~ ref('sales') ~ ' order by 1') %}\n\
             select 0 as none{% if execute %}{% for row in kinds %}, sum(case when kind = '{{ row[0] }}' then n end) as {{ row[0] }}{% endfor %}{% endif %}\n\
             from {{ ref('sales') }}",
        )
        .model("below.sql", "select * from {{ ref('wide') }}")
        .file("models/schema.yml", "models:\n- name: below\n  columns:\n  - {name: mate, data_tests: [not_null]}\n")
}

#[test]
fn a_model_that_queries_what_is_built_is_compiled_after_it() {
    let project = project();
    project
        .run(["plan"])
        .success()
        .says("compiled after sales is built")
        .says("compiled after wide is built");
    project.run(["build"]).success().says("PASS=4");
    assert_eq!(project.rows("select mate, tea from {{ ref('below') }}"), "mate,tea\n1,2\n");
    assert!(project.exists("target/compiled/shop/models/wide.sql"), "its SQL is written once it is known");
    project.run(["plan"]).success().says("nothing to do");
}

#[test]
fn a_changed_answer_makes_a_model_stale() {
    let project = project();
    project.run(["build"]).success();
    project.write("models/sales.sql", "select unnest(['tea', 'mate', 'coca']) as kind, 1 as n");
    project.run(["build"]).success().says("PASS=4");
    assert_eq!(project.rows("select coca from {{ ref('wide') }}"), "coca\n1\n");
}

#[test]
fn an_equal_answer_leaves_a_model_as_it_is() {
    let project = project();
    project.run(["build"]).success();
    // Other SQL, the same rows.
    project.write("models/sales.sql", "select unnest(['tea', 'mate', 'tea']) as kind, 2 - 1 as n");
    project.run(["build"]).success().says("UNCHANGED").says("REUSED");
}

#[test]
fn compile_says_what_it_could_not_check() {
    let project = project();
    project.run(["compile"]).success().says("`wide` isn't checked: it is compiled after `sales` is built");
    project.run(["build"]).success();
    project.run(["compile"]).success().says_nothing_of("isn't checked");
}

#[test]
fn a_fault_of_a_model_that_is_compiled_late_fails_its_step() {
    let project = project();
    project.write("models/below.sql", "select missing from {{ ref('wide') }}");
    project.run(["build"]).failure().says("PASS=2").says("missing");
}

#[test]
fn a_query_needs_a_dependency() {
    let project = project().model(
        "hidden.sql",
        "select 1 as a{% if execute %}, {{ run_query('select count(*) from ' ~ ref('sales'))[0][0] }} as n{% endif %}",
    );
    project
        .run(["build"])
        .refused()
        .says("doesn't declare that it depends on it")
        .says("-- depends_on: {{ ref('sales') }}");
}

#[test]
fn a_test_may_query_the_version_that_it_tests() {
    let project = project().file(
        "tests/most.sql",
        "{% set n = run_query('select count(*) from ' ~ ref('sales')) %}select * from {{ ref('sales') }} where {{ n[0][0] if execute else 0 }} <> 3",
    );
    project.run(["build", "-s", "sales"]).success().says("PASS most");
}
