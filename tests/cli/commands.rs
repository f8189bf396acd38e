//! Every command except `build`.

use serde_json::Value;

use crate::{project::Project, ran::assert_said};

const SOURCES: &str = "
sources:
  - name: files
    tables:
      - name: orders
        external: { location: orders.csv, format: csv }
        columns: [{ name: order_id, data_type: bigint }, { name: amount, data_type: 'decimal(10, 2)' }]
";

/// A source, a table over it, a view over that table, and a table over the view.
fn shop() -> Project {
    Project::new()
        .file("sources.yml", SOURCES)
        .file("orders.csv", "order_id,amount\n1,9.50\n2,\n3,12.25\n")
        .model("raw/raw_orders.sql", "select * from {{ source('files', 'orders') }}\n")
        .model(
            "staging/stg_orders.sql",
            "{{ config(materialized='view', tags=['nightly']) }}\nselect *, amount is not null as is_paid\nfrom {{ ref('raw_orders') }}\n",
        )
        .model("totals.sql", "select count(*) as orders, sum(amount) as total from {{ ref('stg_orders') }}\n")
}

#[test]
fn list_names_what_selects_each_node() {
    assert_said!(shop().run(["list"]).success());
}

#[test]
fn list_can_give_names_or_paths() {
    let shop = shop();
    assert_eq!(
        shop.run(["ls", "--output", "name", "-s", "+totals"]).success().lines(),
        ["raw_orders", "stg_orders", "totals", "files.orders"]
    );
    assert_eq!(
        shop.run(["ls", "--output", "path", "-s", "tag:nightly"]).success().lines(),
        ["models/staging/stg_orders.sql"]
    );
    assert_eq!(shop.run(["ls", "--resource-type", "source"]).success().lines(), ["source:shop.files.orders"]);
}

#[test]
fn list_as_json_is_an_object_a_line() {
    let shop = shop();
    let ran = shop.run(["ls", "--output", "json", "-s", "stg_orders"]).success();
    let line: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(line["unique_id"], "model.shop.stg_orders");
    assert_eq!(line["depends_on"]["nodes"][0], "model.shop.raw_orders");
    assert_eq!(line["config"]["materialized"], "view");
    assert_eq!(line["tags"][0], "nightly");
    assert_eq!(line["original_file_path"], "models/staging/stg_orders.sql");
    assert_eq!(line["depends_on"]["macros"].as_array().map(Vec::len), Some(0));
    let keys = ["--output-keys", "name", "fqn config.materialized", "nothing"];
    let ran = shop.run(["ls", "--output", "json", "-s", "stg_orders"].iter().chain(&keys)).success();
    let line: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let expect = serde_json::json!({
        "name": "stg_orders", "fqn": ["shop", "staging", "stg_orders"], "config.materialized": "view"
    });
    assert_eq!(line, expect);
}

/// Returns the names of the listed nodes.
fn names(shop: &Project, args: &[&str]) -> Vec<String> {
    let ran = shop.run(["ls", "--output", "name"].iter().chain(args)).success();
    ran.lines().into_iter().map(str::to_owned).collect()
}

const SELECTORS: &str = "
selectors:
  - name: paid
    default: \"{{ target.name == 'none' }}\"
    definition:
      union:
        - raw_orders+
        - exclude: ['tag:nightly', 'tag:nobody_has_this']
  - name: narrow
    definition:
      intersection:
        - {method: selector, value: paid}
        - {method: fqn, value: totals, parents: true, parents_depth: 2}
        - exclude: [{path: models/raw}]
";

#[test]
fn selectors_are_named_selections() {
    let shop = shop().file("selectors.yml", SELECTORS);
    assert_eq!(names(&shop, &["--selector", "paid"]), ["raw_orders", "totals"]);
    assert_eq!(names(&shop, &["--selector", "narrow"]), ["totals"]);
    assert_eq!(names(&shop, &["-s", "selector:narrow", "stg_orders"]), ["stg_orders", "totals"]);
    assert_eq!(names(&shop, &[]).len(), 4);
    let shop = shop.file("selectors.yml", SELECTORS.replace("'none'", "'dev'"));
    assert_eq!(shop.run(["ls", "--output", "name"]).success().lines(), ["raw_orders", "totals"]);
    shop.run(["ls", "--selector", "nightly"]).refused().says("Could not find selector named nightly");
    let shop = shop.file("selectors.yml", SELECTORS.replace("value: paid", "value: payed"));
    shop.run(["ls", "--selector", "paid"]).refused().says("the selectors: paid");
}

#[test]
fn resource_types_are_kept_or_left_out() {
    let shop = shop();
    let found = names(&shop, &["-s", "package:this", "--resource-type", "source", "exposure"]);
    assert_eq!(found, ["files.orders"]);
    let found = names(&shop, &["--exclude-resource-type", "model"]);
    assert_eq!(found, ["files.orders"]);
    let built = shop.run(["build", "--resource-type", "seed"]);
    assert!(built.success().lines().iter().all(|line| !line.contains("totals")));
}

#[test]
fn list_reads_nothing_but_the_project() {
    let shop = shop().file("orders.csv", "");
    shop.run(["list"]).success();
    assert!(!shop.exists("lake") && !shop.exists("target"));
}

#[test]
fn plan_as_json_has_a_step_for_each_node() {
    let shop = shop();
    let plan: Value =
        serde_json::from_str(&shop.run(["plan", "--output", "json"]).success().stdout).expect("JSON");
    insta::assert_snapshot!(format!("{plan:#}"));
}

#[test]
fn compile_of_one_model_prints_it() {
    assert_said!(shop().run(["compile", "-s", "totals"]).success());
}

#[test]
fn compile_of_all_writes_them() {
    let shop = shop();
    assert_said!(shop.run(["compile"]).success());
    assert!(shop.read("target/compiled/shop/models/totals.sql").contains("\"main\".\"stg_orders\""));
    assert!(!shop.exists("lake"), "compiling builds nothing");
}

#[test]
fn show_runs_a_models_sql_over_the_tables_as_they_are() {
    let shop = shop();
    shop.run(["build"]).success();
    assert_said!(shop.run(["show", "-s", "stg_orders"]).success());
}

#[test]
fn show_takes_any_query() {
    let shop = shop();
    shop.run(["build"]).success();
    let query = "select * from {{ ref('stg_orders') }} order by order_id desc";
    assert_said!(shop.run(["show", "--inline", query, "--limit", "2"]).success());
    assert_said!(shop.run(["show", "--inline", query, "--output", "json"]).success());
    assert_said!(shop.run(["show", "--inline", query, "--output", "csv", "--limit", "1"]).success());
    assert_said!(shop.run(["show", "--inline", "select total from main.totals"]).success());
}

#[test]
fn show_reads_sources_before_anything_is_built() {
    let shop = shop();
    let ran = shop.run(["show", "--inline", "select max(amount) as m from {{ source('files', 'orders') }}"]);
    assert_said!(ran.success());
    assert!(!shop.exists("lake"), "showing writes nothing");
}

#[test]
fn show_of_no_rows_still_shows_the_columns() {
    let query = "select 1 as a, 'x' as b where false";
    let project = Project::new();
    assert_said!(project.run(["show", "--inline", query]).success());
    assert_said!(project.run(["show", "--inline", query, "--output", "csv"]).success());
}

#[test]
fn debug_says_what_is_used() {
    assert_said!(shop().run(["debug", "--threads", "3"]).success());
}

#[test]
fn clean_removes_what_headwater_made() {
    let shop = shop();
    shop.run(["compile"]).success();
    assert_said!(shop.run(["clean"]).success());
    assert!(!shop.exists("target"));
    assert_said!(shop.run(["clean"]).success());
}

#[test]
fn clean_leaves_tables_that_lie_in_the_target_path() {
    let project = Project::new()
        .file("project.yml", "name: shop\ntarget: dev\ntargets:\n  dev:\n    root: target/lake\n")
        .model("m.sql", "select 1 as a\n");
    project.run(["build"]).success();
    assert_said!(project.run(["clean", "--dry-run"]).success());
    assert_said!(project.run(["clean"]).success());
    assert!(project.exists("target/lake/main/m/_delta_log"));
}

#[test]
fn clean_leaves_files_of_others_among_artifacts() {
    let project = Project::new()
        .file("project.yml", "name: shop\ntarget: dev\ntargets:\n  dev:\n    root: target/lake\n")
        .model("m.sql", "select 1 as a\n")
        .model("staging/n.sql", "select 1 as b\n");
    project.run(["docs", "generate"]).success();
    project.run(["build"]).success();
    // Notes next to compiled SQL and the page, and a table whose log is lost.
    let project = project.file("target/compiled/shop/models/notes.md", "").file("target/docs/notes.md", "");
    std::fs::remove_dir_all(project.path("target/lake/main/m/_delta_log")).unwrap();
    let before = project.files("target/lake");
    let planned = project.run(["clean", "--dry-run"]).success();
    let done = project.run(["clean"]).success();
    assert_eq!(planned.stdout.replace("would remove", "removed"), done.stdout);
    assert_said!(done);
    assert!(project.exists("target/compiled/shop/models/notes.md") && project.exists("target/docs/notes.md"));
    assert_eq!(project.files("target/lake"), before);
}

#[test]
fn clean_leaves_what_others_made() {
    let shop = shop().file("target/debug/precious", "");
    assert_said!(shop.run(["clean"]).refused());
    assert!(shop.exists("target/debug/precious"));
}

#[test]
fn init_makes_a_project_that_builds() {
    let folder = Project::empty();
    assert_said!(folder.run(["init", "first_steps"]).success());
    assert_said!(folder.run(["build", "--project-dir", "first_steps", "--threads", "1"]).success());
    assert!(folder.exists("first_steps/data_lake/presentation/revenue_per_day/_delta_log"));
    assert_said!(folder.run(["init", "first_steps"]).refused());
}

#[test]
fn init_wants_a_name_that_can_be_one() {
    let folder = Project::empty();
    assert_said!(folder.run(["init", "First Steps"]).refused());
    assert!(folder.files("").is_empty());
}

#[test]
fn version_is_one_line() {
    let ran = Project::empty().run(["--version"]).success();
    let failpoints = if cfg!(feature = "failpoints") { " (failpoints)" } else { "" };
    assert_eq!(ran.stdout, format!("headwater {}{failpoints}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_teaches() {
    assert_said!(Project::empty().run(["--help"]).success());
    assert_said!(Project::empty().run(["build", "--help"]).success());
}
