//! The documentation site: its data match the project and the lake. Browser tests check its look and
//! behaviour (`tests/browser`).

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::project::Project;

fn unpacked(text: &str) -> Value {
    let bytes = STANDARD.decode(text).expect("base64");
    let mut json = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut json).expect("gzip");
    serde_json::from_str(&json).expect("JSON")
}

/// Returns the data in an element of the page.
fn carried(page: &str, id: &str) -> Option<Value> {
    let (_, after) = page.split_once(&format!("<script type=\"application/gzip\" id=\"{id}\">"))?;
    Some(unpacked(after.split_once('<')?.0))
}

/// Returns the page's data, and the details of its nodes.
fn site(project: &Project) -> (Value, Vec<Value>) {
    let page = project.read("target/docs/index.html");
    let site = carried(&page, "site").expect("the site");
    let Some(Value::Array(details)) = carried(&page, "part-0") else { panic!("no details") };
    (site, details)
}

/// Returns the node whose id starts with `id`, and its details.
fn node<'a>((site, details): &'a (Value, Vec<Value>), id: &str) -> (&'a Value, &'a Value) {
    let nodes = site["nodes"].as_array().expect("nodes");
    let is_it = |node: &Value| node["id"].as_str().is_some_and(|whole| whole.starts_with(id));
    let at = nodes.iter().position(is_it).unwrap_or_else(|| panic!("no {id}"));
    (&nodes[at], &details[at])
}

/// Returns the name of the column at a place: `a.x`.
fn column(site: &Value, place: &Value) -> String {
    let at = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("a place");
    let node = &site["nodes"][at(&place[0])];
    format!("{}.{}", node["name"], node["columns"][at(&place[1])]["name"]).replace('"', "")
}

fn shop() -> Project {
    Project::new()
        .model("a.sql", "select 1 as x, 'y' as y")
        .model(
            "b.sql",
            "{{ config(materialized='view', tags=['nightly'], meta={'owner': 'Fin'}) }}\n\
             select x + 1 as z from {{ ref('a') }} where y is not null\n",
        )
        .file("models/about.md", "{% docs __overview__ %}# Our </script> shop{% enddocs %}")
        .file(
            "models/schema.yml",
            "models:\n- name: a\n  description: Letters & <more>.\n  columns: [{name: x, description: One., data_tests: [unique]}]\n\
             exposures:\n- {name: board, type: dashboard, owner: {name: Fin}, depends_on: [ref('b')]}\n",
        )
}

#[test]
fn a_page_needs_no_run() {
    let project = shop();
    project
        .run(["docs", "generate"])
        .success()
        .says("target/docs/index.html (")
        .says("2 tables and views, 0 of them in the lake");
    assert_eq!(project.files("target/docs"), ["index.html"]);
    let all = site(&project);
    assert_eq!(all.0["overview"], "# Our </script> shop");
    let (a, detail) = node(&all, "model.shop.a");
    assert_eq!(
        (&a["description"], &a["columns"][0]["description"]),
        (&"Letters & <more>.".into(), &"One.".into())
    );
    assert_eq!((&a["columns"][0]["type"], &a["facts"]), (&"integer".into(), &Value::Null));
    assert_eq!((&detail["raw"], &detail["history"]), (&"select 1 as x, 'y' as y".into(), &Value::Null));
    let (b, detail) = node(&all, "model.shop.b");
    assert_eq!((&b["owner"], &b["tags"][0]), (&"Fin".into(), &"nightly".into()));
    assert_eq!(detail["compiled"], "select x + 1 as z from \"main\".\"a\" where y is not null");
    let made_of = &b["columns"][0]["values"][0];
    assert_eq!((column(&all.0, made_of).as_str(), &made_of[2]), ("a.x", &"transformed".into()));
    let used = &b["rows"][0];
    assert_eq!((column(&all.0, used).as_str(), &used[2][0]), ("a.y", &"filter".into()));
    let (test, _) = node(&all, "test.shop.unique_a_x");
    assert_eq!((&test["test"]["column"], &test["ended"]), (&"x".into(), &Value::Null));
    assert!(!project.exists("lake"), "nothing is built");
}

#[test]
fn a_page_tells_what_is_true_of_the_tables() {
    let project = shop();
    let _ = project.run(["build"]).success();
    project.write("models/a.sql", "select 2 as x, 'y' as y union all select 3, 'y'");
    let _ = project.run(["build"]).success();
    let _ = project.run(["docs", "generate"]).success();
    let all = site(&project);
    let (a, detail) = node(&all, "model.shop.a");
    assert_eq!((&a["facts"]["rows"], &a["facts"]["version"]), (&2.into(), &1.into()));
    assert_eq!(a["ended"]["status"], "success");
    let versions: Vec<_> = detail["history"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|version| (version["rows"].as_u64(), version["why"].as_str()))
        .collect();
    assert_eq!(versions, [(Some(2), Some("SQL changed")), (Some(1), Some("first build"))]);
    assert!(detail["history"][0]["millis"].is_u64(), "how long it took");
    let (test, _) = node(&all, "test.shop.unique_a_x");
    assert_eq!(test["ended"]["status"], "pass");
    assert_eq!(all.0["last_run"]["command"], "build");

    // A test that didn't have to run shows its current verdict.
    let _ = project.run(["build"]).success();
    let _ = project.run(["docs", "generate"]).success();
    let all = site(&project);
    assert_eq!(node(&all, "test.shop.unique_a_x").0["ended"]["status"], "pass");
}

#[test]
fn a_page_lists_the_files_of_a_table() {
    let project = Project::new()
        .file(
            "sources.yml",
            "sources:\n- name: files\n  tables:\n  - name: n\n    external: {location: 'in/*.json'}\n    \
             columns: [{name: x, data_type: bigint}, {name: _source_file, data_type: varchar}]\n",
        )
        .model(
            "n.sql",
            "{{ config(materialized='incremental') }} select x, _source_file from {{ source('files', 'n') }}",
        )
        .file("in/1.json", "{\"columns\": [\"x\"], \"data\": [[1], [2]]}")
        .file("in/2.json", "{\"x\": ");
    let _ = project.run(["build"]);
    let _ = project.run(["docs", "generate"]).success();
    let all = site(&project);
    let (_, detail) = node(&all, "model.shop.n");
    let ledger = &detail["ledger"];
    assert_eq!(
        (&ledger["counts"]["loaded"], &ledger["counts"]["set aside"]),
        (&1.into(), &1.into()),
        "{detail}"
    );
    assert_eq!(ledger["files"][0]["status"], "set aside", "what has something to say comes first");
    assert!(ledger["files"][0]["reason"].is_string());
    assert_eq!((&ledger["files"][1]["rows"], &ledger["rows"]), (&2.into(), &2.into()));
}

#[test]
fn details_may_lie_beside_the_page() {
    let project = shop();
    let _ = project.run(["docs", "generate", "--split"]).success();
    assert_eq!(project.files("target/docs"), ["index.html", "parts/0.js"]);
    let page = project.read("target/docs/index.html");
    assert!(carried(&page, "site").is_some() && carried(&page, "part-0").is_none());
    let part = project.read("target/docs/parts/0.js");
    let text = part.strip_prefix("headwater.part(0,\"").and_then(|text| text.strip_suffix("\");\n"));
    assert_eq!(unpacked(text.expect("a call"))[1]["raw"], "select 1 as x, 'y' as y");

    let _ = project.run(["docs", "generate"]).success();
    assert_eq!(project.files("target/docs"), ["index.html"], "parts of an older page are no one's");
}

#[test]
fn nothing_is_served_before_it_is_made() {
    let project = shop();
    project
        .run(["docs", "serve"])
        .refused()
        .says("there is no documentation in")
        .says("headwater docs generate");
}
