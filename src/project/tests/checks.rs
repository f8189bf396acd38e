//! Conditions on rows in whole projects: data tests, unit tests, constraints and freshness.

use super::*;

const PROJECT: (&str, &str) = ("project.yml", "name: a\n");

fn paths<'p>(sources: impl IntoIterator<Item = &'p Source>) -> Vec<&'p str> {
    sources.into_iter().map(Source::path).collect()
}

#[test]
fn what_lies_under_the_test_paths_is_told_by_its_first_folder() {
    let properties =
        "version: 2\ntests: [{name: b, description: B., meta: {x: 1}, config: {severity: warn}}]\n";
    let project = project(&[
        PROJECT,
        ("macros/m.sql", ""),
        ("data-tests/generic/positive.sql", "{% test positive(model) %}{% endtest %}"),
        ("data-tests/a.sql", "select 1"),
        ("data-tests/fixtures/rows.sql", "select 2"),
        ("tests/deep/generic/b.sql", "select 3"),
        ("tests/deep/_tests.yml", properties),
        ("tests/notes.csv", ""),
    ]);
    assert_eq!(
        paths(project.tests.iter().map(|test| &test.source)),
        ["data-tests/a.sql", "tests/deep/generic/b.sql"]
    );
    assert_eq!(
        paths(project.macros.iter().map(|file| &file.source)),
        ["macros/m.sql", "data-tests/generic/positive.sql"]
    );
    let b = &project.tests[1];
    assert_eq!((b.name.as_str(), b.root_path.as_str()), ("b", "tests"));
    assert_eq!(b.fqn_folders, ["deep", "generic"]);
    let [described] = &project.test_properties[..] else { panic!("one test") };
    assert_eq!(described.config.entries.keys().collect::<Vec<_>>(), ["meta", "severity"]);
    assert_eq!(described.span.to_string(), "tests/deep/_tests.yml:2:10");
}

#[test]
fn a_properties_file_under_two_paths_is_read_once() {
    let project = project(&[
        ("project.yml", "name: a\nmodel-paths: [models]\ntest-paths: [models/tests]\n"),
        ("models/tests/x.yml", "models: [{name: m}]\n"),
    ]);
    assert_eq!(project.properties.len(), 1);
}

#[test]
fn what_can_be_wrong_with_data_tests() {
    let text = r"
models:
  - name: orders
    data_tests:
      - accepted_values:
        values: [a]
      - {unique: {column_name: a}, not_null: {column_name: a}}
      - accepted_values: [a, b]
      - accepted_range: {min: 1, arguments: {min: 2}}
      - accepted_range: {arguments: 3}
      - not_null: {where: a, config: {where: b}}
      - 3
      - {}
      - a.b.c
    columns:
      - {name: a, data_tests: not_null}
      - {name: b, tests: [unique], data_tests: [unique]}
data_tests:
  - {name: one, severty: warn}
  - name: one
";
    insta::assert_snapshot!(wrong(&[PROJECT, ("models/m.yml", text)]));
}

const UNIT_TESTS: &str = r#"
unit_tests:
  - name: adds_up
    model: totals
    description: One and one.
    given:
      - input: ref('orders')
        rows: [{id: 1, amount: 2}, {id: 2}]
      - input: source('files', 'readings')
        format: csv
        rows: |
          id,name
          1,a
      - {input: this, format: sql, fixture: before}
      - input: ref('customers')
    expect: {format: csv, fixture: after}
    overrides:
      macros: {is_incremental: true}
      vars: {day: "2021-01-01"}
      env_vars: {LAKE: x}
    config: {tags: fast, enabled: true}
"#;

#[test]
fn unit_tests_are_read_with_their_fixtures() {
    let project = project(&[
        PROJECT,
        ("models/u.yml", UNIT_TESTS),
        ("tests/fixtures/deep/before.sql", "select 1 as id"),
        ("data-tests/fixtures/after.csv", "id\n1\n"),
        ("data-tests/fixtures/after.sql", "select 2"),
    ]);
    let [test] = &project.unit_tests[..] else { panic!("one unit test") };
    assert_eq!((test.name.value.as_str(), test.model.value.as_str()), ("adds_up", "totals"));
    assert_eq!(test.span.to_string(), "models/u.yml:3:5");
    let inputs: Vec<&str> = test.given.iter().map(|given| given.input.value.as_str()).collect();
    assert_eq!(inputs, ["ref('orders')", "source('files', 'readings')", "this", "ref('customers')"]);
    let rows: Vec<&RowsText> = test.given.iter().map(|given| &given.rows.rows).collect();
    let [RowsText::Dict(rows), RowsText::Csv(inline), RowsText::Sql(file), RowsText::Absent] = &rows[..]
    else {
        panic!("{rows:?}")
    };
    assert_eq!(rows[1].to_json()["id"], 2);
    assert_eq!((inline.path(), inline.text()), ("models/u.yml", "id,name\n1,a\n"));
    assert_eq!((file.path(), file.text()), ("tests/fixtures/deep/before.sql", "select 1 as id"));
    let RowsText::Csv(expected) = &test.expect.rows else { panic!("{:?}", test.expect) };
    assert_eq!(expected.path(), "data-tests/fixtures/after.csv");
    assert_eq!(test.overrides.macros[0].0.value, "is_incremental");
    assert_eq!(test.overrides.vars[0].1.to_json(), "2021-01-01");
    assert_eq!(test.overrides.env_vars.len(), 1);
    assert_eq!(test.config.entries.len(), 2);
}

#[test]
fn what_can_be_wrong_with_unit_tests() {
    let text = r"
unit_tests:
  - name: a
    model: m
    versions: {include: [1]}
    tags: [x]
    given:
      - {input: ref('x'), format: jsn}
      - {input: ref('x'), rows: [{a: 1}, 2]}
      - {input: ref('x'), rows: 'a,b'}
      - {input: ref('x'), format: csv, rows: [{a: 1}]}
      - {input: ref('x'), fixture: orders}
      - {input: ref('x'), format: csv, fixture: order}
      - {input: ref('x'), format: sql, fixture: orders}
      - {input: ref('x'), format: csv, fixture: readings}
      - {input: ref('x'), format: csv, fixture: zzz}
      - {input: ref('x'), format: csv, fixture: orders, rows: ''}
      - rows: []
    expect: {row: []}
    overrides: {var: {}, vars: 3}
  - {name: b}
  - {name: c, model: m, expect: {rows: []}}
  - {name: c, model: n, expect: {rows: []}}
  - {name: c, model: m, expect: {rows: []}}
";
    insta::assert_snapshot!(wrong(&[
        PROJECT,
        ("models/u.yml", text),
        ("tests/fixtures/orders.csv", ""),
        ("tests/fixtures/readings.csv", ""),
        ("data-tests/fixtures/x/readings.csv", ""),
    ]));
}

#[test]
fn constraints_are_read() {
    let text = r"
models:
  - name: orders
    constraints:
      - {type: primary_key, columns: [id, day], name: pk}
      - {type: check, expression: amount >= 0}
      - {type: foreign_key, columns: id, to: ref('x'), to_columns: [id], warn_unenforced: no}
    columns:
      - {name: id, constraints: [{type: not_null}]}
";
    let project = project(&[PROJECT, ("models/m.yml", text)]);
    let [orders] = &project.properties[..] else { panic!("one model") };
    let kinds: Vec<_> = orders.constraints.iter().map(|one| (one.kind.value, one.columns.len())).collect();
    assert_eq!(
        kinds,
        [(ConstraintKind::PrimaryKey, 2), (ConstraintKind::Check, 0), (ConstraintKind::ForeignKey, 1)]
    );
    assert_eq!(orders.constraints[1].expression.as_ref().unwrap().value, "amount >= 0");
    assert_eq!(orders.columns[0].constraints[0].kind.value, ConstraintKind::NotNull);
}

#[test]
fn what_can_be_wrong_with_constraints() {
    let text = r"
models:
  - name: orders
    constraints:
      - {type: not_nul, columns: [a]}
      - {type: unique}
      - {type: not_null, columns: []}
      - {type: check}
      - {expression: a > 0}
      - not_null
    columns:
      - {name: a, constraints: [{type: unique, columns: [a]}, {type: check, expresion: a > 0}]}
      - {name: b, constraints: not_null}
";
    insta::assert_snapshot!(wrong(&[PROJECT, ("models/m.yml", text)]));
}

#[test]
fn a_version_is_declared_once() {
    let text = "models:\n  - name: dim\n    versions:\n      - { v: 1 }\n      - { v: 1 }\n";
    insta::assert_snapshot!(wrong(&[PROJECT, ("models/m.yml", text)]));
}

#[test]
fn freshness_is_read_from_either_place() {
    let text = r"
sources:
  - name: files
    config: {freshness: {warn_after: {count: 1, period: day}}, loaded_at_field: seen_at}
    tables:
      - {name: a, freshness: null}
      - {name: b, loaded_at_query: select max(x) from b}
      - {name: c, config: {freshness: {error_after: {count: 30, period: minute}, filter: x > 1}}}
";
    let project = project(&[PROJECT, ("sources.yml", text)]);
    let [files] = &project.sources[..] else { panic!("one source") };
    assert!(matches!(&files.freshness, FreshnessSetting::Set(limits) if limits.error_after.is_none()));
    assert_eq!(files.loaded_at_field.as_ref().unwrap().value, "seen_at");
    let [a, b, c] = &files.tables[..] else { panic!("three tables") };
    assert_eq!((&a.freshness, &b.freshness), (&FreshnessSetting::Off, &FreshnessSetting::Inherit));
    assert_eq!(b.loaded_at_query.as_ref().unwrap().value, "select max(x) from b");
    let FreshnessSetting::Set(limits) = &c.freshness else { panic!("limits") };
    let error_after = limits.error_after.as_ref().unwrap();
    assert_eq!(error_after.count, PeriodCount::Number(30));
}

#[test]
fn what_can_be_wrong_with_freshness() {
    let text = r"
sources:
  - name: files
    freshness: {warn_after: {count: -1, period: day}, error_after: {count: 1, period: days}}
    loaded_at_field: a
    config: {loaded_at_query: select 1}
    tables:
      - {name: a, freshness: {warn_after: {period: hour}, error_afer: {}}}
      - {name: b, freshness: 3 days}
      - {name: c, config: {freshness: {warn_after: 3, filter: 1}}}
      - {name: d, freshness: {warn_after: {count: 1, period: hour, unit: x}}}
";
    insta::assert_snapshot!(wrong(&[PROJECT, ("sources.yml", text)]));
}
