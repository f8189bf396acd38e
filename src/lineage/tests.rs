//! A small shop and its expected lineage.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    compile::{self, LakeQueries, Wanted},
    engine::{Engine, EngineSettings},
    manifest::tests::{ResolvedProject, resolve, shown},
    name::NodeId,
};

const SHOP: [(&str, &str); 6] = [
    ("seeds/orders.csv", "id,customer,amount,paid\n1,7,2.5,true\n"),
    ("models/paid.sql", "select id, customer, amount from {{ ref('orders') }} where paid"),
    (
        "models/totals.sql",
        "select customer as buyer, sum(amount) as total, count(*) as orders from {{ ref('paid') }} group by 1",
    ),
    (
        "models/labels.sql",
        "{{ config(materialized='view') }} select buyer, case when total > 100 then 'large' end as size \
         from {{ ref('totals') }}",
    ),
    ("models/names.sql", "select buyer as \"Name\", 1 as one from {{ ref('labels') }}"),
    (
        "models/schema.yml",
        "models:\n\
         - name: totals\n  columns:\n  - {name: buyer, data_tests: [unique]}\n  - {name: total, data_tests: [not_null]}\n\
         - name: names\n  columns:\n  - {name: one, data_tests: [not_null]}\n",
    ),
];

async fn shop() -> (ResolvedProject, Lineage) {
    let fixture = resolve(&SHOP).unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let context = compile::Context {
        manifest: &fixture.manifest,
        jinja: &fixture.jinja,
        engine: &Engine::new(&settings).unwrap(),
        root: fixture.folder.path(),
        stored: &BTreeMap::new(),
        unreadable: &BTreeMap::new(),
        found: &BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
        wanted: &Wanted::default(),
        queries: &LakeQueries::default(),
    };
    let all = fixture.manifest.nodes.keys().cloned().collect();
    let (compiled, errors) = compile::compile(&context, &all).await;
    assert!(errors.is_empty(), "{}", shown(&errors));
    let lineage = Lineage::of(&fixture.manifest, &compiled);
    (fixture, lineage)
}

/// Parses `seed.orders.id` or `model.paid.id`.
fn column(text: &str) -> ColumnId {
    let mut parts = text.splitn(3, '.');
    let (kind, node, column) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let node = if kind == "seed" { NodeId::seed("shop", node) } else { NodeId::model("shop", node) };
    ColumnId { node, column: column.to_owned() }
}

fn short(id: &ColumnId) -> String {
    id.to_string().replace("shop.", "")
}

#[tokio::test]
async fn a_column_is_followed_through_tables_and_views_both_ways() {
    let (_fixture, lineage) = shop().await;
    let edges = |start: &str, direction| -> Vec<String> {
        let slice = lineage.slice(&[column(start)], &[direction]);
        slice
            .edges
            .iter()
            .map(|edge| format!("{} {} {}", short(&edge.from), edge.how.word(), short(&edge.to)))
            .collect()
    };
    assert_eq!(
        edges("model.names.Name", LineageDirection::Upstream),
        [
            "model.labels.buyer renamed model.names.Name",
            "model.paid.customer renamed model.totals.buyer",
            "model.totals.buyer copied model.labels.buyer",
            "seed.orders.customer copied model.paid.customer",
        ]
    );
    assert_eq!(
        edges("seed.orders.amount", LineageDirection::Downstream),
        ["model.paid.amount aggregated model.totals.total", "seed.orders.amount copied model.paid.amount"]
    );
    assert_eq!(edges("model.totals.orders", LineageDirection::Upstream), [""; 0]);
}

#[tokio::test]
async fn what_decides_about_values_and_rows_is_kept_apart_from_what_gives_values() {
    let (_fixture, lineage) = shop().await;
    let size = lineage.column(&column("model.labels.size")).unwrap();
    assert!(size.values.is_empty());
    assert_eq!(
        size.uses,
        ColumnUses::from([(column("model.totals.total"), BTreeSet::from([ColumnUse::Condition]))])
    );
    let paid = &lineage.nodes[&NodeId::model("shop", "paid")];
    assert_eq!(
        paid.rows,
        ColumnUses::from([(column("seed.orders.paid"), BTreeSet::from([ColumnUse::Filter]))])
    );
}

#[tokio::test]
async fn an_impact_follows_values_then_rows_then_verdicts() {
    let (fixture, lineage) = shop().await;
    let impact = |start: &str| {
        let impact = lineage.impact(&[column(start)], &fixture.manifest);
        let nodes = impact.nodes.iter().map(|(id, effects)| {
            let names = effects.values.keys().chain(effects.conditions.keys()).cloned().collect::<Vec<_>>();
            format!("{id} {} rows={}", names.join(","), effects.changes_rows())
        });
        let tests = impact.tests.iter().map(|id| id.name().to_owned());
        nodes.chain(tests).map(|line| line.replace("model.shop.", "")).collect::<Vec<_>>()
    };
    assert_eq!(
        impact("seed.orders.amount"),
        [
            "labels size rows=false",
            "paid amount rows=false",
            "totals total rows=false",
            "not_null_totals_total"
        ]
    );
    assert_eq!(
        impact("seed.orders.paid"),
        [
            "labels  rows=true",
            "names  rows=true",
            "paid  rows=true",
            "totals  rows=true",
            "not_null_names_one",
            "not_null_totals_total",
            "unique_totals_buyer"
        ]
    );
    assert_eq!(impact("model.totals.orders"), [""; 0]);
    assert_eq!(impact("model.names.one"), ["not_null_names_one"]);
}

#[tokio::test]
async fn a_subject_is_found_by_name_id_and_column_in_any_case() {
    let (fixture, lineage) = shop().await;
    let find = |text: &str| match LineageSubject::find(text, &fixture.manifest, &lineage) {
        Ok(LineageSubject::Node(id)) => id.to_string(),
        Ok(LineageSubject::Column(id)) => id.to_string(),
        Err(unknown) => format!("{} ({})", unknown.message, unknown.hint.unwrap_or_default()),
    };
    assert_eq!(find("orders"), "seed.shop.orders");
    assert_eq!(find("names.NAME"), "model.shop.names.Name");
    assert_eq!(find("model.shop.totals.buyer"), "model.shop.totals.buyer");
    assert_eq!(find("totals.buyr"), "`totals` has no column `buyr` (did you mean `buyer`?)");
    assert_eq!(find("totals.x"), "`totals` has no column `x` (its columns: buyer, total, orders)");
    assert_eq!(
        find("total.x"),
        "no model, seed, snapshot or source is called `total.x` (did you mean `totals`?)"
    );
}
