//! Settings of sources and exposures: those of the project file, and those next to them.

use super::*;

const PROJECT: &str = "
name: shop
sources:
  +meta: { owner: Ann, level: 1 }
  shop:
    raw:
      +loaded_at_field: at
      +freshness: { warn_after: { count: 1, period: day } }
      orders: { +enabled: \"{{ not var('on') }}\" }
      items: { +tags: tree, +event_time: sold }
exposures:
  +tags: all
  old: { +enabled: false }
";

const SOURCES: &str = "
sources:
  - name: raw
    meta: { level: 2 }
    tables:
      - name: orders
        data_tests: [some_test]
      - name: items
        tags: own
      - name: parts
        freshness: null
        config: { event_time: made }
exposures:
  - { name: board, type: dashboard, owner: { name: Ann }, config: { tags: [own] } }
  - { name: old, type: dashboard, owner: { name: Ann } }
";

fn source<'m>(manifest: &'m Manifest, name: &str) -> &'m SourceTable {
    let found = manifest.nodes.values().find_map(|node| match node {
        Node::Source(source) if source.name == name => Some(source),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no source `{name}`"))
}

#[test]
fn sources_and_exposures_are_configured_by_the_tree() {
    let tests = "{% test some_test(model) %}select 1{% endtest %}";
    let manifest = manifest(&[("project.yml", PROJECT), ("models/s.yml", SOURCES), ("macros/t.sql", tests)]);
    let (items, parts) = (source(&manifest, "items"), source(&manifest, "parts"));
    assert_eq!(Vec::from_iter(&items.tags), ["own", "tree"]);
    assert_eq!((items.event_time.as_deref(), parts.event_time.as_deref()), (Some("sold"), Some("made")));
    assert_eq!(items.meta, json!({ "owner": "Ann", "level": 2 }));
    let freshness = items.freshness.as_ref().unwrap();
    assert_eq!(freshness.loaded_at_field.as_ref().unwrap().value, "at");
    assert!(freshness.warn_after.is_some() && parts.freshness.is_none());
    let names: Vec<String> = manifest.nodes.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["exposure.shop.board", "source.shop.raw.items", "source.shop.raw.parts"]);
    let disabled: Vec<String> = manifest.disabled.keys().map(ToString::to_string).collect();
    assert_eq!(disabled[..2], ["exposure.shop.old", "source.shop.raw.orders"]);
}

#[test]
fn a_disabled_source_cannot_be_read() {
    check_wrong(
        &[
            ("project.yml", PROJECT),
            ("models/s.yml", SOURCES),
            ("macros/t.sql", "{% test some_test(model) %}select 1{% endtest %}"),
            ("models/a.sql", "select * from {{ source('raw', 'orders') }}"),
        ],
        &[
            "models/a.sql:1:18 | unknown-source: the source table `raw.orders` is disabled | enable it with `enabled: true` under its `config`",
        ],
    );
}
