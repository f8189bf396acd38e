//! Files of compiled SQL: no node's file is replaced by another's.

use super::*;

/// Resolves a model and its properties, and returns the compiled paths of all tests and snapshots below the
/// properties file, sorted.
fn files(properties: &str) -> Vec<String> {
    let manifest = manifest(&[("models/a.sql", "select 1 as x"), ("models/s.yml", properties)]);
    let path = |node: &Node| match node {
        Node::Test(test) => Some(test.compiled_path()),
        Node::Snapshot(snapshot) => Some(snapshot.compiled_path()),
        _ => None,
    };
    let mut files: Vec<String> =
        manifest.nodes.values().filter_map(path).map(|path| path.to_string_lossy().into_owned()).collect();
    files.sort();
    files.into_iter().map(|file| file.trim_start_matches("compiled/shop/models/s.yml/").to_owned()).collect()
}

fn on_x(tests: &str) -> String {
    format!("models:\n  - name: a\n    columns:\n      - name: x\n        data_tests: [{tests}]\n")
}

#[test]
fn a_test_has_dbts_file_if_no_other_has_it() {
    let files = files(&on_x("not_null, {unique: {name: one}}"));
    assert_eq!(files, ["not_null_a_x.sql", "one.sql"]);
}

#[test]
fn tests_of_one_name_have_files_of_their_own() {
    let long = "x".repeat(80);
    for tests in [
        // The names of the values differ by what names can't hold.
        "{accepted_values: {arguments: {values: ['a b']}}}, {accepted_values: {arguments: {values: ['a_b']}}}".to_owned(),
        // By case only.
        "{not_null: {name: One}}, {unique: {name: one}}".to_owned(),
        "{not_null: {name: one}}, {unique: {name: one}}".to_owned(),
        format!("{{not_null: {{name: {long}}}}}, {{not_null: {{name: {long}, arguments: {{}}, config: {{where: 'x > 1'}}}}}}"),
    ] {
        let mut files: Vec<String> = files(&on_x(&tests)).iter().map(|file| file.to_lowercase()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        files.dedup();
        assert_eq!(files.len(), 2, "{files:?}");
    }
}

#[test]
fn a_snapshot_keeps_its_file() {
    let snapshot = "snapshots:\n  - name: one\n    relation: ref('a')\n    config: {strategy: check, check_cols: all, unique_key: x}\n";
    let files = files(&(on_x("{not_null: {name: one}}") + snapshot));
    assert_eq!(files.len(), 2);
    assert!(files[0].starts_with("one.") && files[0] != "one.sql" && files[1] == "one.sql", "{files:?}");
}

#[test]
fn no_name_leads_to_another_folder() {
    let files = files(&on_x("{not_null: {name: ../../../../one, config: {alias: one}}}"));
    assert_eq!(files.len(), 1);
    assert!(files[0].starts_with(".._.._.._.._one.") && !files[0].contains('/'), "{files:?}");
}
