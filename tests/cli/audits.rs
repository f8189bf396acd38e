//! Bad data is never published: what a failing test withholds, which version stays, and what other processes
//! see meanwhile.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

/// `raw` → `orders` → `totals`, and a separate `other`. `bad` orders have no amount.
fn project() -> Project {
    Project::new()
        .model(
            "raw.sql",
            "select value as id, case when value <= {{ var('bad', 0) }} then null else value * 1.5 end as amount, \
             value % 3 as country from generate_series(1, {{ var('rows', 10) }}) as series(value)",
        )
        .model("orders.sql", "select * from {{ ref('raw') }}")
        .model("totals.sql", "select count(*) as orders, sum(amount) as amount from {{ ref('orders') }}")
        .model("other.sql", "select 1 as x")
        .file(
            "models/schema.yml",
            "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n      - name: amount\n        data_tests:\n          - not_null\n          - accepted_range: {arguments: {min_value: 0}}\n",
        )
}

#[test]
fn a_failing_test_withholds_its_model_and_stops_what_is_below() {
    let project = project();
    assert_said!(project.run(["build", "--threads", "1", "--vars", "{bad: 2}"]).failure());
    for name in ["orders", "totals"] {
        assert!(project.files(&format!("lake/main/{name}")).is_empty(), "{name} left something");
    }
    assert_eq!(project.rows("select count(*) as n from {{ ref('raw') }}"), "n\n10\n");
}

#[test]
fn the_last_good_version_stands_and_no_file_is_left() {
    for partitioned in ["", "{{ config(partition_by='country') }} "] {
        let project =
            project().model("orders.sql", &format!("{partitioned}select * from {{{{ ref('raw') }}}}"));
        project.run(["build"]).success().says("PASS=8 WARN=0 ERROR=0 SKIP=0");
        let before = [project.files("lake/main/orders"), project.files("lake/main/totals")];
        project.run(["build", "--vars", "{bad: 1, rows: 5000}"]).failure().says("ERROR=2 SKIP=1");
        assert_eq!([project.files("lake/main/orders"), project.files("lake/main/totals")], before);
        assert_eq!(project.rows("select count(*) as n from {{ ref('orders') }}"), "n\n10\n");
        project.run(["build", "--vars", "{rows: 20}"]).success();
        assert_eq!(project.rows("select orders from {{ ref('totals') }}"), "orders\n20\n");
    }
}

#[test]
fn a_warning_is_said_and_published() {
    let project = project();
    let yaml =
        project.read("models/schema.yml").replace("- not_null\n", "- not_null: {config: {severity: warn}}\n");
    project.write("models/schema.yml", yaml);
    let ran = project.run(["build", "--threads", "1", "--vars", "{bad: 2}"]).success();
    assert_eq!(project.rows("select count(*) as n from {{ ref('orders') }}"), "n\n10\n");
    assert_said!(ran);
}

#[test]
fn run_does_not_test_and_test_does_not_build() {
    let project = project();
    project.run(["run", "--vars", "{bad: 2}"]).success().says("PASS=4 WARN=0 ERROR=0 SKIP=0");
    let before = project.files("lake");
    assert_said!(project.run(["test", "--threads", "1", "--vars", "{bad: 2}"]).failure());
    assert_eq!(project.files("lake"), before);
}

#[test]
fn a_withheld_version_can_be_kept_and_shown() {
    let project = project();
    project
        .run(["build", "--vars", "{bad: 2}", "--keep-staged"])
        .failure()
        .says("headwater show --staged -s orders");
    assert!(project.files("lake/main/orders").is_empty());
    let shown =
        project.run(["show", "--staged", "-s", "orders", "--limit", "-1", "--output", "csv"]).success();
    assert_eq!(shown.lines().len(), 11, "{shown}");
    let other = project.run(["show", "--staged", "-s", "raw"]);
    other.refused().says("no version of main.raw that failed its tests was kept");
}

#[test]
fn a_test_of_several_models_judges_the_last_of_them() {
    let project = Project::new()
        .model("parents.sql", "select 1 as id")
        .model("children.sql", "select unnest([1, {{ var('other', 1) }}]) as parent_id")
        .model("below.sql", "select * from {{ ref('children') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: children\n    columns:\n      - name: parent_id\n        data_tests:\n          - relationships: {arguments: {to: ref('parents'), field: id}}\n",
        );
    project.run(["build"]).success();
    // The parents change so that the children no longer match. Parents are built last, so they are withheld,
    // and the children still refer to their last version.
    project.write("models/parents.sql", "select 2 as id");
    let ran = project.run(["build", "--threads", "2"]).failure();
    ran.says("FAIL 2 relationships_children_parent_id__id__ref_parents_")
        .says("WITHHELD sql table model main.parents");
    assert_eq!(project.rows("select id from {{ ref('parents') }}"), "id\n1\n");
    assert_eq!(project.rows("select count(*) as n from {{ ref('below') }}"), "n\n2\n");
    // Built alone, the children are tested against the published parents.
    project
        .run(["build", "--vars", "{other: 2}", "-s", "children"])
        .failure()
        .says("WITHHELD sql table model main.children");
    // Children that fail to build don't block the parents: the test reads their last version.
    project.write("models/parents.sql", "select 1 as id where true");
    project.write("models/children.sql", "select cast(x as int) as parent_id from (values ('x')) t(x)");
    let ran = project.run(["build"]).failure();
    ran.says("PASS relationships_children_parent_id__id__ref_parents_").says("ERROR=1 SKIP=1");
}

#[test]
fn a_source_that_fails_its_tests_stops_what_reads_it() {
    let yaml = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: orders.csv, format: csv }\n        columns: [{ name: id, data_type: bigint, data_tests: [not_null] }]\n";
    let project = Project::new()
        .file("sources.yml", yaml)
        .file("orders.csv", "id\n1\n\n")
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}")
        .model("one.sql", "select 1 as x");
    project.write("orders.csv", "id,note\n1,a\n,b\n");
    let ran = project.run(["build"]).failure();
    ran.says("FAIL 1 source_not_null_shop_orders_id").says("PASS=1 WARN=0 ERROR=1 SKIP=1");
    assert!(project.files("lake/main/orders").is_empty());
}

#[test]
fn a_view_that_fails_its_tests_stops_what_reads_it() {
    let project = Project::new()
        .model("base.sql", "select unnest([1, 1]) as id")
        .model("v.sql", "{{ config(materialized='view') }} select id from {{ ref('base') }}")
        .model("below.sql", "select * from {{ ref('v') }}")
        .file("models/schema.yml", "models:\n  - name: v\n    columns: [{name: id, data_tests: [unique]}]\n");
    project.run(["build"]).failure().says("FAIL 1 unique_v_id").says("PASS=2 WARN=0 ERROR=1 SKIP=1");
}

#[test]
fn a_test_that_can_not_be_computed_withholds_too() {
    let project = Project::new()
        .model("a.sql", "select unnest([1, 0]) as x")
        .file("data-tests/ratio.sql", "select * from {{ ref('a') }} where 2147483647 + x > 5")
        .file("data-tests/fine.sql", "select * from {{ ref('a') }} where x > 5");
    let ran = project.run(["build", "--threads", "1"]).failure();
    assert!(project.files("lake/main/a").is_empty());
    ran.says("PASS fine").says("ERROR ratio").says("PASS=1 WARN=0 ERROR=2");
}

/// Returns the number of rows and the minimum amount that the Delta log makes visible at each version.
fn visible(table: &Path) -> BTreeMap<u64, (u64, u64)> {
    let mut versions = BTreeMap::new();
    let Ok(entries) = fs::read_dir(table.join("_delta_log")) else { return versions };
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(version) = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()) else {
            continue;
        };
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let (mut rows, mut nulls) = (0, 0);
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a log entry is whole once it is there");
            if let Some(stats) = line["add"]["stats"].as_str() {
                let stats: Value = serde_json::from_str(stats).expect("statistics");
                rows += stats["numRecords"].as_u64().expect("a count");
                nulls += stats["nullCount"]["amount"].as_u64().expect("a count of nulls");
                assert!(
                    table.join(line["add"]["path"].as_str().expect("a path")).exists(),
                    "a file is missing"
                );
            }
        }
        versions.insert(version, (rows, nulls));
    }
    versions
}

/// Polls the Delta log while builds publish and withhold; every second one is bad.
fn nobody_ever_sees_a_bad_version(partitioned: &str) {
    let project = project().model("orders.sql", &format!("{partitioned}select * from {{{{ ref('raw') }}}}"));
    let table = project.path("lake/main/orders");
    let done = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                for (version, (rows, nulls)) in visible(&table) {
                    assert_eq!(nulls, 0, "version {version} of {rows} rows failed its test and was visible");
                }
                looks += 1;
            }
            looks
        });
        for round in 0..8 {
            let (bad, rows) = (round % 2, 20_000 + round);
            let ran = project.run(["build", "-q", "--vars", &format!("{{bad: {bad}, rows: {rows}}}")]);
            if bad == 0 { drop(ran.success()) } else { drop(ran.failure()) }
        }
        done.store(true, Ordering::Relaxed);
        looking.join().expect("no bad version was seen")
    });
    assert!(looks > 20, "the log was looked at {looks} times only");
    let rows: Vec<u64> = visible(&table).into_values().map(|(rows, _)| rows).collect();
    assert_eq!(rows, [20_000, 20_002, 20_004, 20_006]);
    // Four versions, four commits, and no unreferenced file.
    let files = project.files("lake/main/orders");
    let named: usize = fs::read_dir(table.join("_delta_log"))
        .expect("a log")
        .flatten()
        .map(|entry| fs::read_to_string(entry.path()).expect("an entry").matches("{\"add\":").count())
        .sum();
    assert_eq!(files.iter().filter(|file| file.ends_with(".parquet")).count(), named);
}

#[test]
fn no_version_with_a_failing_test_is_ever_visible() {
    nobody_ever_sees_a_bad_version("");
}

#[test]
fn no_partitioned_version_with_a_failing_test_is_ever_visible() {
    nobody_ever_sees_a_bad_version("{{ config(partition_by='country') }} ");
}
