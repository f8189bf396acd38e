//! Sources in the lake whose table is another node's, too.

use super::*;

const SOURCES: &str = "sources:
- {name: lake, schema: raw, tables: [{name: orders}]}
- {name: again, schema: raw, tables: [{name: orders}]}
- {name: reader, schema: main, tables: [{name: other}]}
";

fn edges(manifest: &Manifest) -> Vec<String> {
    let ids = manifest.graph.sorted().iter();
    ids.flat_map(|id| manifest.graph.parents(id).into_iter().map(move |parent| format!("{parent} → {id}")))
        .collect()
}

#[test]
fn a_source_that_a_seed_builds_comes_after_it() {
    let manifest = manifest(&[
        ("sources.yml", SOURCES),
        ("project.yml", "name: shop\nseeds: {+schema: raw}\n"),
        ("seeds/orders.csv", "id\n1\n"),
        ("models/a.sql", "select * from {{ source('lake', 'orders') }}"),
    ]);
    let mut edges = edges(&manifest);
    edges.sort();
    assert_eq!(
        edges,
        [
            "seed.shop.orders → source.shop.again.orders",
            "seed.shop.orders → source.shop.lake.orders",
            "source.shop.lake.orders → model.shop.a",
        ]
    );
    let owner = manifest.at(&Relation::new("raw", "orders")).unwrap();
    assert_eq!(owner.id().as_str(), "seed.shop.orders");
}

#[test]
fn two_sources_of_one_table_need_no_builder() {
    let manifest = manifest(&[("sources.yml", SOURCES)]);
    assert_eq!(edges(&manifest), ["source.shop.lake.orders → source.shop.again.orders"]);
}

#[test]
fn a_source_in_files_has_a_table_of_its_own() {
    let findings = resolve(&[
        ("sources.yml", "sources: [{name: raw, tables: [{name: orders, external: {location: orders.csv}}]}]"),
        ("project.yml", "name: shop\nseeds: {+schema: raw}\n"),
        ("seeds/orders.csv", "id\n1\n"),
    ]);
    let message = &findings.err().unwrap()[0].message;
    assert_eq!(message, "`source.shop.raw.orders` and `seed.shop.orders` would both be the table raw.orders");
}
