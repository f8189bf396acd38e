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
