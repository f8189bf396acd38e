//! Real queries on real files.

mod avro;
mod undeclared;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
        util::pretty::pretty_format_batches,
    },
    dataframe::DataFrameWriteOptions,
    parquet::arrow::ArrowWriter,
    prelude::SessionContext,
};
use tempfile::TempDir;

use std::{path::Path, sync::Arc};

use super::avro::testing;
use crate::{
    engine::types::data_type,
    source::{
        DateUnit, Deviation, Drift, Identity, Limit, OnError, OnMissingColumn, OnNewColumn, RejectSink,
        SourceFormat, SourceSpec,
        provider::{find_damage, provider},
        spec::SOURCE_ROW,
    },
};

const PARQUET: SourceFormat = SourceFormat::Parquet { date_unit: DateUnit::Milliseconds };
const AVRO: SourceFormat = SourceFormat::Avro { date_unit: DateUnit::Milliseconds };

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
        text: crate::source::TextOptions::default(),
        name: "files.p".to_owned(),
        format: PARQUET,
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
    insta::assert_snapshot!(error, @"Error during planning: files.p: `_source_row` isn't available for Parquet and Avro files");
}

fn declared(base: &Path, columns: &[(&str, &str)]) -> SourceSpec {
    SourceSpec {
        identity: Identity::Stamp,
        drift: Drift::default(),
        text: crate::source::TextOptions::default(),
        name: "files.p".to_owned(),
        format: PARQUET,
        location: "data".to_owned(),
        base: base.to_owned(),
        columns: columns.iter().map(|(name, sql)| ((*name).to_owned(), data_type(sql).unwrap())).collect(),
        on_error: OnError::SetAside,
    }
}

/// Creates a directory with one Parquet file per query.
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

/// Returns the rows of a query on the source `t`, the rejects and the notes.
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

/// Creates a directory of files with these contents.
fn held(files: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = directory.path().join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    directory
}

fn of_avro(base: &Path, columns: &[(&str, &str)]) -> SourceSpec {
    SourceSpec { format: AVRO, ..declared(base, columns) }
}

#[tokio::test]
async fn files_that_are_none_of_their_format_are_set_aside_whole() {
    let directory = written(&[("a", "select 1 as i")]).await;
    let whole = std::fs::read(directory.path().join("data/a.parquet")).unwrap();
    let mut footer = whole.clone();
    let end = footer.len() - 9;
    footer[end] ^= 0xff;
    footer[end - 20] ^= 0xff;
    for bad in [&whole[..whole.len() - 8], &whole[..3], &[], b"PAR1PAR1", &footer] {
        std::fs::write(directory.path().join("data/b.parquet"), bad).unwrap();
        for columns in [&[("i", "bigint")][..], &[]] {
            let mut spec = declared(directory.path(), columns);
            let shown = show(&spec, "select i from t").await;
            assert!(shown.contains("| 1 |") && shown.contains("data/b.parquet: "), "{shown}");
            assert!(!shown.contains("Parquet error"), "{shown}");
            spec.on_error = OnError::Fail;
            let error = show(&spec, "select i from t").await;
            assert!(error.contains("files.p: data/b.parquet: ") && error.contains("hint: "), "{error}");
        }
    }
    std::fs::remove_file(directory.path().join("data/a.parquet")).unwrap();
    insta::assert_snapshot!(show(&declared(directory.path(), &[]), "select i from t").await);
    insta::assert_snapshot!(show(&declared(directory.path(), &[("i", "bigint")]), "select i from t").await);
}

#[tokio::test]
async fn plain_numbers_are_timestamps_in_the_unit() {
    let rows = "select 1609459200000 as t, arrow_cast(1609459200000, 'Timestamp(Millisecond, None)') as own";
    let directory = written(&[("a", rows)]).await;
    let mut spec = declared(directory.path(), &[("t", "timestamp"), ("own", "timestamp")]);
    let shown = show(&spec, "select * from t").await;
    assert!(shown.contains("| 2021-01-01T00:00:00 | 2021-01-01T00:00:00 |"), "{shown}");
    spec.format = SourceFormat::Parquet { date_unit: DateUnit::Microseconds };
    let shown = show(&spec, "select * from t").await;
    assert!(shown.contains("| 1970-01-19T15:04:19.200 | 2021-01-01T00:00:00 |"), "{shown}");
    let (file, _) = testing::file("null", <[u8]>::to_vec);
    let directory = held(&[("a.avro", &file)]);
    let shown = show(&of_avro(directory.path(), &[("i", "timestamp")]), "select max(i) as t from t").await;
    assert!(shown.contains("| 1970-01-01T00:00:00.219 |"), "{shown}");
}

#[tokio::test]
async fn two_columns_of_one_name_are_an_error() {
    let directory = written(&[("a", "select 1 as \"Id\", 2 as \"ID\"")]).await;
    let said = "in the header differ only by case, and are one column to SQL";
    for columns in [&[][..], &[("ID", "bigint")]] {
        let shown = show(&declared(directory.path(), columns), "select * from t").await;
        assert!(shown.contains(said) && shown.contains("files.p: data/a.parquet: columns `I"), "{shown}");
    }
    let mut spec = declared(directory.path(), &[("ID", "bigint")]);
    spec.drift.on_new_column = Some(OnNewColumn::Ignore);
    let shown = show(&spec, "select * from t").await;
    assert!(shown.contains("| 2  |"), "{shown}");

    let field = |name| Arc::new(Field::new(name, DataType::Int64, false));
    let schema = Arc::new(Schema::new(vec![field("a"), field("a")]));
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let directory = held(&[("a.parquet", &bytes)]);
    for columns in [&[][..], &[("a", "bigint")]] {
        let shown = show(&declared(directory.path(), columns), "select * from t").await;
        assert!(shown.contains("files.p: data/a.parquet: column `a` is in the header twice"), "{shown}");
    }
}

#[tokio::test]
async fn dictionaries_are_text_beside_text() {
    let coded = "select 1 as id, arrow_cast('x', 'Dictionary(Int8, Utf8)') as v";
    for files in
        [&[("a", coded)][..], &[("a", coded), ("b", "select 2 as id, arrow_cast('z', 'LargeUtf8') as v")]]
    {
        let directory = written(files).await;
        let spec = declared(directory.path(), &[]);
        let shown = show(&spec, "select id, v, arrow_typeof(v) as type from t where v = 'x'").await;
        assert!(shown.contains("| 1  | x | Utf8View |"), "{shown}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_found_and_its_file_set_aside() {
    let rows = "select value as i from generate_series(1, 3000)";
    let directory = written(&[("a", rows), ("b", rows)]).await;
    let path = directory.path().join("data/b.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..40].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let spec = declared(directory.path(), &[]);
    let context = SessionContext::new();
    let error = show(&spec, "select sum(i) as s from t").await;
    assert!(!error.contains("| s "), "{error}");
    assert!(find_damage(&spec, &context.state()).await.unwrap());
    let shown = show(&spec, "select count(*) as n, count(i) as i from t").await;
    assert!(
        shown.contains("| 3000 | 3000 |") && shown.contains("data/b.parquet: it can't be decoded: "),
        "{shown}"
    );
    let whole = SourceSpec { location: "data/a.parquet".to_owned(), ..declared(directory.path(), &[]) };
    assert!(!find_damage(&whole, &context.state()).await.unwrap());
}
