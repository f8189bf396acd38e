//! Snapshots: tables that keep every version of a row.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

const SOURCES: &str = "sources:
  - name: shop
    tables:
      - name: orders
        external: { location: 'in/*.csv', format: csv }
        columns: [{ name: id, data_type: bigint }, { name: state, data_type: varchar }, { name: changed, data_type: timestamp }]
";

/// Orders in a file, and a snapshot of them declared in YAML.
fn orders(config: &str, rows: &str) -> Project {
    let project = Project::new().file("sources.yml", SOURCES).file(
        "snapshots/orders.yml",
        format!(
            "snapshots:\n  - name: history\n    relation: source('shop', 'orders')\n    config: {{ unique_key: id, {config} }}\n"
        ),
    );
    put(&project, rows);
    project
}

/// Replaces the orders.
fn put(project: &Project, rows: &str) {
    project.write("in/1.csv", format!("id,state,changed\n{rows}"));
}

const TIMESTAMP: &str = "strategy: timestamp, updated_at: changed";
const CHECK: &str = "strategy: check, check_cols: [state]";

fn snapshot(project: &Project) -> crate::ran::Ran {
    project.run(["snapshot", "--threads", "1"]).success()
}

#[track_caller]
fn assert_rows(project: &Project, select: &str, expected: &str) {
    let sql = format!("select * from (select {select} from {{{{ ref('history') }}}}) order by all");
    assert_eq!(project.rows(&sql), expected);
}

fn last_commit(project: &Project) -> Vec<Value> {
    let folder = "lake/main/history/_delta_log";
    let mut log = project.files(folder).into_iter().filter(|file| file.contains(".json"));
    let text = project.read(&format!("{folder}/{}", log.next_back().expect("a commit")));
    text.lines().map(|line| serde_json::from_str(line).expect("an action")).collect()
}

fn versions(project: &Project) -> usize {
    project.files("lake/main/history/_delta_log").iter().filter(|file| file.contains(".json")).count()
}

#[test]
fn a_snapshot_is_taken_in_dbts_words() {
    let project = orders(TIMESTAMP, "1,new,2026-01-01 00:00:00\n2,new,2026-01-01 00:00:00\n");
    assert_said!(snapshot(&project));
    put(&project, "1,paid,2026-01-02 00:00:00\n2,new,2026-01-01 00:00:00\n3,new,2026-01-02 00:00:00\n");
    assert_said!(snapshot(&project));
    assert_rows(
        &project,
        "id, state, dbt_updated_at, dbt_valid_from, dbt_valid_to",
        "id,state,dbt_updated_at,dbt_valid_from,dbt_valid_to\n\
         1,new,2026-01-01T00:00:00,2026-01-01T00:00:00,2026-01-02T00:00:00\n\
         1,paid,2026-01-02T00:00:00,2026-01-02T00:00:00,\n\
         2,new,2026-01-01T00:00:00,2026-01-01T00:00:00,\n\
         3,new,2026-01-02T00:00:00,2026-01-02T00:00:00,\n",
    );
    // dbt's ids, as its macros would compute them.
    assert_rows(
        &project,
        "count(*) filter (where dbt_scd_id = md5(coalesce(cast(id as varchar), '') || '|' || coalesce(cast(changed as varchar), ''))) as n",
        "n\n4\n",
    );
    let results: Value = serde_json::from_str(&project.read("target/run_results.json")).expect("artifact");
    let result = &results["results"][0];
    assert_eq!(result["unique_id"], "snapshot.shop.history");
    assert_eq!(result["status"], "success");
    assert_eq!(result["relation_name"], "\"dev\".\"main\".\"history\"");
    snapshot(&project).says("REUSED snapshot main.history");
    // Different rows in the file, but none is a later version.
    put(&project, "1,unpaid,2026-01-02 00:00:00\n2,new,2026-01-01 00:00:00\n");
    snapshot(&project).says("UNCHANGED snapshot main.history");
    assert_rows(&project, "count(*) as n", "n\n4\n");
}

#[test]
fn columns_are_compared_and_nulls_too() {
    let project = orders(CHECK, "1,new,\n2,,\n3,new,\n");
    snapshot(&project);
    put(&project, "1,new,2026-01-02 00:00:00\n2,paid,\n3,,\n");
    snapshot(&project).says("2 inserted, 2 updated");
    assert_rows(
        &project,
        "id, state, dbt_valid_to is null as open",
        "id,state,open\n1,new,true\n2,paid,true\n2,,false\n3,new,false\n3,,true\n",
    );
    // A version ends when the next one starts.
    assert_rows(
        &project,
        "count(*) filter (where dbt_valid_to = (select max(dbt_valid_from) from {{ ref('history') }})) as n",
        "n\n2\n",
    );
}

#[test]
fn all_columns_are_compared_if_that_is_said() {
    let project = orders("strategy: check, check_cols: all", "1,new,\n2,new,\n");
    snapshot(&project);
    put(&project, "1,new,2026-01-02 00:00:00\n2,new,\n");
    snapshot(&project).says("1 inserted, 1 updated");
    assert_rows(
        &project,
        "id, changed, dbt_valid_to is null as open",
        "id,changed,open\n1,2026-01-02T00:00:00,true\n1,,false\n2,,true\n",
    );
}

#[test]
fn rows_that_are_gone_are_kept_ended_or_recorded() {
    let first = "1,new,2026-01-01 00:00:00\n2,new,2026-01-01 00:00:00\n";
    let (gone, back) =
        ("1,new,2026-01-01 00:00:00\n", "1,new,2026-01-01 00:00:00\n2,back,2026-01-09 00:00:00\n");
    let ignored = orders(TIMESTAMP, first);
    snapshot(&ignored);
    put(&ignored, gone);
    snapshot(&ignored).says("UNCHANGED");

    let ended = orders(&format!("{TIMESTAMP}, hard_deletes: invalidate"), first);
    snapshot(&ended);
    put(&ended, gone);
    snapshot(&ended).says("1 updated");
    assert_rows(
        &ended,
        "id, state, dbt_valid_to is null as open",
        "id,state,open\n1,new,true\n2,new,false\n",
    );
    put(&ended, back);
    snapshot(&ended).says("1 inserted");
    assert_rows(
        &ended,
        "id, state, dbt_valid_to is null as open",
        "id,state,open\n1,new,true\n2,back,true\n2,new,false\n",
    );

    let recorded = orders(&format!("{TIMESTAMP}, hard_deletes: new_record"), first);
    snapshot(&recorded);
    put(&recorded, gone);
    snapshot(&recorded).says("1 inserted, 1 updated");
    // The deletion is already recorded.
    put(&recorded, &format!("{gone}\n"));
    snapshot(&recorded).says("UNCHANGED");
    put(&recorded, back);
    snapshot(&recorded).says("1 inserted, 1 updated");
    assert_rows(
        &recorded,
        "id, state, dbt_valid_to is null as open, dbt_is_deleted",
        "id,state,open,dbt_is_deleted\n1,new,true,False\n2,back,true,False\n2,new,false,False\n2,new,false,True\n",
    );
}

#[test]
fn what_is_open_may_have_an_end_of_its_own_and_columns_names_of_ones_own() {
    let config = format!(
        "{TIMESTAMP}, dbt_valid_to_current: \"date '9999-12-31'\", snapshot_meta_column_names: {{ dbt_valid_from: since, dbt_valid_to: until }}"
    );
    let project = orders(&config, "1,new,2026-01-01 00:00:00\n");
    snapshot(&project);
    put(&project, "1,paid,2026-01-02 00:00:00\n");
    snapshot(&project).says("1 inserted, 1 updated");
    assert_rows(
        &project,
        "state, since, until",
        "state,since,until\nnew,2026-01-01T00:00:00,2026-01-02T00:00:00\npaid,2026-01-02T00:00:00,9999-12-31T00:00:00\n",
    );
}

#[test]
fn columns_come_and_none_go() {
    let project = Project::new()
        .file("project.yml", "name: shop\nsnapshots:\n  shop:\n    +strategy: check\n    +check_cols: all\n    +unique_key: id\n")
        .model("orders.sql", "select 1 as id, 'new' as state")
        .file("snapshots/history.sql", "{% snapshot history %}\nselect * from {{ ref('orders') }}\n{% endsnapshot %}");
    project.run(["build"]).success();
    project.write("models/orders.sql", "select 1 as id, 5 as amount");
    project.run(["build"]).success().says("1 inserted, 1 updated");
    assert_rows(
        &project,
        "id, state, amount, dbt_valid_to is null as open",
        "id,state,amount,open\n1,new,,false\n1,,5,true\n",
    );
    project.write("models/orders.sql", "select 1 as id, 6 as amount");
    project.run(["build"]).success().says("1 inserted, 1 updated");
    assert_rows(&project, "count(*) as n", "n\n3\n");
}

#[test]
fn only_files_with_a_version_that_ends_are_written() {
    let project = orders(
        &format!("{TIMESTAMP}, partition_by: id"),
        "1,new,2026-01-01 00:00:00\n2,new,2026-01-01 00:00:00\n",
    );
    snapshot(&project);
    put(&project, "1,new,2026-01-01 00:00:00\n2,paid,2026-01-02 00:00:00\n");
    snapshot(&project);
    let commit = last_commit(&project);
    let removed: Vec<&Value> = commit.iter().filter_map(|action| action.get("remove")).collect();
    assert_eq!(removed.len(), 1, "{commit:?}");
    assert!(removed[0]["path"].as_str().expect("a path").starts_with("id=2/"));
    // Versions that only start don't rewrite any file.
    put(&project, "1,new,2026-01-01 00:00:00\n2,paid,2026-01-02 00:00:00\n3,new,2026-01-02 00:00:00\n");
    snapshot(&project);
    assert!(last_commit(&project).iter().all(|action| action.get("remove").is_none()));
}

#[test]
fn build_tests_a_snapshot_before_it_is_published_and_run_leaves_it_out() {
    let project = orders(CHECK, "1,new,\n").file(
        "snapshots/tests.yml",
        "models:\n  - name: open\nsnapshots:\n  - name: twice\n    relation: ref('open')\n    config: { unique_key: id, strategy: check, check_cols: all }\n    columns: [{ name: state, data_tests: [not_null] }]\n",
    );
    let project =
        project.model("open.sql", "select id, state from {{ ref('history') }} where dbt_valid_to is null");
    project
        .run(["run"])
        .failure()
        .says("main.history is not in the lake: take it first with `headwater snapshot`");
    project.run(["build", "--threads", "1"]).success().says("PASS not_null_twice_state");
    project.run(["build"]).success().says("REUSED=4");
    put(&project, "1,,\n");
    project.run(["build"]).failure().says("WITHHELD snapshot main.twice");
    assert_eq!(project.rows("select state from {{ ref('twice') }}"), "state\nnew\n");
    put(&project, "1,paid,\n");
    project.run(["build"]).success().says("OK snapshotted main.twice");
    assert_eq!(project.rows("select state from {{ ref('twice') }} order by 1"), "state\nnew\npaid\n");
    project.run(["run"]).success().says_nothing_of("main.history");
}

#[test]
fn a_full_refresh_keeps_all_versions() {
    let project = orders(CHECK, "1,new,\n");
    snapshot(&project);
    put(&project, "1,paid,\n");
    for flag in ["--full-refresh", "--force"] {
        project.run(["build", flag]).success();
        assert_rows(&project, "state", "state\nnew\npaid\n");
    }
    // A change of its settings doesn't restart it either.
    project.write("snapshots/orders.yml", project.read("snapshots/orders.yml").replace("[state]", "all"));
    project.run(["build"]).success().says("check_cols changed");
    assert_rows(&project, "state", "state\nnew\npaid\n");
}

#[test]
fn one_key_is_one_row() {
    let project = orders(CHECK, "1,new,\n2,a,\n2,b,\n");
    assert_said!(project.run(["snapshot"]).failure());
    assert!(!project.exists("lake/main/history"));
    put(&project, "1,new,\n,a,\n");
    project.run(["snapshot"]).failure().says("1 row has no key (id = NULL)");
    put(&project, "1,new,\n");
    snapshot(&project);
    put(&project, "1,new,\n1,paid,\n");
    project.run(["snapshot"]).failure().says("2 rows share the key (id = 1)");
    assert_rows(&project, "state", "state\nnew\n");
    assert_eq!(versions(&project), 1);
}

#[test]
fn snapshots_are_listed_selected_planned_and_shown() {
    let project = orders(&format!("{CHECK}, tags: [nightly], schema: kept"), "1,new,\n")
        .file("snapshots/deep/more.sql", "{% snapshot a %}{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect 1 as id{% endsnapshot %}\n{% snapshot b %}{{ config(unique_key='id', strategy='check', check_cols='all', enabled=false) }}\nselect 1 as id{% endsnapshot %}");
    let list = |select: &str| project.run(["list", "-s", select]).success().stdout;
    assert_eq!(list("resource_type:snapshot"), "shop.deep.more.a\nshop.history\n");
    assert_eq!(list("tag:nightly"), "shop.history\n");
    assert_eq!(list("path:snapshots/deep"), "shop.deep.more.a\n");
    assert_eq!(
        list("source:shop+"),
        "source:shop.shop.orders\nshop.history\n"
            .to_owned()
            .split_once('\n')
            .map(|(a, b)| format!("{b}{a}\n"))
            .expect("lines")
    );
    assert_said!(project.run(["plan"]).success());
    project.run(["show", "-s", "history"]).success().says("new");
    project.run(["compile", "-s", "a"]).success().says("select 1 as id");
    assert!(project.read("target/compiled/shop/snapshots/deep/more.sql/a.sql").contains("select 1 as id"));
    snapshot(&project).says("OK snapshotted kept.history");
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let project = Project::new()
        .model("orders.sql", "select 1 as id, 'x' as dbt_scd_id, 'later' as changed")
        .file("snapshots/a.yml", "snapshots:\n  - name: nothing\n  - name: none\n    relation: ref('no_orders')\n    config: { unique_key: id, strategy: check, check_cols: all }\n  - name: sql\n    relation: select 1\n  - name: unset\n    relation: ref('orders')\n    config: { strategy: timestamp, hard_deletes: drop, snapshot_meta_column_names: { dbt_from: x } }\n")
        .file("snapshots/b.sql", "{% snapshot open %}\nselect 1");
    assert_said!(project.run(["build"]).refused());
    let project = Project::new()
        .model("orders.sql", "select 1 as id, 'x' as dbt_scd_id, 'later' as changed")
        .file("snapshots/a.yml", "snapshots:\n  - name: taken\n    relation: ref('orders')\n    config: { unique_key: [id, nr], strategy: check, check_cols: all }\n")
        .file("snapshots/b.sql", "{% snapshot late %}\n{{ config(unique_key='id', strategy='timestamp', updated_at='changed') }}\nselect id, changed from {{ ref('orders') }}\n{% endsnapshot %}\n{% snapshot sql %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect id, amount from {{ ref('orders') }}\n{% endsnapshot %}\n");
    assert_said!(project.run(["build"]).refused());
}

/// A pseudo-random number generator with a fixed sequence.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Whatever the rows were in each run, the versions valid at the time of a run are the rows of that run.
#[test]
fn as_of_each_run_the_rows_are_those_of_that_run() {
    for (seed, config) in [
        (1, "strategy: check, check_cols: all, hard_deletes: invalidate"),
        (2, "strategy: check, check_cols: all, hard_deletes: new_record"),
        (
            3,
            "strategy: check, check_cols: [state, changed], hard_deletes: invalidate, dbt_valid_to_current: \"'9999-12-31 00:00:00'\"",
        ),
    ] {
        let mut chance = Chance(seed);
        let project = orders(config, "");
        let mut runs: Vec<(String, String)> = Vec::new();
        for _ in 0..7 {
            let mut rows = String::new();
            for id in 0..8 {
                let state = ["a", "b", ""][usize::try_from(chance.below(3)).expect("small")];
                if chance.below(4) > 0 {
                    writeln!(rows, "{id},{state},").expect("a string takes it");
                }
            }
            put(&project, &rows);
            snapshot(&project);
            let now = project.rows("select cast(now() as varchar) as at");
            let now = now.lines().nth(1).expect("a moment").to_owned();
            runs.push((now, format!("id,state\n{}", rows.replace(",\n", "\n"))));
        }
        let open = if config.contains("new_record") { " and dbt_is_deleted = 'False'" } else { "" };
        for (at, rows) in runs {
            let found = project.rows(&format!(
                "select id, state from {{{{ ref('history') }}}} where dbt_valid_from <= timestamptz '{at}' \
                 and (dbt_valid_to is null or dbt_valid_to > timestamptz '{at}'){open} order by id"
            ));
            assert_eq!(found, rows, "{config}, as of {at}");
        }
    }
}

#[test]
fn a_number_that_gets_digits_is_another_version() {
    let files = "snapshots:\n  - name: history\n    relation: ref('now')\n    config: { unique_key: id, strategy: check, check_cols: all }\n";
    let project = Project::new().file("snapshots/history.yml", files);
    let now =
        |rows: &str| project.write("models/now.sql", format!("select * from (values {rows}) as t(id, v)"));
    let build = || project.run(["build", "--threads", "1"]);
    now("(1, 10::bigint), (2, 20::bigint)");
    build().success();
    now("(1, 10.75::double), (2, 20::double)");
    build().success();
    assert_rows(
        &project,
        "id, v, dbt_valid_to is null as newest",
        "id,v,newest\n1,10.0,false\n1,10.75,true\n2,20.0,true\n",
    );
    build().success();
    // A number that no double represents exactly.
    now("(1, 9007199254740993::bigint), (2, 20::bigint)");
    build().failure().says(
        "column v has the value 9007199254740993 (bigint), which main.history can't hold unchanged as double",
    );
    now("(1, 'ten')");
    build().failure().says("column v has the value 'ten' (varchar)");
    now("(1, current_date)");
    build().failure().says("`v` is date, was double");
    assert_rows(&project, "count(*) as n", "n\n3\n");
}
