//! Sources that declare no columns.

use super::*;

#[tokio::test]
async fn a_renamed_column_of_undeclared_files_is_an_error() {
    let directory =
        written(&[("a", "select 1 as id, 1.5 as amount"), ("b", "select 2 as id, 2.5 as amount_eur")]).await;
    let mut spec = declared(directory.path(), &[]);
    insta::assert_snapshot!(show(&spec, "select id, amount from t").await);
    spec.drift.on_missing_column = OnMissingColumn::Null;
    let shown = show(&spec, "select id, amount, amount_eur from t order by id").await;
    assert!(shown.contains("| 2  |        | 2.5        |") && !shown.contains("NULL"), "{shown}");
    for (on_missing, on_new, said) in [
        (OnMissingColumn::Fail, None, "data/b.parquet lacks the declared column `amount`"),
        (OnMissingColumn::RejectFile, None, "data/b.parquet: it lacks the declared column `amount`"),
        (OnMissingColumn::Null, Some(OnNewColumn::Fail), "data/b.parquet has the column `amount_eur`"),
        (
            OnMissingColumn::Null,
            Some(OnNewColumn::Warn),
            "`amount_eur` isn't declared and isn't read: data/b",
        ),
        (OnMissingColumn::Null, Some(OnNewColumn::Rescue), "{\"amount_eur\":2.5}"),
    ] {
        (spec.drift.on_missing_column, spec.drift.on_new_column) = (on_missing, on_new);
        let shown = show(&spec, "select * from t order by id").await;
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[tokio::test]
async fn a_column_that_came_later_is_counted_without_declarations() {
    let directory = written(&[("a", "select 1 as id"), ("b", "select 2 as id, 2.5 as amount")]).await;
    let mut spec = declared(directory.path(), &[]);
    let said = "files.p: the column `amount` is NULL in 1 row of files that lack it: data/a.parquet";
    let shown = show(&spec, "select id, amount from t order by id").await;
    assert!(shown.contains("| 2  | 2.5    |") && shown.contains(said), "{shown}");
    // A run that reads only the first of the files knows the others' columns.
    spec.drift.known = vec![("id".to_owned(), DataType::Int64), ("amount".to_owned(), DataType::Float64)];
    spec.drift.earlier = vec![Deviation { missing: Vec::new(), new: vec!["id".into(), "amount".into()] }];
    spec.location = "data/a.parquet".to_owned();
    let shown = show(&spec, "select id, amount from t").await;
    assert!(shown.contains("| 1  |        |") && shown.contains(said), "{shown}");
}

#[tokio::test]
async fn folders_give_columns_without_declarations() {
    let directory = written(&[
        ("y=2021/day=2021-01-01/a", "select 1 as id"),
        ("y=2022/day=__HIVE_DEFAULT_PARTITION__/b", "select 2 as id, 7 as y"),
    ])
    .await;
    let spec = declared(directory.path(), &[]);
    insta::assert_snapshot!(
        show(&spec, "select *, arrow_typeof(y) as a, arrow_typeof(day) as b from t order by id").await
    );
    let shown = show(&spec, "select id from t where y = 2022").await;
    assert!(shown.contains("| 2  |") && !shown.contains("| 1  |"), "{shown}");
}
