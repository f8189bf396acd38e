//! Templates that query the lake while they are compiled.

use crate::project::Project;

fn project() -> Project {
    Project::new()
        .model("sales.sql", "select unnest(['tea', 'mate', 'tea']) as kind, 1 as n")
        .model(
            "wide.sql",
            "{%- set kinds = run_query('select distinct kind from ' ~ ref('sales') ~ ' order by 1') %}\n\
             select 0 as none{% if execute %}{% for row in kinds %}, sum(case when kind = '{{ row[0] }}' then n end) as {{ row[0] }}{% endfor %}{% endif %}\n\
             from {{ ref('sales') }}",
        )
        .model("below.sql", "select * from {{ ref('wide') }}")
        .file("models/schema.yml", "models:\n- name: below\n  columns:\n  - {name: mate, data_tests: [not_null]}\n")
}

#[test]
fn a_model_that_queries_what_is_built_is_compiled_after_it() {
    let project = project();
    project
        .run(["plan"])
        .success()
        .says("compiled after sales is built")
        .says("compiled after wide is built");
    project.run(["build"]).success().says("PASS=4");
    assert_eq!(project.rows("select mate, tea from {{ ref('below') }}"), "mate,tea\n1,2\n");
    assert!(project.exists("target/compiled/shop/models/wide.sql"), "its SQL is written once it is known");
    project.run(["plan"]).success().says("nothing to do");
}

#[test]
fn a_changed_answer_makes_a_model_stale() {
    let project = project();
    project.run(["build"]).success();
    project.write("models/sales.sql", "select unnest(['tea', 'mate', 'coca']) as kind, 1 as n");
    project.run(["build"]).success().says("PASS=4");
    assert_eq!(project.rows("select coca from {{ ref('wide') }}"), "coca\n1\n");
}

#[test]
fn an_equal_answer_leaves_a_model_as_it_is() {
    let project = project();
    project.run(["build"]).success();
    // Other SQL, the same rows.
    project.write("models/sales.sql", "select unnest(['tea', 'mate', 'tea']) as kind, 2 - 1 as n");
    project.run(["build"]).success().says("UNCHANGED").says("REUSED");
}

#[test]
fn compile_says_what_it_could_not_check() {
    let project = project();
    project.run(["compile"]).success().says("`wide` isn't checked: it is compiled after `sales` is built");
    project.run(["build"]).success();
    project.run(["compile"]).success().says_nothing_of("isn't checked");
}

#[test]
fn a_fault_of_a_model_that_is_compiled_late_fails_its_step() {
    let project = project();
    project.write("models/below.sql", "select missing from {{ ref('wide') }}");
    project.run(["build"]).failure().says("PASS=2").says("missing");
}

#[test]
fn a_query_needs_a_dependency() {
    let project = project().model(
        "hidden.sql",
        "select 1 as a{% if execute %}, {{ run_query('select count(*) from ' ~ ref('sales'))[0][0] }} as n{% endif %}",
    );
    project
        .run(["build"])
        .refused()
        .says("doesn't declare that it depends on it")
        .says("-- depends_on: {{ ref('sales') }}");
}

#[test]
fn a_test_may_query_the_version_that_it_tests() {
    let project = project().file(
        "tests/most.sql",
        "{% set n = run_query('select count(*) from ' ~ ref('sales')) %}select * from {{ ref('sales') }} where {{ n[0][0] if execute else 0 }} <> 3",
    );
    project.run(["build", "-s", "sales"]).success().says("PASS most");
}

/// A table, a model whose template queries it, and another model.
fn queried() -> Project {
    Project::new()
        .model("a.sql", "select range::varchar as k from range(3)")
        .model(
            "b.sql",
            "{% set r = run_query('select k from ' ~ ref('a') ~ ' order by 1') %}select {% if execute %}{% for x in r.rows %}'{{ x[0] }}' as c{{ loop.index }}, {% endfor %}{% endif %}1 as one",
        )
        .model("d.sql", "select 1 as i")
}

#[test]
fn a_damaged_table_fails_only_the_node_whose_template_queries_it() {
    let project = queried();
    project.run(["build"]).success();
    let files = project.files("lake/main/a");
    let file = files.iter().find(|file| file.ends_with(".parquet")).expect("a data file");
    std::fs::remove_file(project.path(&format!("lake/main/a/{file}"))).expect("to remove it");
    project.write("models/d.sql", "select 2 as i");
    let ran = project.run(["build"]).failure();
    ran.says(file).says("a data file of main.a, is gone").says("`headwater build --force --select a`");
    assert_eq!(project.rows("select i from {{ ref('d') }}"), "i\n2\n");
    project.run(["compile"]).refused().says("a data file of main.a, is gone");
    project.run(["build", "--force", "--select", "a"]).success();
    project.run(["build"]).success();
}

#[test]
fn a_damaged_source_fails_only_the_node_whose_template_queries_it() {
    let project = Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - {name: t, external: {location: shop.db, format: sqlite, table: t}, columns: [{name: k, data_type: bigint}]}\n",
        )
        .model(
            "b.sql",
            "{% set r = run_query('select k from ' ~ source('shop', 't')) %}select {{ r.rows[0][0] if execute else 0 }} as k",
        )
        .model("d.sql", "select 1 as i");
    let database = rusqlite::Connection::open(project.path("shop.db")).unwrap();
    database.execute_batch("create table t (k int); insert into t values (7)").unwrap();
    drop(database);
    project.run(["build"]).success();
    let mut bytes = std::fs::read(project.path("shop.db")).unwrap();
    bytes[100..].fill(0x5a);
    std::fs::write(project.path("shop.db"), bytes).unwrap();
    project.write("models/d.sql", "select 2 as i");
    project.run(["build"]).failure().says("shop.db").says("make sure that the source can be read");
    assert_eq!(project.rows("select i from {{ ref('d') }}"), "i\n2\n");
}

#[test]
fn a_query_with_too_many_bytes_fails_only_its_node() {
    let limit = "the rows of this query take more than 128 MB";
    for sql in [
        "select repeat('x', 2000000) as a from range(100)",
        "select range as k, first(repeat('x', 2000000)) as a from range(100) group by 1",
    ] {
        let project = Project::new()
            .model("a.sql", &format!("{{% set r = run_query(\"{sql}\") %}}select 1 as i"))
            .model("d.sql", "select 1 as i");
        project.run(["build"]).failure().says(limit).says("PASS=1");
        let sql = format!("{{{{ run_query(\"{sql}\") }}}}");
        project.run(["run-operation", "--sql", &sql]).failure().says(limit);
    }
}

#[test]
fn a_name_that_a_query_gave_needs_a_declared_dependency() {
    let project = Project::new().model("dim.sql", "select 'dim' as name").model(
        "b.sql",
        "{% set r = run_query(\"select chr(100) || 'im' as name\") %}{% if execute %}select * from {{ ref(r.rows[0][0]) }}{% else %}select 1{% endif %}",
    );
    project.run(["build"]).refused().says("-- depends_on: {{ ref('dim') }}");
    project.write(
        "models/b.sql",
        format!("-- depends_on: {{{{ ref('dim') }}}}\n{}", project.read("models/b.sql")),
    );
    project.run(["build"]).success();
}
