//! Tables that no node builds, as operations write them: partitions, spellings, damage and other writers.

use std::{fs, process::Child, thread, time::Duration};

use crate::{project::Project, ran::Ran, signals::interrupt};

fn operation(project: &Project, sql: &str) -> Ran {
    project.run(["run-operation", "--sql", sql])
}

#[test]
fn a_partitioned_table_is_changed_and_keeps_its_definition() {
    let project = Project::new()
        .model("m.sql", "{{ config(partition_by='s', contract={'enforced': true}) }} select unnest(['a', 'q']) as s, unnest([1, 2]) as n")
        .file(
            "models/m.yml",
            "models: [{name: m, description: readings, columns: [{name: s, data_type: varchar}, {name: n, data_type: integer, constraints: [{type: not_null}]}]}]\n",
        );
    project.run(["build"]).success();
    fs::remove_file(project.path("models/m.sql")).unwrap();
    fs::remove_file(project.path("models/m.yml")).unwrap();
    operation(&project, "insert into main.m values ('x', 3), ('b c', 4)").success();
    operation(&project, "update main.m set s = upper(s) where s = 'a'").success();
    operation(&project, "delete from main.m where s = 'q'").success();
    operation(&project, "insert into main.m (n) values (9)").success();
    assert_eq!(project.rows("select * from main.m order by n"), "s,n\nA,1\nx,3\nb c,4\n,9\n");
    operation(&project, "insert into main.m (s) values ('z')").failure().says("column n is NULL in 1 row");
    let log = project.files("lake/main/m/_delta_log");
    let has_metadata =
        |file: &&String| project.read(&format!("lake/main/m/_delta_log/{file}")).contains("\"metaData\"");
    let metadata = log.iter().filter(has_metadata).count();
    assert_eq!(metadata, 1, "{log:?}");
}

#[test]
fn names_of_tables_compare_without_case() {
    let project = Project::new();
    operation(&project, "create table ops.r as select 1 as a").success();
    operation(&project, "create table if not exists OPS.\"R\" (a int)").success();
    operation(&project, "create table ops.R (a int)").failure().says("the table ops.r is there already");
    operation(&project, "insert into OPS.R values (2)").success();
    operation(&project, "insert into ops.r select a + 2 from Ops.R").success();
    assert_eq!(project.rows("select a from ops.r order by a"), "a\n1\n2\n3\n4\n");
    let files = project.files("lake");
    assert!(!files.iter().any(|file| file.contains("OPS") || file.contains("/R/")), "{files:?}");
}

#[test]
fn a_damaged_table_is_named_with_its_cure() {
    let project = Project::new();
    operation(&project, "create table ops.r as select 1 as a").success();
    let next = project.path("lake/ops/r/_delta_log/00000000000000000001.json");
    fs::create_dir(&next).unwrap();
    operation(&project, "insert into ops.r values (2)")
        .failure()
        .says("lake/ops/r can't be read: a folder is in the place of its entry 00000000000000000001.json")
        .says("move its folder away");
    fs::remove_dir(&next).unwrap();
    operation(&project, "insert into ops.r values (2)").success();
    project.write("lake/ops/r/_delta_log/00000000000000000001.json", "{");
    operation(&project, "insert into ops.r values (2)")
        .failure()
        .says("the Delta log of")
        .says("move its folder away");
}

#[test]
fn a_statement_that_another_writer_overtakes_is_run_again() {
    let project = Project::new();
    operation(&project, "create table ops.r (a int)").success();
    let insert = |a: i32| {
        let sql = format!("insert into ops.r values ({a})");
        project.command(["run-operation", "--sql", &sql]).spawn().unwrap()
    };
    let writers: Vec<Child> = (0..4).map(insert).collect();
    for writer in writers {
        Ran::new(writer.wait_with_output().unwrap(), &project.path("")).success();
    }
    assert_eq!(project.rows("select count(distinct a) as n from ops.r"), "n\n4\n");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_an_operation_in_order() {
    let project = Project::new();
    let sql = "create table ops.r as select range as a, repeat('x', 50) as pad from range(100000000000)";
    let child = project.command(["run-operation", "--sql", sql, "--threads", "1"]).spawn().unwrap();
    thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    let ran = Ran::new(child.wait_with_output().unwrap(), &project.path(""));
    ran.says("cancelled: statements that were done before have their effect");
    let files = project.files("lake");
    assert!(files.is_empty(), "{files:?}");
}
