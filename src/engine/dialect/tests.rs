//! Statements with DuckDB 1.5's answers, looked up by running it: the type and the texts of the first column, or `error`.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;

use super::{cast::value_text, types::name};
use crate::engine::{Engine, EngineSettings};

pub(super) async fn answer(engine: &Engine, sql: &str) -> String {
    let Ok(query) = engine.plan(sql).await else { return "error".into() };
    let Ok(bound) = query.bind(&BTreeMap::new()) else { return "error".into() };
    let Ok(stream) = engine.stream(&bound, None).await else { return "error".into() };
    let Ok(batches) = stream.try_collect::<Vec<_>>().await else { return "error".into() };
    let mut values = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            values.push(
                value_text(&Arc::clone(batch.column(0)), row).unwrap().unwrap_or_else(|| "NULL".into()),
            );
        }
    }
    // Rows have no order of their own.
    if !sql.ends_with("desc") {
        values.sort();
    }
    format!("{} {}", name(query.schema().field(0).data_type()), values.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_means_what_it_means_in_duckdb() {
    let settings =
        EngineSettings { threads: 1, memory_limit: None, dialect: "duckdb".into(), database: "lake".into() };
    let engine = Engine::new(&settings).unwrap();
    let cases = [
        ("select 7/2 as r", "DOUBLE 3.5"),
        ("select -7//2 as r", "INTEGER -3"),
        ("select 1//0 as r", "INTEGER NULL"),
        ("select 1%0 as r", "INTEGER NULL"),
        ("select 1/0 as r", "DOUBLE inf"),
        ("select 2+3^2 as r", "DOUBLE 11.0"),
        ("select -2^2 as r", "DOUBLE 4.0"),
        ("select 2147483647+1 as r", "error"),
        ("select 9223372036854775807+1 as r", "error"),
        ("select 1.5*2.25 as r", "DECIMAL(5,3) 3.375"),
        ("select 1.5+2 as r", "DECIMAL(12,1) 3.5"),
        ("select 5 % 2.5 as r", "DECIMAL(11,1) 0.0"),
        ("select 1::tinyint+1 as r", "TINYINT 2"),
        ("select 1::uinteger+1::integer as r", "BIGINT 2"),
        ("select 9223372036854775808 as r", "DECIMAL(38,0) 9223372036854775808"),
        ("select 1_000 as r", "INTEGER 1000"),
        ("select cast(2.5 as integer) as r", "INTEGER 3"),
        ("select cast(2.5::double as integer) as r", "INTEGER 2"),
        ("select '1e3'::int as r", "INTEGER 1000"),
        ("select 300::tinyint as r", "error"),
        ("select '-1.005'::decimal(10,2) as r", "DECIMAL(10,2) -1.01"),
        ("select 1e16::double::varchar as r", "VARCHAR 1e+16"),
        ("select ['a','b c',null]::varchar as r", "VARCHAR [a, b c, NULL]"),
        ("select '[1, 2]'::int[] as r", "INTEGER[] [1, 2]"),
        ("select date '2020-01-01' + interval 1 day as r", "TIMESTAMP 2020-01-02 00:00:00"),
        ("select date '2020-01-03' - date '2020-01-01' as r", "BIGINT 2"),
        ("select date '2020-02-30' as r", "error"),
        ("select interval '47.210' as r", "INTERVAL 00:00:47.21"),
        ("select interval 3 centuries as r", "INTERVAL 300 years"),
        ("select interval 1 day = interval 24 hours as r", "BOOLEAN true"),
        (
            "select timestamp '2021-10-31 01:30' at time zone 'Europe/London' as r",
            "TIMESTAMP WITH TIME ZONE 2021-10-31 01:30:00+00",
        ),
        ("select true > 0 as r", "BOOLEAN true"),
        ("select '1' = 1 as r", "BOOLEAN true"),
        ("select 'aaa' ~ '^a' as r", "BOOLEAN false"),
        ("select 1 + 2 || 'a' as r", "VARCHAR 3a"),
        ("select case when true then 1 else 2.5 end as r", "DECIMAL(11,1) 1.0"),
        ("select coalesce(null, 1, 2.5) as r", "DECIMAL(11,1) 1.0"),
        ("select coalesce(1 = 2, true) as r", "BOOLEAN false"),
        ("select 1 as r union all select 2.5", "DECIMAL(11,1) 1.0 2.5"),
        ("select x from (values (1),(null),(2)) t(x) order by x desc", "INTEGER 2 1 NULL"),
        ("select x from (values (1),(1),(2)) t(x) except all select 1", "INTEGER 1 2"),
        ("select x in (select 1 union all select null) as r from (values (1),(2)) t(x)", "BOOLEAN NULL true"),
        ("select 3 not in (select 1 union all select null) as r", "BOOLEAN NULL"),
        ("select exists(select 1) as r", "BOOLEAN true"),
        ("select 2 = any(select 1 union all select null) as r", "BOOLEAN NULL"),
        (
            "select sum(x) as r from (values (9223372036854775807),(1)) t(x)",
            "DECIMAL(38,0) 9223372036854775808",
        ),
        ("select row_number() over () as r", "BIGINT 1"),
        (
            "select rank() over (order by x) as r from (values (0.0::double),(-0.0::double),(1.5)) t(x)",
            "BIGINT 1 1 3",
        ),
        ("from range(3)", "BIGINT 0 1 2"),
        ("select b from (select 1 as a, a + 1 as b where b = 2)", "INTEGER 2"),
        ("select \"X\" from (values (1)) t(x)", "INTEGER 1"),
        ("select upper(1) as r", "error"),
        ("select x from (values ('a')) t(x) where x > 0", "error"),
        ("select 1 as r where 'a'", "error"),
    ];
    let mut wrong = Vec::new();
    for (sql, expect) in cases {
        let found = answer(&engine, sql).await;
        if found != expect {
            wrong.push(format!("{sql}\n  is   {found}\n  not  {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
