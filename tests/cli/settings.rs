//! The sources of settings and their precedence.

use crate::{project::Project, ran::assert_said};

const YAML: &str = "
name: shop
vars: { currency: EUR, country: DE }
models:
  shop:
    +schema: outer
    staging:
      +schema: inner
      +tags: [tree]
target: dev
targets:
  dev:
    root: lake
  prod:
    root: \"{{ env_var('LAKE', 'lake') }}_prod\"
    schema: p
    threads: 1
";

fn project() -> Project {
    Project::empty().file("project.yml", YAML).model("a.sql", "select '{{ var('currency') }}' as c")
}

fn places(project: &Project) -> Vec<String> {
    let logs = project
        .files("lake")
        .into_iter()
        .filter(|file| file.ends_with("_delta_log/00000000000000000000.json"));
    logs.map(|file| file.replace("/_delta_log/00000000000000000000.json", "")).collect()
}

#[test]
fn a_deeper_folder_wins_over_a_shallower_one() {
    let project = project().model("staging/b.sql", "select 1 as b");
    project.run(["build"]).success();
    assert_eq!(places(&project), ["inner/b", "outer/a"]);
}

#[test]
fn properties_win_over_the_tree_and_the_file_wins_over_both() {
    let project = project()
        .model("staging/b.sql", "select 1 as b")
        .model("staging/c.sql", "{{ config(schema='file') }} select 1 as c")
        .file(
            "models/schema.yml",
            "models:\n  - name: b\n    config: { schema: properties }\n  - name: c\n    config: { schema: properties, alias: d }\n",
        );
    project.run(["build"]).success();
    assert_eq!(places(&project), ["file/d", "outer/a", "properties/b"]);
}

#[test]
fn tags_add_up() {
    let project = project()
        .model("staging/b.sql", "{{ config(tags='file') }} select 1 as b")
        .file("models/schema.yml", "models:\n  - name: b\n    config: { tags: [properties] }\n");
    for tag in ["tree", "properties", "file"] {
        let ran = project.run(["ls", "-s", &format!("tag:{tag}"), "--output", "name"]).success();
        assert_eq!(ran.lines(), ["b"], "{tag}");
    }
}

#[test]
fn a_disabled_model_is_as_if_it_were_not_there() {
    let project = project()
        .model("b.sql", "{{ config(enabled=false) }} select nothing of this is read")
        .model("staging/c.sql", "select 1 as c")
        .file(
            "models/schema.yml",
            "models:\n  - name: c\n    config: { enabled: \"{{ target.name == 'prod' }}\" }\n",
        );
    assert_eq!(project.run(["ls", "--output", "name"]).success().lines(), ["a"]);
    assert_eq!(project.run(["ls", "--output", "name", "-t", "prod"]).success().lines(), ["a", "c"]);
}

#[test]
fn vars_of_the_command_line_win_over_the_projects() {
    let project = project();
    project.run(["build"]).success();
    assert_eq!(project.rows("select c from outer.a"), "c\nEUR\n");
    project.run(["build", "--vars", "currency: GBP"]).success();
    assert_eq!(project.rows("select c from outer.a"), "c\nGBP\n");
    project.run(["build", "--vars", r#"{"currency": "SEK", "unused": [1]}"#]).success();
    assert_eq!(project.rows("select c from outer.a"), "c\nSEK\n");
}

#[test]
fn a_target_has_its_own_lake_and_prefix() {
    let project = project().env("LAKE", "elsewhere");
    project.run(["build", "--target", "prod"]).success().says("target='prod'");
    assert!(project.exists("elsewhere_prod/p_outer/a/_delta_log"), "{:?}", project.files(""));
    assert!(!project.exists("lake"));
}

#[test]
fn the_environment_sets_options() {
    let project = project()
        .env("HEADWATER_TARGET", "prod")
        .env("HEADWATER_VARS", "{currency: NOK}")
        .env("HEADWATER_TARGET_PATH", "artifacts")
        .env("HEADWATER_THREADS", "3")
        .env("HEADWATER_SELECT", "a");
    project.run(["build"]).success().says("3 threads (target='prod')");
    assert!(project.exists("artifacts/run_results.json") && !project.exists("target"));
    assert_eq!(project.rows("select c from p_outer.a"), "c\nNOK\n");
    project.run(["build", "--target", "dev"]).success().says("target='dev'");
}

#[test]
fn switches_are_set_by_the_environment_as_people_write_them() {
    for (value, quiet) in [("1", true), ("true", true), ("yes", true), ("0", false), ("false", false)] {
        let project = Project::new().model("a.sql", "select 1 as id").env("HEADWATER_QUIET", value);
        let ran = project.run(["build"]).success();
        assert_eq!(ran.stdout.is_empty(), quiet, "HEADWATER_QUIET={value}\n{ran}");
    }
}

#[test]
fn the_environment_reaches_templates() {
    let project = Project::new()
        .env("REGION", "north")
        .model("a.sql", "select '{{ env_var('REGION') }}' as r, '{{ env_var('OTHER', 'none') }}' as o");
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }}"), "r,o\nnorth,none\n");
}

#[test]
fn a_project_may_be_elsewhere() {
    let folder = Project::empty().file("here/project.yml", YAML).file("here/models/a.sql", "select 1 as a");
    folder.run(["build", "--project-dir", "here"]).success();
    assert!(folder.exists("here/lake/outer/a") && folder.exists("here/target/run_results.json"));
}

#[test]
fn dbts_own_file_name_is_read() {
    let project = Project::empty().file("dbt_project.yml", YAML).model("a.sql", "select 1 as a");
    assert_said!(project.run(["build", "--threads", "1"]).success());
}

#[test]
fn macros_of_the_project_decide_where_tables_lie() {
    let project = project().file(
        "macros/names.sql",
        "{% macro generate_schema_name(custom_schema_name, node) -%}
           {{ target.schema if custom_schema_name is none else 'z_' ~ custom_schema_name }}
         {%- endmacro %}
         {% macro generate_alias_name(custom_alias_name=none, node=none) -%} t_{{ node.name }} {%- endmacro %}",
    );
    let project = project.model("staging/b.sql", "select c from {{ ref('a') }}");
    project.run(["build"]).success();
    assert_eq!(places(&project), ["z_inner/t_b", "z_outer/t_a"]);
}

#[test]
fn templates_are_told_how_the_command_was_called() {
    let project = project();
    project.write("models/a.sql", "select '{{ flags.WHICH ~ flags.FULL_REFRESH ~ target.type }}' as c");
    project.run(["run"]).success();
    assert_eq!(project.rows("select c from {{ ref('a') }}"), "c\nrunFalseduckdb\n");
    project.run(["run", "--full-refresh"]).success();
    assert_eq!(project.rows("select c from {{ ref('a') }}"), "c\nrunTrueduckdb\n");
}

#[test]
fn templates_print_in_every_run() {
    let project = project();
    project.write(
        "models/a.sql",
        "{% if execute %}{% do print(['p', 1]) %}{% do log('i', info=true) %}{% do log('hidden') %}{% endif %} select 1 as id",
    );
    for _ in 0..2 {
        let ran = project.run(["run"]).success().says("['p', 1]\n").says("  i\n");
        ran.says_nothing_of("hidden");
    }
    project.run(["run", "-q"]).success().says("['p', 1]\n").says_nothing_of("  i\n");
    project.run(["run", "--log-format", "json"]).success().says("\"JinjaLogInfo\"").says("\"Z052\"");
}
