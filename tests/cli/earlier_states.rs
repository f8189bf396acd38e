//! Selections that compare with an earlier state.

use crate::project::Project;

/// Three tables in a chain, the second through a macro.
fn chain() -> Project {
    Project::new()
        .file("macros/doubled.sql", "{% macro doubled(x) %}{{ x }} * 2{% endmacro %}")
        .model("a.sql", "select 1 as id")
        .model("b.sql", "select {{ doubled('id') }} as id from {{ ref('a') }}")
        .model("c.sql", "select id from {{ ref('b') }}")
}

#[track_caller]
fn assert_listed(project: &Project, criterion: &str, names: &[&str]) {
    let ran = project.run(["ls", "--output", "name", "-s", criterion, "--state", "state"]).success();
    assert_eq!(ran.lines(), names, "{criterion}");
}

#[test]
fn changes_since_a_manifest_are_selected() {
    let project = chain();
    project.run(["parse", "--target-path", "state"]).success().says("the project is well");
    assert_listed(&project, "state:modified", &[]);
    assert_listed(&project, "state:unmodified", &["a", "b", "c"]);
    project.write("macros/doubled.sql", "{% macro doubled(x) %}{{ x }} + {{ x }}{% endmacro %}");
    assert_listed(&project, "state:modified", &["b"]);
    assert_listed(&project, "state:modified+", &["b", "c"]);
    assert_listed(&project, "state:modified.body", &[]);
    assert_listed(&project, "state:modified.macros", &["b"]);
    project.write("models/a.sql", "{{ config(materialized='view') }}select 1 as id");
    assert_listed(&project, "state:modified.configs", &["a"]);
    project.write("models/d.sql", "select 1 as id");
    assert_listed(&project, "state:new", &["d"]);
    assert_listed(&project, "state:old,state:modified.body", &["a"]);
    let ran = project.run(["build", "-s", "state:modified+", "--state", "state"]).success();
    ran.says("PASS=4");
}

#[test]
fn nodes_are_selected_by_earlier_results() {
    let project = chain();
    project.write("models/b.sql", "select cast('x' || id as int) as id from {{ ref('a') }}");
    project.run(["build", "--target-path", "state"]).failure();
    assert_listed(&project, "result:success", &["a"]);
    assert_listed(&project, "result:error+", &["b", "c"]);
    assert_listed(&project, "result:skipped", &["c"]);
    project.write("models/b.sql", "select id from {{ ref('a') }}");
    project.run(["build", "--target-path", "state"]).success().says("REUSED=1");
    assert_listed(&project, "result:success", &["a", "b", "c"]);
    assert_listed(&project, "result:reused", &["a"]);
}

#[test]
fn states_that_are_missing_are_told() {
    let project = chain();
    project
        .run(["ls", "-s", "a state:modified"])
        .refused()
        .says("none is given")
        .says("--state prod-artifacts");
    project
        .run(["ls", "-s", "result:error", "--state", "state"])
        .refused()
        .says("run_results.json is not there");
    project.run(["ls", "-s", "state:old", "--state", "state"]).refused().says("manifest.json is not there");
    project
        .run(["ls", "-s", "source_status:fresher", "--state", "state"])
        .refused()
        .says("sources.json is not there")
        .says("headwater source freshness");
    project.run(["ls", "-s", "state:modifid"]).refused().says("did you mean `modified`");
}
