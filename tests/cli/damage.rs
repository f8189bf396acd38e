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
