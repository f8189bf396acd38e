//! Hooks of models and of runs, and operations.

use crate::project::Project;

/// Adds lines to the project file.
fn with_settings(project: Project, more: &str) -> Project {
    let text = project.read("project.yml");
    project.file("project.yml", text + more)
}

fn project() -> Project {
    Project::new()
        .model(
            "orders.sql",
            "{{ config(post_hook=[\"delete from {{ this }} where amount < -2\", {'sql': \"update {{ this }} set amount = amount * 10 where id = 1\"}]) }}\n\
             select 1 as id, 10 as amount union all select 2, -5",
        )
        .model("total.sql", "select sum(amount) as amount from {{ ref('orders') }}")
}

#[test]
fn hooks_add_up_and_are_part_of_the_version() {
    let project = with_settings(
        project(),
        "models:\n  +post-hook: \"insert into {{ this }} select * from {{ this }} where false\"\n",
    );
    project.run(["build"]).success();
    assert_eq!(project.rows("select id, amount from {{ ref('orders') }}"), "id,amount\n1,100\n");
    assert_eq!(project.rows("select amount from {{ ref('total') }}"), "amount\n100\n");
    project.run(["plan"]).success().says("nothing to do");
    let text = project.read("models/orders.sql").replace("* 10", "* 20");
    project.write("models/orders.sql", &text);
    project.run(["plan"]).success().says("SQL changed");
}

#[test]
fn a_test_sees_what_hooks_change() {
    let project = project().file(
        "models/schema.yml",
        "models:\n- name: orders\n  columns:\n  - name: amount\n    data_tests:\n    - accepted_values: {arguments: {values: [10]}}\n",
    );
    project.run(["build"]).failure().says("accepted_values_orders_amount__10");
    assert!(!project.exists("lake/main/orders/_delta_log/00000000000000000000.json"), "nothing is published");
}

#[test]
fn an_incremental_model_changes_its_whole_table() {
    let project = Project::new()
        .model("rows.sql", "select unnest(range({{ var('n', 3) }})) as id")
        .model(
            "kept.sql",
            "{{ config(materialized='incremental', incremental_strategy='append', post_hook=\"{% if is_incremental() %}delete from {{ this }} where id < 2{% endif %}\") }}\n\
             select id from {{ ref('rows') }}{% if is_incremental() %} where id > (select max(id) from {{ this }}){% endif %}",
        );
    project.run(["build"]).success();
    assert_eq!(project.rows("select count(*) as n from {{ ref('kept') }}"), "n\n3\n");
    project.run(["build", "--vars", "{n: 5}"]).success();
    assert_eq!(project.rows("select id from {{ ref('kept') }} order by 1"), "id\n2\n3\n4\n");
}

const HOOK_MACROS: &str = "{% macro add(r) %}{% call statement('x') %}insert into {{ r }} values (2), (3);{% endcall %}\
     {% do run_query('delete from ' ~ r ~ ' where a = 3') %}{% endmacro %}\n\
     {% macro trim(r) %}{% set rows = run_query('select count(*) from ' ~ r) %}\
     {% if execute %}{% set n = rows.columns[0].values()[0] %}{% do log('rows: ' ~ n, info=true) %}\
     {% if n > 2 %}{% do run_query('delete from ' ~ r ~ ' where a = 1') %}{% endif %}{% endif %}{% endmacro %}";

#[test]
fn statements_that_a_hook_runs_itself_are_part_of_the_version() {
    let project = Project::new()
        .file("macros/hooks.sql", HOOK_MACROS)
        .model("m.sql", "{{ config(post_hook='{{ add(this) }}') }} select 1 as a");
    project.run(["build"]).success();
    assert_eq!(project.rows("select a from {{ ref('m') }} order by 1"), "a\n1\n2\n");
    project.run(["plan"]).success().says("nothing to do");
}

#[test]
fn a_hook_queries_the_staged_rows_and_changes_them() {
    let project = Project::new().file("macros/hooks.sql", HOOK_MACROS).model(
        "m.sql",
        "{{ config(materialized='incremental', incremental_strategy='append', post_hook=['{{ add(this) }}', '{{ trim(this) }}']) }}\n\
         select {{ var('a', 1) }} as a",
    );
    project.run(["build"]).success().says("rows: 2");
    assert_eq!(project.rows("select a from {{ ref('m') }} order by 1"), "a\n1\n2\n");
    project.run(["plan"]).success().says("nothing to do");
    project.run(["build", "--vars", "{a: 5}"]).success().says("rows: 4");
    assert_eq!(project.rows("select a from {{ ref('m') }} order by 1"), "a\n2\n2\n5\n");
    // A table's rows are counted before they are published, too.
    let project = Project::new()
        .file("macros/hooks.sql", HOOK_MACROS)
        .model("m.sql", "{{ config(post_hook='{{ trim(this) }}') }} select unnest([1, 2, 3]) as a")
        .file("models/m.yml", "models: [{name: m, columns: [{name: a, data_tests: [{accepted_values: {arguments: {values: [2, 3]}}}]}]}]");
    project.run(["build"]).success().says("rows: 3").says_nothing_of("compiled after m");
    assert_eq!(project.rows("select a from {{ ref('m') }} order by 1"), "a\n2\n3\n");
}

#[test]
fn what_hooks_cannot_do_is_refused_or_left_out() {
    let project = project().file(
        "models/schema.yml",
        "models:\n- name: total\n  config:\n    post_hook: \"grant select on {{ this }} to everybody\"\n    pre_hook: [\"insert into main.other values (1)\"]\n",
    );
    project
        .run(["build"])
        .refused()
        .says("a hook of `total` can't run: INSERT INTO main.other VALUES (1)")
        .says("make that table a model of its own");
    let project = with_settings(project, "hooks: {unsupported: warn}\n");
    project.run(["build"]).success().says("a hook of `total` can't run: GRANT SELECT").says("PASS=2");
}

#[test]
fn hooks_of_a_run_write_tables_of_their_own() {
    let project = with_settings(
        project(),
        "on-run-start:\n  - \"create table if not exists ops.log (what varchar, n integer)\"\n  - \"insert into ops.log values ('start', 0)\"\n\
         on-run-end: \"{% for r in results %}insert into ops.log values ('{{ r.node.name }} {{ r.status }}', {{ loop.index }});{% endfor %}\"\n",
    );
    project.run(["build"]).success().says("1 of 2 START hook:").says("1 of 1 OK hook:");
    let rows = "select what from ops.log order by n, what";
    assert_eq!(project.rows(rows), "what\nstart\norders success\ntotal success\n");
    project.run(["build"]).success();
    assert_eq!(project.rows("select count(*) as n from ops.log"), "n\n6\n", "hooks run in each run");
}

#[test]
fn hooks_of_a_run_leave_tables_of_nodes_alone() {
    let project = project();
    project.run(["build"]).success();
    let project = with_settings(project, "on-run-start: \"delete from {{ ref('orders') }}\"\n");
    project.run(["build"]).failure().says("is the table of model.").says("change its rows in a `post_hook`");
}

#[test]
fn an_operation_calls_a_macro() {
    let project = project().file(
        "macros/op.sql",
        "{% macro op(name, times=1) %}{% for n in range(times) %}{% do print('hello ' ~ name ~ ' ' ~ n) %}{% endfor %}\
         {% do print(run_query('select count(*) from ' ~ ref('orders')).columns[0].values()[0]) %}{% endmacro %}",
    );
    project.run(["build"]).success();
    project
        .run(["run-operation", "op", "--args", "{name: you, times: 2}"])
        .success()
        .says("hello you 1\n1\n");
    project.run(["run-operation", "none"]).refused().says("could not find a macro with the name 'none'");
    project.run(["run-operation", "op", "--args", "x"]).refused().says("--args is not a YAML mapping");
    project.run(["run-operation", "--sql", "create table ops.t as select 1 as a"]).success();
    assert_eq!(project.rows("select a from ops.t"), "a\n1\n");
}

#[test]
fn an_operation_writes_no_table_of_a_build_and_no_other_place() {
    let project = Project::new().model("m.sql", "select 1 as a");
    project.run(["build"]).success();
    let before = project.files("lake");
    for (table, why) in [
        ("main.M", "is the table of model.shop.m"),
        ("main.m_rejected", "is where builds keep rows of model.shop.m"),
        ("main_staged.m", "is where builds keep rows of model.shop.m"),
        ("\"main/m\".x", "can't be a table"),
        ("\"..\".x", "can't be a table"),
        ("_headwater.x", "can't be a table"),
    ] {
        let sql = format!("create table {table} as select 1 as a");
        project.run(["run-operation", "--sql", &sql]).failure().says(why);
    }
    assert_eq!(project.files("lake"), before);
}

#[test]
fn insertions_name_columns_as_sql_does_and_fill_all_of_them() {
    let model = |hook: &str| {
        let sql = format!(r#"{{{{ config(post_hook="{hook}") }}}} select 1 as i, 2 as "J""#);
        Project::new().model("a.sql", &sql)
    };
    let project = model("insert into {{ this }} (j) values (4)");
    project.run(["build"]).success();
    assert_eq!(project.rows("select * from {{ ref('a') }} order by all"), "i,J\n1,2\n,4\n");
    for values in ["(1, 2, 3)", "(1)"] {
        let project = model(&format!("insert into {{{{ this }}}} values {values}"));
        project.run(["build"]).refused().says("for 2 columns");
    }
    project.run(["run-operation", "--sql", "create table ops.t as select 1 as \"A\""]).success();
    project.run(["run-operation", "--sql", "insert into ops.t (a) values (2)"]).success();
    assert_eq!(project.rows("select * from ops.t order by all"), "A\n1\n2\n");
    project
        .run(["run-operation", "--sql", "insert into ops.t values (1, 2)"])
        .failure()
        .says("2 values for 1 column");
    project
        .run(["run-operation", "--sql", "create table ops.u (a int not null, b int default 3)"])
        .failure()
        .says("create table with constraints or defaults");
}

#[test]
fn rules_that_remove_rows_refuse_later_changes() {
    let project = Project::new()
        .model("a.sql", "{{ config(materialized='incremental', post_hook='update {{ this }} set v = null') }} select 1 as v")
        .file("models/a.yml", "models: [{name: a, columns: [{name: v, data_tests: [{not_null: {config: {on_violation: drop}}}]}]}]\n");
    project.run(["build"]).refused().says("tests with `on_violation` remove rows before a post-hook");
}
