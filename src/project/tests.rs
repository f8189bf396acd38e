//! Tests of whole projects in a temporary folder.

mod checks;
mod fuzz;

use std::{collections::BTreeMap, fs};

use tempfile::TempDir;

use super::*;
use crate::diag::{Severity, render};

/// Creates a folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Loads the project in these files, which has no diagnostics.
fn project(files: &[(&str, &str)]) -> Project {
    let (project, diagnostics) = Project::load(folder(files).path());
    assert_eq!(render(&diagnostics), "");
    project.unwrap()
}

/// Returns the rendered diagnostics of the project in these files.
fn wrong(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let (_, diagnostics) = Project::load(folder.path());
    render(&diagnostics).replace(&folder.path().display().to_string(), "ROOT")
}

fn render(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|finding| render::to_string(finding, false)).collect::<Vec<_>>().join("\n\n")
}

/// Compares the codes of this project file's diagnostics.
fn check(text: &str, expect: &[&str]) {
    let (_, diagnostics) = Project::load(folder(&[("project.yml", text)]).path());
    let codes: Vec<&str> = diagnostics.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, expect, "{text}");
}

#[test]
fn the_smallest_project_has_all_defaults() {
    let project = project(&[("project.yml", "name: shop\n")]);
    let settings = project.settings;
    assert_eq!(settings.name.value, "shop");
    assert_eq!(settings.paths.models, ["models"]);
    assert_eq!(settings.paths.target, "target");
    assert_eq!(settings.dialect, "duckdb");
    assert_eq!(settings.default_target.value, "dev");
    assert_eq!(settings.targets["dev"].root.value, "data_lake");
    assert!(project.models.is_empty());
}

#[test]
fn settings_are_read() {
    let text = r#"
name: shop
version: 1.0
config-version: 2
profile: x
dialect: Postgres
model-paths: [models/, ./more]
vars:
  a: 1
  b: "{{ env_var('B') }}"
  shop: {a: 2}
models:
  shop: {staging: {+schema: staging}}
tests: {staging: {+severity: warn}}
unit_tests: {+enabled: no}
target: ci
targets:
  ci:
    root: s3://bucket/{{ env_var('LAKE') }}
    threads: 4
    memory_limit: 512MiB
    storage_options: {region: eu-west-1, allow_http: true}
  prod: {root: /lake, schema: p_}
"#;
    let settings = project(&[("dbt_project.yml", text)]).settings;
    assert_eq!(settings.version.as_deref(), Some("1.0"));
    assert_eq!(settings.dialect, "postgresql");
    assert_eq!(settings.paths.models, ["models", "more"]);
    let vars: BTreeMap<_, _> = settings.vars_of("shop").collect();
    assert_eq!(vars["a"].to_json(), 2);
    assert_eq!(vars["b"].to_json(), "{{ env_var('B') }}");
    assert_eq!(settings.vars_of("other").collect::<BTreeMap<_, _>>()["a"].to_json(), 1);
    assert_eq!(settings.models.layers("shop", &["staging", "m"]).len(), 3);
    assert_eq!(settings.data_tests.layers("shop", &["staging", "t"]).len(), 2);
    assert!(settings.unit_tests.here.entries.contains_key("enabled"));
    assert_eq!(settings.default_target.value, "ci");
    let ci = &settings.targets["ci"];
    assert_eq!((ci.threads, ci.memory_limit), (Some(4), Some(512 << 20)));
    assert_eq!(ci.storage_options["allow_http"].value.reveal(), "true");
    assert_eq!(settings.targets["prod"].schema.as_ref().unwrap().value, "p_");
}

#[test]
fn what_can_be_wrong_with_settings() {
    check("nmae: x\n", &["missing-key", "unknown-key"]);
    check("name: my-shop\n", &["invalid-name"]);
    check("name: 1\n", &["wrong-type"]);
    check("- a\n", &["wrong-type"]);
    check("", &["missing-key"]);
    check("name: a\ndialect: duckd\n", &["unknown-dialect"]);
    check("name: a\nquoting: {}\n", &["ignored-key"]);
    check(
        "name: a\nmodel-paths: ['{{ x }}', ../b, /c]\n",
        &["jinja-not-allowed", "path-outside", "path-outside"],
    );
    check("name: a\nmodel-paths: 3\n", &["wrong-type"]);
    check("name: a\nsource-paths: [m]\ndata-paths: [d]\n", &["deprecated-key", "deprecated-key"]);
    check("name: a\nsource-paths: [m]\nmodel-paths: [m]\n", &["duplicate-key"]);
    check("name: a\ntests: {}\ndata_tests: {}\nunit_tests: 3\n", &["duplicate-key", "wrong-type"]);
    check("name: a\ntarget: b\ntargets: {c: {}}\n", &["unknown-target"]);
    check("name: a\ntarget: \"{{ env_var('T') }}\"\ntargets: {c: {}}\n", &[]);
    check("name: a\ntargets: {c: {}, d: {}}\n", &["no-default-target"]);
    check(
        "name: a\ntargets: {c: {threads: 0, memory_limit: lots, rot: x}}\n",
        &["wrong-type", "invalid-size", "unknown-key"],
    );
}

#[test]
fn a_folder_without_one_project_file() {
    insta::assert_snapshot!(wrong(&[]));
    insta::assert_snapshot!(wrong(&[("project.yml", "name: a\n"), ("dbt_project.yml", "name: a\n")]));
}

const SOURCES: &str = r"
version: 2
sources:
  - name: files
    description: From the meters.
    tags: [a]
    config: {tags: b, meta: {owner: me}}
    tables:
      - name: readings
        external:
          location: data/readings/*.json
          options: {orient: split, date_unit: ms}
          on_error: fail
        columns:
          - {name: meterpoint_id, data_type: varchar, data_tests: [not_null]}
      - name: product
        external: {location: data/case.db, options: {table: product}}
      - name: elsewhere
        external: {location: /lake/x, format: delta}
  - name: lake
    schema: raw
    tables: [{name: orders, identifier: orders_v2}]
";

#[test]
fn sources_are_read_from_the_root_and_from_the_model_paths() {
    let more = "sources:\n  - {name: files, tables: [{name: more, external: {location: a.jsonl}}]}\n";
    let project =
        project(&[("project.yml", "name: a\n"), ("sources.yml", SOURCES), ("models/raw/s.yaml", more)]);
    let [files, lake, again] = &project.sources[..] else { panic!("three sources") };
    assert_eq!(files.tags.iter().map(|tag| tag.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(files.meta.as_ref().unwrap().to_json()["owner"], "me");
    let external: Vec<_> = files
        .tables
        .iter()
        .filter_map(|table| table.external.as_ref())
        .map(|external| (external.format.value, external.on_error, external.options.len()))
        .collect();
    assert_eq!(
        external,
        [
            (SourceFormatName::Json, OnErrorDecl::Fail, 2),
            (SourceFormatName::Sqlite, OnErrorDecl::SetAside, 1),
            (SourceFormatName::Delta, OnErrorDecl::SetAside, 0),
        ]
    );
    let column = &files.tables[0].columns[0];
    assert_eq!(column.name.span.to_string(), "sources.yml:15:20");
    assert_eq!(column.data_type.as_ref().unwrap().value, "varchar");
    assert_eq!(lake.tables[0].identifier.as_ref().unwrap().value, "orders_v2");
    assert_eq!(again.tables[0].external.as_ref().unwrap().format.value, SourceFormatName::Ndjson);
}

#[test]
fn old_names_of_folders_count() {
    let folder = folder(&[("project.yml", "name: a\nsource-paths: [m]\ndata-paths: [d]\n")]);
    let paths = Project::load(folder.path()).0.unwrap().settings.paths;
    assert_eq!((paths.models, paths.seeds), (vec!["m".to_owned()], vec!["d".to_owned()]));
}

#[test]
fn of_two_descriptions_of_a_column_the_last_counts_with_the_tests_of_both() {
    let text = "models: [{name: m, columns: [{name: x, description: one, data_tests: [unique], type: int}, {name: y}, \
                {name: X, data_tests: [not_null], description: two, description: three}]}]";
    let files = [("project.yml", "name: a\n"), ("models/m.sql", "select 1 as x"), ("models/m.yml", text)];
    let (project, diagnostics) = Project::load(folder(&files).path());
    let found: Vec<_> = diagnostics.iter().map(|found| (found.is_error(), found.code)).collect();
    assert_eq!(found, [(false, "duplicate-key"), (false, "unknown-key"), (false, "duplicate-column")]);
    let columns = &project.unwrap().properties[0].columns;
    let read = columns.iter().map(|column| {
        let tests = column.data_tests.iter().map(|test| test.test.value.as_str()).collect::<Vec<_>>();
        (column.name.value.as_str(), column.description.as_ref().map(|text| text.value.as_str()), tests)
    });
    assert_eq!(
        read.collect::<Vec<_>>(),
        [("X", Some("three"), vec!["unique", "not_null"]), ("y", None, vec![])]
    );
}

#[test]
fn what_can_be_wrong_with_sources() {
    let text = r"
sources:
  - name: files
    tables:
      - name: a
        external: {location: a.json, options: {oriant: split}}
      - name: b
        external: {location: b.parquet, options: {table: x}}
      - name: c
        external: {location: c.json, options: {orient: splt}, on_error: skip}
      - name: d
        external: {location: d.txt}
      - name: e
        external: {format: jsn, location: e}
      - external: {format: csv}
      - name: f
        colums: []
        columns: [{name: x}, {name: X, type: int}]
      - name: a
";
    insta::assert_snapshot!(wrong(&[("project.yml", "name: a\n"), ("sources.yml", text)]));
}

#[test]
fn properties_are_read() {
    let text = r"
models:
  - name: orders
    description: All of them.
    meta: {owner: me}
    tags: daily
    config: {materialized: view, pre-hook: x, tags: [other]}
    latest_version: 2
    tests: [{unique: {column_name: id}}]
    columns: [{name: id, tests: [unique], description: 'The id.'}]
exposures: []
macros: []
";
    let project = project(&[("project.yml", "name: a\n"), ("models/_models.yml", text)]);
    let [orders] = &project.properties[..] else { panic!("one model") };
    let keys: Vec<_> = orders.config.entries.keys().collect();
    assert_eq!(keys, ["materialized", "meta", "pre_hook", "tags"]);
    assert_eq!(orders.config.entries["tags"].to_json(), serde_json::json!(["other"]));
    assert_eq!(orders.raw.len(), 1);
    assert_eq!(orders.data_tests[0].arguments[0].0.value, "column_name");
    assert_eq!(orders.columns[0].data_tests[0].test.value, "unique");
}

#[test]
fn what_can_be_wrong_with_properties() {
    let one = "models:\n  - name: orders\n    owner: me\n    descripton: x\n  - columns: []\nmodel: []\nsnapshots: []\n";
    let two = "models:\n  - name: orders\n    tests: []\n    data_tests: []\n    description: 3\n";
    insta::assert_snapshot!(wrong(&[
        ("project.yml", "name: a\n"),
        ("models/a.yml", one),
        ("models/b.yml", two),
    ]));
}

#[test]
fn files_are_found_in_order_and_hidden_ones_are_not() {
    let project = project(&[
        ("project.yml", "name: a\nmodel-paths: [models, models/staging]\n"),
        ("models/staging/x/b.sql", "select 1"),
        ("models/a.sql", "\u{feff}select 2"),
        ("models/.hidden/c.sql", "select 3"),
        ("models/.d.sql", "select 4"),
        ("models/notes.md", "e"),
        ("macros/m/f.sql", "{% macro f() %}{% endmacro %}"),
    ]);
    let models: Vec<_> = project
        .models
        .iter()
        .map(|model| {
            format!("{} {} {:?} {}", model.name, model.source.path(), model.fqn_folders, model.root_path)
        })
        .collect();
    assert_eq!(models, ["a models/a.sql [] models", r#"b models/staging/x/b.sql ["staging", "x"] models"#,]);
    assert_eq!(project.models[0].source.text(), "select 2");
    assert_eq!(project.macros[0].source.path(), "macros/m/f.sql");
}

#[test]
fn the_whole_folder_can_be_the_model_path_without_its_artifacts() {
    let project = project(&[
        ("project.yml", "name: a\nmodel-paths: ['.']\nmacro-paths: []\n"),
        ("a.sql", "select 1"),
        ("target/compiled/a.sql", "select 1"),
    ]);
    assert_eq!(project.models.len(), 1);
    assert_eq!(project.models[0].source.path(), "a.sql");
}

#[test]
fn text_that_is_not_utf_8_is_pointed_at() {
    let folder = folder(&[("project.yml", "name: a\n"), ("models/ok.sql", "select 1"), ("models/py.py", "")]);
    fs::write(folder.path().join("models/bad.sql"), b"select '\xff'\n").unwrap();
    let (project, diagnostics) = Project::load(folder.path());
    assert_eq!(project.unwrap().models.len(), 1);
    insta::assert_snapshot!(render(&diagnostics));
    assert_eq!(diagnostics[0].severity, Severity::Warning);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_never_round_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("project.yml", "name: a\n"), ("models/a/x.sql", ""), ("other/y.sql", "")]);
    let models = folder.path().join("models");
    symlink(&models, models.join("a/loop")).unwrap();
    symlink(folder.path().join("other"), models.join("linked")).unwrap();
    symlink("nowhere", models.join("dangling")).unwrap();
    let (project, diagnostics) = Project::load(folder.path());
    assert_eq!(diagnostics, []);
    let paths: Vec<_> = project.unwrap().models.iter().map(|model| model.source.path().to_owned()).collect();
    assert_eq!(paths, ["models/a/x.sql", "models/linked/y.sql"]);
}

#[test]
fn many_files_keep_their_order() {
    let folder = folder(&[("project.yml", "name: a\n")]);
    let models = folder.path().join("models");
    fs::create_dir_all(&models).unwrap();
    for number in 0..600 {
        fs::write(models.join(format!("m{number:04}.sql")), "select 1").unwrap();
        fs::write(models.join(format!("m{number:04}.yml")), format!("models: [{{name: m{number:04}}}]\n"))
            .unwrap();
    }
    let (project, diagnostics) = Project::load(folder.path());
    assert_eq!(diagnostics, []);
    let project = project.unwrap();
    assert!(project.models.is_sorted_by(|a, b| a.name < b.name));
    let described: Vec<_> = project.properties.iter().map(|model| &model.name.value).collect();
    assert_eq!(described, project.models.iter().map(|model| &model.name).collect::<Vec<_>>());
}
