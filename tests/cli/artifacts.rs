//! Artifacts for other tools: `manifest.json`, `catalog.json` and `graph_summary.json`. dbt's own classes
//! check that they conform to the last key, in `tests/artifacts`.

use serde_json::Value;

use crate::project::Project;

fn artifact(project: &Project, name: &str) -> Value {
    serde_json::from_str(&project.read(&format!("target/{name}.json"))).expect("JSON")
}

fn shop() -> Project {
    Project::new()
        .model("a.sql", "select 1 as x, 'y' as y")
        .model("b.sql", "{{ config(materialized='view', tags=['nightly']) }}\nselect x from {{ ref('a') }}\n")
        .file("models/words.md", "{% docs a %}Of all letters the first.{% enddocs %}")
        .file(
            "models/schema.yml",
            "models:\n- name: a\n  description: \"{{ doc('a') }}\"\n  columns: [{name: x, description: One., data_tests: [unique]}]\n\
             exposures:\n- {name: board, type: dashboard, owner: {name: Fin}, depends_on: [ref('b')]}\n",
        )
}

#[test]
fn docs_need_no_run() {
    let project = shop();
    project.run(["docs", "generate"]).success().says("2 tables and views, 0 of them in the lake");
    let manifest = artifact(&project, "manifest");
    let a = &manifest["nodes"]["model.shop.a"];
    assert_eq!(a["description"], "Of all letters the first.");
    assert_eq!(a["doc_blocks"][0], "doc.shop.a");
    assert_eq!(a["primary_key"][0], "x");
    assert_eq!(a["compiled_code"], "select 1 as x, 'y' as y");
    assert_eq!(manifest["parent_map"]["exposure.shop.board"][0], "model.shop.b");
    assert_eq!(manifest["child_map"]["model.shop.b"][0], "exposure.shop.board");
    let catalog = artifact(&project, "catalog");
    let table = &catalog["nodes"]["model.shop.a"];
    assert_eq!(
        (&table["columns"]["x"]["type"], &table["columns"]["x"]["comment"]),
        (&"integer".into(), &"One.".into())
    );
    assert_eq!(table["stats"]["has_stats"]["value"], false);
    assert_eq!(catalog["nodes"]["model.shop.b"]["metadata"]["type"], "VIEW");
    assert!(!project.exists("lake"), "nothing is built");
}

#[test]
fn the_catalog_tells_what_is_in_the_lake() {
    let project = shop();
    let _ = project.run(["build"]).success();
    project.run(["docs", "generate"]).success().says("1 of them in the lake");
    let stats = artifact(&project, "catalog")["nodes"]["model.shop.a"]["stats"].clone();
    assert_eq!((&stats["num_rows"]["value"], &stats["num_files"]["value"]), (&1.into(), &1.into()));
    assert!(stats["bytes"]["value"].as_u64().expect("bytes") > 0);
    assert!(stats["last_modified"]["value"].as_str().expect("a time").ends_with('Z'));
}

#[test]
fn a_selection_compiles_only_what_it_selects_and_describes_everything() {
    let project = shop();
    let _ = project.run(["compile", "-s", "a"]).success();
    let nodes = artifact(&project, "manifest")["nodes"].clone();
    assert_eq!(nodes["model.shop.a"]["compiled"], true);
    assert!(nodes["model.shop.b"].get("compiled").is_none());
    assert_eq!(nodes["model.shop.b"]["tags"][0], "nightly");
    let summary = artifact(&project, "graph_summary");
    assert_eq!(summary["linked"].as_object().expect("nodes").len(), 4);
}

#[test]
fn an_enforced_contract_decides_what_becomes_of_other_columns() {
    let model = |policy: &str| {
        Project::new()
            .model("a.sql", &format!("{{{{ config(materialized='incremental', unique_key='x'{policy}) }}}}\nselect 1 as x"))
            .file(
                "models/schema.yml",
                "models: [{name: a, config: {contract: {enforced: true}}, columns: [{name: x, data_type: integer}]}]",
            )
    };
    let project = model("");
    let _ = project.run(["compile"]).success();
    let config = artifact(&project, "manifest")["nodes"]["model.shop.a"]["config"].clone();
    assert_eq!(config["on_schema_change"], "fail");
    model(", on_schema_change='ignore'")
        .run(["compile"])
        .refused()
        .says("a model with an enforced contract can't have `on_schema_change: ignore`");
}

#[test]
fn artifacts_name_tables_by_three_names_as_sql_may() {
    let project = shop();
    let _ = project.run(["build"]).success();
    let b = artifact(&project, "manifest")["nodes"]["model.shop.b"].clone();
    assert_eq!((&b["database"], &b["relation_name"]), (&"dev".into(), &"\"dev\".\"main\".\"b\"".into()));
    let sql = b["compiled_code"].as_str().expect("SQL").to_owned();
    assert_eq!(sql.trim(), "select x from \"dev\".\"main\".\"a\"");
    assert_eq!(project.rows(&sql), "x\n1\n");
    let results = artifact(&project, "run_results");
    let ran = results["results"].as_array().expect("results").iter();
    let a = ran.into_iter().find(|result| result["unique_id"] == "model.shop.a").expect("a");
    assert_eq!(a["relation_name"], "\"dev\".\"main\".\"a\"");
}
