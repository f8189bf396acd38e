//! Tables that other Delta writers change too: their spellings of paths, their features, their demands.

use crate::project::Project;

const LOG: &str = "lake/main/m/_delta_log";

fn entry(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

/// Moves the only data file of a table's first version to another name, as a compaction by another writer
/// does that spells paths in its own way. `written` is the path in the log, `file` that on disk.
fn compact(project: &Project, written: &str, file: &str) {
    let log = project.read(&entry(0));
    let add = log.lines().find(|line| line.starts_with("{\"add\"")).expect("an added file");
    let mut add: serde_json::Value = serde_json::from_str(add).expect("JSON");
    let old = add["add"]["path"].as_str().expect("a path").to_owned();
    let from = percent_encoding::percent_decode_str(&old).decode_utf8().expect("UTF-8").into_owned();
    let to = project.path(&format!("lake/main/m/{file}"));
    std::fs::create_dir_all(to.parent().expect("a folder above")).expect("a folder");
    std::fs::copy(project.path(&format!("lake/main/m/{from}")), to).expect("a copy");
    add["add"]["path"] = written.into();
    add["add"]["dataChange"] = false.into();
    let remove =
        serde_json::json!({ "remove": { "path": old, "deletionTimestamp": 1, "dataChange": false } });
    project.write(&entry(1), format!("{{\"commitInfo\":{{\"operation\":\"OPTIMIZE\"}}}}\n{remove}\n{add}\n"));
}

#[test]
fn files_of_any_spelling_are_replaced() {
    let spellings = [
        ("k=é/one.parquet", "k=é/one.parquet"),
        ("k=%c3%a9/one.parquet", "k=é/one.parquet"),
        ("%70art.parquet", "part.parquet"),
        ("a%2Bb.parquet", "a+b.parquet"),
        ("a b.parquet", "a b.parquet"),
    ];
    for (written, file) in spellings {
        for config in ["", "materialized='incremental', unique_key='k'"] {
            let sql = format!("{{{{ config({config}) }}}} select 'é' as k, {{{{ var('n', 1) }}}} as v");
            let project = Project::new().model("m.sql", &sql);
            project.run(["build"]).success();
            compact(&project, written, file);
            project.run(["build", "--vars", "{n: 2}"]).success();
            let read = project.rows("select k, v from {{ ref('m') }}");
            assert_eq!(read, "k,v\né,2\n", "{written}: {}", project.read(&entry(2)));
        }
    }
}

#[test]
fn features_and_demands_of_other_writers_are_refused_by_name() {
    let added = |line: &str| {
        let project = Project::new().model("m.sql", "select {{ var('n', 1) }} as v");
        project.run(["build"]).success();
        project.write(&entry(1), format!("{line}\n"));
        project
    };
    let tracking = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking","domainMetadata"]}}"#;
    let project = added(tracking);
    project
        .run(["build", "--vars", "{n: 2}"])
        .failure()
        .says("domainMetadata, rowTracking")
        .says("--full-refresh");
    project.run(["build", "--vars", "{n: 2}", "--full-refresh"]).success();
    assert_eq!(project.rows("select v from {{ ref('m') }}"), "v\n2\n");

    let project = Project::new().model("m.sql", "select {{ var('n', 1) }} as v");
    project.run(["build"]).success();
    let log = project.read(&entry(0));
    let metadata = log.lines().find(|line| line.starts_with("{\"metaData\"")).unwrap();
    let mut metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
    let schema = metadata["metaData"]["schemaString"].as_str().unwrap().replace(
        "\"metadata\":{}",
        r#""metadata":{"delta.invariants":"{\"expression\":{\"expression\":\"v < 2\"}}"}"#,
    );
    metadata["metaData"]["schemaString"] = schema.into();
    project.write(&entry(1), format!("{metadata}\n"));
    project.run(["build", "--vars", "{n: 2}"]).failure().says("its column v has delta.invariants");
}

#[test]
fn an_append_only_table_is_appended_to() {
    let sql = "{{ config(materialized='incremental', incremental_strategy='append') }} select {{ var('n', 1) }} as v";
    let project = Project::new().model("m.sql", sql);
    project.run(["build"]).success();
    let log = project.read(&entry(0));
    let metadata = log.lines().find(|line| line.starts_with("{\"metaData\"")).unwrap();
    let mut metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
    metadata["metaData"]["configuration"]["delta.appendOnly"] = "true".into();
    project.write(&entry(1), format!("{metadata}\n"));
    project.run(["run", "--vars", "{n: 2}"]).success();
    assert_eq!(project.rows("select v from {{ ref('m') }} order by v"), "v\n1\n2\n");
    project.run(["build", "--full-refresh"]).failure().says("delta.appendOnly");
}

#[test]
fn damage_that_shows_late_is_moved_aside_by_a_full_refresh() {
    let project = Project::new().model("m.sql", "select {{ var('n', 1) }} as v");
    project.run(["build"]).success();
    project.write(&entry(1), "{\"txn\":{\"appId\":null,\"version\":1}}\n");
    project.run(["build", "--full-refresh"]).success();
    assert_eq!(project.rows("select v from {{ ref('m') }}"), "v\n1\n");
}

#[cfg(unix)]
#[test]
fn a_run_without_a_journal_writes_nothing() {
    let project = Project::new().model("m.sql", "select 1 as v");
    project.write("lake/_headwater/runs", "in the way");
    project.run(["build"]).failure().says("_headwater/runs");
    assert!(!project.exists("lake/main/m"));
}
