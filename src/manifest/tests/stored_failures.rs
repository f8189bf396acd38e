//! Tables for the failing rows of tests.

use super::*;

#[test]
fn stored_failures_have_a_table_of_their_own() {
    let model = "models:\n  - name: a\n    columns:\n      - name: x\n        data_tests:\n          - accepted_values: {name: T1, arguments: {values: [2]}, config: {store_failures: true}}\n";
    let files = |stores: &str| {
        [
            ("models/a.sql", "select 1 as x".to_owned()),
            ("models/a.yml", model.to_owned()),
            ("data-tests/t1.sql", format!("{{{{ config(store_failures={stores}) }}}} select 7 as z")),
        ]
    };
    // Failures that aren't stored need no table.
    let apart = files("false");
    check_wrong(&apart.each_ref().map(|(path, text)| (*path, text.as_str())), &[]);
    let shared = files("true");
    let shared = resolve(&shared.each_ref().map(|(path, text)| (*path, text.as_str())));
    let findings = shared.map(|_| ()).unwrap_err();
    assert_eq!(findings.len(), 1, "{}", shown(&findings));
    let found = &findings[0];
    assert_eq!(found.code, "duplicate-relation");
    assert!(found.message.ends_with("` would both be the table main_audit.t1"), "{}", found.message);
    let places: Vec<&str> = found.labels.iter().map(|label| label.span.source.path()).collect();
    assert_eq!(places, ["data-tests/t1.sql", "models/a.yml"]);
}
