//! Unit tests: a model's SQL over fixture rows, without a lake.

use crate::{project::Project, ran::assert_said};

fn project(unit_tests: &str) -> Project {
    Project::new()
        .file(
            "sources.yml",
            "sources:\n  - name: shop\n    tables:\n      - name: orders\n        external: { location: nowhere.csv, format: csv }\n        columns: [{ name: id, data_type: bigint }, { name: day, data_type: date }, { name: amount, data_type: double }]\n",
        )
        .model("orders.sql", "select * from {{ source('shop', 'orders') }}")
        .model(
            "per_day.sql",
            "select day, count(*) as orders, sum(amount) as amount from {{ ref('orders') }} where amount > {{ var('least', 0) }} group by day",
        )
        .file("models/unit.yml", format!("unit_tests:\n{unit_tests}"))
}

const GIVEN: &str = "
      - input: ref('orders')
        rows:
          - {id: 1, day: 2024-01-01, amount: 1.5}
          - {id: 2, day: 2024-01-01, amount: 2.5}
          - {id: 3, day: 2024-01-02, amount: 10}
          - {id: 4, day: 2024-01-03, amount: -1}
";

fn per_day(expect: &str) -> Project {
    project(&format!("  - name: adds_up\n    model: per_day\n    given:{GIVEN}    expect:\n{expect}"))
}

#[test]
fn what_comes_out_is_held_against_what_should() {
    let project = per_day(
        "      rows:\n        - {day: 2024-01-02, amount: 10}\n        - {day: 2024-01-01, amount: 4}\n",
    );
    project.run(["test"]).success().says("PASS per_day::adds_up").says("TOTAL=1");
    assert!(project.files("lake").is_empty(), "no lake is needed");
}

#[test]
fn a_difference_is_shown_cell_by_cell() {
    let project = per_day(
        "      rows:\n        - {day: 2024-01-01, orders: 3, amount: 4}\n        - {day: 2024-01-02, orders: 1, amount: 10}\n        - {day: 2024-01-09, orders: 7, amount: null}\n        - {day: 2024-01-04, orders: 2, amount: 99}\n",
    );
    assert_said!(project.run(["test", "--threads", "1"]).failure());
}

#[test]
fn a_model_is_not_built_if_its_unit_test_fails() {
    let project = per_day("      rows: []\n").file("nowhere.csv", "id,day,amount\n1,2024-01-01,1\n");
    project.run(["build"]).failure().says("FAIL 1 per_day::adds_up").says("PASS=1 WARN=0 ERROR=1 SKIP=1");
    assert!(project.files("lake/main/per_day").is_empty());
}

#[test]
fn rows_come_in_every_form() {
    let unit = "
  - name: csv_and_sql
    model: per_day
    given:
      - input: ref('orders')
        format: csv
        rows: |
          id,day,amount
          1,2024-01-01,1.5
          2,,3
    expect:
      format: sql
      rows: |
        select date '2024-01-01' as day, 1.5 as amount
        union all
        select null, 3
  - name: fixtures
    model: per_day
    given:
      - {input: ref('orders'), format: csv, fixture: some_orders}
    expect: {format: csv, fixture: some_days}
  - name: overridden
    model: per_day
    overrides: {vars: {least: 5}}
    given:
      - input: ref('orders')
        rows: [{day: 2024-01-01, amount: 5}, {day: 2024-01-01, amount: 6}]
    expect:
      rows: [{day: 2024-01-01, orders: 1}]
";
    let project = project(unit)
        .file("data-tests/fixtures/some_orders.csv", "day,amount\n2024-01-01,1\n2024-01-01,2\n")
        .file("data-tests/fixtures/some_days.csv", "day,orders,amount\n2024-01-01,2,3\n");
    let ran = project.run(["test", "-s", "test_type:unit"]).success();
    ran.says("PASS=3 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=3");
    project.run(["list", "-s", "unit_test:fixtures"]).success().says("unit_test:shop.fixtures");
}

#[test]
fn a_column_that_is_not_there_is_shown_with_a_near_one() {
    let project = per_day("      rows:\n        - {day: 2024-01-01, amuont: 4}\n");
    assert_said!(project.run(["test"]).refused());
}

#[test]
fn a_value_that_does_not_fit_has_its_place() {
    let project = per_day("      rows:\n        - {day: 2024-01-01, orders: many}\n");
    assert_said!(project.run(["test"]).refused());
}

#[test]
fn every_input_must_be_given() {
    let unit = "  - name: lacks\n    model: per_day\n    given: []\n    expect: {rows: []}\n";
    assert_said!(project(unit).run(["test"]).refused());
}

#[test]
fn a_unit_test_of_no_model_is_told() {
    let unit = "  - name: lost\n    model: per_dya\n    given: []\n    expect: {rows: []}\n";
    assert_said!(project(unit).run(["test"]).refused());
}

#[test]
fn macros_variables_and_the_environment_can_be_stood_in_for() {
    let project = Project::new()
        .file("macros/today.sql", "{% macro today() %}current_date{% endmacro %}")
        .model(
            "m.sql",
            "select cast({{ today() }} as date) as day, '{{ var('who') }}' as who, '{{ env_var('PLACE') }}' as place, \
             {{ dbt.current_timestamp() }} as at, \
             {% if is_incremental() %}(select count(*) from {{ this }}){% else %}0{% endif %} as known",
        )
        .file(
            "models/unit.yml",
            "unit_tests:\n  - name: stood_in\n    model: m\n    given:\n      - input: this\n        rows: [{who: me}, {who: you}]\n    overrides:\n      macros: {today: \"'2024-02-29'\", dbt.current_timestamp: \"timestamp '2024-01-01 12:00:00'\", is_incremental: true}\n      vars: {who: you}\n      env_vars: {PLACE: here}\n    expect:\n      rows: [{day: 2024-02-29, who: you, place: here, at: '2024-01-01 12:00:00', known: 2}]\n",
        )
        .env("PLACE", "there");
    project.run(["test", "--vars", "{who: me}"]).success().says("PASS m::stood_in");
}
