//! Settings of nodes: their layers, wrong ones, and those in the fingerprint.

use super::*;

const TREE: &str = "
name: shop
models:
  +tags: all
  +meta: { owner: Ann, level: 1 }
  shop:
    +schema: outer
    deep:
      +schema: inner
      +tags: [deep]
      +materialized: view
";

#[test]
fn settings_come_from_all_layers() {
    let manifest = manifest(&[
        ("project.yml", TREE),
        ("models/deep/a.sql", "{{ config(tags=['file'], meta={'level': 3}) }} select 1 as a"),
        (
            "models/deep/schema.yml",
            "models:\n  - name: a\n    description: First.\n    config: { tags: yaml, schema: yaml, meta: { level: 2, seen: true } }\n",
        ),
        ("models/b.sql", "select 1 as b"),
    ]);
    let (a, b) = (model(&manifest, "a"), model(&manifest, "b"));
    assert_eq!(Vec::from_iter(&a.config.tags), ["all", "deep", "file", "yaml"]);
    assert_eq!(a.config.all["meta"], json!({ "owner": "Ann", "level": 3, "seen": true }));
    assert_eq!(a.relation.to_string(), "yaml.a");
    assert_eq!(a.config.materialized, Materialized::View);
    assert_eq!(a.documentation.description.text, "First.");
    assert_eq!(a.fqn, ["shop", "deep", "a"]);
    assert_eq!(b.relation.to_string(), "outer.b");
    assert_eq!(b.config.materialized, Materialized::Table);
    assert_eq!(Vec::from_iter(&b.config.tags), ["all"]);
}

#[test]
fn a_later_config_call_wins() {
    let manifest = manifest(&[(
        "models/a.sql",
        "{{ config(alias='one') }}{{ config(alias='two', enabled=var('on')) }} select 1 as a",
    )]);
    assert_eq!(model(&manifest, "a").relation.to_string(), "main.two");
}

#[test]
fn settings_of_the_wrong_kind_are_told_at_their_place() {
    check_wrong(
        &[(
            "models/a.sql",
            "{{ config(materialized='tabel', partition_by=7, target_file_size=0, alias=[1]) }} select 1 as a",
        )],
        &[
            "models/a.sql:1:4 | invalid-config: there is no materialization `tabel` | did you mean `table`?",
            "models/a.sql:1:4 | invalid-config: `alias` takes text",
            "models/a.sql:1:4 | invalid-config: `partition_by` takes a name or a list of names",
            "models/a.sql:1:4 | invalid-config: `target_file_size` takes a number of bytes above 0",
        ],
    );
}

#[test]
fn a_setting_that_looks_misspelt_is_a_warning_and_the_users_own_is_none() {
    check_wrong(
        &[("models/a.sql", "{{ config(materialised='view', cost_centre=7) }} select 1 as a")],
        &[
            "models/a.sql:1:4 | unknown-config: unknown setting `materialised`, which only templates can read | did you mean `materialized`?",
        ],
    );
}

/// Returns whether two configurations of a statement have the same fingerprint.
fn same_fingerprint(one: Value, other: Value) -> bool {
    let of = |settings: Value| {
        let Value::Object(settings) = settings else { panic!("no object") };
        let span = crate::text::Source::new("a", "").span(0..0);
        let layer = settings
            .into_iter()
            .map(|(key, value)| (key, config::Setting { value, span: span.clone() }))
            .collect();
        let (config, findings) = config::ModelConfig::resolve(vec![layer], false);
        assert!(findings.is_empty());
        fingerprint::Fingerprint::new("SELECT 1", &config, [])
    };
    of(one) == of(other)
}

#[test]
fn only_settings_that_shape_the_table_are_in_its_fingerprint() {
    assert!(same_fingerprint(json!({}), json!({ "tags": ["x"], "meta": { "a": 1 }, "alias": "b" })));
    assert!(same_fingerprint(json!({}), json!({ "materialized": "table", "enabled": true })));
    assert!(same_fingerprint(json!({ "partition_by": "a" }), json!({ "partition_by": ["a"] })));
    assert!(!same_fingerprint(json!({}), json!({ "materialized": "view" })));
    assert!(!same_fingerprint(json!({}), json!({ "partition_by": "a" })));
    assert!(!same_fingerprint(json!({ "partition_by": ["b", "a"] }), json!({ "partition_by": ["a", "b"] })));
    assert!(!same_fingerprint(json!({}), json!({ "target_file_size": 1 })));
}

#[test]
fn a_setting_without_effect_is_a_warning_once_at_its_place() {
    let project = "name: shop\nmodels:\n  +grants: { select: [ann] }\n  +docs: { show: false }\n";
    check_wrong(
        &[
            ("project.yml", project),
            ("models/a.sql", "select 1 as a"),
            ("models/b.sql", "{{ config(cluster_by='a', database='other', sql_header=none) }} select 1 as a"),
        ],
        &[
            "project.yml:3:14 | ignored-key: `grants` has no effect | rights belong to the folder or the object store",
            "models/b.sql:1:4 | ignored-key: `database` has no effect | a lake has no databases: set `schema`",
        ],
    );
}

#[test]
fn failures_are_stored_as_dbt_says() {
    let stores = |settings: &str| {
        let test = format!("{{{{ config({settings}) }}}} select 1 as a");
        let manifest = manifest(&[("data-tests/t.sql", &test)]);
        let Node::Test(test) = manifest.nodes.values().next().unwrap() else { panic!("no test") };
        test.config.store_failures
    };
    assert!(!stores("severity='warn'"));
    assert!(stores("store_failures=true"));
    assert!(stores("store_failures_as='view'"));
    assert!(!stores("store_failures=true, store_failures_as='ephemeral'"));
}
