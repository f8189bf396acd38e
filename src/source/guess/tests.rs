//! Tests of type inference.

use super::*;
use crate::engine::types::type_name;

fn of(types: CandidateTypes, values: &[&str]) -> String {
    let mut whole = Guess::new(types);
    let (mut one, mut other) = (Guess::new(types), Guess::new(types));
    for (at, value) in values.iter().enumerate() {
        whole.see(value);
        if at % 2 == 0 { one.see(value) } else { other.see(value) }
    }
    one.merge(&other);
    assert_eq!(one.data_type(), whole.data_type(), "{values:?} in two halves");
    type_name(&whole.data_type())
}

fn check(values: &[&str], want: &str) {
    assert_eq!(of(CandidateTypes::ALL, values), want, "{values:?}");
}

#[test]
fn the_narrowest_type_that_holds_every_value() {
    check(&[], "varchar");
    check(&["1", "-2", " 3 "], "bigint");
    check(&["9223372036854775807"], "bigint");
    check(&["1", "2.5", "-1e-3", ".5"], "double");
    check(&["true", "FALSE"], "boolean");
    check(&["2021-01-31"], "date");
    check(&["2021-01-31", "2021-01-31 12:00:00"], "timestamp");
    check(&["2021-01-31", "2021-01-31T12:00:00Z"], "timestamptz");
    check(&["2021-01-31T12:00+02:00"], "timestamptz");
    check(&["1", "x"], "varchar");
}

#[test]
fn what_would_lose_something_is_text() {
    for value in [
        "007",
        "1e999",
        "NaN",
        "+49",
        "yes",
        "2021-02-29",
        "１",
        "日本語日本語",
        "-",
        ".",
        "1.2.3",
        "1e",
        "0x1",
    ] {
        check(&[value], "varchar");
    }
    check(&["1", "-01"], "varchar");
    check(&["0", "true"], "varchar");
    check(&["1", "2021-01-31"], "varchar");
}

#[test]
fn numbers_that_no_bigint_and_no_double_holds_are_decimals() {
    for (values, want) in [
        (&["9223372036854775808"][..], "decimal(19, 0)"),
        (&["9007199254740993", "0.5"], "decimal(17, 1)"),
        (&["1234567890.123456789", "1"], "decimal(19, 9)"),
        (&["0.12345678901234567891"], "decimal(20, 20)"),
    ] {
        assert_eq!(of(CandidateTypes::ALL, values), want, "{values:?}");
    }
    check(&["9".repeat(39).as_str()], "varchar");
    // More digits than a double keeps, but programs write doubles in this way.
    check(&["0.30000000000000004", "0.10000000000000001", "1.7976931348623157e308"], "double");
}

#[test]
fn zeros_that_count_are_no_padding() {
    check(&["0"], "bigint");
    check(&["0.5", "-0.5", "0e0", "5."], "double");
}

/// Adds a second value to each type: the type stays the same exactly if it holds that value.
#[test]
fn a_type_holds_what_leaves_it_as_it_is() {
    let values = [
        "1",
        "-2",
        "007",
        "+49",
        "1e3",
        "1.50",
        "0.0000000001",
        "123456789012345678.25",
        "9007199254740993",
        "9007199254740993.0",
        "12345678901234567890",
        "true",
        "FALSE",
        "t",
        "2021-01-31",
        "2021-01-31 12:00",
        "2021-01-31T12:00:00+02:00",
        "2021-02-29",
        "x",
        " 3 ",
        "1e999",
        "99999999999999999999.5",
    ];
    let mut held = 0;
    for first in values {
        for second in values {
            let mut guess = Guess::new(CandidateTypes::ALL);
            guess.see(first);
            let before = guess.data_type();
            guess.see(second);
            let same = guess.data_type() == before;
            let kind = ColumnKind::from_arrow(&before).unwrap();
            let holds = holds(kind, CellToken::Text(second), Notation::Cells);
            // A column of integers that a double also holds becomes a double rather than a decimal.
            assert_eq!(holds, same, "{first} is {before}, then {second}");
            held += usize::from(holds);
        }
    }
    assert!(held > 100, "{held}");
}

#[test]
fn json_says_what_its_values_are() {
    let holds = |kind, token| holds(kind, token, Notation::Json);
    assert!(
        holds(ColumnKind::Int64, CellToken::Number("7")) && holds(ColumnKind::Boolean, CellToken::Bool(true))
    );
    assert!(
        holds(ColumnKind::Text, CellToken::Number("7"))
            && holds(ColumnKind::Date, CellToken::Text("2021-01-31"))
    );
    assert!(
        !holds(ColumnKind::Int64, CellToken::Text("007")) && !holds(ColumnKind::Int64, CellToken::Text("7"))
    );
    assert!(
        !holds(ColumnKind::Boolean, CellToken::Number("1"))
            && !holds(ColumnKind::Boolean, CellToken::Text("true"))
    );
    assert!(!holds(ColumnKind::Timestamp { zoned: false }, CellToken::Number("1609459200000")));
    assert!(
        !holds(ColumnKind::Text, CellToken::Nested("{}")) && holds(ColumnKind::Json, CellToken::Text("x"))
    );
}
