//! Real files through real queries.

use datafusion::{
    arrow::datatypes::DataType, arrow::util::pretty::pretty_format_batches, dataframe::DataFrameWriteOptions,
    prelude::SessionContext,
};
use tempfile::TempDir;

use std::{path::Path, sync::Arc};

use crate::engine::source::{
    Drift, Identity, Limit, OnError, OnMissingColumn, OnNewColumn, RejectSink, SourceFormat, SourceSpec,
    data_type, provider, spec::SOURCE_ROW,
};

#[tokio::test]
async fn declared_types_win_over_those_of_parquet_files() {
    let directory = TempDir::new().unwrap();
    let context = SessionContext::new();
    for (file, sql) in [
        ("a", "select '7' as n, 1.5 as v, timestamp '2021-01-01 00:00:00' as at"),
        ("b", "select '8' as n, 2.5 as v, timestamp '2021-01-02 00:00:00' as at"),
    ] {
        let path = directory.path().join("data").join(file).with_extension("parquet");
        let frame = context.sql(sql).await.unwrap();
        frame.write_parquet(path.to_str().unwrap(), DataFrameWriteOptions::new(), None).await.unwrap();
    }
    let columns = [("n", "bigint"), ("_source_file", "varchar"), ("missing", "date"), ("at", "timestamptz")];
    let mut spec = SourceSpec {
        identity: Identity::Stamp,
        drift: Drift { on_missing_column: OnMissingColumn::Null, ..Drift::default() },
        text: crate::engine::source::TextOptions::default(),
        name: "files.p".to_owned(),
        format: SourceFormat::Parquet,
        location: "data/*.parquet".to_owned(),
        base: directory.path().to_owned(),
        columns: columns.map(|(name, sql)| (name.to_owned(), data_type(sql).unwrap())).to_vec(),
        on_error: OnError::SetAside,
    };
    let table = provider(&spec, &context.state(), None).await.unwrap();
    context.register_table("t", table).unwrap();
    let show = async |sql: &str| {
        pretty_format_batches(&context.sql(sql).await.unwrap().collect().await.unwrap()).unwrap().to_string()
    };
    insta::assert_snapshot!(show("select * from t order by n").await);
    insta::assert_snapshot!(show("select v, _source_file from t where n = 8").await);
    insta::assert_snapshot!(show("select count(*) as n from t").await);
    spec.columns = vec![("x".to_owned(), DataType::Int64)];
    let error = provider(&spec, &context.state(), None).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"Error during planning: files.p: the files have none of the declared columns; they have at, n, v");
    spec.columns = vec![(SOURCE_ROW.to_owned(), DataType::Int64)];
    let error = provider(&spec, &context.state(), None).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"Error during planning: files.p: `_source_row` can't be had of Parquet and Avro files");
}

fn declared(base: &Path, columns: &[(&str, &str)]) -> SourceSpec {
    SourceSpec {
        identity: Identity::Stamp,
        drift: Drift::default(),
        text: crate::engine::source::TextOptions::default(),
        name: "files.p".to_owned(),
        format: SourceFormat::Parquet,
        location: "data".to_owned(),
        base: base.to_owned(),
        columns: columns.iter().map(|(name, sql)| ((*name).to_owned(), data_type(sql).unwrap())).collect(),
        on_error: OnError::SetAside,
    }
}

/// A directory with a Parquet file for each query.
async fn written(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    let context = SessionContext::new();
    for (file, sql) in files {
        let path = directory.path().join("data").join(file).with_extension("parquet");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let frame = context.sql(sql).await.unwrap();
        frame.write_parquet(path.to_str().unwrap(), DataFrameWriteOptions::new(), None).await.unwrap();
    }
    directory
}

/// The rows of a query on the source `t`, what was set aside, and what is to be said.
async fn show(spec: &SourceSpec, sql: &str) -> String {
    let context = SessionContext::new();
    let (sink, stream) = RejectSink::new(64);
    drop(stream);
    let table = match provider(spec, &context.state(), Some(Arc::clone(&sink))).await {
        Ok(table) => table,
        Err(error) => return error.to_string(),
    };
    context.register_table("t", table).unwrap();
    let found = match context.sql(sql).await.unwrap().collect().await {
        Ok(found) => pretty_format_batches(&found).unwrap().to_string(),
        Err(error) => error.to_string(),
    };
    let counts = sink.counts();
    [vec![found], counts.sample, counts.notes].concat().join("\n")
}

#[tokio::test]
async fn files_whose_types_differ_are_read_by_the_declared_type_or_widened() {
    let directory =
        written(&[("a", "select 1::int as id, 'x' as v"), ("b", "select 3000000000 as id, 'y' as v")]).await;
    insta::assert_snapshot!(
        show(&declared(directory.path(), &[("id", "bigint")]), "select id, v from t order by id").await
    );
    insta::assert_snapshot!(
        show(&declared(directory.path(), &[]), "select id, arrow_typeof(id) as type from t order by id")
            .await
    );
    let directory = written(&[("a", "select 1 as id"), ("b", "select 'x' as id")]).await;
    insta::assert_snapshot!(show(&declared(directory.path(), &[]), "select id from t").await);
}

#[tokio::test]
async fn rows_that_do_not_fit_are_set_aside_whatever_the_query_reads() {
    let rows = "select * from (values ('1', 1.0::double), ('n/a', 2.0), ('3', 3.5), ('4', 4.0), ('5', null)) as r (n, v)";
    let directory = written(&[("a", rows)]).await;
    let spec = declared(directory.path(), &[("n", "integer"), ("v", "bigint"), ("_source_file", "varchar")]);
    insta::assert_snapshot!(show(&spec, "select * from t order by n").await);
    let all = show(&spec, "select count(*) as n from t where n = 1").await;
    assert!(all.contains("| 1 |") && all.contains("a.parquet:2") && all.contains("a.parquet:3"), "{all}");
}

#[tokio::test]
async fn too_many_rejects_are_an_error() {
    let directory = written(&[("a", "select * from (values ('x'), ('y'), ('1')) as r (n)")]).await;
    let mut spec = declared(directory.path(), &[("n", "integer")]);
    insta::assert_snapshot!(show(&spec, "select * from t").await);
    spec.drift.max_rejected.per_file = Some(Limit::Rows(2));
    let shown = show(&spec, "select * from t").await;
    assert!(shown.contains("| 1 |"), "{shown}");
}

#[tokio::test]
async fn instants_outside_the_calendar_are_set_aside() {
    let rows = "select arrow_cast(v, 'Timestamp(Microsecond, None)') as at from (values (0), (9000000000000000000), (1)) as r (v)";
    let directory = written(&[("a", rows), ("b", "select timestamp '2021-01-01' as at")]).await;
    for columns in [&[("at", "timestamp")][..], &[]] {
        let shown = show(&declared(directory.path(), columns), "select count(*) as n from t").await;
        assert!(shown.contains("| 3 |") && shown.contains("a.parquet:2: at:"), "{shown}");
    }
}

#[tokio::test]
async fn a_uuid_of_avro_is_text() {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    let bytes = include_bytes!("../../../../tests/sources/uuid.avro");
    std::fs::write(directory.path().join("data/a.avro"), bytes).unwrap();
    for columns in
        [&[("uid", "varchar"), ("id", "bigint"), ("other", "varchar")][..], &[("id", "bigint")], &[]]
    {
        let mut spec = declared(directory.path(), columns);
        spec.format = SourceFormat::Avro;
        let shown = show(&spec, "select id, uid, other from t order by id").await;
        assert!(shown.contains("| 1  | 01234567-89ab-cdef-0123-456789abcdef |"), "{shown}");
        assert!(
            shown.contains(
                "| 2  | ffffffff-ffff-4fff-bfff-ffffffffffff | 01234567-89ab-cdef-0123-456789abcdef |"
            ),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn names_match_without_case_and_folders_give_columns() {
    let directory = written(&[
        ("day=2021-01-01/a", "select 1 as \"ID\""),
        ("day=2021-01-02/b", "select 2 as id, 7 as day"),
    ])
    .await;
    let spec = declared(directory.path(), &[("id", "bigint"), ("day", "date")]);
    insta::assert_snapshot!(show(&spec, "select id, day from t order by id").await);
}

#[tokio::test]
async fn what_is_missing_or_new_is_decided() {
    let directory =
        written(&[("a", "select 1 as id, 1.5 as amount"), ("b", "select 2 as id, 2.5 as amount_eur")]).await;
    let mut spec = declared(directory.path(), &[("id", "bigint"), ("amount", "double")]);
    insta::assert_snapshot!(show(&spec, "select * from t").await);
    spec.drift.on_missing_column = OnMissingColumn::RejectFile;
    spec.drift.on_new_column = Some(OnNewColumn::Warn);
    insta::assert_snapshot!(show(&spec, "select * from t").await);
    spec.drift.on_missing_column = OnMissingColumn::Null;
    spec.drift.on_new_column = Some(OnNewColumn::Rescue);
    insta::assert_snapshot!(show(&spec, "select * from t order by id").await);
    spec.drift.on_new_column = Some(OnNewColumn::Fail);
    insta::assert_snapshot!(show(&spec, "select * from t").await);
    let directory = written(&[("a", "select 1 as id"), ("b", "select 2 as id, 2.5 as amount")]).await;
    let spec = declared(directory.path(), &[("id", "bigint"), ("amount", "double")]);
    insta::assert_snapshot!(show(&spec, "select * from t order by id").await);
}
