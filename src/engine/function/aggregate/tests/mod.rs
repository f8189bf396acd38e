//! Tests that compare aggregates and windows with DuckDB's results.

mod grouped;
mod picking_windows;
mod single;
mod windows;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::engine::{Engine, EngineSettings, cast::type_name::type_name, function::testing::rows};

fn engine(threads: usize) -> Engine {
    let dialect = "duckdb".to_owned();
    let settings =
        EngineSettings { threads, memory_limit: None, dialect, database: "lake".into(), temp_dir: None };
    Engine::new(&settings).unwrap()
}

/// Returns the first column's type and values, or the error.
async fn answer(engine: &Engine, sql: &str) -> Result<(String, Vec<String>), String> {
    let batches = rows(engine, sql).await?;
    let data_type = batches.first().map(|batch| type_name(batch.column(0).data_type())).unwrap_or_default();
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column(0);
        let options = FormatOptions::default().with_null("NULL");
        let formatter = ArrayFormatter::try_new(column, &options).unwrap();
        values.extend((0..column.len()).map(|row| formatter.value(row).to_string()));
    }
    Ok((data_type, values))
}

/// Asserts the types and values of all cases, comparing only as many rows as each case lists.
async fn check(engine: &Engine, cases: &[(&str, &str, &str)], query: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for (call, wanted_type, wanted) in cases {
        let rows = wanted.split(" | ").count();
        let found = match answer(engine, &query(call)).await {
            Ok((data_type, mut values)) => {
                values.truncate(rows);
                (data_type, values.join(" | "))
            }
            Err(error) => ("error".into(), error),
        };
        if (*wanted_type != "_" && found.0 != *wanted_type) || found.1 != *wanted {
            wrong.push(format!(
                "{call}\n    wanted {wanted} :: {wanted_type}\n    found  {} :: {}",
                found.1, found.0
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const ROWS: &str = "with r as (select unnest(range(2000)) as i), t as (select i, i % 7 as k, case when i % 11 = 0 then \
                    null else (i * 37 % 101)::int end as x, (i % 13)::double / 4 as y, 't' || (i % 5) as s from r)";

#[tokio::test(flavor = "multi_thread")]
async fn aggregates_of_one_group_are_duckdbs() {
    check(&engine(1), single::CASES, |call| format!("select {call}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregates_of_many_groups_are_duckdbs() {
    for threads in [1, 3] {
        let query = |call: &str| format!("{ROWS} select {call} as v, k from t group by k order by k");
        check(&engine(threads), grouped::CASES, query).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_duckdbs() {
    let query = |call: &str| format!("{ROWS} select {call} as v, i from t order by i limit 12");
    check(&engine(2), windows::CASES, query).await;
    check(&engine(2), picking_windows::CASES, query).await;
    check(&engine(1), windows::OWN_ROWS, |call| format!("select {call}")).await;
}

#[tokio::test]
async fn sums_that_overflow_are_errors() {
    let engine = engine(1);
    let largest = "9".repeat(38);
    for (values, call) in [
        (format!("(cast('{largest}' as decimal(38, 0))), (cast('1' as decimal(38, 0)))"), "sum(x)"),
        (format!("(cast('{largest}' as decimal(38, 0))), (cast('1' as decimal(38, 0)))"), "sum(x) over ()"),
        (format!("(cast('-{largest}' as decimal(38, 0))), (cast('-{largest}' as decimal(38, 0)))"), "sum(x)"),
    ] {
        let error = answer(&engine, &format!("select {call} from (values {values}) t(x)")).await.unwrap_err();
        assert!(
            error.contains("overflow: the sum of DECIMAL(38,0) values does not fit into DECIMAL(38,0)"),
            "{error}"
        );
    }
    let many = "(select unnest(range(40)) as i)";
    let call = format!("sum(cast('{largest}' as decimal(38, 0)))");
    let sql = format!("select {call} as s, i % 3 from {many} r group by i % 3");
    let error = answer(&self::engine(2), &sql).await.unwrap_err();
    assert!(error.contains("overflow: the sum of DECIMAL(38,0) values"), "{error}");
    let bigints = "(9223372036854775807::bigint), (9223372036854775807), (9223372036854775807)";
    let (data_type, sum) =
        answer(&engine, &format!("select sum(x) from (values {bigints}) t(x)")).await.unwrap();
    assert_eq!((data_type.as_str(), sum[0].as_str()), ("DECIMAL(38,0)", "27670116110564327421"));
}

#[tokio::test]
async fn orders_that_conflict_share_one_pass() {
    let sql = "select list(x order by x)::varchar || list(x order by x desc)::varchar || first(x order by -x)::varchar \
               from (values (1::int), (3), (2)) t(x)";
    let (_, values) = answer(&engine(2), sql).await.unwrap();
    assert_eq!(values, ["[1, 2, 3][3, 2, 1]3"]);
}

#[tokio::test]
async fn zeros_tie_wherever_rows_are_sorted() {
    let zeros = "(values (1::int, 0.0::double), (2, '-0.0'::double), (3, 1.5::double)) t(id, x)";
    for (call, wanted) in [
        ("rank() over (order by x)", ["1", "1", "3"]),
        ("dense_rank() over (order by x)", ["1", "1", "2"]),
        ("rank() over (order by x desc)", ["2", "2", "1"]),
        ("count(*) over (order by x)", ["2", "2", "3"]),
    ] {
        let (data_type, values) =
            answer(&engine(1), &format!("select {call}, id from {zeros} order by id")).await.unwrap();
        assert_eq!((data_type.as_str(), values), ("BIGINT", wanted.map(String::from).to_vec()), "{call}");
    }
    let (_, values) =
        answer(&engine(1), &format!("select id from {zeros} order by x, id desc")).await.unwrap();
    assert_eq!(values, ["2", "1", "3"]);
}

#[tokio::test]
async fn min_and_max_of_other_types_are_still_answered_from_statistics() {
    let engine = engine(1);
    let frame = engine
        .context()
        .sql("select max(x), min(x), count(*) from (values (1::int), (2)) t(x)")
        .await
        .unwrap();
    let plan = frame.into_optimized_plan().unwrap();
    assert!(!format!("{plan:?}").contains("Call {"), "DataFusion's own functions were due: {plan:?}");
}
