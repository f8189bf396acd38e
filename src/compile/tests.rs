//! Small projects, compiled against a lake that consists only of schemas.

mod hooks;
mod static_analysis;
mod unit_tests;

use std::sync::Arc;

use super::*;
use crate::{
    engine::{
        EngineSettings,
        arrow::datatypes::{DataType, Field, Schema},
    },
    manifest::tests::{ResolvedProject, resolve, shown},
};

/// Formats columns by name and type.
fn columns(schema: &Schema) -> String {
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
    columns.collect::<Vec<_>>().join(", ")
}

/// A stored table with one column.
fn stored(name: &str, column: &str, data_type: DataType) -> (Relation, SchemaRef) {
    (Relation::new("main", name), Arc::new(Schema::new(vec![Field::new(column, data_type, true)])))
}

fn project(files: &[(&str, &str)]) -> ResolvedProject {
    resolve(files).unwrap_or_else(|findings| panic!("{}", shown(&findings)))
}

fn engine() -> Engine {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    Engine::new(&settings).unwrap()
}

/// Compiles some models of a project.
async fn compiled(
    files: &[(&str, &str)],
    selected: &[&str],
    lake: &[(Relation, SchemaRef)],
) -> Result<Compiled, Vec<Diagnostic>> {
    let fixture = project(files);
    let context = Context {
        manifest: &fixture.manifest,
        jinja: &fixture.jinja,
        engine: &engine(),
        root: fixture.folder.path(),
        stored: &lake.iter().cloned().collect(),
        unreadable: &BTreeMap::new(),
        found: &BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
        wanted: &Wanted::default(),
        queries: &LakeQueries::default(),
    };
    let (compiled, errors) =
        compile(&context, &selected.iter().map(|name| NodeId::model("shop", name)).collect()).await;
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

async fn model(sql: &str) -> CompiledModel {
    let mut done = compiled(&[("models/a.sql", sql)], &["a"], &[])
        .await
        .unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    done.models.remove(&NodeId::model("shop", "a")).unwrap()
}

fn names(compiled: &Compiled) -> Vec<&str> {
    compiled.models.keys().map(NodeId::as_str).collect()
}

const CHAIN: [(&str, &str); 3] = [
    ("models/a.sql", "select 1 as x"),
    ("models/b.sql", "select x, x * 2 as y from {{ ref('a') }}"),
    ("models/c.sql", "select * from {{ ref('b') }}"),
];

#[tokio::test]
async fn an_unselected_parent_that_is_not_stored_is_planned_for_its_columns() {
    let done = compiled(&CHAIN, &["c"], &[]).await.unwrap();
    assert_eq!(names(&done), ["model.shop.a", "model.shop.b", "model.shop.c"]);
    let c = &done.models[&NodeId::model("shop", "c")];
    assert_eq!(columns(&c.schema), "x Int32, y Int32");
}

#[tokio::test]
async fn an_unselected_parent_that_is_stored_is_taken_as_it_stands() {
    let lake = [stored("b", "z", DataType::Utf8)];
    let done = compiled(&CHAIN, &["c"], &lake).await.unwrap();
    assert_eq!(names(&done), ["model.shop.c"]);
    assert_eq!(columns(&done.models[&NodeId::model("shop", "c")].schema), "z Utf8");
}

#[tokio::test]
async fn a_selected_parent_is_planned_anew_whatever_is_stored() {
    let lake = [stored("b", "z", DataType::Utf8)];
    let done = compiled(&CHAIN, &["b", "c"], &lake).await.unwrap();
    assert_eq!(columns(&done.models[&NodeId::model("shop", "c")].schema), "x Int32, y Int32");
}

#[tokio::test]
async fn a_view_is_planned_into_its_readers() {
    let files = [
        CHAIN[0],
        ("models/b.sql", "{{ config(materialized='view') }} select x, x * 2 as y from {{ ref('a') }}"),
        CHAIN[2],
    ];
    let done = compiled(&files, &["c"], &[stored("a", "x", DataType::Int32)]).await.unwrap();
    let c = &done.models[&NodeId::model("shop", "c")];
    assert_eq!(c.query.relations(), BTreeSet::from([Relation::new("main", "a")]));
    assert_eq!(columns(&c.schema), "x Int32, y Int32");
    assert_eq!(names(&done), ["model.shop.b", "model.shop.c"]);
}

#[tokio::test]
async fn a_table_that_a_view_reads_is_not_the_readers_to_name() {
    let files = [
        CHAIN[0],
        ("models/b.sql", "select 1 as y"),
        ("models/c.sql", "select * from {{ ref('b') }}, main.a"),
    ];
    let findings = compiled(&files, &["a", "b", "c"], &[]).await.unwrap_err();
    insta::assert_snapshot!(shown(&findings), @r"
    error[hard-coded-table]: main.a is read by its bare name
     --> models/c.sql:1:31
      |
    1 | select * from {{ ref('b') }}, main.a
      |                               ^^^^^^
      |
      = note: without a reference the order of the run and the lineage would miss it
      = help: write {{ ref('a') }}
    ");
}

/// The project of one table `a`, and a model `b` that lists the tables.
const LIST: [(&str, &str); 3] = [
    ("models/a.sql", "select 1 as x"),
    (
        "models/b.sql",
        "{% set tables = run_query(\"select table_schema || '.' || table_name || ' ' || table_type \
         from information_schema.tables where table_name ilike 'a%' order by 1\") %}\
         select '{{ tables.columns[0].values() | join(', ') if execute }}' as listed -- {{ ref('a') }}",
    ),
    ("models/aside.sql", "select 2 as x"),
];

#[tokio::test]
async fn a_template_lists_what_its_node_reads_and_what_is_built() {
    let listed = async |lake: &[(Relation, SchemaRef)]| {
        let done = compiled(&LIST, &["b"], lake).await.unwrap_or_else(|found| panic!("{}", shown(&found)));
        done.models[&NodeId::model("shop", "b")].sql.clone()
    };
    assert_eq!(listed(&[]).await, "select 'main.a BASE TABLE' as listed -- \"main\".\"a\"");
    let text = listed(&[stored("aside", "x", DataType::Int32)]).await;
    assert!(text.contains("'main.a BASE TABLE, main.aside BASE TABLE'"), "{text}");
}

#[tokio::test]
async fn a_hook_that_drops_its_own_table_has_no_effect() {
    let hooked = |relation: &str| {
        let hook = format!("{{% do adapter.drop_relation({relation}) %}}");
        format!("{{{{ config(post_hook=\"{hook}\") }}}} select 1 as x")
    };
    let own = hooked("this.incorporate(type='table')");
    let done = compiled(&[("models/a.sql", &own)], &["a"], &[]).await;
    let warnings = done.unwrap_or_else(|found| panic!("{}", shown(&found))).warnings;
    let [warning] = warnings.as_slice() else { panic!("{}", shown(&warnings)) };
    assert_eq!(warning.message, "a hook of `a` has no effect: adapter.drop_relation(main.a)");
    let other = hooked("api.Relation.create(schema='main', identifier='b')");
    let found = compiled(&[("models/a.sql", &other)], &["a"], &[]).await.unwrap_err();
    assert_eq!(found[0].message, "a hook of `a` can't run: adapter.drop_relation(main.b)");
}

#[tokio::test]
async fn a_source_that_a_model_builds_has_its_columns() {
    let files = [
        ("models/raw.sql", "select 1 as x"),
        ("models/a.sql", "select x + 1 as y from {{ source('lake', 'orders') }}"),
        ("sources.yml", "sources: [{name: lake, schema: main, tables: [{name: orders, identifier: raw}]}]"),
    ];
    let done = compiled(&files, &["a", "raw"], &[]).await.unwrap_or_else(|found| panic!("{}", shown(&found)));
    let a = &done.models[&NodeId::model("shop", "a")];
    assert_eq!(columns(&a.schema), "y Int32");
    let inputs: Vec<&str> = a.inputs.values().map(|input| input.id.as_str()).collect();
    assert_eq!(inputs, ["model.shop.raw"]);
}

#[tokio::test]
async fn every_broken_model_is_told_and_none_below_one() {
    let files = [
        ("models/a.sql", "select wrong"),
        ("models/b.sql", "select also_wrong from {{ ref('a') }}"),
        ("models/c.sql", "select nothing_here as c"),
        ("models/d.sql", "select interval 1 day as d"),
    ];
    let findings = compiled(&files, &["a", "b", "c", "d"], &[]).await.unwrap_err();
    let places: Vec<String> =
        findings.iter().map(|found| found.labels[0].span.source.path().to_owned()).collect();
    assert_eq!(places, ["models/a.sql", "models/c.sql", "models/d.sql"]);
}

#[tokio::test]
async fn a_source_without_declared_types_is_text() {
    let sources = "sources:\n  - name: s\n    tables:\n      - name: t\n        external: { location: t.csv, format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: note }]\n";
    let model = ("models/a.sql", "select * from {{ source('s', 't') }}");
    let done = compiled(&[("sources.yml", sources), model, ("t.csv", "")], &["a"], &[]).await.unwrap();
    assert_eq!(columns(&done.models[&NodeId::model("shop", "a")].schema), "id Int64, note Utf8");
    assert_eq!(done.sources.len(), 1, "no row is looked at");
    let missing =
        compiled(&[("sources.yml", sources), model, ("tt.csv", "")], &["a"], &[]).await.unwrap_err();
    insta::assert_snapshot!(format!("{}: {}", missing[0].message, missing[0].hints[0]), @"s.t: there is no file or folder `t.csv`: did you mean `tt.csv`?");
}

#[tokio::test]
async fn layout_comments_and_case_of_keywords_are_not_in_the_fingerprint() {
    let plain = model("select 1 as x, 'a' as y").await.fingerprint;
    for same in [
        "-- first\nSELECT 1 AS x,\n    'a' AS y /* last */\n",
        "{# a remark #}{% set one = 1 %}select {{ one }} as x, 'a' as y",
        "{{ config(tags=['nightly'], meta={'owner': 'Ann'}) }}\nselect 1 as x, 'a' as y",
    ] {
        assert_eq!(model(same).await.fingerprint, plain, "{same}");
    }
    for other in [
        "select 2 as x, 'a' as y",
        "select 1 as x, 'A' as y",
        "select 1 as z, 'a' as y",
        "select 'a' as y, 1 as x",
        "{{ config(partition_by='y') }} select 1 as x, 'a' as y",
    ] {
        assert_ne!(model(other).await.fingerprint, plain, "{other}");
    }
}

#[tokio::test]
async fn what_may_differ_next_time_is_volatile() {
    for volatile in [
        "select now() as x",
        "select random() as x",
        "select current_date as x",
        "select '{{ run_started_at }}' as x",
        "select '{{ invocation_id }}' as x",
        "select 1 as x where exists (select 1 where random() > 0.5)",
    ] {
        assert!(model(volatile).await.volatile, "{volatile}");
    }
    for steady in ["select 1 as x", "select upper('now()') as x", "select '{{ var('on') }}' as x"] {
        assert!(!model(steady).await.volatile, "{steady}");
    }
}

#[tokio::test]
async fn partition_columns_keep_their_places_and_must_be_there() {
    let done = model("{{ config(partition_by='x') }} select 1 as x, 2 as y").await;
    assert_eq!(columns(&done.schema), "x Int32, y Int32");
    let files = [("models/a.sql", "{{ config(partition_by=['wold']) }} select 1 as x, 2 as world")];
    let findings = compiled(&files, &["a"], &[]).await.unwrap_err();
    insta::assert_snapshot!(shown(&findings), @r"
    error[unknown-column]: `partition_by` names `wold`, which `a` does not have
     --> models/a.sql:1:1
      |
    1 | {{ config(partition_by=['wold']) }} select 1 as x, 2 as world
      | ^ this model
      |
      = note: its columns: x, world
      = help: did you mean `world`?
    ");
}

#[tokio::test]
async fn a_typed_query_reads_models_sources_and_tables_by_their_places() {
    let fixture = project(&[
        CHAIN[0],
        ("models/v.sql", "{{ config(materialized='view') }} select x from {{ ref('a') }}"),
    ]);
    let lake = BTreeMap::from([stored("a", "x", DataType::Int64), stored("other", "o", DataType::Utf8)]);
    let context = Context {
        manifest: &fixture.manifest,
        jinja: &fixture.jinja,
        engine: &engine(),
        root: fixture.folder.path(),
        stored: &lake,
        unreadable: &BTreeMap::new(),
        found: &BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
        wanted: &Wanted::default(),
        queries: &LakeQueries::default(),
    };
    let sql = "select v.x, o.o from {{ ref('v') }} v, {{ ref('a') }} a, main.other o";
    let (query, _) =
        inline::compile_query(&context, sql).await.unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    assert_eq!(columns(&query.schema()), "x Int64, o Utf8");
    let read = BTreeSet::from([Relation::new("main", "a"), Relation::new("main", "other")]);
    assert_eq!(query.relations(), read);
}

const SEEDED: [(&str, &str); 2] =
    [("seeds/s.csv", "Id,day\n1,2021-01-01\n"), ("models/a.sql", "select id, day from {{ ref('s') }}")];

/// Compiles a seed and the model that reads it.
async fn seeded(files: &[(&str, &str)], lake: &[(Relation, SchemaRef)]) -> Compiled {
    let fixture = project(files);
    let context = Context {
        manifest: &fixture.manifest,
        jinja: &fixture.jinja,
        engine: &engine(),
        root: fixture.folder.path(),
        stored: &lake.iter().cloned().collect(),
        unreadable: &BTreeMap::new(),
        found: &BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
        wanted: &Wanted::default(),
        queries: &LakeQueries::default(),
    };
    let ids = [NodeId::seed("shop", "s"), NodeId::model("shop", "a")].into();
    let (compiled, errors) = compile(&context, &ids).await;
    assert!(errors.is_empty(), "{}", shown(&errors));
    compiled
}

#[tokio::test]
async fn a_seeds_columns_are_known_before_it_is_loaded() {
    let done = compiled(&SEEDED, &["a"], &[]).await.unwrap();
    assert_eq!(columns(&done.models[&NodeId::model("shop", "a")].schema), "id Int32, day Date32");
    // A loaded seed is used as stored, and its file isn't read.
    let lake = [(
        Relation::new("main", "s"),
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, true),
            Field::new("day", DataType::Utf8, true),
        ])),
    )];
    let done = compiled(&SEEDED, &["a"], &lake).await.unwrap();
    assert_eq!(columns(&done.models[&NodeId::model("shop", "a")].schema), "id Utf8, day Utf8");
    assert!(done.sources.is_empty());
}

#[tokio::test]
async fn what_a_seed_holds_is_its_state_and_not_its_fingerprint() {
    let of = |done: &Compiled, id: NodeId| done.models[&id].fingerprint.clone();
    let one = seeded(&SEEDED, &[]).await;
    let other = seeded(&[("seeds/s.csv", "day,id,more\n2021-01-01,2.5,x\n"), SEEDED[1]], &[]).await;
    assert_eq!(of(&one, NodeId::seed("shop", "s")), of(&other, NodeId::seed("shop", "s")));
    let yaml = ("seeds/s.yml", "seeds: [{ name: s, config: { column_types: { ID: text } } }]\n");
    let typed = seeded(&[SEEDED[0], SEEDED[1], yaml], &[]).await;
    let [one_seed, typed_seed] = [&one, &typed].map(|done| of(done, NodeId::seed("shop", "s")));
    assert_eq!(one_seed.differing_setting(&typed_seed).as_deref(), Some("column_types"));
    // A model that reads it has the same fingerprint, whether or not the same command loads the seed.
    let alone = compiled(&SEEDED, &["a"], &[stored("s", "id", DataType::Int64)]).await;
    assert!(alone.is_err(), "the column `day` is not stored");
    let model = NodeId::model("shop", "a");
    assert_eq!(of(&one, model.clone()), of(&compiled(&SEEDED, &["a"], &[]).await.unwrap(), model));
}

#[tokio::test]
async fn partition_columns_of_a_seed_must_be_there() {
    let yaml = ("seeds/s.yml", "seeds: [{ name: s, config: { partition_by: dya } }]\n");
    let findings = compiled(&[SEEDED[0], SEEDED[1], yaml], &["a"], &[]).await.unwrap_err();
    insta::assert_snapshot!(shown(&findings), @r"
    error[unknown-column]: `partition_by` names `dya`, which `s` does not have
     --> seeds/s.csv:1:1
      |
    1 |
      | ^ this seed
      |
      = note: its columns: id, day
    ");
}

#[tokio::test]
async fn a_contract_decides_the_order_of_columns_whatever_the_case_of_their_names() {
    let contract = "models:\n  - name: a\n    config: { contract: { enforced: true } }\n    columns:\n      \
        - { name: ID, data_type: integer, constraints: [{ type: not_null }] }\n      - { name: name, data_type: varchar }\n";
    let files = |sql| [("models/a.sql", sql), ("models/s.yml", contract)];
    let ordered = compiled(&files("select 'n' as name, 1 as id"), &["a"], &[]).await.unwrap();
    let ordered = &ordered.models[&NodeId::model("shop", "a")];
    assert_eq!(columns(&ordered.schema), "id Int32, name Utf8");
    assert_eq!(ordered.constraints.not_null.iter().collect::<Vec<_>>(), ["id"]);
    let surplus = compiled(&files("select 'n' as name, 1 as id, 2 as x"), &["a"], &[]).await.unwrap_err();
    assert_eq!(surplus[0].code, "contract");
}
