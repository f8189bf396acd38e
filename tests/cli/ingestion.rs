//! Files that are loaded exactly once.

use std::fs;

use crate::project::Project;

/// Orders from files, loaded file by file.
fn orders(config: &str) -> Project {
    let columns = "[{ name: id, data_type: bigint }, { name: amount, data_type: bigint }, { name: _source_file, data_type: varchar }]";
    Project::new()
        .file(
            "sources.yml",
            format!("sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: {{ location: 'in/*.csv', format: csv }}\n        columns: {columns}\n"),
        )
        .file("in/1.csv", "id,amount\n1,10\n2,20\n")
        .file("in/2.csv", "id,amount\n3,30\n")
        .model(
            "raw.sql",
            &format!("{{{{ config(materialized='incremental'{config}) }}}} select id, amount, _source_file from {{{{ source('shop', 'orders') }}}}"),
        )
}

fn ids(project: &Project) -> String {
    project.rows("select id from {{ ref('raw') }} order by id").replace("id\n", "").replace('\n', " ")
}

fn ledger(project: &Project) -> String {
    project.rows("select file, status, rows, rejected_rows, batch from main.raw_files order by file")
}

fn commits(project: &Project, table: &str) -> usize {
    let files = project.files(&format!("lake/main/{table}/_delta_log"));
    files.iter().filter(|file| file.contains(".json")).count()
}

#[test]
fn only_new_files_are_read() {
    let project = orders("");
    project.run(["build"]).success().says("OK 3 rows").says("2 files loaded");
    project.run(["build"]).success().says("REUSED=1");
    project.write("in/3.csv", "id,amount\n4,40\n");
    // The content differs, but not the size or time, so the file isn't read again.
    let time = fs::metadata(project.path("in/1.csv")).expect("a file").modified().expect("a time");
    project.write("in/1.csv", "id,amount\n7,70\n8,80\n");
    let file = fs::File::options().write(true).open(project.path("in/1.csv")).expect("a file");
    file.set_modified(time).expect("a time");
    project.run(["build"]).success().says("1 inserted; 1 file loaded");
    assert_eq!(ids(&project), "1 2 3 4 ");
    assert_eq!(
        ledger(&project),
        "file,status,rows,rejected_rows,batch\nin/1.csv,loaded,2,0,1\nin/2.csv,loaded,1,0,1\nin/3.csv,loaded,1,0,2\n"
    );
}

#[test]
fn a_changed_file_takes_the_place_of_its_rows() {
    let project = orders("");
    project.run(["build"]).success();
    project.write("in/1.csv", "id,amount\n1,10\n5,50\n6,60\n");
    project.run(["build"]).success().says("3 inserted, 2 deleted; 1 file reloaded");
    assert_eq!(ids(&project), "1 3 5 6 ");
    // The same rows again make no new version, and are recorded as seen.
    let before = commits(&project, "raw");
    project.write("in/1.csv", "id,amount\n6,60\n5,50\n1,10\n\n");
    project.run(["build"]).success().says("UNCHANGED").says("1 file reloaded");
    assert_eq!(commits(&project, "raw"), before + 1);
    project.run(["build"]).success().says("REUSED=1");
    project.write("in/4.csv", "id,amount\n9,90\n");
    project.run(["build"]).success().says("1 inserted; 1 file loaded").says_nothing_of("reloaded");
    assert_eq!(ids(&project), "1 3 5 6 9 ");
}

#[test]
fn a_changed_file_may_be_left_or_refused() {
    let project = orders(", on_change='ignore'");
    project.run(["build"]).success();
    project.write("in/1.csv", "id,amount\n7,70\n");
    project.run(["build"]).success().says("UNCHANGED").says("1 file changed and left");
    assert_eq!(ids(&project), "1 2 3 ");
    let project = orders(", on_change='fail'");
    project.run(["build"]).success();
    project.write("in/1.csv", "id,amount\n7,70\n");
    project.run(["build"]).failure().says("files that raw was loaded from have changed: in/1.csv");
    assert_eq!(ids(&project), "1 2 3 ");
    project.write("in/1.csv", "id,amount\n1,10\n2,20\n");
    project.run(["build", "--full-refresh"]).success();
    assert_eq!(ids(&project), "1 2 3 ");
}

#[test]
fn rows_of_a_file_that_is_gone_stay_or_go() {
    let project = orders("");
    project.run(["build"]).success();
    fs::remove_file(project.path("in/1.csv")).expect("a file less");
    project.run(["build"]).success().says("UNCHANGED").says("1 file vanished");
    assert_eq!(ids(&project), "1 2 3 ");
    assert!(ledger(&project).contains("in/1.csv,vanished,2,0,1"));
    // Changed SQL rebuilds all rows except those whose file is gone.
    project.write(
        "models/raw.sql",
        "{{ config(materialized='incremental') }} select id, amount, id * 2 as twice, _source_file from {{ source('shop', 'orders') }}",
    );
    project.run(["build"]).success();
    let rows = project.rows("select id, twice from {{ ref('raw') }} order by id");
    assert_eq!(rows, "id,twice\n1,\n2,\n3,6\n");
    project.run(["build", "--full-refresh"]).success();
    assert_eq!(ids(&project), "3 ");

    let project = orders(", on_delete='remove'");
    project.run(["build"]).success();
    fs::remove_file(project.path("in/1.csv")).expect("a file less");
    project.run(["build"]).success().says("2 deleted; 1 file removed");
    assert_eq!(ids(&project), "3 ");
    project.write("in/1.csv", "id,amount\n1,10\n");
    project.run(["build"]).success().says("1 inserted");
    assert_eq!(ids(&project), "1 3 ");
}

#[test]
fn a_ledger_that_is_ahead_of_its_table_counts_for_nothing() {
    let project = orders("");
    project.run(["build"]).success();
    project.write("in/3.csv", "id,amount\n4,40\n");
    project.write("in/1.csv", "id,amount\n1,11\n2,20\n");
    project.run(["build"]).success();
    // As if the run had died between writing the ledger and the rows.
    let log = "lake/main/raw/_delta_log/00000000000000000001.json";
    fs::remove_file(project.path(log)).expect("a commit less");
    assert_eq!(ids(&project), "1 2 3 ");
    project.run(["build"]).success().says("3 inserted, 2 deleted; 2 files reloaded");
    assert_eq!(project.rows("select sum(amount) as s from {{ ref('raw') }}"), "s\n101\n");
    project.run(["build"]).success().says("REUSED=1");
    // As if someone had deleted the ledger.
    fs::remove_dir_all(project.path("lake/main/raw_files")).expect("a table less");
    project.write("in/5.csv", "id,amount\n5,50\n");
    project.run(["build"]).success();
    assert_eq!(ids(&project), "1 2 3 4 5 ");
    assert_eq!(ledger(&project).lines().count(), 5);
}

#[test]
fn what_is_set_aside_stays_with_its_file() {
    let project = orders("").file("in/2.csv", "id,amount\nx,30\n3,30\n");
    project.run(["build"]).success().says("1 row set aside");
    project.write("in/3.csv", "id,amount\n4,y\n5,50\n");
    project.run(["build"]).success();
    let rejected = || project.rows("select file, row from main.raw_rejected order by file");
    assert_eq!(rejected(), "file,row\nin/2.csv,2\nin/3.csv,2\n");
    assert!(ledger(&project).contains("in/3.csv,loaded,1,1,2"));
    project.write("in/2.csv", "id,amount\n2,30\n3,30\n");
    // The other file's reject remains: every run warns about it until someone accepts it.
    project.run(["build"]).success().says("1 row set aside").says("headwater source accept shop.orders");
    assert_eq!(rejected(), "file,row\nin/3.csv,2\n");
    project.run(["build"]).success().says("1 row set aside").says("WARN=1");
    project.run(["describe", "raw"]).success().says("1 row of shop.orders in main.raw_rejected");
    let accepted = project.run(["source", "accept", "shop.orders", "--by", "anna"]).success();
    accepted.says("accepted 1 row of shop.orders set aside in main.raw_rejected (by anna)");
    project.run(["build"]).success().says_nothing_of("set aside").says("REUSED=1");
    project.run(["describe", "raw"]).success().says("1 row accepted by anna at");
    let who = "select file, rejected_rows, accepted_by from main.raw_rejected_accepted";
    assert_eq!(project.rows(who), "file,rejected_rows,accepted_by\nin/3.csv,1,anna\n");
    project.run(["source", "accept", "shop.orders"]).success().says("has no rejects that were not accepted");
    // Later rejects are not covered by the acceptance.
    project.write("in/4.csv", "id,amount\n6,z\n7,70\n");
    project.run(["build"]).success().says("1 row set aside").says("in/4.csv:2: amount:");
    assert_eq!(rejected(), "file,row\nin/3.csv,2\nin/4.csv,2\n");
    project.run(["source", "accept", "shop.oders"]).refused().says("did you mean `shop.orders`?");
}

#[test]
fn what_others_wrote_is_made_anew() {
    let project = orders("");
    project.run(["build"]).success();
    project.run(["build", "--force"]).success().says("OK 3 rows");
    assert_eq!(ids(&project), "1 2 3 ");
    let log = "lake/main/raw/_delta_log";
    let removes = project.read(&format!("{log}/{:020}.json", 1));
    let add = removes.lines().find(|line| line.starts_with("{\"add\"")).expect("a file");
    let add: serde_json::Value = serde_json::from_str(add).expect("an action");
    let remove = serde_json::json!({ "remove": { "path": add["add"]["path"], "dataChange": true, "deletionTimestamp": 1 } });
    project
        .write(&format!("{log}/{:020}.json", 2), format!("{{\"commitInfo\":{{\"timestamp\":1}}}}\n{remove}"));
    assert_eq!(ids(&project), "");
    project.run(["build"]).success().says("version 2 was written by another writer");
    assert_eq!(ids(&project), "1 2 3 ");
}

#[test]
fn a_row_must_come_from_one_file() {
    for (sql, message) in [
        (
            "select id, count(*) as n, max(_source_file) as _source_file from {{ source('shop', 'orders') }} group by id",
            "its SQL has an aggregate",
        ),
        (
            "select id, amount from {{ source('shop', 'orders') }}",
            "loads files, but doesn't select `_source_file`",
        ),
        ("select distinct id, _source_file from {{ source('shop', 'orders') }}", "its SQL has a distinct"),
    ] {
        let project = orders("");
        project.write("models/raw.sql", format!("{{{{ config(materialized='incremental') }}}} {sql}"));
        project.run(["build"]).refused().says(message);
    }
}

#[test]
fn a_table_that_was_made_whole_goes_on_file_by_file() {
    let project = orders("");
    let model = project.read("models/raw.sql");
    project.write("models/raw.sql", model.replace("'incremental'", "'table'"));
    project.run(["build"]).success();
    project.write("models/raw.sql", model);
    project.run(["build"]).success();
    assert_eq!(ids(&project), "1 2 3 ");
    project.write("in/3.csv", "id,amount\n4,40\n");
    project.run(["build"]).success().says("1 inserted; 1 file loaded");
    assert_eq!(ids(&project), "1 2 3 4 ");
}
