//! Staleness: the reason for each rebuild, no rebuild without one, and the same rows as a full build.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::Project;

/// Orders from files, a view over them, their sum, and a table from the sum.
fn shop() -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: 'in/*.csv', format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: amount, data_type: bigint }]\n",
        )
        .file("in/1.csv", "id,amount\n1,10\n2,20\n")
        .model("raw.sql", "select id, amount from {{ source('shop', 'orders') }}")
        .model(
            "large.sql",
            "{{ config(materialized='view') }} select id, amount from {{ ref('raw') }} where amount > 5",
        )
        .model("total.sql", "select sum(amount) as amount from {{ ref('large') }}")
        .model("twice.sql", "select 2 * amount as amount from {{ ref('total') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: raw\n    columns: [{ name: id, data_tests: [not_null] }]\n",
        )
}

/// Returns the reason for each rebuild, by table; omits up-to-date tables.
fn plan(project: &Project) -> BTreeMap<String, String> {
    let json = project.run(["plan", "--output", "json"]).success().stdout;
    let plan: Value = serde_json::from_str(&json).expect("a plan");
    let steps = plan["steps"].as_array().expect("steps").iter().filter(|step| step["action"] == "table");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    steps
        .map(|step| (text(&step["name"]).replace("main.", ""), text(&step["because"])))
        .filter(|(_, why)| why != "up to date")
        .collect()
}

#[track_caller]
fn assert_plan(project: &Project, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect();
    assert_eq!(plan(project), expected);
}

fn log(project: &Project, table: &str) -> Vec<String> {
    let files = project.files(&format!("lake/main/{table}/_delta_log"));
    files.into_iter().filter(|file| file.contains(".json")).collect()
}

/// Adds a commit to a table as another tool would.
pub(crate) fn commit(project: &Project, table: &str, actions: &str) {
    let folder = format!("lake/main/{table}/_delta_log");
    let next = log(project, table).len();
    let info = r#"{"commitInfo":{"timestamp":1,"operation":"WRITE","engineInfo":"another"}}"#;
    project.write(&format!("{folder}/{next:020}.json"), format!("{info}\n{actions}"));
}

/// The first line of a table's first commit that begins with this action.
pub(crate) fn action(project: &Project, table: &str, name: &str) -> String {
    let log = project.read(&format!("lake/main/{table}/_delta_log/{:020}.json", 0));
    log.lines().find(|line| line.starts_with(&format!("{{\"{name}\""))).expect("an action").to_owned()
}

#[test]
fn nothing_is_built_twice() {
    let project = shop();
    project.run(["build"]).success().says("PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=5");
    assert_plan(&project, &[]);
    let before = project.files("lake");
    // A view has no rows to reuse.
    project.run(["build"]).success().says("PASS=1 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=4 TOTAL=5");
    assert_eq!(project.files("lake"), before);
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("artifact");
    let statuses = results["results"].as_array().expect("results").iter();
    let reused: Vec<_> =
        statuses.filter(|one| one["status"] == "reused").map(|one| &one["unique_id"]).collect();
    assert_eq!(reused.len(), 4, "{reused:?}");
}

#[test]
fn what_does_not_shape_the_rows_does_not_count() {
    let project = shop();
    project.run(["build"]).success();
    project.write(
        "models/twice.sql",
        "-- doubled\n{{ config(tags=['daily']) }}\nSELECT\n  2*amount AS amount\nFROM {{ ref('total') }}\n",
    );
    project.write(
        "models/schema.yml",
        "models:\n  - name: twice\n    description: All of it twice.\n    columns: [{ name: amount, description: Euros. }]\n  - name: raw\n    columns: [{ name: id, data_tests: [not_null] }]\n",
    );
    assert_plan(&project, &[]);
    project.run(["build"]).success().says("REUSED=4");
}

#[test]
fn a_new_test_runs_and_builds_nothing() {
    let project = shop();
    project.run(["build"]).success();
    let tests = |more: &str| {
        format!(
            "models:\n  - name: raw\n    columns:\n      - name: id\n        data_tests:\n          - not_null\n{more}"
        )
    };
    project.write("models/schema.yml", tests("          - unique\n"));
    project.run(["plan"]).success().says("tested by 1 data test: unique_raw_id");
    project.run(["build"]).success().says("PASS unique_raw_id").says("PASS=2").says("REUSED=4");
    // The pass is recorded, without a new version of the rows.
    project.run(["build"]).success().says("PASS=1").says("REUSED=5");
    assert_plan(&project, &[]);
    // A failing test doesn't trigger a rebuild either: the rows were published before the test existed.
    project
        .write("models/schema.yml", tests("          - accepted_values: { arguments: { values: [1] } }\n"));
    project.run(["build"]).failure().says("FAIL 1");
    project.run(["build"]).failure().says("FAIL 1").says("REUSED=2");
    assert_plan(&project, &[]);
}

#[test]
fn a_warning_is_said_again_of_the_same_rows() {
    let project = shop().file(
        "models/schema.yml",
        "models:\n  - name: raw\n    columns:\n      - name: amount\n        data_tests:\n          - accepted_values: { arguments: { values: [10] }, config: { severity: warn } }\n",
    );
    project.run(["build"]).success().says("WARN=1");
    project.run(["plan"]).success().says("4 steps up to date").says_nothing_of("data test to run");
    project
        .run(["build"])
        .success()
        .says("WARN 1 accepted_values_raw_amount__10")
        .says("WARN=1")
        .says("REUSED=3");
}

#[test]
fn what_the_sql_says_counts_through_views() {
    let project = shop();
    project.run(["build"]).success();
    project.write("models/twice.sql", "select 2 * amount + 1 as amount from {{ ref('total') }}");
    assert_plan(&project, &[("twice", "SQL changed")]);
    project.run(["build"]).success();
    project.write(
        "models/large.sql",
        "{{ config(materialized='view') }} select id, amount from {{ ref('raw') }} where amount > 15",
    );
    assert_plan(&project, &[("total", "SQL changed"), ("twice", "total changed")]);
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('twice') }}"), "amount\n41\n");
    assert_plan(&project, &[]);
}

#[test]
fn a_value_rendered_into_the_sql_counts() {
    let project = Project::new().model("a.sql", "select {{ var('n', 1) }} as n");
    project.run(["build"]).success();
    assert_eq!(plan(&project).len(), 0);
    project.run(["plan", "--vars", "n: 2"]).success().says("SQL changed");
}

#[test]
fn files_that_come_and_go_count() {
    let project = shop();
    project.run(["build"]).success();
    project.write("in/2.csv", "id,amount\n3,30\n");
    let below = [("total", "raw changed"), ("twice", "total changed")];
    assert_plan(&project, &[&[("raw", "shop.orders has 2 files, had 1")], &below[..]].concat());
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('twice') }}"), "amount\n120\n");
    project.write("in/2.csv", "id,amount\n3,300\n");
    assert_plan(&project, &[&[("raw", "shop.orders changed")], &below[..]].concat());
    std::fs::remove_file(project.path("in/2.csv")).expect("a file less");
    assert_plan(&project, &[&[("raw", "shop.orders has 1 file, had 2")], &below[..]].concat());
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('twice') }}"), "amount\n60\n");
}

#[test]
fn how_files_are_read_counts() {
    let project = shop();
    project.run(["build"]).success();
    let sources = project.read("sources.yml");
    project
        .write("sources.yml", sources.replace("format: csv }", "format: csv, options: { delimiter: ';' } }"));
    project.write("in/1.csv", "id;amount\n1;10\n2;20\n");
    assert_eq!(plan(&project)["raw"], "source shop.orders changed");
}

#[test]
fn a_table_that_is_gone_is_made_again() {
    let project = shop();
    project.run(["build"]).success();
    std::fs::remove_dir_all(project.path("lake/main/total")).expect("a table less");
    assert_plan(&project, &[("total", "table was dropped"), ("twice", "total changed")]);
    project.run(["build"]).success();
    assert_plan(&project, &[]);
}

#[test]
fn what_others_write_is_noticed() {
    let project = shop();
    project.run(["build"]).success();
    commit(&project, "total", &action(&project, "total", "metaData"));
    assert_plan(
        &project,
        &[("total", "version 1 was written by another writer"), ("twice", "total changed")],
    );
    project.run(["build"]).success();
    assert_plan(&project, &[]);
    assert_eq!(project.rows("select * from {{ ref('twice') }}"), "amount\n60\n");
}

#[test]
fn files_packed_anew_hold_the_same_rows() {
    let project = shop();
    project.run(["build"]).success();
    let add = action(&project, "raw", "add").replace("\"dataChange\":true", "\"dataChange\":false");
    commit(&project, "raw", &add);
    assert_plan(&project, &[]);
    project.run(["build"]).success().says("REUSED=4");
}

#[test]
fn what_asks_for_the_time_is_built_each_time() {
    let project = Project::new()
        .model("a.sql", "select now() as at")
        .model("b.sql", "select '{{ run_started_at }}' as at")
        .model("c.sql", "select count(*) as n from {{ ref('a') }}");
    project.run(["build"]).success();
    let volatile = "uses now() or random()";
    assert_plan(&project, &[("a", volatile), ("b", volatile), ("c", "a changed")]);
}

#[test]
fn a_model_says_itself_whether_the_time_counts() {
    let project = Project::new()
        .model("a.sql", "{{ config(volatile=false) }} select now() as at")
        .model("b.sql", "{{ config(volatile=true) }} select 1 as n");
    project.run(["build"]).success();
    assert_plan(&project, &[("b", "uses now() or random()")]);
    project
        .run(["build"])
        .success()
        .says("REUSED sql table model main.a")
        .says("UNCHANGED sql table model main.b");
}

#[test]
fn force_builds_what_is_selected() {
    let project = shop();
    project.run(["build"]).success();
    project.run(["plan", "--force", "--select", "total"]).success().says("forced").says("1 table to build");
    project
        .run(["build", "--force", "--select", "total"])
        .success()
        .says("OK created sql table model main.total");
    assert_eq!(log(&project, "total").len(), 2);
    // The version is new although its rows are equal, because the build was forced.
    project.run(["build"]).success().says("UNCHANGED sql table model main.twice");
    project.run(["build"]).success().says("REUSED=4");
}

#[test]
fn equal_rows_are_not_published_and_nothing_below_them_is_built() {
    let project = shop();
    project.run(["build"]).success();
    let files = |project: &Project| {
        project.files("lake").into_iter().filter(|file| file.contains(".parquet")).collect::<Vec<_>>()
    };
    let before = files(&project);
    // The same rows in two files, in another order.
    project.write("in/1.csv", "id,amount\n2,20\n");
    project.write("in/2.csv", "id,amount\n1,10\n");
    let ran = project.run(["build"]).success();
    ran.says("UNCHANGED sql table model main.raw").says("REUSED sql table model main.total").says("REUSED=2");
    assert_eq!(files(&project), before, "no file of rows is written");
    // The result is recorded: the next build has nothing to do.
    let logs = log(&project, "raw");
    let commit = project.read(&format!("lake/main/raw/_delta_log/{}", logs[1]));
    assert!(
        logs.len() == 2 && commit.starts_with("{\"commitInfo\"") && commit.lines().count() == 1,
        "{commit}"
    );
    project.run(["build"]).success().says("REUSED=4");
    assert_eq!(log(&project, "raw"), logs);
    assert_eq!(project.rows("select * from {{ ref('twice') }}"), "amount\n60\n");
}

#[test]
fn a_version_that_was_withheld_is_tried_again() {
    let project = shop();
    project.run(["build"]).success();
    project.write("in/2.csv", "id,amount\n,30\n");
    project.run(["build"]).failure().says("WITHHELD sql table model main.raw");
    assert_eq!(plan(&project)["raw"], "shop.orders has 2 files, had 1");
    project.run(["build"]).failure().says("WITHHELD sql table model main.raw");
    std::fs::remove_file(project.path("in/2.csv")).expect("a file less");
    project.run(["build"]).success().says("REUSED=4");
}

/// A pseudo-random number generator with a fixed sequence in every run of the tests.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

const TABLES: [&str; 3] = ["raw", "total", "twice"];

fn content(project: &Project) -> Vec<String> {
    let all = |name: &&str| project.rows(&format!("select * from {{{{ ref('{name}') }}}} order by all"));
    TABLES.iter().map(all).collect()
}

/// Makes one edit to the shop and returns its description.
fn edit(project: &Project, dice: &mut Dice) -> String {
    let number = dice.roll(50);
    match dice.roll(8) {
        0 => project.write("models/total.sql", format!("-- {number}\nselect sum(amount) as amount from {{{{ ref('large') }}}}")),
        1 => project.write("models/twice.sql", format!("select {number} * amount as amount from {{{{ ref('total') }}}}")),
        2 => project.write(
            "models/large.sql",
            format!("{{{{ config(materialized='view') }}}} select id, amount from {{{{ ref('raw') }}}} where amount > {number}"),
        ),
        3 => project.write(&format!("in/{}.csv", 1 + dice.roll(4)), format!("id,amount\n{number},{}\n", dice.roll(40))),
        4 => drop(std::fs::remove_file(project.path(&format!("in/{}.csv", 2 + dice.roll(3))))),
        5 => {
            let settings = if dice.roll(2) == 0 { "{{ config(partition_by='id') }} " } else { "" };
            project.write("models/raw.sql", format!("{settings}select id, amount from {{{{ source('shop', 'orders') }}}}"));
        }
        6 => {
            let name = TABLES[usize::try_from(dice.roll(3)).expect("small")];
            // Delete all rows, as another tool would.
            let folder = format!("lake/main/{name}/_delta_log");
            let last = log(project, name).pop().expect("a log");
            let adds = project.read(&format!("{folder}/{last}"));
            let removes: Vec<String> = adds
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get("add").cloned())
                .map(|add| serde_json::json!({ "remove": { "path": add["path"], "dataChange": true, "deletionTimestamp": 1 } }).to_string())
                .collect();
            commit(project, name, &removes.join("\n"));
            return format!("{} files of {name} deleted", removes.len());
        }
        _ => drop(std::fs::remove_dir_all(project.path("lake/main/twice"))),
    }
    String::new()
}

#[test]
fn whatever_is_edited_the_tables_are_those_of_a_build_of_everything() {
    for seed in [3, 14, 159] {
        let project = shop();
        project.run(["build"]).success();
        let mut dice = Dice(seed * 0x9e37_79b9);
        for round in 0..6 {
            let edits: Vec<String> = (0..=dice.roll(2)).map(|_| edit(&project, &mut dice)).collect();
            project.run(["build"]).success();
            let found = content(&project);
            assert_eq!(plan(&project).len(), 0, "seed {seed}, round {round}: {edits:?}");
            project.run(["build", "--force"]).success();
            assert_eq!(found, content(&project), "seed {seed}, round {round}: {edits:?}");
        }
    }
}
