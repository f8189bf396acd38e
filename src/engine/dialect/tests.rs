//! Statements and DuckDB 1.5's answers, recorded by running it: the type and the values of the first column
//! as text, or `error`.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;

use crate::engine::{
    Engine, EngineSettings,
    cast::{types::name, value_text},
};

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
    // Rows are unordered unless the statement sorts them.
    if !sql.ends_with("desc") {
        values.sort();
    }
    format!("{} {}", name(query.schema().field(0).data_type()), values.join(" "))
}

/// Statements with the type and values of their first column.
const CASES: &[(&str, &str)] = &[
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
    ("select date('2023-01-01') as r", "DATE 2023-01-01"),
    ("select date(timestamp '2024-02-03 10:00:00') as r", "DATE 2024-02-03"),
    ("select interval '47.210' as r", "INTERVAL 00:00:47.21"),
    ("select interval 3 centuries as r", "INTERVAL 300 years"),
    ("select interval 1 day = interval 24 hours as r", "BOOLEAN true"),
    (
        "select max(interval) as r from (select interval as interval from (select 1 as \"interval\")) where interval = 1",
        "INTEGER 1",
    ),
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
    ("select coalesce(date '2020-01-01', '2099-01-01') as r", "DATE 2020-01-01"),
    ("select 1 as r union all select 2.5", "DECIMAL(11,1) 1.0 2.5"),
    ("select x from (values (1),(null),(2)) t(x) order by x desc", "INTEGER 2 1 NULL"),
    ("select x from (values (1),(1),(2)) t(x) except all select 1", "INTEGER 1 2"),
    (
        "select sum(a * 100 + coalesce(b, 9) * 10 + coalesce(c, 9)) as r from (select a, b, c from \
         (values (1, 2, 3), (1, 3, 3)) t(a, b, c) group by rollup ((a, b), c)) where a is not null",
        "DECIMAL(38,0) 524",
    ),
    (
        "select count(*) as r from (select grouping(a, b, c) from (values (1, 2, 3)) t(a, b, c) \
         group by cube ((a, b), c))",
        "BIGINT 4",
    ),
    ("select x in (select 1 union all select null) as r from (values (1),(2)) t(x)", "BOOLEAN NULL true"),
    ("select 3 not in (select 1 union all select null) as r", "BOOLEAN NULL"),
    ("select exists(select 1) as r", "BOOLEAN true"),
    ("select 2 = any(select 1 union all select null) as r", "BOOLEAN NULL"),
    ("select sum(x) as r from (values (9223372036854775807),(1)) t(x)", "DECIMAL(38,0) 9223372036854775808"),
    ("select row_number() over () as r", "BIGINT 1"),
    (
        "select rank() over (order by x) as r from (values (0.0::double),(-0.0::double),(1.5)) t(x)",
        "BIGINT 1 1 3",
    ),
    (
        "select count(*) over (order by d range 10 preceding) as r \
         from (values (date '2024-01-01'), (date '2024-01-10'), (date '2024-02-05')) t(d)",
        "BIGINT 1 1 2",
    ),
    (
        "select count(*) over (order by d range between interval 36 hours preceding and current row) as r \
         from (values (date '2024-01-01'), (date '2024-01-02'), (date '2024-01-03')) t(d)",
        "BIGINT 1 2 2",
    ),
    (
        "select count(*) over (order by x range 10 preceding) as r from (select timestamp '2024-01-01' as x)",
        "error",
    ),
    ("select count(*) over (order by x range 10 preceding) as r from (select time '10:00' as x)", "error"),
    (
        "select count(*) over (order by x range interval 1 hour preceding) as r from (select time '10:00' as x)",
        "BIGINT 1",
    ),
    ("select count(*) over (order by x range -1 preceding) as r from (select 1 as x)", "error"),
    (
        "select count(*) over (order by x range 1 + 0.5 preceding) as r from (values (1), (2), (4)) t(x)",
        "BIGINT 1 1 2",
    ),
    ("select (array_agg(x order by x desc))[1] as r from (values (1), (2)) t(x)", "INTEGER 2"),
    ("with t(a, b) as (select 1 as id, 2 as id) select b as r from t", "INTEGER 2"),
    (
        "with recursive t(id, root) as (select 1, 1 union all select id + 1, root from t where id < 3) \
         select root + id as r from t",
        "INTEGER 2 3 4",
    ),
    ("select b as r from (select x, x from (select 7 as x)) t(a, b)", "INTEGER 7"),
    ("select max(b) as b from (values (1, 5), (1, 7), (2, 6)) t(a, b) group by a having b > 6", "INTEGER 7"),
    (
        "select k from (select a as k, sum(a) as a from (values (42), (84), (42)) t(a) group by k having a = 42)",
        "INTEGER 42",
    ),
    (
        "select min(b) as b from (values (1, 5), (1, 7), (2, 6)) t(a, b) group by a having max(b) > 6",
        "INTEGER 5",
    ),
    ("select u.b from (values (1), (2)) t(a) cross join unnest([t.a, t.a * 10]) u(b)", "INTEGER 1 10 2 20"),
    ("from range(3)", "BIGINT 0 1 2"),
    ("select b from (select 1 as a, a + 1 as b where b = 2)", "INTEGER 2"),
    ("select \"X\" from (values (1)) t(x)", "INTEGER 1"),
    ("select try_cast('[1, x]' as int[]) as r", "INTEGER[] [1, NULL]"),
    (
        "select try_cast('{a: x, b: 2}' as struct(a int, b int)) as r",
        "STRUCT(a INTEGER, b INTEGER) {'a': NULL, 'b': 2}",
    ),
    ("select try_cast('{A: 1}' as struct(a int)) as r", "STRUCT(a INTEGER) NULL"),
    ("select try_cast('{x=1}' as map(int, int)) as r", "MAP(INTEGER, INTEGER) NULL"),
    ("select '{1=1, 1=2}'::map(int, int) as r", "error"),
    ("select {'a': 1, 'b': null}::map(varchar, int) as r", "MAP(VARCHAR, INTEGER) {a=1, b=NULL}"),
    ("select [1, 300]::tinyint[] as r", "error"),
    ("select [timestamp '2020-01-01 10:20', null]::varchar as r", "VARCHAR ['2020-01-01 10:20:00', NULL]"),
    ("select '.5'::decimal(1,1)::varchar as r", "VARCHAR .5"),
    ("select 0.5::double::decimal(38,0) as r", "DECIMAL(38,0) 1"),
    ("select 0.5::double::hugeint as r", "DECIMAL(38,0) 0"),
    ("select try_cast(-0.4::double as utinyint) as r", "UTINYINT NULL"),
    ("select '2020-01-01 and more'::date as r", "DATE 2020-01-01"),
    ("select '2020-01-01 10:20:30+02'::time as r", "TIME 10:20:30"),
    ("select try_cast('2020-01-01 10:20:30 EST' as timestamp) as r", "TIMESTAMP NULL"),
    ("select try_cast('infinity' as date) as r", "error"),
    ("select try_cast('10000-01-01' as timestamp) as r", "error"),
    ("select timestamptz '2020-01-01'::time as r", "error"),
    ("select interval '1.5' day as r", "INTERVAL 1 day"),
    ("select interval (x) second as r from (select 1.5 as x)", "INTERVAL 00:00:01.5"),
    ("select interval (x) month as r from (select 1.7 as x)", "INTERVAL 1 month"),
    ("select date '2020-01-01' - null as r", "DATE NULL"),
    ("select interval 1 day + null as r", "error"),
    ("select 1::hugeint << 100 as r", "DECIMAL(38,0) 1267650600228229401496703205376"),
    ("select [1, null] > [1, 2] as r", "BOOLEAN true"),
    ("select [0.0::double] = [-0.0::double] as r", "BOOLEAN true"),
    ("select {'a': 1} < {'a': null} as r", "BOOLEAN true"),
    (
        "select x from (values ([1]), ([null]), (null), ([2])) t(x) order by x desc",
        "INTEGER[] [NULL] [2] [1] NULL",
    ),
    ("select 3 = any([1, null]) as r", "BOOLEAN NULL"),
    ("select 1 = any(null) as r", "BOOLEAN false"),
    ("select 3 > all([1, 2]) as r", "BOOLEAN true"),
    ("select x = any([1, 2]) as r from (values ('1')) t(x)", "error"),
    ("select x from (values (1), (1.5), (1e3)) t(x)", "DOUBLE 1.0 1.5 1000.0"),
    ("select x::varchar from (values (1), (10), (2)) t(x) order by x desc", "VARCHAR 10 2 1"),
    ("select x::varchar, x::bigint from (values (1)) t(x)", "VARCHAR 1"),
    (
        "select uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11' as r",
        "BOOLEAN true",
    ),
    ("select 1::json as r", "VARCHAR 1"),
    ("select m[2] as r from (select map {1::bigint: 'a', 2::bigint: 'b'} as m)", "VARCHAR b"),
    ("select {'i': 3, 'I': 4} as r", "error"),
    ("select 85070591730234615865843651857942052864 * -2 as r", "error"),
    (
        "select r from (select k, unnest(l) as r from (select k, list(v) as l from (values (1,1),(1,2)) t(k,v) group by k)) order by k, r desc",
        "INTEGER 2 1",
    ),
    ("from (values ('a',1),('b',2),('a',3)) t(k,x) pivot (sum(x) for k in ('a','b'))", "DECIMAL(38,0) 4"),
    ("pivot (values ('a',1),('b',2)) t(k,x) on k in ('a' as c) using max(x) as m", "INTEGER 1"),
    ("pivot (values ('a',1)) t(k,x) on k using max(x)", "error"),
    ("select v from (select 1 as a, null as b, 2 as c) unpivot (v for n in (a, b, c))", "INTEGER 1 2"),
    ("select n from (unpivot (select 1 as a, 2 as b) on columns(*) into name n value v)", "VARCHAR a b"),
    ("select v from (select 1 as a, 'x' as b) unpivot (v for n in (a, b))", "error"),
    ("select max(columns('a|b')) from (values (1,2),(3,0)) t(a,b)", "INTEGER 3"),
    ("select a from (values (1,2),(3,0)) t(a,b) where columns(*) > 0", "INTEGER 1"),
    ("select coalesce(*columns(*)) as r from (select null::int as a, 2 as b)", "INTEGER 2"),
    ("select * like 'b%' from (select 1 as a, 2 as bc)", "INTEGER 2"),
    ("select * exclude (z) from (select 1 as a)", "error"),
    (
        "select r.v from (values (1,5),(2,1)) l(k,t) asof left join (values (1,3,'a'),(1,4,'b'),(1,6,'c')) r(k,t,v) \
             on l.k = r.k and l.t >= r.t",
        "VARCHAR NULL b",
    ),
    ("select r.t from (values (5)) l(t) asof join (values (5),(7),(9)) r(t) on l.t < r.t", "INTEGER 7"),
    ("select r.v from (values (5)) l(t) asof join (values (5,'a'),(3,'b')) r(t,v) using (t)", "VARCHAR a"),
    ("select 1 as r from (values (5)) l(t) asof join (values (5)) r(t) on l.t = r.t", "error"),
    ("select a from (values (1),(2)) l(a) semi join (values (2)) r(a) using (a)", "INTEGER 2"),
    ("select 1 as r from (values (1)) l(a) join (values (2)) r(a)", "error"),
    ("select i from (select [1,2] as l) t, unnest(t.l) as u(i)", "INTEGER 1 2"),
    ("select i from (select []::int[] as l) t left join unnest(l) as u(i) on true", "INTEGER NULL"),
    ("select i from (select 3 as n) t, range(n) as u(i)", "BIGINT 0 1 2"),
    ("select [x * 2 for x in [1,2,3] if x > 1] as r", "INTEGER[] [4, 6]"),
    ("select [x * i for x, i in [10,20,30] if i > 1] as r", "BIGINT[] [40, 90]"),
    ("select [1,2,3,4][2:] as r", "INTEGER[] [2, 3, 4]"),
    ("select 'hello'[:2] as r", "VARCHAR he"),
    ("select ({'a': {'b': 7}}).a.b as r", "INTEGER 7"),
    ("select k.upper() as r from (select 'a' as k)", "VARCHAR A"),
    ("select struct_insert({'a': 1}, b := 2).b as r", "INTEGER 2"),
    ("select (1, null) < (1, 2) as r", "BOOLEAN false"),
    ("select a from (values (1,2),(3,4)) t(a,b) where (a, b) in (select 3, 4)", "INTEGER 3"),
    ("select a from (values (1,2),(3,4)) t(a,b) where (a, b) not in (select 3, 4)", "INTEGER 1"),
    ("select (1, 2) in (select 1, 2) as r", "error"),
    ("select 3 in [1, 3] as r", "BOOLEAN true"),
    ("select a from (values (2),(1)) t(a) union all select 3 order by all desc", "INTEGER 3 2 1"),
    ("select a from (values (2),(1)) t(a) union all select 3 order by a + 1", "error"),
    ("select a from (values (2),(1)) t(a) order by 'a'", "error"),
    ("select distinct on (k) v from (values (1,2),(1,3),(2,9)) t(k,v) order by k, v desc", "INTEGER 3 9"),
    ("select a from (values (1),(2),(3)) t(a) order by a limit 1 + 1", "INTEGER 1 2"),
    ("select a from (values (1),(2),(3)) t(a) order by a fetch first 2 rows only", "INTEGER 1 2"),
    ("select a from (values (1),(2)) t(a) limit 50%", "error"),
    ("select col0 from (values (1))", "INTEGER 1"),
    ("select p from (select 1 as a, 2 as b) t(p)", "INTEGER 1"),
    ("select r: 1 + 2", "INTEGER 3"),
    ("select count() as r from (values (1),(2)) t(a)", "BIGINT 2"),
    (
        "select sum(x) over (w rows between 1 preceding and current row) as r from (values (1),(2),(3)) t(x) \
             window w as (order by x)",
        "DECIMAL(38,0) 1 3 5",
    ),
    (
        "select lag(x ignore nulls) over (order by i desc) as r from (values (1,5),(2,null),(3,4)) t(i,x)",
        "INTEGER 4 4 NULL",
    ),
    ("with c as (select * from (values (1),(3),(2)) t(x) order by -x) select x from c limit 1", "INTEGER 3"),
    ("select x from (select * from (values (1),(3),(2)) t(x) order by -x) where x < 3 limit 1", "INTEGER 2"),
    ("select list(x) as r from (select * from (values (1),(3),(2)) t(x) order by x)", "INTEGER[] [1, 2, 3]"),
    (
        "select sum(x) over (rows between unbounded preceding and current row) as r, row_number() over (), \
             sum(x) over () from (select * from (values (1),(3),(2)) t(x) order by x) order by r desc",
        "DECIMAL(38,0) 6 3 1",
    ),
    (
        "select 4 in (5, case when b then 4 end) as r from (values (true),(false),(null)) t(b)",
        "BOOLEAN NULL NULL true",
    ),
    ("select 0.0::double in ('inf', -x) as r from (values (0.0::double)) t(x)", "BOOLEAN true"),
    (
        "select x from (values (0.0::double),(1)) t(x) where x = 0.0::double and x = '-0.0'::double",
        "DOUBLE 0.0",
    ),
    (
        "select b.id from (values (0),(1)) a(id) left join (values (0),(1)) b(id) on a.id = b.id and 1 = a.id",
        "INTEGER 1 NULL",
    ),
    (
        "select x from (values (1),(2)) t(x) where coalesce(42, x) not in (select y from (values (0),(null)) u(y))",
        "INTEGER ",
    ),
    (
        "select distinct x from (values ('nan'::double),('nan'::double),(1)) t(x) order by 1 limit 5",
        "DOUBLE 1.0 nan",
    ),
    (
        "select row_number() over (partition by x order by i) as r \
             from (values (0.0::double,1),(-0.0::double,2)) t(x,i)",
        "BIGINT 1 2",
    ),
    (
        "select row_number() over (partition by s.k order by a.id) as r, s.k, a.id \
             from (values (1),(2),(3),(4)) a(id) \
             left join (select * from (values (1,7),(3,7),(4,8)) b(id,k) where k = 7) s on a.id = s.id",
        "BIGINT 1 1 2 2",
    ),
    ("select interval (1.5) day as r", "INTERVAL 1 day"),
    ("select 'abc' glob 'a?[!x]*' as r", "BOOLEAN true"),
    ("select 1 as r from (values (1)) a(x) positional join (values (1)) b(y)", "error"),
    ("select try(1) as r", "error"),
    ("select upper(1) as r", "error"),
    ("select x from (values ('a')) t(x) where x > 0", "error"),
    ("select 1 as r where 'a'", "error"),
];

#[tokio::test(flavor = "multi_thread")]
async fn sql_means_what_it_means_in_duckdb() {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    let mut wrong = Vec::new();
    for (sql, expect) in CASES {
        let found = answer(&engine, sql).await;
        if found != *expect {
            wrong.push(format!("{sql}\n  is   {found}\n  not  {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `«` and `»` mark the expected location of the error.
#[tokio::test(flavor = "multi_thread")]
async fn errors_point_at_what_they_are_about() {
    let settings = EngineSettings {
        threads: 1,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    let cases = [
        ("select «upper»(1) as r", "`upper` takes (VARCHAR), not (INTEGER"),
        ("select upper('a') as a, «upper»(2) as b, upper('c') as c", "`upper` takes"),
        ("select «upper»(x) as r from (values (1)) t(x)", "`upper` takes"),
        (
            "select lower(y) as a, lower('b' || «upper»(x)) as b from (values (1, 'a')) t(x, y)",
            "`upper` takes",
        ),
        ("select «date_trunc»('mnth', d) as r from (values (date '2020-01-01')) t(d)", "mnth"),
        ("select «'abc'»::int as r", "can't cast 'abc' to INTEGER"),
        ("select 'abc' as a, 1 as b, cast(«'x'» as date) as r", "can't cast 'x' to DATE"),
        ("select «'a' + 1» as r", "`+` doesn't take VARCHAR and INTEGER"),
        ("select «true + 1» as r", "`+` doesn't take BOOLEAN and INTEGER"),
        (
            "select upper(a) as a, lower(b) as b, «upper»(c) as c from (values ('x', 'y', 1)) t(a, b, c)",
            "`upper` takes",
        ),
        ("select 1 + 1 as a, date «'2020-01-01' = 1» as r", "can't compare DATE = INTEGER"),
        ("select x from (values ('a')) t(x) where «x» > 0", "can't compare VARCHAR > INTEGER"),
        ("select x from (values (1)) t(x) where «x» + 1 = date '2020-01-01'", "can't compare INTEGER = DATE"),
        ("select «x» like 'a' as r from (values (1)) t(x)", "LIKE takes VARCHAR"),
        ("select 1 as a, case when «'maybe'» then 1 end as r", "can't cast 'maybe' to BOOLEAN"),
        ("select cast(«x» as int) as r from (values ([1])) t(x)", "can't cast INTEGER[] to INTEGER"),
        ("select coalesce(«x», 1) as r from (values ('a')) t(x)", "COALESCE can't have"),
        ("select 1 as a, {'b': 2, 'B': «3»} as r", "two fields"),
        ("select x = any(«y») as r from (values (1, 2)) t(x, y)", "ANY takes a list"),
    ];
    let mut wrong = Vec::new();
    for (marked, message) in cases {
        let (before, rest) = marked.split_once('«').unwrap();
        let (place, after) = rest.split_once('»').unwrap();
        let sql = format!("{before}{place}{after}");
        match engine.plan(&sql).await {
            Ok(_) => wrong.push(format!("{sql}\n  is planned")),
            Err(error) => {
                let expect = before.len()..before.len() + place.len();
                if error.at != Some(expect) || !error.message.contains(message) {
                    let found = error.at.clone().map(|at| sql[at].to_owned());
                    wrong.push(format!("{sql}\n  {}\n  at {found:?}", error.message));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
