//! Builds with `--defer`.

use crate::project::Project;

/// A chain of two tables for two targets. The first says which target built it.
fn chain(prod_root: &str) -> Project {
    let targets = format!(
        "name: shop\ndialect: duckdb\ntarget: dev\ntargets:\n  dev: {{ root: lake, schema: dev }}\n  prod: {{ root: {prod_root}, schema: prod }}\n"
    );
    let project = Project::empty().file("project.yml", targets);
    project
        .file("models/a.sql", "{{ config(materialized='table') }}select '{{ target.name }}' as made_in")
        .file("models/b.sql", "{{ config(materialized='table') }}select made_in from {{ ref('a') }}")
}

/// Builds everything in `prod`, and keeps its manifest in `state`.
fn built_in_prod(project: &Project) {
    project.run(["build", "--target", "prod", "--target-path", "state"]).success();
}

const DEFERRED: [&str; 6] = ["build", "-s", "b", "--defer", "--state", "state"];

#[track_caller]
fn assert_made_in(project: &Project, target: &str) {
    assert_eq!(project.rows("select made_in from {{ ref('b') }}"), format!("made_in\n{target}\n"));
}

#[test]
fn unselected_tables_are_read_where_another_target_built_them() {
    for root in ["lake", "prod_lake"] {
        let project = chain(root);
        built_in_prod(&project);
        let state = project.path("state").display().to_string();
        project.run(["build", "-s", "b", "--defer", "--state", &state]).success();
        assert_made_in(&project, "prod");
        project.run(["build", "-s", "b", "--defer", "--state", &state]).success().says("REUSED=1");
        // The table of dev has the version number of the one of prod, and other rows.
        project.run(["build", "-s", "a"]).success();
        project.run(["build", "-s", "b", "--defer", "--state", &state]).success();
        assert_made_in(&project, "dev");
        project.run(["build", "-s", "b", "--defer", "--state", &state, "--favor-state"]).success();
        assert_made_in(&project, "prod");
        project.run(["build", "-s", "b"]).success();
        assert_made_in(&project, "dev");
    }
}

#[test]
fn versions_of_tables_at_other_places_are_not_compared() {
    // Each reads differences between versions of `a`, whose numbers are the same in both targets.
    let readers = [
        "{{ config(materialized='incremental', unique_key='id') }}select id, made_in from {{ changes(ref('a')) }}",
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day', begin='2021-01-01') }}select id, day, made_in from {{ ref('a') }}",
    ];
    for reader in readers {
        let project = chain("prod_lake");
        project
            .write(
                "models/a.sql",
                "{{ config(materialized='table', event_time='day') }}select range as id, date '2021-01-01' as day, '{{ target.name }}' as made_in from range(3)",
            );
        project.write("models/b.sql", reader);
        built_in_prod(&project);
        let state = project.path("state").display().to_string();
        project.run(["build", "-s", "b", "--defer", "--state", &state]).success();
        project.run(["build", "-s", "a"]).success();
        project.run(["build", "-s", "b"]).success();
        let rows = project.rows("select distinct made_in from {{ ref('b') }}");
        assert_eq!(rows, "made_in\ndev\n", "{reader}");
    }
}

#[test]
fn a_failed_deferred_build_is_retried_with_the_same_tables() {
    let project = chain("lake");
    built_in_prod(&project);
    project.write(
        "models/b.sql",
        "{{ config(materialized='table') }}select made_in from {{ ref('a') }} where cast(made_in as int) = 1",
    );
    let state = project.path("state").display().to_string();
    project.run(["build", "-s", "b", "--defer", "--state", &state]).failure();
    project.write("models/b.sql", "{{ config(materialized='table') }}select made_in from {{ ref('a') }}");
    project.run(["retry"]).success();
    assert_made_in(&project, "prod");
}

#[test]
fn states_that_can_not_be_read_are_told() {
    let project = chain("lake");
    project
        .run(["build", "--defer"])
        .refused()
        .says("--defer doesn't say where")
        .says("--state prod-artifacts");
    project.run(DEFERRED).refused().says("state/manifest.json").says("--state names the folder");
    project.write("state/manifest.json", "{");
    project.run(DEFERRED).refused().says("is not a manifest");
    project.write(
        "state/manifest.json",
        r#"{"nodes": {"model.shop.a": {"database": "staging", "schema": "s", "name": "a", "config": {"materialized": "table"}}}}"#,
    );
    project.run(DEFERRED).refused().says("the target `staging`, which this project doesn't have");
}
