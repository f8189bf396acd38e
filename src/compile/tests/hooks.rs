//! Hooks whose templates run statements themselves, and tables that templates look up.

use super::*;

const MACROS: (&str, &str) = (
    "macros/hooks.sql",
    "{% macro add(r) %}{% call statement('x') %}insert into {{ r }} values (2), (3);{% endcall %}{% endmacro %}\n\
     {% macro count(r) %}{% set n = run_query('select count(*) from ' ~ r) %}\
     {% if execute %}delete from {{ r }} where x > {{ n.columns[0].values()[0] }}{% endif %}{% endmacro %}\n\
     {% macro other() %}{% do run_query('delete from main.other') %}{% endmacro %}",
);

/// Compiles a model with a post-hook.
async fn hooked(settings: &str, hook: &str) -> Result<Compiled, Vec<Diagnostic>> {
    let sql = format!("{{{{ config({settings}, post_hook=\"{{{{ {hook} }}}}\") }}}} select 1 as x");
    compiled(&[MACROS, ("models/a.sql", &sql)], &["a"], &[]).await
}

#[tokio::test]
async fn a_statement_that_a_hook_runs_changes_the_rows() {
    let done = hooked("materialized='table'", "add(this)").await;
    let done = done.unwrap_or_else(|found| panic!("{}", shown(&found)));
    let a = &done.models[&NodeId::model("shop", "a")];
    assert!(!a.hooks.waits && a.hooks.rows.is_none(), "the model's query has the new rows");
    let done = hooked("materialized='incremental'", "add(this)").await;
    let done = done.unwrap_or_else(|found| panic!("{}", shown(&found)));
    let a = &done.models[&NodeId::model("shop", "a")];
    assert!(a.hooks.rows.is_some() && a.new_rows_hooks.rows.is_some());
}

#[tokio::test]
async fn a_hook_that_queries_the_rows_waits_for_them() {
    for materialized in ["table", "incremental"] {
        let done = hooked(&format!("materialized='{materialized}'"), "count(this)").await;
        let done = done.unwrap_or_else(|found| panic!("{}", shown(&found)));
        assert!(done.models[&NodeId::model("shop", "a")].hooks.waits, "{materialized}");
    }
}

#[tokio::test]
async fn a_statement_over_another_table_is_refused() {
    let found = hooked("materialized='table'", "other()").await.unwrap_err();
    assert_eq!(found[0].message, "a hook of `a` can't run: DELETE FROM main.other");
}

#[tokio::test]
async fn a_table_that_a_template_looked_up_is_read_as_it_is() {
    let sql = "{% set r = adapter.get_relation('lake', 'main', 's') %}\
               {% if r %}select * from {{ r }}{% else %}select 1 as x{% endif %}";
    let files = [("seeds/s.csv", "id\n1\n"), ("models/a.sql", sql)];
    let of = async |lake: &[(Relation, SchemaRef)]| {
        let done = compiled(&files, &["a"], lake).await.unwrap_or_else(|found| panic!("{}", shown(&found)));
        let a = &done.models[&NodeId::model("shop", "a")];
        (columns(&a.schema), a.inputs.len())
    };
    assert_eq!(of(&[]).await, ("x Int32".to_owned(), 0));
    assert_eq!(of(&[stored("s", "id", DataType::Int64)]).await, ("id Int64".to_owned(), 1));
}
