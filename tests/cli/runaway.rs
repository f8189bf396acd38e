//! Inputs that would take forever or exhaust memory: each fails quickly, with a located diagnostic.

use crate::{project::Project, ran::assert_said};

#[test]
fn templates_have_a_budget() {
    let bodies = [
        (
            "loops",
            "{% for a in range(10000) %}{% for b in range(10000) %}{{ a * b }}{% endfor %}{% endfor %}",
        ),
        (
            "text",
            "{% set ns = namespace(s='x') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        ),
        ("recursion", "{% macro again(n) %}{{ again(n + 1) }}{% endmacro %}{{ again(0) }}"),
    ];
    for (name, body) in bodies {
        let ran = Project::new().model("m.sql", &format!("select 1 as x\n{body}")).run(["compile"]).refused();
        insta::assert_snapshot!(format!("template_budget_{name}"), ran);
    }
}

#[test]
fn ctes_and_views_that_double_are_refused() {
    let ctes: Vec<String> =
        (1..40).map(|n| format!("c{n} as (select a.x from c{0} a join c{0} b using (x))", n - 1)).collect();
    let sql = format!("with c0 as (select 1 as x),\n{}\nselect * from c39", ctes.join(",\n"));
    assert_said!(Project::new().model("m.sql", &sql).run(["compile"]).refused());

    let mut project = Project::new().model("v0.sql", "{{ config(materialized='view') }} select 1 as x");
    for n in 1..20 {
        let body = format!(
            "{{{{ config(materialized='view') }}}} select a.x from {{{{ ref('v{0}') }}}} a join {{{{ ref('v{0}') }}}} b using (x)",
            n - 1
        );
        project = project.model(&format!("v{n}.sql"), &body);
    }
    project.run(["compile"]).refused().says("too-many-reads").says("models/v");
}

#[test]
fn subqueries_lists_and_operators_have_limits() {
    let refused = |sql: &str, why: &str| {
        Project::new().model("m.sql", sql).run(["compile"]).refused().says(why);
    };
    refused(
        &format!("select {}1{} as a", "(select ".repeat(20), ")".repeat(20)),
        "subqueries are nested too deeply",
    );
    let conditions = format!("select 1 as a where {}true", "1 in (select 1 where ".repeat(9));
    refused(&(conditions + &")".repeat(9)), "subqueries are nested too deeply");
    refused(
        "select count(*) as c from (select 1 as a, 2 as b) group by cube (a + 1, b)",
        "within ROLLUP, CUBE or GROUPING SETS",
    );
    for (open, close, most) in
        [("abs(", ")", 250), ("[", "]", 250), ("map {1: ", "}", 125), ("try_cast(trim(", ") as text)", 250)]
    {
        let sql = format!("select {}1{} as a", open.repeat(most + 1), close.repeat(most + 1));
        refused(&sql, "calls, lists, structs or maps are nested more than 250 levels deep");
    }
    let methods = format!("select 'a'{} as a", ".upper()".repeat(251));
    refused(&methods, "calls, lists, structs or maps are nested more than 250 levels deep");
    refused(&format!("select {{{{ {}1 }}}} as a", "1 ~ ".repeat(3000)), "more than 2000 operators");
}

#[test]
fn constant_lists_in_lambdas_have_a_limit() {
    let lists = "list_transform(range(1000), x -> list_transform(range(1000), y -> repeat('x', 50000)))";
    let project = Project::new().model("m.sql", &format!("select len({lists}) as n"));
    project.run(["build"]).failure().says("more than 1 GB at once");
}
