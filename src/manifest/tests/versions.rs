//! Versions of models.

use super::*;

#[test]
fn a_ref_of_a_version_reads_it_and_one_of_none_reads_the_latest() {
    let files = [
        (
            "models/s.yml",
            "models:\n  - name: dim\n    latest_version: 1\n    columns: [{ name: id, data_tests: [unique] }, { name: x }]\n    versions:\n      \
             - { v: 1, config: { tags: [old] } }\n      - { v: 2, defined_in: dim, columns: [{ include: all, exclude: [x] }] }\n",
        ),
        ("models/dim_v1.sql", "select 1 as id"),
        ("models/dim.sql", "select 2 as id"),
        ("models/old.sql", "select * from {{ ref('dim', v=1) }}"),
        ("models/new.sql", "select * from {{ ref('dim', version='2') }}"),
        ("models/none.sql", "select * from {{ ref('dim') }}"),
    ];
    let manifest = manifest(&files);
    let read = |name| manifest.graph.parents(&NodeId::model("shop", name))[0].to_string();
    assert_eq!(
        ["old", "new", "none"].map(read),
        ["model.shop.dim.v1", "model.shop.dim.v2", "model.shop.dim.v1"]
    );
    let (one, two) = (model(&manifest, "dim.v1"), model(&manifest, "dim.v2"));
    assert_eq!((one.relation.to_string(), one.columns.len()), ("main.dim_v1".to_owned(), 2));
    assert_eq!((two.relation.to_string(), two.columns.len()), ("main.dim_v2".to_owned(), 1));
    assert_eq!(one.fqn, ["shop", "dim", "v1"]);
    assert_eq!(manifest.counts()["data test"], 2);
    let missing = ("models/other.sql", "select * from {{ ref('dim', v=3) }}");
    check_wrong(
        &[&files[..], &[missing]].concat(),
        &[
            "models/other.sql:1:18 | unknown-ref: no model is called `dim.v3` | did you mean `dim.v1`, `dim.v2` or `dim`?",
        ],
    );
}
