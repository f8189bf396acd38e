//! Real queries on real databases.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    physical_plan::displayable,
    prelude::{SessionConfig, SessionContext},
};
use tempfile::TempDir;

use crate::{
    engine::types::data_type,
    source::{
        DateUnit, Drift, Identity, OnError, OnMissingColumn, OnNewColumn, RejectSink, SourceFormat,
        SourceSpec, provider::provider,
    },
};

fn spec(base: &Path, table: &str, columns: &[(&str, &str)]) -> SourceSpec {
    let columns = columns.iter().map(|(name, sql)| ((*name).to_owned(), data_type(sql).unwrap())).collect();
    let format = SourceFormat::Sqlite { table: table.to_owned(), date_unit: DateUnit::Seconds };
    let (name, location) = ("db.product".to_owned(), "data/x.db".to_owned());
    SourceSpec {
        name,
        format,
        location,
        base: base.to_owned(),
        columns,
        text: crate::source::TextOptions::default(),
        on_error: OnError::SetAside,
        identity: Identity::Stamp,
        drift: Drift::default(),
    }
}

fn database(sql: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    rusqlite::Connection::open(directory.path().join("data/x.db")).unwrap().execute_batch(sql).unwrap();
    directory
}

const PRODUCTS: &str = "create table product (id integer primary key, display_name text collate nocase, is_variable, valid_from text, price real);
    insert into product values (1, 'Fix', 0, '2021-01-01', 1.5), (2, 'Var', 'true', '2021-01-02 00:00:00', 2),
      (5, 'fix', 1, null, null), (6, 'Bad', 'perhaps', null, 1), (7, x'00ff', 1, null, 1), (8, 'Late', 1, 'n/a', 1);
    create table strict_one (id integer primary key, name text, n integer) strict;
    insert into strict_one values (1, 'a', 5), (2, 'b', null);
    create view names as select display_name from product;";

const DECLARED: [(&str, &str); 4] = [
    ("display_name", "varchar"),
    ("is_variable", "boolean"),
    ("valid_from", "date"),
    ("_source_row", "bigint"),
];

/// Returns the rows, the rejects, and (without a sink) the SQL sent to SQLite.
async fn show(spec: &SourceSpec, sql: &str, with_sink: bool) -> String {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let (sink, _stream) = RejectSink::new(64);
    let table = match provider(spec, &context.state(), with_sink.then(|| Arc::clone(&sink))).await {
        Ok(table) => table,
        Err(error) => return error.to_string().replace(&*spec.base.to_string_lossy(), "<base>"),
    };
    context.register_table("t", table).unwrap();
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let filtered = displayable(plan.as_ref()).indent(false).to_string().contains("FilterExec");
    let found = datafusion::physical_plan::collect(plan, context.task_ctx()).await.unwrap();
    let found = pretty_format_batches(&found).unwrap();
    let aside = sink.counts().sample.join("\n");
    format!("{found}\n{aside}\n{}", if filtered { "filtered above" } else { "no filter above" })
}

#[tokio::test]
async fn declared_types_win_and_what_does_not_fit_is_set_aside() {
    let directory = database(PRODUCTS);
    let spec = spec(directory.path(), "Product", &DECLARED);
    insta::assert_snapshot!(show(&spec, "select * from t order by id", true).await);
    let counted = show(&spec, "select count(*) n from t", true).await;
    assert!(counted.contains("| 3 |") && counted.contains("data/x.db:8"), "{counted}");
}

#[tokio::test]
async fn filters_go_down_where_they_mean_the_same() {
    let directory = database(PRODUCTS);
    let spec_of = |table| spec(directory.path(), table, &[]);
    let products = spec(directory.path(), "product", &DECLARED);
    // With a sink every row must be validated; without one SQLite may filter.
    for (sql, with_sink, want) in [
        ("select id from t where display_name = 'Fix'", true, "filtered above"),
        ("select id from t where display_name = 'Fix'", false, "no filter above"),
        ("select id from t where id > 1 and id in (2, 3) or id is null", false, "no filter above"),
        ("select id from t where price >= 1.5", false, "no filter above"),
        ("select id from t where display_name > 'A'", false, "filtered above"),
        ("select id from t where is_variable", false, "filtered above"),
        ("select id from t where valid_from = date '2021-01-01'", false, "filtered above"),
    ] {
        let found = show(&products, sql, with_sink).await;
        assert!(found.ends_with(want), "{sql}: {found}");
    }
    let one = show(&products, "select id, display_name from t where display_name = 'Fix'", false).await;
    assert!(one.contains("| 1  | Fix") && !one.contains("| 5 "), "{one}");
    let strict = show(&spec_of("strict_one"), "select n from t where name = 'a'", true).await;
    assert!(strict.contains("| 5 |") && strict.ends_with("no filter above"), "{strict}");
    let limited = show(&products, "select id from t where id < 8 limit 2", false).await;
    assert!(limited.contains("| 2  |") && !limited.contains("| 5  |"), "{limited}");
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_is_near() {
    let directory = database(PRODUCTS);
    let mut wrong = spec(directory.path(), "prodct", &[]);
    insta::assert_snapshot!(show(&wrong, "", true).await, @"Error during planning: db.product: `data/x.db` has no table `prodct`: did you mean `product`?");
    wrong.location = "data/y.db".to_owned();
    insta::assert_snapshot!(show(&wrong, "", true).await, @"Error during planning: db.product: no database `data/y.db` under <base>");
    let wrong = spec(directory.path(), "product", &[("displayname", "varchar")]);
    let said = show(&wrong, "", true).await;
    assert!(said.contains("lacks the declared column `displayname`, and has `display_name`"), "{said}");
    let view = spec(directory.path(), "names", &[("_source_row", "bigint")]);
    insta::assert_snapshot!(show(&view, "", true).await, @"Error during planning: db.product: the rows of `names` have no numbers for `_source_row`");
    std::fs::write(directory.path().join("data/x.db"), "no database at all, though long enough").unwrap();
    let wrong = spec(directory.path(), "product", &[]);
    insta::assert_snapshot!(show(&wrong, "", true).await, @"External error: db.product: `data/x.db` can't be read as an SQLite database: file is not a database");
}

#[tokio::test]
async fn a_column_without_a_type_has_that_of_its_values() {
    let directory = database(
        "create table sale (day text, amount integer, price real);
         insert into sale values ('a', 9, 1.5), ('a', 10, 2), ('b', null, null);
         create view sums as select day, amount + 0 as n, price * 2 as twice, count(*) as rows,
           case when amount = 9 then 9 when amount = 10 then 'ten' end as mixed, x'00' as bytes, null as none_at_all
           from sale group by day, amount;",
    );
    let sums = spec(directory.path(), "sums", &[]);
    let sql = "select arrow_typeof(n) n, arrow_typeof(twice) twice, arrow_typeof(\"rows\") \"rows\", arrow_typeof(mixed) \
               mixed, arrow_typeof(bytes) bytes, arrow_typeof(none_at_all) none, max(n) over () as most from t limit 1";
    insta::assert_snapshot!(show(&sums, sql, true).await);
}

#[tokio::test]
async fn an_undeclared_number_loses_nothing() {
    let directory = database(
        "create table t (whole numeric, mixed decimal(20,2), plain decimal(10,2));
         insert into t values (9007199254740993, 9007199254740993, 1.5), (1, 0.5, 2);",
    );
    insta::assert_snapshot!(
        show(&spec(directory.path(), "t", &[]), "select * from t order by whole", true).await
    );
}

#[tokio::test]
async fn the_unit_of_instants_is_declared_and_they_stay_within_the_calendar() {
    let directory =
        database("create table t (at integer); insert into t values (1609459200), (1609459200000);");
    let mut wanted = spec(directory.path(), "t", &[("at", "timestamp")]);
    insta::assert_snapshot!(show(&wanted, "select * from t", true).await);
    wanted.format = SourceFormat::Sqlite { table: "t".to_owned(), date_unit: DateUnit::Milliseconds };
    insta::assert_snapshot!(show(&wanted, "select * from t order by at", true).await);
}

#[tokio::test]
async fn what_is_missing_or_new_is_decided() {
    let directory = database("create table t (id integer, amount_eur real); insert into t values (1, 2.5);");
    let mut declared = spec(directory.path(), "t", &[("id", "bigint"), ("amount", "double")]);
    insta::assert_snapshot!(show(&declared, "select * from t", true).await);
    declared.drift.on_missing_column = OnMissingColumn::Null;
    declared.drift.on_new_column = Some(OnNewColumn::Rescue);
    insta::assert_snapshot!(show(&declared, "select * from t", true).await);
    declared.drift.on_new_column = Some(OnNewColumn::Ignore);
    let shown = show(&declared, "select * from t where amount is null", false).await;
    assert!(shown.contains("| 1  |        |"), "{shown}");
    declared.drift.on_new_column = Some(OnNewColumn::Fail);
    let said = show(&declared, "select * from t", true).await;
    assert!(said.contains("has the column `amount_eur`, which isn't declared"), "{said}");
}

#[tokio::test]
async fn a_table_whose_rows_are_all_rejected_is_an_error() {
    let directory = database("create table t (n); insert into t values ('x'), ('y'), (1);");
    let context = SessionContext::new();
    let table =
        provider(&spec(directory.path(), "t", &[("n", "bigint")]), &context.state(), None).await.unwrap();
    context.register_table("t", table).unwrap();
    let error = context.sql("select * from t").await.unwrap().collect().await.unwrap_err().to_string();
    assert!(error.contains("2 of the 3 rows of data/x.db were rejected"), "{error}");
}
