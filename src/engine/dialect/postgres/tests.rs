//! Statements and PostgreSQL 15's answers, recorded by running it: the type and the values of the first
//! column as text, `error` where PostgreSQL fails, or `refused` where this dialect can't plan the statement.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;

use crate::engine::{
    Engine, EngineSettings,
    function::postgres::{kind::type_name, output},
};

async fn answer(engine: &Engine, sql: &str) -> String {
    let Ok(query) = engine.plan(sql).await else { return "refused".into() };
    let Ok(bound) = query.bind(&BTreeMap::new()) else { return "unbound".into() };
    let Ok(stream) = engine.stream(&bound, None).await else { return "error".into() };
    let Ok(batches) = stream.try_collect::<Vec<_>>().await else { return "error".into() };
    let mut values = Vec::new();
    for batch in &batches {
        let texts = output::texts(&Arc::clone(batch.column(0))).unwrap();
        values.extend(texts.iter().map(|text| text.unwrap_or("NULL").to_owned()));
    }
    // Rows are unordered unless the statement sorts them.
    if !sql.contains("order by") {
        values.sort();
    }
    let schema = query.schema();
    let field = schema.field(0);
    format!("{} {} {}", field.name(), type_name(field.data_type()), values.join(" "))
}

const CASES: &[(&str, &str)] = &[
    ("select 7 / 2 as r", "r integer 3"),
    ("select -7 % 3 as r", "r integer -1"),
    ("select 1 / 0 as r", "refused"),
    ("select 2147483647 + 1 as r", "refused"),
    ("select -2 ^ 2 as r", "r double precision 4"),
    ("select 2 ^ 3 ^ 2 as r", "r double precision 64"),
    ("select 1 / 3.0 as r", "r numeric 0.33333333333333333333"),
    ("select 100 / 3.0 as r", "r numeric 33.33333333333333330000"),
    ("select 1.10 * 1.10 as r", "r numeric 1.2100"),
    ("select 1::bigint + 1::real as r", "r double precision 2"),
    ("select 2.5::int as r", "r integer 3"),
    ("select 2.5::float8::int as r", "r integer 2"),
    ("select round(2.5::float8) as r", "r double precision 2"),
    ("select round(1.005, 2) as r", "r numeric 1.01"),
    ("select round(1.5::float8, 1) as r", "refused"),
    ("select 1 = '1' as r", "r boolean t"),
    ("select 1 = '1'::text as r", "refused"),
    ("select 'abc' ~ 'b' as r", "r boolean t"),
    ("select 'abc' like 'a!%' escape '!' as r", "r boolean f"),
    ("select 'a' || 1", "?column? text a1"),
    ("select 1 || 2 as r", "refused"),
    ("select true || 'x' as r", "r text truex"),
    ("select concat(true, null, 1.50)", "concat text t1.50"),
    ("select upper('a')", "upper text A"),
    ("select '1'::int", "int4 integer 1"),
    ("select null as r", "r text NULL"),
    ("select 'off'::boolean as r", "r boolean f"),
    ("select '3.7'::int as r", "refused"),
    ("select date '2024-02-30' as r", "refused"),
    ("select date '2024-03-01' - date '2024-02-01' as r", "r integer 29"),
    ("select date '2024-01-31' + interval '1 month' as r", "r timestamp 2024-02-29 00:00:00"),
    (
        "select date_trunc('month', date '2024-02-15')",
        "date_trunc timestamp with time zone 2024-02-01 00:00:00+00",
    ),
    ("select extract(second from timestamp '2024-01-01 00:00:05.5')", "extract numeric 5.500000"),
    ("select (interval '1 month' * 1.5)::text as r", "r text 1 mon 15 days"),
    ("select to_char(timestamp '2024-01-05 15:04', 'FMMonth DD, HH24:MI') as r", "r text January 05, 15:04"),
    ("select to_char(1234.5, 'FM999,990.00') as r", "r text 1,234.50"),
    ("select x from (values (2), (null), (1)) t(x) order by x", "x integer 1 2 NULL"),
    ("select x from (values (2), (null), (1)) t(x) order by x desc", "x integer NULL 2 1"),
    ("select sum(x) from (values (1), (2)) t(x)", "sum bigint 3"),
    ("select avg(x) from (values (1), (2)) t(x)", "avg numeric 1.50000000000000000000"),
    ("select sum(x::bigint) from (values (1), (2)) t(x)", "sum numeric 3"),
    ("select x from (values (1), ('2')) t(x)", "x integer 1 2"),
    ("select 1 as a union all select 2.5", "a numeric 1.0 2.5"),
    ("select 'a' union select 2", "refused"),
    ("select g from generate_series(1, 5, 2) as g", "g integer 1 3 5"),
    ("select (array[1, 2, 3])[2] as r", "r integer 2"),
    ("select array[1, 2]::text as r", "r text {1,2}"),
    ("select (1, null) = (2, null) as r", "r boolean f"),
    ("select regexp_replace('a1b22', '[0-9]+', '#', 'g') as r", "r text a#b#"),
    ("select regexp_replace('ab', 'a|ab', 'x') as r", "refused"),
    ("select (1 / 3.0)::text as r", "refused"),
    ("select sqrt(2.0) as r", "refused"),
    ("select strftime('2024-01-01', '%Y') as r", "refused"),
    ("select 1 < 2 < 3 as r", "refused"),
    ("select \"X\" from (values (1)) t(x)", "refused"),
    ("from range(3)", "refused"),
];

#[tokio::test(flavor = "multi_thread")]
async fn sql_means_what_it_means_in_postgresql() {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "postgresql".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    let mut wrong = Vec::new();
    for (sql, expect) in CASES {
        let found = answer(&engine, sql).await;
        if found != *expect && !(*expect == "refused" && found == "error") {
            wrong.push(format!("{sql}\n  is   {found}\n  not  {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
