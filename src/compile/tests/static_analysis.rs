//! Errors that stop the run, and errors of nodes that fail alone.

use super::*;

/// A project in which `b` has two errors, `c` reads `b`, and `d` doesn't.
const BROKEN: [(&str, &str); 4] = [
    ("models/a.sql", "select 1 as x"),
    ("models/b.sql", "select y, z from {{ ref('a') }}"),
    ("models/c.sql", "select * from {{ ref('b') }}"),
    ("models/d.sql", "select x from {{ ref('a') }}"),
];

#[tokio::test]
async fn an_error_concerns_only_its_node_unless_the_analysis_is_strict() {
    let all = ["a", "b", "c", "d"];
    assert!(compiled(&BROKEN, &all, &[]).await.is_err());
    let baseline = ("project.yml", "name: shop\nflags: { static_analysis: baseline }\n");
    let files = [&[baseline], &BROKEN[..]].concat();
    let done = compiled(&files, &all, &[]).await.unwrap();
    assert_eq!(names(&done), ["model.shop.a", "model.shop.d"]);
    let (id, findings) = done.errors_by_node().next().unwrap();
    assert_eq!(id.as_str(), "model.shop.b");
    assert!(findings[0].message.contains("'y' not found"), "{}", shown(findings));
    let cause = &done.unreadable[&NodeId::model("shop", "c")];
    assert_eq!((cause.source.as_str(), cause.cause), ("model.shop.b", UncheckedCause::Errors));
    // The node's own setting comes before the project's.
    let strict = ("models/b.sql", "{{ config(static_analysis='strict') }} select y from {{ ref('a') }}");
    assert!(compiled(&[&files[..], &[strict]].concat(), &all, &[]).await.is_err());
}

#[tokio::test]
async fn a_wrong_setting_concerns_only_its_node_unless_the_analysis_is_strict() {
    let wrong = ("models/a.sql", "{{ config(partition_by={'field': 'x'}) }} select 1 as x");
    let files = [wrong, ("models/b.sql", "select 2 as x")];
    assert!(resolve(&files).is_err());
    let own = ("models/s.yml", "models: [{name: a, config: {static_analysis: unsafe}}]");
    let done = compiled(&[&files[..], &[own]].concat(), &["a", "b"], &[]).await.unwrap();
    assert_eq!(names(&done), ["model.shop.b"]);
    assert_eq!(done.errors_by_node().count(), 1);
}

#[tokio::test]
async fn errors_of_sources_and_ephemeral_models_that_nothing_reads_are_dropped() {
    let files = [
        ("project.yml", "name: shop\nflags: { static_analysis: baseline }\n"),
        ("sources.yml", "sources: [{name: raw, tables: [{name: t}]}]"),
        ("models/a.sql", "select 1 as x -- {{ source('raw', 't') }} {{ ref('e') }}"),
        ("models/e.sql", "{{ config(materialized='ephemeral') }} select y from {{ ref('b') }}"),
        ("models/f.sql", "{{ config(materialized='ephemeral') }} {{ ref('e') }}"),
        ("models/b.sql", "select 1 as x"),
    ];
    let done = compiled(&files, &["a", "b", "e", "f"], &[]).await.unwrap();
    assert_eq!(names(&done), ["model.shop.a", "model.shop.b"]);
    assert!(done.unreadable.is_empty(), "{:?}", done.unreadable);
    let reader = ("models/c.sql", "select * from {{ ref('e') }}, {{ source('raw', 't') }}");
    let done = compiled(&[&files[..], &[reader]].concat(), &["a", "c"], &[]).await.unwrap();
    assert!(done.unreadable.contains_key(&NodeId::model("shop", "c")));
    let found: Vec<&str> = done.errors_by_node().map(|(id, _)| id.as_str()).collect();
    assert_eq!(found, ["model.shop.e", "source.shop.raw.t"]);
}
