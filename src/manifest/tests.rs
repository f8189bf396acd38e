//! Tests of small projects in a temporary folder, resolved.

mod compiled_files;
mod documentation;
mod packages;
mod seeds;
mod settings;
mod shared_tables;
mod snapshots;
mod source_settings;
mod stored_failures;
mod versions;

use std::fs;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    diag::{Diagnostic, render},
    jinja::{Globals, Jinja, MessageListener, NodeContext},
    parse,
    project::Project,
};

/// A resolved project in its own folder.
pub(crate) struct ResolvedProject {
    /// The folder, which is deleted with the fixture.
    pub(crate) folder: TempDir,
    pub(crate) jinja: Jinja,
    pub(crate) manifest: Manifest,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Resolves the project in these files, or returns all diagnostics. `project.yml` has a default.
pub(crate) fn resolve(files: &[(&str, &str)]) -> Result<ResolvedProject, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("project.yml", "name: shop\n")].iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (project, mut findings) = Project::load(folder.path());
    let project = project.unwrap();
    let (docs, more) = parse::docs(&project);
    findings.extend(more);
    let texts = docs.iter().map(|(name, block)| (name.clone(), block.text.clone())).collect();
    let macros = |package: &Project| package.macros.iter().map(|file| file.source.clone()).collect();
    let macros: Vec<_> =
        project.with_packages().map(|package| (package.name().into(), macros(package))).collect();
    let dispatch = project.settings.dispatch.clone();
    let vars = |package: &Project| {
        let vars = project.vars_in(package).map(|(name, value)| (name.to_owned(), value.to_json()));
        (package.name().to_owned(), vars.collect())
    };
    let package_vars = project.packages.iter().map(vars).collect();
    let (jinja, more) =
        Jinja::with_packages(&macros, Globals { docs: texts, dispatch, package_vars, ..globals() });
    findings.extend(more);
    let (captures, more) = parse::parse(&project, &jinja, 1);
    findings.extend(more);
    assert!(findings.is_empty(), "{}", shown(&findings));
    let (manifest, warnings) = Manifest::resolve(&project, &captures, None, docs, &jinja);
    if warnings.iter().any(Diagnostic::is_error) {
        return Err(warnings);
    }
    Ok(ResolvedProject { folder, jinja, manifest, warnings })
}

fn globals() -> Globals {
    Globals {
        project_name: "shop".into(),
        package_vars: BTreeMap::new(),
        dispatch: BTreeMap::new(),
        vars: Map::from_iter([("on".to_owned(), json!(true))]),
        target: json!({ "name": "dev" }),
        env: [].into(),
        run_started_at: chrono::DateTime::UNIX_EPOCH,
        messages: MessageListener::default(),
        invocation_id: "test".into(),
        flags: json!({}),
        docs: BTreeMap::new(),
    }
}

pub(crate) fn shown(findings: &[Diagnostic]) -> String {
    findings.iter().map(|found| render::to_string(found, false)).collect::<Vec<_>>().join("\n\n")
}

fn manifest(files: &[(&str, &str)]) -> Manifest {
    match resolve(files) {
        Ok(fixture) => {
            assert!(fixture.warnings.is_empty(), "{}", shown(&fixture.warnings));
            fixture.manifest
        }
        Err(findings) => panic!("{}", shown(&findings)),
    }
}

/// Compares the codes, messages and hints of all diagnostics.
fn check_wrong(files: &[(&str, &str)], expect: &[&str]) {
    let findings = match resolve(files) {
        Ok(fixture) => fixture.warnings,
        Err(findings) => findings,
    };
    let found: Vec<String> = findings
        .iter()
        .map(|found| {
            let place = found.labels.first().map(|label| label.span.to_string()).unwrap_or_default();
            [place, format!("{}: {}", found.code, found.message)]
                .into_iter()
                .chain(found.hints.clone())
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect();
    assert_eq!(found, expect);
}

fn model<'a>(manifest: &'a Manifest, name: &str) -> &'a Model {
    manifest.model(&NodeId::model("shop", name)).unwrap()
}

#[test]
fn an_argument_of_a_test_that_is_not_given_is_undefined() {
    let test = "{% test few(model, column_name, most) %}select 1 from {{ model }} where {{ column_name }} > 1\
                {% if most %} and {{ most }}{% endif %}{% endtest %}";
    let declared = "models: [{name: a, columns: [{name: x, data_tests: [few]}]}]";
    let files = [("models/a.sql", "select 1 as x"), ("models/s.yml", declared), ("macros/t.sql", test)];
    let manifest = manifest(&files);
    assert_eq!(manifest.tests_of(&NodeId::model("shop", "a")).count(), 1);
}

#[test]
fn types_and_freshness_limits_are_rendered() {
    let text = "models: [{name: a, columns: [{name: x, data_type: \"{{ 'int' if var('on') }}\"}]}]\n\
                sources: [{name: s, tables: [{name: t, loaded_at_field: x, freshness: \
                {warn_after: {count: \"{{ 1 + 2 }}\", period: hour}}}]}]";
    let manifest = manifest(&[("models/a.sql", "select 1 as x"), ("models/s.yml", text)]);
    let column = &model(&manifest, "a").columns[0];
    assert_eq!(column.data_type.as_ref().unwrap().value, "int");
    let Some(Node::Source(source)) = manifest.nodes.get(&NodeId::source("shop", "s", "t")) else { panic!() };
    assert_eq!(source.freshness.as_ref().unwrap().warn_after.unwrap().seconds(), 3 * 3600);
    let wrong = text.replace("1 + 2", "'x'");
    let files = [("models/a.sql", "select 1 as x"), ("models/s.yml", wrong.as_str())];
    check_wrong(
        &files,
        &["models/s.yml:2:92 | wrong-type: `count` must be a whole number, zero or more, not `x`"],
    );
}

#[test]
fn settings_of_disabled_nodes_are_not_checked() {
    let text = "{{ config(enabled=false, materialized='odd', partition_by={'field': 'x'}) }}select 1 as x";
    assert_eq!(manifest(&[("models/a.sql", text)]).refables().count(), 0);
}

const SOURCES: &str = "
sources:
  - name: files
    schema: landing
    tags: [outside]
    tables:
      - name: orders
        tags: [hourly]
        external: { location: '{{ target.name }}/orders.csv', format: csv }
      - name: customers
        identifier: crm_customers
";

#[test]
fn refs_and_sources_become_edges() {
    let manifest = manifest(&[
        ("sources.yml", SOURCES),
        ("models/raw.sql", "select * from {{ source('files', 'orders') }}"),
        (
            "models/joined.sql",
            "select * from {{ ref('shop', 'raw') }} join {{ source('files', 'customers') }} using (id)",
        ),
    ]);
    let edges: Vec<String> = manifest
        .nodes
        .keys()
        .flat_map(|id| manifest.graph.parents(id).into_iter().map(move |parent| format!("{parent} → {id}")))
        .collect();
    assert_eq!(
        edges,
        [
            "model.shop.raw → model.shop.joined",
            "source.shop.files.customers → model.shop.joined",
            "source.shop.files.orders → model.shop.raw",
        ]
    );
    assert_eq!(manifest.counts(), BTreeMap::from([("model", 2), ("source", 2)]));
}

#[test]
fn a_source_has_its_place_tags_and_rendered_location() {
    let manifest = manifest(&[("sources.yml", SOURCES)]);
    let source = |table: &str| match &manifest.nodes[&NodeId::source("shop", "files", table)] {
        Node::Source(source) => source,
        _ => panic!("a model"),
    };
    assert_eq!(source("orders").relation.to_string(), "landing.orders");
    assert_eq!(source("orders").external.as_ref().unwrap().location, "dev/orders.csv");
    assert_eq!(Vec::from_iter(&source("orders").tags), ["hourly", "outside"]);
    assert!(!source("orders").is_delta());
    assert_eq!(source("customers").relation.to_string(), "landing.crm_customers");
    assert!(source("customers").is_delta());
    assert_eq!(manifest.at(&Relation::new("landing", "orders")).unwrap().display_name(), "files.orders");
}

#[test]
fn a_disabled_model_is_not_there() {
    let files = [("models/a.sql", "{{ config(enabled=not var('on')) }} select 1 as a")];
    assert_eq!(manifest(&files).nodes.len(), 0);
    let reader = ("models/b.sql", "select * from {{ ref('a') }}");
    check_wrong(
        &[files[0], reader],
        &["models/b.sql:1:18 | unknown-ref: the model `a` is disabled | enable it with `+enabled: true`"],
    );
}

#[test]
fn tags_of_columns_and_sources_reach_their_tests() {
    let manifest = manifest(&[
        ("models/a.sql", "select 1 as x"),
        (
            "models/s.yml",
            "models:\n  - name: a\n    config: { tags: [of_model] }\n    data_tests: [{ not_null: { column_name: x } }]\n    \
             columns: [{ name: x, tags: [pii], data_tests: [unique] }]\nsources:\n  - name: raw\n    tags: [outside]\n    \
             tables:\n      - { name: t, tags: [hourly], columns: [{ name: id, config: { tags: [key] }, data_tests: [unique] }] }\n",
        ),
    ]);
    let tests = manifest.nodes.values().filter_map(|node| match node {
        Node::Test(test) => {
            Some((test.name.as_str(), test.config.tags.iter().cloned().collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    });
    let expect =
        [("not_null_a_x", ""), ("source_unique_raw_t_id", "hourly key outside"), ("unique_a_x", "pii")];
    assert!(tests.eq(expect.map(|(name, tags)| (name, tags.to_owned()))));
}

#[test]
fn a_test_of_a_disabled_or_missing_model_is_disabled_with_a_warning() {
    let files = [
        ("models/a.sql", "select 1 as x"),
        ("models/off.sql", "{{ config(enabled=false) }} select 1 as x"),
        (
            "models/s.yml",
            "models:\n  - name: a\n    columns:\n      - name: x\n        data_tests:\n          - not_null\n          \
             - relationships: { arguments: { to: ref('off'), field: x } }\n  - name: 'off'\n    columns: [{ name: x, \
             data_tests: [unique] }]\n",
        ),
        ("tests/both.sql", "select * from {{ ref('a') }}, {{ ref('gone') }}"),
    ];
    check_wrong(
        &files,
        &[
            "models/s.yml:7:13 | unknown-ref: Test 'test.shop.relationships_a_x__x__ref_off_.c0e60e0edc' (models/s.yml) \
             depends on a node named 'off' which is disabled | enable it with `+enabled: true`",
            "tests/both.sql:1:34 | unknown-ref: Test 'test.shop.both' (tests/both.sql) depends on a node named 'gone' which \
             was not found",
        ],
    );
    let Ok(fixture) = resolve(&files) else { panic!("warnings only") };
    let tests = fixture.manifest.nodes.values().filter(|node| matches!(node, Node::Test(_)));
    assert_eq!(tests.map(Node::display_name).collect::<Vec<_>>(), ["not_null_a_x"]);
    let disabled: Vec<_> = fixture.manifest.disabled.values().flatten().map(Node::display_name).collect();
    assert_eq!(disabled, ["off", "both", "relationships_a_x__x__ref_off_", "unique_off_x"]);
}

#[test]
fn a_name_that_means_nothing_is_shown_with_near_ones() {
    check_wrong(
        &[
            ("sources.yml", SOURCES),
            ("models/stg_orders.sql", "select 1 as a"),
            (
                "models/a.sql",
                "select * from {{ ref('stg_order') }}, {{ ref('orders') }}, {{ ref('shp', 'a') }}",
            ),
            (
                "models/b.sql",
                "select * from {{ source('file', 'orders') }}, {{ source('files', 'order') }}, {{ source('files', 'x') }}",
            ),
        ],
        &[
            "models/a.sql:1:18 | unknown-ref: no model is called `stg_order` | did you mean `stg_orders`?",
            "models/a.sql:1:42 | unknown-ref: no model is called `orders` | did you mean `stg_orders`?",
            "models/a.sql:1:63 | unknown-ref: there is no package `shp` | did you mean `shop`?",
            "models/b.sql:1:18 | unknown-source: no source is called `file` | did you mean `files`?",
            "models/b.sql:1:50 | unknown-source: the source `files` has no table `order` | did you mean `orders`?",
            "models/b.sql:1:82 | unknown-source: the source `files` has no table `x` | its tables: customers, orders",
        ],
    );
}

#[test]
fn names_and_places_are_unique() {
    check_wrong(
        &[("models/x/a.sql", "select 1 as a"), ("models/y/a.sql", "select 1 as a")],
        &[
            "models/y/a.sql:1:1 | duplicate-model: two models are called `a` | names are unique in a project, whatever the folder: rename one of the files",
        ],
    );
    check_wrong(
        &[
            ("sources.yml", SOURCES),
            ("models/a.sql", "{{ config(schema='landing', alias='orders') }} select 1 as a"),
        ],
        &[
            "models/a.sql:1:4 | duplicate-relation: `source.shop.files.orders` and `model.shop.a` would both be the table landing.orders | give one of them another `alias` or `schema`",
        ],
    );
    check_wrong(
        &[
            ("models/a.sql", "select 1 as a"),
            ("models/b.sql", "{{ config(schema='main_quarantine', alias='A') }} select 1 as a"),
            ("models/c.sql", "{{ config(schema='main_staged', alias='a') }} select 1 as a"),
            ("data-tests/t.sql", "select * from {{ ref('a') }}"),
            ("models/d.sql", "{{ config(schema='main_audit', alias='t') }} select 1 as a"),
        ],
        &[
            "models/b.sql:1:1 | duplicate-relation: `model.shop.b` and the quarantined rows of `model.shop.a` would both be the table main_quarantine.a | give one of them another `alias` or `schema`",
            "models/c.sql:1:1 | duplicate-relation: `model.shop.c` and the withheld version of `model.shop.a` would both be the table main_staged.a | give one of them another `alias` or `schema`",
            "models/d.sql:1:1 | duplicate-relation: `model.shop.d` and the failing rows of `test.shop.t` would both be the table main_audit.t | give one of them another `alias` or `schema`",
        ],
    );
}

#[test]
fn a_circle_is_shown_closed() {
    let Err(findings) = resolve(&[
        ("models/a.sql", "select * from {{ ref('c') }}"),
        ("models/b.sql", "select * from {{ ref('a') }}"),
        ("models/c.sql", "select * from {{ ref('b') }}"),
    ]) else {
        panic!("no circle was found");
    };
    assert_eq!(findings[0].code, "cycle");
    assert_eq!(findings[0].notes, ["cycle: a → b → c → a"]);
}

#[test]
fn a_description_of_no_model_is_a_warning() {
    check_wrong(
        &[
            ("models/orders.sql", "select 1 as a"),
            ("models/schema.yml", "models:\n  - name: ordres\n    description: All.\n"),
        ],
        &[
            "models/schema.yml:2:11 | unknown-model: `ordres` is described here, but no model is called that | did you mean `orders`?",
        ],
    );
}
