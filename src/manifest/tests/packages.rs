//! Projects with installed packages.

use super::*;
use crate::name::PackageName;

/// A project that uses the package `utils`.
const FILES: [(&str, &str); 12] = [
    (
        "project.yml",
        "name: shop\n\
         models: {+schema: all, utils: {+schema: theirs, off: {+enabled: false}}}\n\
         vars: {days: 1, utils: {days: 2}}\n\
         dispatch: [{macro_namespace: utils, search_order: [shop, utils]}]\n",
    ),
    (
        "models/a.sql",
        "select {{ utils.two() }} from {{ ref('utils', 'calendar') }} join {{ ref('holidays') }}",
    ),
    ("models/schema.yml", "models: [{name: a, data_tests: [utils.never, {never: {name: own}}]}]"),
    (
        "macros/m.sql",
        "{% macro default__part() %}ours{% endmacro %}{% macro same() %}ours{% endmacro %}\
         {% test never(model) %}select 1 from {{ model }}{% endtest %}",
    ),
    ("dbt_packages/utils/dbt_project.yml", "name: utils\nmodels: {utils: {+tags: [own], +schema: utils}}\n"),
    (
        "dbt_packages/utils/macros/m.sql",
        "{% macro two() %}{{ same() }} {{ utils.same() }} {{ adapter.dispatch('part', 'utils')() }}{% endmacro %}\
         {% macro same() %}theirs{% endmacro %}{% macro default__part() %}theirs{% endmacro %}\
         {% test never(model, where=none) %}select 2 from {{ model }}{% endtest %}",
    ),
    (
        "dbt_packages/utils/models/calendar.sql",
        "select {{ same() }}, {{ days() }} as d from {{ ref('base') }} where x = {{ var('days', 0) }}",
    ),
    ("dbt_packages/utils/macros/days.sql", "{% macro days() %}{{ var('days', 0) }}{% endmacro %}"),
    ("dbt_packages/utils/models/base.sql", "select 1 as x"),
    ("dbt_packages/utils/models/off/gone.sql", "select 1"),
    (
        "dbt_packages/utils/models/schema.yml",
        "models: [{name: calendar, description: \"{{ doc('days') }}\", data_tests: [never]}]",
    ),
    ("dbt_packages/utils/seeds/holidays.csv", "day\n2021-01-01\n"),
];

fn with_docs() -> Vec<(&'static str, &'static str)> {
    FILES
        .into_iter()
        .chain([("dbt_packages/utils/models/d.md", "{% docs days %}All days.{% enddocs %}")])
        .collect()
}

#[test]
fn nodes_of_packages_are_theirs_and_configured_by_the_project_last() {
    let manifest = manifest(&with_docs());
    let calendar = manifest.model(&NodeId::model("utils", "calendar")).unwrap();
    assert_eq!(calendar.fqn, ["utils", "calendar"]);
    assert_eq!(calendar.relation.schema, "theirs");
    assert!(calendar.config.tags.contains("own"));
    assert_eq!(calendar.file.path(), "dbt_packages/utils/models/calendar.sql");
    assert_eq!(calendar.file.package_path(), "models/calendar.sql");
    assert_eq!(calendar.compiled_path().to_string_lossy(), "compiled/utils/models/calendar.sql");
    assert_eq!(calendar.documentation.description.text, "All days.");
    assert!(manifest.disabled.contains_key(&NodeId::model("utils", "gone")));
    let parents = manifest.graph.parents(&NodeId::model("shop", "a"));
    let parents: Vec<String> = parents.into_iter().map(ToString::to_string).collect();
    assert_eq!(parents, ["model.utils.calendar", "seed.utils.holidays"]);
    assert_eq!(
        manifest.model(&NodeId::model("shop", "a")).unwrap().calls.macros,
        [("shop", "default__part"), ("shop", "same"), ("utils", "same"), ("utils", "two")]
            .map(|(package, name)| PackageName::new(&package.into(), name))
            .into()
    );
}

#[test]
fn macros_are_found_from_the_package_of_the_node() {
    let resolved = resolve(&with_docs()).unwrap_or_else(|found| panic!("{}", shown(&found)));
    let lookup = || resolved.manifest.lookup.clone();
    let render = |package: &str, name: &str| {
        let model = resolved.manifest.model(&NodeId::model(package, name)).unwrap();
        let node = NodeContext { unique_id: model.id.to_string(), executing: true, ..NodeContext::default() };
        resolved.jinja.render(&model.file, &node, lookup()).unwrap().text
    };
    assert_eq!(
        render("shop", "a"),
        "select ours theirs ours from \"theirs\".\"calendar\" join \"main\".\"holidays\""
    );
    assert_eq!(render("utils", "calendar"), "select theirs, 2 as d from \"theirs\".\"base\" where x = 2");
}

#[test]
fn a_packages_tests_are_its_own() {
    let resolved = resolve(&with_docs()).unwrap_or_else(|found| panic!("{}", shown(&found)));
    let templates: Vec<String> = resolved
        .manifest
        .nodes
        .values()
        .filter_map(|node| match node {
            Node::Test(test) => Some(format!("{}: {}", test.id.package(), test.template.text())),
            _ => None,
        })
        .collect();
    assert_eq!(
        templates,
        [
            "shop: {{ test_never(model=get_where_subquery(ref(\"a\"))) }}",
            "shop: {{ utils.test_never(model=get_where_subquery(ref(\"a\"))) }}",
            "utils: {{ test_never(model=get_where_subquery(ref(\"calendar\"))) }}",
        ]
    );
}

#[test]
fn a_missing_package_says_deps() {
    let files = [("packages.yml", "packages: [{local: ../utils}]"), ("models/a.sql", "select 1")];
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("project.yml", "name: shop\n")].iter().chain(&files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (_, findings) = Project::load(folder.path());
    let text = shown(&findings);
    assert!(
        text.contains("packages.yml lists more packages (1) than are installed in dbt_packages (0)"),
        "{text}"
    );
    assert!(text.contains("run `headwater deps`"), "{text}");
    let findings = resolve(&[("models/a.sql", "select 1 from {{ ref('utils', 'x') }}")]).err().unwrap();
    let text = shown(&findings);
    assert!(text.contains("there is no package `utils`") && text.contains("run `headwater deps`"), "{text}");
}

#[test]
fn the_project_overrides_sources_of_a_package() {
    let manifest = manifest(&[
        ("dbt_packages/utils/dbt_project.yml", "name: utils\n"),
        (
            "dbt_packages/utils/models/s.yml",
            "sources: [{name: raw, schema: theirs, description: Raw., tables: [{name: a}, {name: b, tags: [x]}]}]",
        ),
        (
            "models/s.yml",
            "sources: [{name: raw, overrides: utils, schema: ours, tables: [{name: b, identifier: c, tags: [y]}, {name: d}]}]",
        ),
    ]);
    let sources: Vec<String> = manifest
        .nodes
        .values()
        .filter_map(|node| match node {
            Node::Source(source) => {
                let (of, tags) = (&source.of.description, &source.tags);
                Some(format!("{} {} {of} {tags:?}", source.id, source.relation))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        sources,
        [
            "source.utils.raw.a ours.a Raw. {}",
            "source.utils.raw.b ours.c Raw. {\"y\"}",
            "source.utils.raw.d ours.d Raw. {}",
        ]
    );
}
