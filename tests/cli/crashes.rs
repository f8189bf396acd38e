//! Concurrent runs, and killed runs that can't be repaired. `tests/crash/run.py` tests races at length.

use std::collections::BTreeMap;

use crate::{project::Project, ran::Ran};

/// A table from files, one of them with a bad row; a partitioned table that quarantines a bad row; and two
/// tables that append only new rows or the rows of new files.
pub(crate) fn project() -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: files\n    tables:\n      - name: orders\n        columns:\n          - {name: id, data_type: int}\n          - {name: amount, data_type: int}\n          - {name: _source_file, data_type: varchar}\n        external: {location: orders/*.csv, format: csv}\n",
        )
        .file("orders/1.csv", "id,amount\n1,10\n2,much\n3,-5\n")
        .model("raw.sql", "select * from {{ source('files', 'orders') }}")
        .model(
            "orders.sql",
            "{{ config(partition_by='half') }} select id, amount, id % 2 as half from {{ ref('raw') }}",
        )
        .model(
            "history.sql",
            "{{ config(materialized='incremental') }} select * from {{ ref('raw') }} \
             {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}",
        )
        .model("loaded.sql", "{{ config(materialized='incremental') }} select * from {{ source('files', 'orders') }}")
        .model("totals.sql", "select count(*) as orders, sum(amount) as amount from {{ ref('orders') }}")
        .file(
            "models/schema.yml",
            "models:\n  - name: orders\n    columns:\n      - name: amount\n        data_tests:\n          - accepted_range: {arguments: {min_value: 0}, config: {on_violation: quarantine}}\n",
        )
}

const TABLES: [&str; 7] = [
    "main.raw",
    "main.raw_rejected",
    "main.orders",
    "main_quarantine.orders",
    "main.history",
    "main.loaded",
    "main.totals",
];

/// The rows of every table, without columns that differ between runs.
pub(crate) fn rows(project: &Project) -> BTreeMap<&'static str, String> {
    let columns = |table: &str| match table {
        "main.raw_rejected" => "\"row\", reason",
        "main_quarantine.orders" => "id, amount, half",
        _ => "*",
    };
    let all = |table| project.rows(&format!("select {} from {table} order by all", columns(table)));
    TABLES.map(|table| (table, all(table))).into()
}

/// The files that no log refers to.
pub(crate) fn strays(project: &Project) -> Vec<String> {
    let files = project.files("lake");
    let is_entry = |file: &&String| file.contains("_delta_log/") && file.rsplit('.').next() == Some("json");
    let logs: String =
        files.iter().filter(is_entry).map(|file| project.read(&format!("lake/{file}"))).collect();
    let spoken_of = |file: &&String| file.rsplit('/').next().is_some_and(|name| logs.contains(name));
    files.iter().filter(|file| !is_entry(file) && !spoken_of(file)).cloned().collect()
}

#[test]
fn runs_side_by_side_end_well_or_say_who_was_faster() {
    let clean = project();
    clean.run(["build"]).success();
    let expected = rows(&clean);
    let project = project();
    for round in 0..2 {
        if round == 1 {
            project.write("models/totals.sql", project.read("models/totals.sql") + " -- again\n");
            project.write("orders/1.csv", "id,amount\n1,10\n2,much\n3,-5\n");
        }
        let children = [(); 4].map(|()| project.command(["build"]).spawn().expect("the binary starts"));
        for child in children {
            let ran = Ran::new(child.wait_with_output().expect("it ends"), &project.path(""));
            if ran.has_succeeded() {
                continue;
            }
            ran.failure().says("another writer committed version");
        }
        project.run(["build"]).success();
        assert_eq!(rows(&project), expected);
        assert_eq!(strays(&project), Vec::<String>::new());
    }
}

#[cfg(unix)]
#[test]
fn a_lake_that_can_only_be_read_is_no_obstacle_to_a_build_that_writes_nothing() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let project = project();
    project.run(["build"]).success();
    let folder = project.path("lake/_headwater/runs");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("dead"), "{}\n").expect("a journal");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("permissions");
    // A privileged user repairs it anyway.
    let may_all = fs::write(folder.join("probe"), "").is_ok();
    let ran = project.run(["build"]).success();
    // It no longer exists if it was repaired.
    let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o755));
    assert!(
        may_all || ran.stderr.contains("warning: no permission to remove files of a run that was killed")
    );
}
