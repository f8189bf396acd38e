//! Correlated subqueries and DuckDB 1.5's answers, recorded by running it.

use crate::engine::{Engine, EngineSettings, dialect::tests::answer};

const TABLES: &str = "with t as (select * from (values (1),(2),(3),(null)) t(a)), \
                      u as (select * from (values (1,1),(2,1),(2,2),(3,null),(null,2)) u(b,c)) ";

/// Statements with the type and values of their first column.
const CASES: &[(&str, &str)] = &[
    ("select (select count(*) from u where u.b > t.a) as r from t", "BIGINT 0 0 1 3"),
    ("select exists(select 1 from u where u.b = t.a) as r from t", "BOOLEAN false true true true"),
    ("select a from t where exists (select 1 from u where t.a < u.b)", "INTEGER 1 2"),
    ("select a from t where not exists (select 1 from u where t.a < u.b)", "INTEGER 3 NULL"),
    ("select a in (select b from u where u.b >= t.a) as r from t", "BOOLEAN false true true true"),
    ("select a not in (select b from u where u.c = t.a) as r from t", "BOOLEAN false false true true"),
    ("select a from t where a not in (select c from u where u.b > t.a)", "INTEGER 3 NULL"),
    ("select (select max(b) from u where u.b < t.a) as r from t", "INTEGER 1 2 NULL NULL"),
    ("select (select b from u where u.b > t.a order by b limit 1) as r from t", "INTEGER 2 3 NULL NULL"),
    (
        "select (select b from u where u.b > t.a order by b limit 1 offset 1) as r from t",
        "INTEGER 2 NULL NULL NULL",
    ),
    ("select (select b from u where u.b > t.a) as r from t where a = 1", "error"),
    ("select (select b from u where u.b > t.a) as r from t", "error"),
    (
        "select (select sum(x) from (select t.a as x union all select u.b from u where u.b > t.a)) as r from t",
        "DECIMAL(38,0) 3 5 8 NULL",
    ),
    ("select (select sum(b + t.a) from u) as r from t", "DECIMAL(38,0) 12 16 20 NULL"),
    (
        "select (select count(*) from u where b = (select max(b) from u v where v.b <= t.a + u.c)) as r from t",
        "BIGINT 0 0 0 1",
    ),
    ("select (select t.a + 1) as r from t", "INTEGER 2 3 4 NULL"),
    ("select a from t order by (select count(*) from u where u.b > t.a) desc, a desc", "INTEGER 1 2 3 NULL"),
    ("select sum((select count(*) from u where u.b > t.a)) as r from t", "DECIMAL(38,0) 4"),
    ("select a from t group by a having (select count(*) from u where u.b > t.a) > 1", "INTEGER 1"),
    ("select t.a from t join u on u.b = (select min(v.b) from u v where v.b > t.a)", "INTEGER 1 1 2"),
    (
        "select t.a from t left join u on u.b = t.a and (select max(v.b) from u v where v.b > u.b) > 2",
        "INTEGER 1 2 2 3 NULL",
    ),
    ("select (select count(*) from u where u.b is not distinct from t.a) as r from t", "BIGINT 1 1 1 2"),
    (
        "select (select list(b order by b) from u where u.b >= t.a) as r from t",
        "INTEGER[] NULL [1, 2, 2, 3] [2, 2, 3] [3]",
    ),
    (
        "select (select string_agg(distinct c::varchar, ',' order by c::varchar) from u where u.b >= t.a) as r from t",
        "VARCHAR 1,2 1,2 NULL NULL",
    ),
    (
        "select (select sum(n) from (select count(*) as n from u where u.b > t.a group by c)) as r from t",
        "DECIMAL(38,0) 1 3 NULL NULL",
    ),
    (
        "select (select max(n) from (select row_number() over (order by b) as n from u where u.b > t.a)) as r from t",
        "BIGINT 1 3 NULL NULL",
    ),
    ("select a > any (select b from u) as r from t", "BOOLEAN NULL NULL true true"),
    ("select a >= all (select b from u where b is not null) as r from t", "BOOLEAN NULL false false true"),
    ("select a = any (select b from u where u.c = t.a) as r from t", "BOOLEAN false false true true"),
    ("select x.s from t, lateral (select t.a + 1 as s) x", "INTEGER 2 3 4 NULL"),
    (
        "select x.s from t join lateral (select sum(b) as s from u where u.b > t.a) x on true",
        "DECIMAL(38,0) 3 7 NULL NULL",
    ),
    (
        "select x.b from t left join lateral (select b from u where u.b > t.a order by b limit 1) x on true",
        "INTEGER 2 3 NULL NULL",
    ),
    ("select x.v from t, lateral (values (t.a), (t.a + 10)) x(v)", "INTEGER 1 11 12 13 2 3 NULL NULL"),
    (
        "select (select count(*) from u full join (select t.a as k) z on u.b = z.k) as r from t",
        "BIGINT 5 5 5 6",
    ),
    ("select (select count(distinct c) from u where u.b > t.a) as r from t", "BIGINT 0 0 0 2"),
    (
        "select case when (select count(*) from u where u.b > t.a) > 1 then 'many' else 'few' end as r from t",
        "VARCHAR few few few many",
    ),
    (
        "select (select count(*) from u where u.b > t.a and exists (select 1 from t z where z.a > u.b)) as r from t",
        "BIGINT 0 0 0 2",
    ),
    (
        "select a from t where (select count(*) from u where u.b > t.a) = (select count(*) from u where u.b < t.a)",
        "INTEGER 2 NULL",
    ),
    ("select (select avg(b) over () from u where u.b = t.a) as r from t", "error"),
    ("select (select distinct c from u where u.b >= t.a and c = 1) as r from t", "INTEGER 1 1 NULL NULL"),
    ("select (select b from u where u.b = t.a except select 2) as r from t", "INTEGER 1 3 NULL NULL"),
];

#[tokio::test(flavor = "multi_thread")]
async fn correlated_subqueries_are_duckdbs() {
    let settings = EngineSettings {
        threads: 2,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    let mut wrong = Vec::new();
    for (sql, expect) in CASES {
        let found = answer(&engine, &format!("{TABLES}{sql}")).await;
        if found != *expect {
            wrong.push(format!("{sql}\n  is   {found}\n  not  {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn rows_that_may_be_others_are_refused() {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    for rows in ["(select a from t limit 2) t", "(select random() as a) t", "(select first(a) as a from t) t"]
    {
        let sql = format!("{TABLES}select (select count(*) from u where u.b > t.a) as r from {rows}");
        let error = engine.plan(&sql).await.unwrap_err();
        assert!(error.message.contains("may differ each time"), "{rows}: {}", error.message);
    }
}
