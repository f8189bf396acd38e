//! Models that fail at run time: downstream models are skipped, all others are built, and earlier versions
//! stay.

use crate::{project::Project, ran::assert_said};

const BAD: &str = "select cast(word as int) as number from {{ ref('words') }}";

/// `words` → `numbers` → `doubled` → `sum`, and a separate `letters`.
fn project() -> Project {
    Project::new()
        .model("words.sql", "select unnest(['1', '2', '{{ var('third', 'three') }}']) as word")
        .model("numbers.sql", BAD)
        .model("doubled.sql", "select number * 2 as number from {{ ref('numbers') }}")
        .model("sum.sql", "select sum(number) as total from {{ ref('doubled') }}")
        .model("letters.sql", "select length(word) as letters from {{ ref('words') }}")
}

#[test]
fn what_depends_on_a_failed_model_is_skipped() {
    let project = project();
    assert_said!(project.run(["build", "--threads", "1"]).failure());
    assert_eq!(project.rows("select count(*) as n from {{ ref('letters') }}"), "n\n3\n");
    for name in ["numbers", "doubled", "sum"] {
        assert!(project.files(&format!("lake/main/{name}")).is_empty(), "{name} left something");
    }
}

#[test]
fn what_is_mended_goes_on() {
    let project = project();
    project.run(["build"]).failure();
    project.run(["build", "--vars", "{third: '3'}"]).success().says("PASS=5 WARN=0 ERROR=0 SKIP=0");
    assert_eq!(project.rows("select total from {{ ref('sum') }}"), "total\n12\n");
}

#[test]
fn the_last_good_version_stands() {
    let project = project();
    project.run(["build", "--vars", "{third: '3'}"]).success();
    let before = project.files("lake/main/numbers");
    project.run(["build"]).failure().says("ERROR=1 SKIP=2");
    assert_eq!(project.files("lake/main/numbers"), before, "a failed step left something");
    assert_eq!(project.rows("select sum(number) as n from {{ ref('numbers') }}"), "n\n6\n");
}

#[test]
fn fail_fast_starts_nothing_more() {
    let project = project().model("zebra.sql", "select 1 as stripes");
    let ran = project.run(["build", "--fail-fast", "--threads", "1", "--exclude", "letters"]).failure();
    assert!(!project.exists("lake/main/zebra"), "{ran}");
    assert_said!(ran);
}

#[test]
fn several_failures_are_all_told() {
    let project = project().model("other.sql", BAD);
    let ran = project.run(["build"]).failure();
    ran.says("in model numbers (models/numbers.sql)")
        .says("in model other (models/other.sql)")
        .says("ERROR=2");
}

#[test]
fn a_quiet_failure_is_still_told() {
    assert_said!(project().run(["build", "-q", "--threads", "1"]).failure());
}

#[test]
fn an_unselected_parent_that_is_not_there_is_told() {
    let project =
        Project::new().model("a.sql", "select 1 as x").model("b.sql", "select x from {{ ref('a') }}");
    assert_said!(project.run(["build", "-s", "b", "--threads", "1"]));
}

#[test]
fn a_source_that_is_not_there_fails_its_readers() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: orders.csv, format: csv }\n        columns: [{ name: id, data_type: bigint }]\n";
    let project = Project::new()
        .file("sources.yml", yaml)
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}")
        .model("one.sql", "select 1 as x");
    assert_said!(project.run(["build", "--threads", "1"]));
}

#[test]
fn a_bad_row_fails_a_source_that_says_so() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: orders.csv, format: csv, on_error: fail }\n        columns: [{ name: id, data_type: bigint }]\n";
    let project = Project::new()
        .file("sources.yml", yaml)
        .file("orders.csv", "id\n1\ntwo\n")
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}");
    assert_said!(project.run(["build", "--threads", "1"]).failure());
    assert!(project.files("lake").is_empty());
}

#[test]
fn an_error_found_before_the_run_fails_only_its_node_in_a_project_of_dbts() {
    let project = Project::empty()
        .file("dbt_project.yml", "name: shop\ntargets: { dev: { root: lake } }\n")
        .model("a.sql", "select 1 as x")
        .model("b.sql", "select y from {{ ref('a') }}")
        .model("c.sql", "select y from {{ ref('b') }}")
        .model("d.sql", "select x + 1 as z from {{ ref('a') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: b\n    columns: [{ name: y, data_tests: [not_null] }]\n",
        );
    let ran = project.run(["build", "--threads", "1"]).failure();
    assert_eq!(project.rows("select z from {{ ref('d') }}"), "z\n2\n");
    assert!(!project.exists("lake/main/b") && !project.exists("lake/main/c"), "{ran}");
    assert_said!(ran);
    project.run(["build", "--static-analysis", "strict"]).refused().says("--static-analysis baseline");
    project.run(["plan"]).failure().says("b has errors");
    project.run(["compile"]).failure().says("1 error in 1 node");
    project.run(["docs", "generate"]).success();
    let mended = project.model("b.sql", "select x as y from {{ ref('a') }}");
    mended.run(["retry"]).success().says("PASS=3 WARN=0 ERROR=0 SKIP=0");
}
