//! Unreadable tables and sources: they fail alone, independent nodes go on, and they can be rebuilt.

use crate::{project::Project, ran::assert_said};

/// `a` → `b`, and a separate `c`.
fn project() -> Project {
    let project = Project::new()
        .model("a.sql", "select 1 as x")
        .model("b.sql", "select x + 1 as x from {{ ref('a') }}")
        .model("c.sql", "select {{ var('c', 1) }} as x");
    project.run(["build"]).success();
    project
}

const LOG: &str = "lake/main/a/_delta_log/00000000000000000000.json";

#[test]
fn a_damaged_table_fails_alone_and_is_built_anew_when_asked() {
    let project = project();
    let log = project.read(LOG);
    project.write(LOG, &log[..log.len() / 2]);
    let ran = project.run(["build", "--threads", "1", "--vars", "{c: 2}"]).failure();
    assert_eq!(project.rows("select x from {{ ref('c') }}"), "x\n2\n", "{ran}");
    assert_said!(ran);

    // The run reports where the files are now.
    let ran = project.run(["build", "--full-refresh", "--threads", "1"]).success();
    let ran = ran.says("Moved the files of main.a to ").says("lake/_headwater/damaged/main.a.");
    assert_said!(ran);
    assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
    let aside = project.files("lake/_headwater/damaged");
    assert!(aside.iter().any(|file| file.contains("_delta_log/")), "{aside:?}");
    assert!(aside.iter().any(|file| !file.contains("_delta_log/")), "{aside:?}");
    project.run(["build"]).success().says("REUSED=3");
}

#[test]
fn a_table_whose_commits_are_gone_is_rebuilt_when_asked() {
    let project = project();
    std::fs::remove_file(project.path(LOG)).unwrap();
    project.run(["build"]).failure().says("the Delta log of").says("commits are missing from it");
    project.run(["build", "--full-refresh"]).success().says("Moved the files of main.a to ");
    assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
}

#[cfg(unix)]
#[test]
fn a_log_entry_that_is_a_circle_of_links_is_damage() {
    let project = project();
    std::fs::remove_file(project.path(LOG)).unwrap();
    std::os::unix::fs::symlink("00000000000000000000.json", project.path(LOG)).unwrap();
    project.run(["build"]).failure().says("the Delta log of").says("a link that leads back to itself");
    project.run(["build", "--full-refresh"]).success().says("Moved the files of main.a to ");
    assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
    project.run(["build"]).success().says("REUSED=3");
}

#[test]
fn a_file_at_the_place_of_a_table_is_named() {
    let project = project();
    std::fs::remove_dir_all(project.path("lake/main/a")).unwrap();
    project.write("lake/main/a", "mine");
    for arguments in [&["build"][..], &["build", "--full-refresh"]] {
        project
            .run(arguments)
            .failure()
            .says("lake/main/a is taken by files that are not a Delta table; move them away");
    }
    assert_eq!(project.read("lake/main/a"), "mine");
}

#[test]
fn a_table_that_asks_too_much_of_readers_fails_alone() {
    let project = project();
    let log = project.read(LOG);
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["tomorrow"],"writerFeatures":["tomorrow"]}}"#;
    let changed: Vec<&str> =
        log.lines().map(|line| if line.contains("\"protocol\"") { protocol } else { line }).collect();
    project.write(LOG, changed.join("\n"));
    project.run(["build", "--vars", "{c: 2}"]).failure().says("tomorrow").says("PASS=1");
}

/// `paid` reads a database, `sent` reads files, and `both` reads both models.
fn sources() -> Project {
    let sources = "sources:\n  - name: shop\n    tables:\n      - name: payments\n        external: {location: shop.db, format: sqlite, options: {table: payments}}\n        freshness: {warn_after: {count: 1, period: day}}\n        loaded_at_field: at\n      - name: parcels\n        external: {location: parcels.csv, format: csv}\n";
    let project = Project::new()
        .file("sources.yml", sources)
        .file("parcels.csv", "id\n1\n2\n")
        .model("paid.sql", "select * from {{ source('shop', 'payments') }}")
        .model("sent.sql", "select * from {{ source('shop', 'parcels') }}")
        .model("both.sql", "select count(*) as n from {{ ref('paid') }}, {{ ref('sent') }}")
        .file(
            "models/s.yml",
            "models:\n  - name: paid\n    columns:\n      - name: id\n        data_tests: [not_null]\n",
        );
    let database = rusqlite::Connection::open(project.path("shop.db")).expect("a new database");
    let rows = "create table payments(id integer, at text); insert into payments values (1, '2021-01-01')";
    database.execute_batch(rows).expect("a table");
    project
}

#[test]
fn commits_that_are_missing_are_named_without_a_stack() {
    let project = Project::new().env("RUST_BACKTRACE", "1");
    for value in 1..=3 {
        project.write("models/a.sql", format!("select {value} as x"));
        project.run(["build"]).success();
    }
    std::fs::remove_file(project.path(&LOG.replace("0.json", "1.json"))).unwrap();
    project.write("models/a.sql", "select 4 as x");
    let ran = project.run(["build"]).failure();
    let ran = ran.says("commit 1 is missing").says("--full-refresh");
    ran.says_nothing_of("ParsedLogPath");
    // A log whose first commit ends too early, which the kernel reports with its stack.
    let project = Project::new().env("RUST_BACKTRACE", "1").model("a.sql", "select 1 as x");
    project.run(["build"]).success();
    let log = project.read(LOG);
    project.write(LOG, &log[..log.len() / 2]);
    project.write("models/a.sql", "select 2 as x");
    let ran = project.run(["build"]).failure().says("Truncated record");
    ran.says_nothing_of("kernel");
}

#[test]
fn a_locked_database_fails_alone() {
    let project = sources();
    let database = rusqlite::Connection::open(project.path("shop.db")).unwrap();
    database.execute_batch("begin exclusive").unwrap();
    let ran = project.run(["build", "--threads", "1"]).failure();
    assert_eq!(project.rows("select count(*) as n from {{ ref('sent') }}"), "n\n2\n", "{ran}");
    assert_said!(ran);
    project.run(["source", "freshness"]).failure().says("shop.payments");
    project.run(["docs", "generate"]).refused().says("shop.payments");
    database.execute_batch("rollback").unwrap();
    project.run(["build"]).success();
    assert_eq!(project.rows("select n from {{ ref('both') }}"), "n\n2\n");
}

#[test]
fn a_database_that_is_none_fails_alone() {
    let project = sources();
    project.write("shop.db", "this is text and no database, long enough to have a header");
    project.run(["build"]).failure().says("shop.db").says("PASS=1");
}

#[test]
fn a_damaged_data_file_is_named_with_its_cure() {
    let project = project();
    let files = project.files("lake/main/a");
    let file = files.iter().find(|file| file.ends_with(".parquet")).expect("a data file");
    let path = project.path(&format!("lake/main/a/{file}"));
    let whole = std::fs::read(&path).expect("its bytes");
    let misled: Vec<u8> = whole.iter().map(|byte| byte ^ 0x5a).collect();
    for (bytes, reason) in [
        (&whole[..whole.len() / 2], "bytes, and the table's log says"),
        (&misled[..], "is damaged: its bytes are not those that were written"),
    ] {
        std::fs::write(&path, bytes).expect("other bytes");
        let ran = project.run(["build", "--force", "--select", "b"]).failure();
        ran.says(reason).says(file).says("build a again: `headwater build --force --select a`");
        assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
    }
    std::fs::remove_file(&path).expect("to remove it");
    project.run(["build", "--force", "--select", "b"]).failure().says("a data file of main.a, is gone");
    project.run(["build", "--force", "--select", "a"]).success();
    project.run(["build", "--force", "--select", "b"]).success();
}

/// A table of each kind, over files and over another table.
fn of_all_kinds() -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        columns:\n          - {name: id, data_type: int}\n          - {name: at, data_type: timestamp}\n          - {name: _source_file, data_type: varchar}\n        external: {location: orders/*.csv, format: csv}\n",
        )
        .file("orders/1.csv", "id,at\n1,2021-01-01\n2,2021-01-02\nx,2021-01-02\n")
        .file("seeds/kinds.csv", "kind\na\nb\n")
        .model("plain.sql", "select id, at from {{ source('shop', 'orders') }}")
        .model("loaded.sql", "{{ config(materialized='incremental') }} select * from {{ source('shop', 'orders') }}")
        .model(
            "merged.sql",
            "{{ config(materialized='incremental', unique_key='id') }} select * from {{ ref('plain') }}",
        )
        .model(
            "batched.sql",
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', \
             batch_size='day', begin='2021-01-01') }} select * from {{ ref('plain') }}",
        )
        .file("models/plain.yml", "models:\n  - name: plain\n    config: {event_time: at}\n")
}

/// Damages a table's only data file in its own way, and returns the way.
fn damage(project: &Project, table: &str, way: usize) -> &'static str {
    let folder = format!("lake/main/{table}");
    let files = project.files(&folder);
    let file = files.iter().find(|file| file.ends_with(".parquet")).expect("a data file");
    let path = project.path(&format!("{folder}/{file}"));
    let whole = std::fs::read(&path).expect("its bytes");
    match way {
        0 => std::fs::remove_file(&path).expect("to remove it"),
        1 => std::fs::write(&path, &whole[..whole.len() / 2]).expect("half of it"),
        _ => std::fs::write(&path, whole.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>())
            .expect("other bytes"),
    }
    ["is gone", "has another size", "has other bytes"][way]
}

#[test]
fn a_full_refresh_makes_every_kind_of_table_whole() {
    for way in 0..3 {
        let project = of_all_kinds();
        project.run(["build"]).success();
        for table in ["plain", "loaded", "merged", "batched", "kinds"] {
            let expected = project.rows(&format!("select * from main.{table} order by all"));
            let damaged = damage(&project, table, way);
            let ran = project.run(["build", "--full-refresh", "--select", table]).success();
            let rows = project.run([
                "show",
                "--inline",
                &format!("select * from main.{table} order by all"),
                "--output",
                "csv",
                "--limit",
                "-1",
                "-q",
            ]);
            assert_eq!(rows.success().stdout, expected, "a file of {table} {damaged}\n{ran}");
        }
    }
}

#[test]
fn a_forced_build_leaves_no_damage_in_silence() {
    let project = of_all_kinds();
    project.run(["build"]).success();
    for table in ["plain", "loaded", "kinds"] {
        let expected = project.rows(&format!("select * from main.{table} order by all"));
        damage(&project, table, 0);
        project.run(["build", "--force", "--select", table]).success();
        assert_eq!(project.rows(&format!("select * from main.{table} order by all")), expected);
    }
    for table in ["merged", "batched"] {
        damage(&project, table, 2);
        project
            .run(["build", "--force", "--select", table])
            .failure()
            .says(&format!("a data file of main.{table}, is damaged"))
            .says(&format!("`headwater build --full-refresh --select {table}`"));
        project.run(["build", "--full-refresh", "--select", table]).success();
    }
}

#[test]
fn equal_rows_dont_keep_a_version_that_lost_a_file() {
    let project = of_all_kinds();
    project.run(["build"]).success();
    damage(&project, "plain", 0);
    project.write("models/plain.sql", "select id, at from {{ source('shop', 'orders') }} where true");
    project.run(["build", "--select", "plain"]).success();
    assert_eq!(project.rows("select sum(id) as n from main.plain"), "n\n3\n");
}

#[test]
fn a_damaged_companion_table_is_named_and_built_again_with_its_model() {
    for table in ["loaded_files", "loaded_rejected"] {
        for broken in ["log", "data"] {
            let project = of_all_kinds();
            project.run(["build"]).success();
            if broken == "log" {
                project.write(&format!("lake/main/{table}/_delta_log/00000000000000000000.json"), "{");
            } else {
                damage(&project, table, 2);
            }
            project.write("orders/2.csv", "id,at\n3,2021-01-03\ny,2021-01-03\n");
            project
                .run(["build", "--select", "loaded"])
                .failure()
                .says(table)
                .says("`headwater build --full-refresh --select loaded`");
            let ran = project.run(["build", "--full-refresh", "--select", "loaded"]).success();
            let ran = ran.says(&format!("lake/_headwater/damaged/main.{table}."));
            assert_eq!(project.rows("select count(*) as n from main.loaded"), "n\n3\n", "{ran}");
            assert_eq!(project.rows("select count(*) as n from main.loaded_rejected"), "n\n2\n", "{ran}");
            assert_eq!(project.rows("select count(*) as n from main.loaded_files"), "n\n2\n", "{ran}");
            project
                .run(["build", "--select", "loaded"])
                .success()
                .says("REUSED sql incremental model main.loaded");
        }
    }
}

#[test]
fn damaged_quarantine_and_acknowledgements_are_moved_aside_by_a_full_refresh() {
    let project = of_all_kinds().file(
        "models/loaded.yml",
        "models:\n  - name: loaded\n    columns:\n      - name: id\n        data_tests:\n          - accepted_range: {arguments: {max_value: 1}, config: {on_violation: quarantine}}\n",
    );
    project.run(["build"]).success();
    project.run(["source", "accept", "shop.orders"]).success();
    for table in ["main_quarantine/loaded", "main/loaded_rejected_accepted"] {
        project.write(&format!("lake/{table}/_delta_log/00000000000000000000.json"), "{");
    }
    project.write("orders/2.csv", "id,at\n3,2021-01-03\n");
    project.run(["build", "--select", "loaded"]).failure().says("--full-refresh --select loaded`");
    let ran = project.run(["build", "--full-refresh", "--select", "loaded"]).success();
    ran.says("damaged/main_quarantine.loaded.").says("damaged/main.loaded_rejected_accepted.");
    assert_eq!(project.rows("select count(*) as n from main_quarantine.loaded"), "n\n2\n");
}

/// Replaces the protocol in a table's first log entry.
fn with_protocol(project: &Project, log: &str, protocol: &str) {
    let before = project.read(log);
    let changed: Vec<&str> =
        before.lines().map(|line| if line.contains("\"protocol\"") { protocol } else { line }).collect();
    project.write(log, changed.join("\n"));
}

#[test]
fn a_table_of_a_newer_protocol_version_fails_alone_and_is_rebuilt_when_asked() {
    let project = project();
    with_protocol(&project, LOG, r#"{"protocol":{"minReaderVersion":9,"minWriterVersion":9}}"#);
    project.run(["build", "--vars", "{c: 2}"]).failure().says("reader version 9").says("PASS=1");
    project.run(["build", "--full-refresh"]).success().says("Moved the files of main.a to ");
    assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
}

#[test]
fn a_table_that_only_newer_writers_may_write_is_read_but_not_written() {
    let project = project();
    with_protocol(&project, LOG, r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":9}}"#);
    assert_eq!(project.rows("select x from {{ ref('a') }}"), "x\n1\n");
    let ran = project.run(["build", "--force", "--select", "a"]).failure();
    ran.says("writer version 9").says("--full-refresh");
    project.run(["build", "--full-refresh", "--select", "a"]).success().says("Moved the files of main.a to ");
    project.run(["build", "--force", "--select", "a"]).success();
}

#[test]
fn an_empty_log_entry_is_damage_and_the_version_before_it_can_be_restored() {
    let project = project();
    let empty = "lake/main/a/_delta_log/00000000000000000001.json";
    project.write(empty, "");
    project
        .run(["build"])
        .failure()
        .says("00000000000000000001.json is empty")
        .says("remove it to return to version 0");
    std::fs::remove_file(project.path(empty)).expect("to remove it");
    project.run(["build"]).success().says("REUSED=3");

    project.write(empty, "");
    project.run(["build", "--full-refresh"]).success().says("Moved the files of main.a to ");
    project.write(LOG, "");
    project.run(["build"]).failure().says("00000000000000000000.json is empty");
    project.run(["build", "--full-refresh"]).success();
    assert_eq!(project.rows("select x from {{ ref('b') }}"), "x\n2\n");
}

#[test]
fn a_hint_at_a_checkpoint_that_is_gone_is_only_a_hint() {
    let project = project();
    project.write("lake/main/a/_delta_log/_last_checkpoint", r#"{"version":0,"size":3}"#);
    project.run(["build"]).success().says("REUSED=3");
    project.run(["build", "--force", "--select", "a"]).success();
    assert_eq!(project.rows("select x from {{ ref('a') }}"), "x\n1\n");
}

#[test]
fn a_folder_with_an_empty_log_is_no_table() {
    let project = Project::new().model("a.sql", "select 1 as x");
    std::fs::create_dir_all(project.path("lake/main/a/_delta_log")).expect("a folder");
    project.run(["build"]).success().says("first build");
    assert_eq!(project.rows("select x from {{ ref('a') }}"), "x\n1\n");
}

#[test]
fn a_snapshot_whose_table_cannot_hold_a_column_fails_alone() {
    let source = |kind: &str| {
        format!(
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: {{ location: in.csv }}\n        columns: [{{ name: id, data_type: bigint }}, {{ name: v, data_type: {kind} }}]\n"
        )
    };
    let project = Project::new().file("sources.yml", source("bigint")).file("in.csv", "id,v\n1,2\n").file(
        "snapshots/history.yml",
        "snapshots:\n  - name: history\n    relation: source('shop', 'orders')\n    config: { unique_key: id, strategy: check, check_cols: all }\n",
    );
    project.run(["snapshot"]).success();
    project.write("sources.yml", source("timestamp"));
    project.write("in.csv", "id,v\n1,2021-01-01 00:00:00\n");
    project.write("models/z.sql", "select 1 as x");
    let ran = project.run(["build"]).failure();
    ran.says("`v` is timestamp, was bigint")
        .says("cast the column to the table's type")
        .says("PASS=1 WARN=0 ERROR=1");
}
