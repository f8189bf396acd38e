//! Seeds as nodes: their settings, and their names and name conflicts.

use super::*;

const PROJECT: (&str, &str) = (
    "project.yml",
    "
name: shop
seed-paths: [seeds, lists]
seeds:
  +schema: ref
  +tags: all
  shop:
    geo:
      +tags: [geo]
      +column_types: { code: '{{ \"varchar\" if target.name == \"dev\" else \"text\" }}' }
",
);

fn seed<'a>(manifest: &'a Manifest, name: &str) -> &'a Seed {
    match &manifest.nodes[&NodeId::seed("shop", name)] {
        Node::Seed(seed) => seed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_seed_is_configured_as_a_model_is_and_stands_where_one_does() {
    let manifest = manifest(&[
        PROJECT,
        ("seeds/geo/countries.csv", "code\nDE\n"),
        ("lists/colours.csv", "no file is read to resolve names: \"\n"),
        (
            "models/schema.yml",
            "seeds:\n  - name: countries\n    description: Where.\n    columns: [{ name: code, data_tests: [not_null] }]\n    config: { alias: places, delimiter: '\\t', null_values: [NA, -1], materialized: view }\n",
        ),
        ("models/a.sql", "select * from {{ ref('countries') }}"),
    ]);
    let countries = seed(&manifest, "countries");
    assert_eq!(countries.model.relation.to_string(), "ref.places");
    assert_eq!(countries.model.fqn, ["shop", "geo", "countries"]);
    assert_eq!(countries.path(), "seeds/geo/countries.csv");
    assert_eq!(countries.model.documentation.description.text, "Where.");
    assert_eq!(Vec::from_iter(&countries.model.config.tags), ["all", "geo"]);
    assert_eq!(countries.model.config.materialized, Materialized::Table);
    assert_eq!(countries.config.column_types["code"], "varchar");
    assert_eq!(countries.config.delimiter, b'\t');
    assert_eq!(countries.config.null_values, ["na", "-1"]);
    let colours = seed(&manifest, "colours");
    assert_eq!(colours.config.null_values, ["", "null"]);
    assert!(colours.config.changed().is_empty() && !countries.config.changed().is_empty());
    let id = &countries.model.id;
    let readers: Vec<String> = manifest.graph.children(id).into_iter().map(ToString::to_string).collect();
    assert_eq!(readers.len(), 2, "{readers:?}");
    assert_eq!(manifest.counts()["seed"], 2);
    assert!(manifest.model(id).is_none() && manifest.refable(id).is_some());
}

#[test]
fn a_seeds_table_is_no_file_and_its_file_is_no_source() {
    let manifest = manifest(&[("seeds/a.csv", "x\n")]);
    let a = seed(&manifest, "a");
    assert!(manifest.is_file(&a.file) && !manifest.is_file(&a.model.relation));
    assert!(!manifest.is_file_source(&a.file) && !manifest.is_file_source(&a.model.relation));
    assert_eq!(manifest.at(&a.file).map(Node::id), manifest.at(&a.model.relation).map(Node::id));
}

#[test]
fn models_and_seeds_share_their_names() {
    let unique = "names are unique in a project, whatever the folder: rename one of the files";
    check_wrong(
        &[
            ("models/a.sql", "select 1 as x"),
            ("seeds/a.csv", "x\n"),
            ("seeds/b.csv", "x\n"),
            ("seeds/c/b.csv", "x\n"),
        ],
        &[
            &format!(
                "seeds/a.csv:1:1 | duplicate-name: a model and a seed are both called `a`: `ref('a')` could mean either | {unique}"
            ),
            &format!("seeds/c/b.csv:1:1 | duplicate-seed: two seeds are called `b` | {unique}"),
        ],
    );
    check_wrong(
        &[
            ("models/a.sql", "select 1 as x"),
            ("seeds/b.csv", "x\n"),
            ("models/s.yml", "seeds: [{ name: b, config: { alias: a } }]\n"),
        ],
        &[
            "models/s.yml:1:37 | duplicate-relation: `model.shop.a` and `seed.shop.b` would both be the table main.a | give one of them another `alias` or `schema`",
        ],
    );
}

#[test]
fn a_disabled_seed_leaves_its_name_to_others() {
    let off = ("models/s.yml", "seeds: [{ name: a, config: { enabled: false } }]\n");
    let files = [off, ("seeds/a.csv", "x\n")];
    assert_eq!(manifest(&[files[0], files[1], ("models/a.sql", "select 1 as x")]).counts().len(), 1);
    check_wrong(
        &[files[0], files[1], ("models/b.sql", "select * from {{ ref('a') }}")],
        &["models/b.sql:1:18 | unknown-ref: the seed `a` is disabled | enable it with `+enabled: true`"],
    );
}

#[test]
fn what_is_described_as_the_wrong_kind_is_said() {
    check_wrong(
        &[
            ("seeds/rates.csv", "x\n"),
            ("models/a.sql", "select * from {{ ref('rate') }}"),
            ("seeds/s.yml", "models: [{ name: rates }]\nseeds: [{ name: a }, { name: rate }]\n"),
        ],
        &[
            "seeds/s.yml:1:18 | unknown-model: `rates` is described here, but no model is called that | it is a seed: describe it under `seeds:`",
            "seeds/s.yml:2:17 | unknown-seed: `a` is described here, but no seed is called that | it is a model: describe it under `models:`",
            "seeds/s.yml:2:30 | unknown-seed: `rate` is described here, but no seed is called that | did you mean `rates`?",
            "models/a.sql:1:18 | unknown-ref: no model or seed is called `rate` | did you mean `rates`?",
        ],
    );
}

#[test]
fn a_delimiter_is_no_quote() {
    check_wrong(
        &[("seeds/a.csv", "x\n"), ("seeds/s.yml", "seeds: [{ name: a, config: { quote: ',' } }]\n")],
        &[" | invalid-config: `delimiter` and `quote` have to be two different characters"],
    );
}
