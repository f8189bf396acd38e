//! Tests of drift policies.

use super::*;

fn file(name: &str, own: &[&str]) -> FileColumns {
    let declared = ["id", "amount"];
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let missing = declared.into_iter().filter(|name| !own.contains(name)).collect();
    let new = own.iter().copied().filter(|name| !declared.contains(name)).collect();
    let deviation = Deviation { missing: owned(missing), new: owned(new) };
    FileColumns { file: name.to_owned(), rows: Some(2), own: owned(own.to_vec()), deviation }
}

fn judged(drift: &Drift, files: &[FileColumns]) -> String {
    let declared = ["id".to_owned(), "amount".to_owned()];
    match judge(drift, OnNewColumn::Warn, &declared, files) {
        Ok(notes) => notes.join("\n"),
        Err(error) => error,
    }
}

#[test]
fn a_renamed_column_is_an_error_with_both_headers() {
    let files = [file("a.csv", &["id", "amount"]), file("b.csv", &["id", "amount_eur"])];
    insta::assert_snapshot!(judged(&Drift::default(), &files));
    let by_null = Drift { on_missing_column: OnMissingColumn::Null, ..Drift::default() };
    insta::assert_snapshot!(judged(&by_null, &files), @"the column `amount_eur` isn't declared and isn't read: b.csv");
}

#[test]
fn a_column_that_no_file_has_is_an_error() {
    insta::assert_snapshot!(judged(&Drift::default(), &[file("a.csv", &["id"])]));
    insta::assert_snapshot!(judged(&Drift::default(), &[file("a.csv", &["id;amount"])]));
}

#[test]
fn a_column_that_came_later_is_null_with_a_warning() {
    let files = [file("a.csv", &["id"]), file("b.csv", &["id", "amount"]), file("c.csv", &["id"])];
    insta::assert_snapshot!(judged(&Drift::default(), &files), @"the column `amount` is NULL in 4 rows of files that lack it: 2 files, such as a.csv");
    let earlier = Drift { earlier: vec![Deviation::default()], ..Drift::default() };
    insta::assert_snapshot!(judged(&earlier, &files[..1]), @"the column `amount` is NULL in 2 rows of files that lack it: a.csv");
}

#[test]
fn an_undeclared_column_that_all_files_have_is_in_nobodys_place() {
    let files = [file("a.csv", &["id", "x"]), file("b.csv", &["id", "x", "amount"])];
    insta::assert_snapshot!(judged(&Drift::default(), &files));
    let earlier = Deviation { missing: Vec::new(), new: vec!["x".to_owned()] };
    let earlier = Drift { earlier: vec![earlier], ..Drift::default() };
    assert!(judged(&earlier, &files[..1]).starts_with("the column `amount` is NULL"));
}

#[test]
fn limits_are_shares_or_counts() {
    assert!(!Limit::Share(500_000).is_passed(1, 2) && Limit::Share(500_000).is_passed(2, 3));
    assert!(!Limit::Rows(2).is_passed(2, 9) && Limit::Rows(2).is_passed(3, 9));
    assert!(!Limit::Share(1_000_000).is_passed(5, 5) && Limit::Rows(0).is_passed(1, 9));
    assert_eq!(
        (Limit::Share(100_000).to_string(), Limit::Share(1_500).to_string()),
        ("10%".into(), "0.15%".into())
    );
}
