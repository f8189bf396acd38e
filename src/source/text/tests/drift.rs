//! Files whose columns differ from the declared ones, and rejected rows: the errors and the notes.

use super::*;
use crate::source::OnNewColumn;

/// The declared columns of the tests on drift.
const ORDERS: [(&str, &str); 2] = [("id", "bigint"), ("amount", "double")];

fn strict(format: SourceFormat, columns: &[(&str, &str)], files: &[(&str, &[u8])]) -> TextFixture {
    let mut fixture = fixture(format, columns, files);
    fixture.spec.drift = Drift::default();
    fixture
}

#[tokio::test]
async fn a_renamed_column_is_an_error_in_every_shape() {
    let shapes: [(SourceFormat, &str, &[u8]); 4] = [
        (CSV, "data/a.csv", b"id,amount_eur\n1,2.5\n"),
        (SPLIT, "data/a.json", br#"{"columns":["id","amount_eur"],"data":[[1,2.5]]}"#),
        (RECORDS, "data/a.json", br#"[{"id":1,"amount_eur":2.5}]"#),
        (LINES, "data/a.json", br#"{"id":1,"amount_eur":2.5}"#),
    ];
    for (format, name, text) in shapes {
        for pace in [ReadSizes::default(), SLOW] {
            let fixture = strict(format.clone(), &ORDERS, &[(name, text)]).at(pace);
            let error = fixture.show("select * from t").await;
            let said = "lacks the declared column `amount`, and has `amount_eur`, which isn't declared, in its place";
            assert!(
                error.contains(said) && error.contains("declared: `id`, `amount`"),
                "{format:?}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn names_match_as_sql_compares_them() {
    let shapes: [(SourceFormat, &str, &[u8]); 4] = [
        (CSV, "data/a.csv", b"ID,Amount\n1,2.5\n"),
        (SPLIT, "data/a.json", br#"{"columns":["ID","Amount"],"data":[[1,2.5]]}"#),
        (RECORDS, "data/a.json", br#"[{"ID":1,"Amount":2.5}]"#),
        (LINES, "data/a.json", br#"{"ID":7,"id":1,"\u0041mount":2.5}"#),
    ];
    for (format, name, text) in shapes {
        for pace in [ReadSizes::default(), SLOW] {
            let fixture = strict(format.clone(), &ORDERS, &[(name, text)]).at(pace);
            let shown = fixture.show("select * from t").await;
            assert!(shown.contains("| 1  | 2.5    |"), "{format:?}: {shown}");
        }
    }
}

#[tokio::test]
async fn headers_that_can_not_be_told_apart_are_an_error() {
    for (header, said) in [
        ("id,id,amount", "column `id` is in the header twice"),
        ("ID,Id,amount", "columns `ID` and `Id` in the header are both the declared `id`"),
        ("id,,amount", "column 2 of 3 in the header has no name"),
    ] {
        for pace in [ReadSizes::default(), SLOW] {
            let text = format!("{header}\n1,2,3\n");
            let mut fixture =
                strict(CSV, &ORDERS, &[("data/a.csv", text.as_bytes()), ("data/b.csv", b"id,amount\n1,2\n")])
                    .at(pace);
            let error = fixture.show("select * from t").await;
            assert!(error.contains(said) && error.contains("data/a.csv"), "{error}");
            fixture.spec.drift.on_missing_column = OnMissingColumn::RejectFile;
            let shown = fixture.show("select * from t").await;
            assert!(shown.contains("| 1  | 2.0    |") && shown.contains(said), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_column_that_came_later_is_null_and_counted() {
    let files: [(&str, &[u8]); 2] = [("data/a.csv", b"id\n1\n2\n"), ("data/b.csv", b"id,amount\n3,1.5\n")];
    for pace in [ReadSizes::default(), SLOW] {
        let fixture = strict(CSV, &ORDERS, &files).at(pace);
        let shown = fixture.show("select * from t order by id").await;
        assert!(shown.contains("| 1  |        |") && shown.contains("| 3  | 1.5    |"), "{shown}");
        assert_eq!(
            fixture.notes("select * from t").await,
            ["files.readings: the column `amount` is NULL in 2 rows of files that lack it: data/a.csv"]
        );
    }
}

#[tokio::test]
async fn a_new_column_is_warned_of_or_rescued_or_an_error() {
    let shapes: [(SourceFormat, &str, &[u8]); 4] = [
        (CSV, "data/a.csv", b"id,x,amount,y\n1,\"a \"\"b\",2.5,\n"),
        (SPLIT, "data/a.json", br#"{"columns":["id","x","amount","y"],"data":[[1,"a \"b",2.5,null]]}"#),
        (RECORDS, "data/a.json", br#"[{"id":1,"x":"a \"b","amount":2.5,"y":null}]"#),
        (LINES, "data/a.json", br#"{"id":1,"x":"a \"b","amount":2.5,"y":null}"#),
    ];
    for (format, name, text) in shapes {
        for pace in [ReadSizes::default(), SLOW] {
            let mut fixture = strict(format.clone(), &ORDERS, &[(name, text)]).at(pace);
            let notes = fixture.notes("select * from t").await;
            assert_eq!(notes.len(), 2, "{notes:?}");
            assert!(notes[0].contains("the column `x` isn't declared and isn't read"), "{notes:?}");
            fixture.spec.drift.on_new_column = Some(OnNewColumn::Ignore);
            assert_eq!(fixture.notes("select * from t").await, [""; 0]);
            fixture.spec.drift.on_new_column = Some(OnNewColumn::Rescue);
            let shown = fixture.show("select * from t").await;
            assert!(shown.contains(r#"| 1  | 2.5    | {"x":"a \"b"} |"#), "{format:?}: {shown}");
            fixture.spec.drift.on_new_column = Some(OnNewColumn::Fail);
            let error = fixture.show("select * from t").await;
            assert!(error.contains("has the column `x`, which isn't declared"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_key_beside_the_column_it_is_like_is_new() {
    for text in [br#"{"id":1,"amount":2,"AMOUNT":3}"#, br#"{"id":1,"AMOUNT":3,"amount":2}"#] {
        let mut fixture = strict(LINES, &ORDERS, &[("data/a.json", text)]);
        let notes = fixture.notes("select * from t").await;
        assert!(notes.len() == 1 && notes[0].contains("`AMOUNT` isn't declared"), "{notes:?}");
        fixture.spec.drift.on_new_column = Some(OnNewColumn::Fail);
        let error = fixture.show("select * from t").await;
        assert!(error.contains("has the column `AMOUNT`, which isn't declared"), "{error}");
    }
}

#[tokio::test]
async fn files_that_can_not_be_read_are_rejects_too() {
    let mut files = vec![("data/good.csv", b"id,amount\n1,2\n".as_slice())];
    files.extend(["data/b.csv", "data/c.csv", "data/d.csv"].map(|name| (name, b"".as_slice())));
    for (limit, is_error) in [
        (Limit::Rows(0), true),
        (Limit::Rows(2), true),
        (Limit::Rows(3), false),
        (Limit::Share(700_000), true),
        (Limit::Share(750_000), false),
    ] {
        let mut fixture = strict(CSV, &ORDERS, &files);
        fixture.spec.drift.max_rejected.per_run = Some(limit);
        let shown = fixture.show("select * from t").await;
        let error = shown.contains("3 of the 4 files could not be read, `max_rejected` is");
        assert_eq!(error, is_error, "{limit:?}: {shown}");
        assert_eq!(shown.contains("| 1  | 2.0    |"), !is_error, "{limit:?}: {shown}");
    }
}

#[tokio::test]
async fn folders_give_declared_columns() {
    let files: [(&str, &[u8]); 4] = [
        ("data/day=2021-01-01/a.csv", b"id,day\n1,wins\n"),
        ("data/day=2021-01-02/b.csv", b"id\n2\n3\n"),
        ("data/day=__HIVE_DEFAULT_PARTITION__/c.csv", b"id\n4\n"),
        ("data/day=soon/d.csv", b"id\n5\n"),
    ];
    for pace in [ReadSizes::default(), SLOW] {
        let fixture = strict(CSV, &[("id", "bigint"), ("day", "date")], &files).at(pace);
        let shown = fixture.show("select * from t order by id").await;
        insta::allow_duplicates! { insta::assert_snapshot!("drift_1", shown); }
    }
}

#[tokio::test]
async fn too_many_rejects_are_an_error_and_lines_are_the_editors() {
    for pace in [ReadSizes::default(), SLOW] {
        let mut fixture =
            strict(CSV, &ORDERS, &[("data/a.csv", b"id,amount\n\"1\",\"2\"\n\nx,1\n2,\"y\nz\"\n3,q\n")])
                .at(pace);
        let shown = fixture.show("select * from t").await;
        assert!(
            shown.contains("3 of the 4 rows of data/a.csv were rejected, more than half of them"),
            "{shown}"
        );
        fixture.spec.drift.max_rejected.per_file = Some(Limit::Rows(3));
        let shown = fixture.show("select * from t").await;
        insta::allow_duplicates! { insta::assert_snapshot!("drift_3", shown); }
        fixture.spec.drift.max_rejected.per_run = Some(Limit::Share(100_000));
        let error = fixture.show("select * from t").await;
        assert!(error.contains("3 of the 4 rows were rejected, `max_rejected` is 10% a run"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_table_is_never_made_of_rejects() {
    let all = MaxRejected { per_file: Some(Limit::Share(1_000_000)), per_run: Some(Limit::Share(1_000_000)) };
    for files in [&[("data/a.csv", b"id,amount\nx,1\n".as_slice())], &[("data/a.csv", b"".as_slice())]] {
        let mut fixture = strict(CSV, &ORDERS, files);
        fixture.spec.drift.max_rejected = all;
        let error = fixture.show("select * from t").await;
        assert!(error.contains("nothing of this source is used"), "{error}");
        // An addition to existing rows may consist of rejects only.
        fixture.spec.drift.is_addition = true;
        let shown = fixture.show("select count(*) as n from t").await;
        assert!(shown.contains("| 0 |"), "{shown}");
    }
}

#[tokio::test]
async fn one_value_that_is_no_json_rejects_its_row_alone() {
    let text = b"{\"id\":1,\"amount\":NaN}\n{\"id\":2,\"amount\":2.5,\"x\":[NaN,-Infinity]}\n{\"id\":3,\"amount\":Infinity}\n{\"id\":4}\n";
    for pace in [ReadSizes::default(), SLOW] {
        let fixture = strict(LINES, &ORDERS, &[("data/a.json", text)]).at(pace);
        let shown = fixture.show("select * from t order by id").await;
        insta::allow_duplicates! { insta::assert_snapshot!("drift_4", shown); }
    }
}

#[tokio::test]
async fn an_invalid_line_is_rejected_alone() {
    let text = b"{\"id\":1,\"amount\":1.5}\n{\"id\":2,\"amount\":tru}\n{\"id\":3,\"amount\":\n{\"id\":4}\nlogged at noon\n{\"id\":5}\n{\"id\":6,\"am";
    for pace in [ReadSizes::default(), SLOW] {
        let fixture = strict(LINES, &ORDERS, &[("data/a.json", text)]).at(pace);
        let shown = fixture.show("select * from t order by id").await;
        insta::allow_duplicates! { insta::assert_snapshot!("invalid_lines", shown); }
    }
    // If objects span several lines, the start of the next object is unknown.
    let text = b"{\"id\":1,\n \"amount\":1.5}\n{\"id\":2,\n \"amount\":tru}\n{\"id\":3}\n";
    let shown = strict(LINES, &ORDERS, &[("data/a.json", text)]).show("select * from t order by id").await;
    insta::assert_snapshot!("invalid_lines_of_documents", shown);
}
