//! Errors in tests, reported before anything runs.

use crate::{project::Project, ran::assert_said};

fn with(properties: &str) -> Project {
    Project::new()
        .model("orders.sql", "select 1 as id, 'placed' as status, 10.0 as amount")
        .file("models/schema.yml", format!("models:\n  - name: orders\n    columns:\n{properties}"))
}

macro_rules! refused {
    ($($name:ident: $project:expr;)*) => {$(
        #[test]
        fn $name() {
            let project = $project;
            assert_said!(project.run(["build"]).refused());
            assert!(project.files("lake").is_empty(), "something was written");
        }
    )*};
}

refused! {
    a_test_on_a_column_that_is_not_there: with("      - name: statsu\n        data_tests: [not_null]\n");
    a_test_that_does_not_exist: with("      - name: id\n        data_tests: [uniqeu]\n");
    a_test_of_a_package: with("      - name: id\n        data_tests:\n          - dbt_expectations.expect_column_to_exist\n");
    an_argument_of_the_wrong_kind: with("      - name: status\n        data_tests:\n          - accepted_values: {arguments: {values: placed}}\n");
    an_argument_that_is_missing: with("      - name: status\n        data_tests: [accepted_values]\n");
    an_argument_that_is_unknown: with("      - name: status\n        data_tests:\n          - not_null: {arguments: {wehre: x}}\n");
    a_test_of_a_table_on_a_column: with("      - name: id\n        data_tests:\n          - row_count_between: {arguments: {min_value: 1}}\n");
    arguments_that_are_not_indented: with("      - name: status\n        data_tests:\n          - accepted_values:\n            values: [a]\n");
    sql_that_is_wrong_in_a_generic_test: with("      - name: id\n        data_tests:\n          - expression_is_true: {arguments: {expression: '> amuont'}}\n");
    a_filter_that_is_wrong: with("      - name: id\n        data_tests:\n          - not_null: {config: {where: amuont > 1}}\n");
    a_threshold_that_is_no_comparison: with("      - name: id\n        data_tests:\n          - not_null: {config: {error_if: many}}\n");
    a_severity_that_is_none: with("      - name: id\n        data_tests:\n          - not_null: {config: {severity: fatal}}\n");
    a_test_that_is_declared_twice: with("      - name: id\n        data_tests: [not_null, not_null]\n");
    sql_that_is_wrong_in_a_file: with("      - name: id\n").file("data-tests/broken.sql", "-- first\nselect *\nfrom {{ ref('orders') }}\nwhere amuont < 0\n");
    a_file_that_reads_a_table_by_name: with("      - name: id\n").file("data-tests/bare.sql", "select * from main.orders where id = 2");
}
