//! Snapshots as nodes: where they may be declared, their settings and their names.

use super::*;

const PROJECT: (&str, &str) = (
    "project.yml",
    "
name: shop
snapshot-paths: [snapshots, kept]
snapshots:
  +schema: history
  shop:
    orders:
      +unique_key: id
      orders_file:
        +tags: [filed]
",
);

fn snapshot<'a>(manifest: &'a Manifest, name: &str) -> &'a Snapshot {
    match &manifest.nodes[&NodeId::snapshot("shop", name)] {
        Node::Snapshot(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_is_declared_in_yaml_or_in_sql_as_in_dbt() {
    let manifest = manifest(&[
        PROJECT,
        ("models/orders.sql", "select 1 as id"),
        (
            "models/deep/schema.yml",
            "snapshots:\n  - name: of_orders\n    relation: \"{{ ref('orders') }}\"\n    description: All of them.\n    config: { unique_key: [id, nr], strategy: check, check_cols: all, alias: log, hard_deletes: new_record }\n",
        ),
        (
            "kept/orders/orders_file.sql",
            "{% snapshot one %}\n{{ config(strategy='timestamp', updated_at='at', target_schema='elsewhere', invalidate_hard_deletes=true) }}\nselect * from {{ ref('orders') }}\n{% endsnapshot %}\n{% snapshot two %}{{ config(strategy='check', check_cols=['a'], snapshot_meta_column_names={'dbt_valid_to': 'until'}) }} select * from {{ ref('one') }}{% endsnapshot %}",
        ),
        (
            "snapshots/schema.yml",
            "snapshots:\n  - name: one\n    description: First.\n    columns: [{ name: id, data_tests: [not_null] }]\n",
        ),
    ]);
    let of_orders = snapshot(&manifest, "of_orders");
    assert_eq!(of_orders.model.relation.to_string(), "history.log");
    assert_eq!(of_orders.model.fqn, ["shop", "deep", "of_orders"]);
    assert_eq!(of_orders.model.documentation.description.text, "All of them.");
    assert_eq!(of_orders.model.file.text(), "select * from {{ ref('orders') }}");
    assert_eq!(of_orders.config.unique_key, ["id", "nr"]);
    assert_eq!(of_orders.config.strategy, SnapshotStrategy::Check(None));
    assert_eq!(of_orders.config.hard_deletes, HardDeletes::NewRecord);
    assert_eq!(of_orders.all()["materialized"], "snapshot");

    let (one, two) = (snapshot(&manifest, "one"), snapshot(&manifest, "two"));
    assert_eq!(one.model.relation.to_string(), "elsewhere.one");
    assert_eq!(one.model.fqn, ["shop", "orders", "orders_file", "one"]);
    assert_eq!(one.config.unique_key, ["id"]);
    assert_eq!(one.config.hard_deletes, HardDeletes::Invalidate);
    assert_eq!(one.model.documentation.description.text, "First.");
    assert_eq!(Vec::from_iter(&one.model.config.tags), ["filed"]);
    assert_eq!(one.path(), "kept/orders/orders_file.sql");
    assert_eq!(manifest.tests_of(&one.model.id).count(), 1);
    assert_eq!(two.config.meta.valid_to, "until");
    assert_eq!(two.config.strategy, SnapshotStrategy::Check(Some(vec!["a".to_owned()])));
    assert_eq!(manifest.graph.parents(&two.model.id), [&one.model.id]);
    assert_eq!(manifest.graph.parents(&one.model.id), [&NodeId::model("shop", "orders")]);
}

fn refused(files: &[(&str, &str)]) -> String {
    resolve(files).map(drop).map_err(|found| shown(&found)).expect_err("something is wrong")
}

#[test]
fn a_name_means_one_node() {
    let twice = refused(&[
        PROJECT,
        ("models/orders.sql", "select 1 as id"),
        (
            "kept/orders/orders.sql",
            "{% snapshot orders %}{{ config(strategy='check', check_cols='all') }}select 1 as id{% endsnapshot %}",
        ),
    ]);
    assert!(twice.contains("a model and a snapshot are both called `orders`"), "{twice}");
}

#[test]
fn a_snapshot_that_is_off_needs_no_settings() {
    let manifest = manifest(&[
        PROJECT,
        ("snapshots/a.sql", "{% snapshot a %}{{ config(enabled=false) }}select 1 as id{% endsnapshot %}"),
    ]);
    assert!(manifest.nodes.is_empty());
}
