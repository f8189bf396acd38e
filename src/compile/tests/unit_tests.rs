//! Unit tests.

use super::*;

/// Compiles the unit test `u` of the model `a`, for which there is no table yet.
async fn compiled_unit_test(files: &[(&str, &str)]) -> Compiled {
    let fixture = project(files);
    let context = Context {
        manifest: &fixture.manifest,
        jinja: &fixture.jinja,
        engine: &engine(),
        root: fixture.folder.path(),
        stored: &[stored("s", "id", DataType::Int32)].into(),
        unreadable: &BTreeMap::new(),
        found: &BTreeMap::new(),
        now: chrono::DateTime::UNIX_EPOCH,
        wanted: &Wanted::default(),
        queries: &LakeQueries::default(),
    };
    let (compiled, errors) = compile(&context, &[NodeId::unit_test("shop", "a", "u")].into()).await;
    assert!(errors.is_empty(), "{}", shown(&errors));
    compiled
}

#[tokio::test]
async fn no_expected_rows_have_the_columns_of_the_tests_own_query() {
    let files = [
        ("models/a.sql", "select 1 as a{% if var('on') %}, 2 as b{% endif %}"),
        (
            "models/u.yml",
            "unit_tests: [{name: u, model: a, given: [], expect: {rows: []}, overrides: {vars: {on: false}}}]",
        ),
    ];
    let compiled = compiled_unit_test(&files).await;
    let test = &compiled.unit_tests[&NodeId::unit_test("shop", "a", "u")];
    assert_eq!(columns(&test.expected.schema()), "a Int32");
}

#[tokio::test]
async fn an_input_of_a_unit_test_that_is_a_seed_has_the_rows_of_its_file() {
    let unit = "unit_tests:\n  - name: u\n    model: a\n    given: [{ input: ref('s') }]\n    expect: { rows: [] }\n";
    let compiled = compiled_unit_test(&[SEEDED[0], SEEDED[1], ("models/u.yml", unit)]).await;
    let test = NodeId::unit_test("shop", "a", "u");
    let given = compiled.unit_tests[&test].given.values().map(|rows| (rows.num_rows(), rows.num_columns()));
    assert_eq!(given.collect::<Vec<_>>(), [(1, 2)]);
}
