//! Clocks that go back: no version ends before it begins, and no two begin at one time.

use crate::project::Project;

/// A snapshot of a file's rows.
fn project(config: &str) -> Project {
    let source = "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: in.csv }\n        columns: [{ name: id, data_type: bigint }, { name: state }, { name: changed, data_type: timestamp }]\n";
    Project::new().file("sources.yml", source).file(
        "snapshots/history.yml",
        format!("snapshots:\n  - name: history\n    relation: source('shop', 'orders')\n    config: {{ unique_key: id, {config} }}\n"),
    )
}

fn put(project: &Project, rows: &str) {
    project.write("in.csv", format!("id,state,changed\n{rows}"));
}

const CHECK: &str = "strategy: check, check_cols: [state], hard_deletes: invalidate";

/// As if the clock had been ahead by years when this version was made.
fn date_ahead(project: &Project, version: u64) {
    let log = format!("lake/main/history/_delta_log/{version:020}.json");
    let text = project.read(&log);
    let key = text.find("made_at").expect("the time of the version");
    let year = key + text[key..].find("20").expect("a year");
    project.write(&log, format!("{}2999{}", &text[..year], &text[year + 4..]));
}

#[track_caller]
fn assert_sound(project: &Project, versions: u32) {
    let sql = "select count(*) as n, count(distinct dbt_scd_id) as ids, \
               count(*) filter (where dbt_valid_to <= dbt_valid_from) as wrong from {{ ref('history') }}";
    assert_eq!(project.rows(sql), format!("n,ids,wrong\n{versions},{versions},0\n"));
}

#[test]
fn each_run_of_a_snapshot_is_later_than_those_before() {
    let project = project(CHECK);
    put(&project, "1,new,\n2,new,\n");
    project.run(["snapshot"]).success().says_nothing_of("the clock");
    date_ahead(&project, 0);
    for (state, versions) in [("sent", 3), ("paid", 4)] {
        put(&project, &format!("1,{state},\n2,new,\n"));
        project.run(["snapshot"]).success().says("The clock went back").says("set the clock");
        assert_sound(&project, versions);
    }
    // A commit of another writer doesn't record a time, but the rows have theirs.
    project.write(
        "lake/main/history/_delta_log/00000000000000000003.json",
        "{\"commitInfo\":{\"timestamp\":1}}\n",
    );
    put(&project, "1,back,\n");
    project.run(["snapshot"]).success().says("The clock went back");
    assert_sound(&project, 5);
    let ahead =
        "select count(*) as n from {{ ref('history') }} where dbt_valid_to > timestamptz '2999-01-01'";
    assert_eq!(project.rows(ahead), "n\n4\n");
}

#[test]
fn a_row_from_a_clock_that_is_ahead_ends_after_it_began() {
    for deletes in ["invalidate", "new_record"] {
        let project = project(&format!("strategy: timestamp, updated_at: changed, hard_deletes: {deletes}"));
        put(&project, "1,new,2999-01-01 00:00:00\n2,new,2026-01-01 00:00:00\n");
        project.run(["snapshot"]).success();
        put(&project, "2,new,2026-01-01 00:00:00\n");
        project.run(["snapshot"]).success();
        assert_sound(&project, if deletes == "invalidate" { 2 } else { 3 });
    }
}
