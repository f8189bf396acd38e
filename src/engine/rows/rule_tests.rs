//! End-to-end tests of row rules: recognizing them, counting failures, and removing rows.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Field, Int64Type, Schema},
};
use futures::{TryStreamExt, future};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::{
    fixture::{self, FixtureRows},
    quarantine::{EnforcedRule, OnBroken, SplitStreams},
    rule::RowRule,
    test_query::InputSize,
};
use crate::{
    engine::{Engine, EngineSettings, Query, RecordBatch, SchemaRef, Streams, Table},
    name::Relation,
};

fn relation() -> Relation {
    Relation::new("s", "t")
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("x", DataType::Int64, true),
        Field::new("y", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn engine() -> Engine {
    let settings = EngineSettings {
        threads: 2,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    let engine = Engine::new(&settings).unwrap();
    engine.declare_table(&relation(), schema()).unwrap();
    engine
}

fn batch(rows: &[(Option<i64>, Option<i64>)]) -> RecordBatch {
    let maps: Vec<Map<String, serde_json::Value>> = rows
        .iter()
        .map(|(x, y)| {
            json!({ "x": x, "y": y, "name": x.map(|x| format!("n{x}")) }).as_object().unwrap().clone()
        })
        .collect();
    fixture::rows(FixtureRows::Dict(&maps), &schema(), false).unwrap()
}

async fn plan(engine: &Engine, sql: &str) -> Query {
    engine.plan(sql).await.unwrap_or_else(|error| panic!("{sql}: {}", error.message))
}

async fn alone(engine: &Engine, query: &Query, table: &Table) -> u64 {
    let counted = engine.plan_failures(query, "", "count(*)", None).await.unwrap();
    let tables = BTreeMap::from([(relation(), Arc::clone(table))]);
    let number = engine.number(&counted.bind(&tables).unwrap(), InputSize::Unknown).await.unwrap().unwrap();
    format!("{number}").parse().unwrap()
}

const ROWS: [(Option<i64>, Option<i64>); 6] = [
    (Some(1), Some(10)),
    (Some(2), None),
    (None, Some(0)),
    (Some(0), Some(5)),
    (Some(-3), Some(7)),
    (None, None),
];

const RULES: [&str; 9] = [
    "select * from s.t where x is null",
    "select y as z from s.t as a where a.x < 0 or a.y > 6",
    "select * from (select x as a, y as b from s.t where y > 3) as q where q.a <= 0",
    "with c as (select *, x + y as total from s.t) select total from c where total > 4 order by total",
    "select * from s.t where not (x > 0)",
    "select * from s.t where x not in (1, 2)",
    "select name from (select upper(name) as name from s.t) where name like 'N%'",
    "select 1 as one from s.t",
    "select * from s.t where case when y > 6 then true end",
];

#[tokio::test]
async fn rules_are_counted_together_as_they_are_alone() {
    let engine = engine();
    let table = fixture::table(batch(&ROWS)).unwrap();
    let (mut rules, mut expected): (Vec<RowRule>, Vec<u64>) = (Vec::new(), Vec::new());
    for sql in RULES {
        let query = plan(&engine, sql).await;
        rules.push(query.row_rule().unwrap_or_else(|| panic!("{sql} is a rule")));
        expected.push(alone(&engine, &query, &table).await);
    }
    for size in [InputSize::Small, InputSize::Unknown] {
        let table = Arc::clone(&table);
        assert_eq!(engine.count_broken(table, size, &rules).await.unwrap(), expected);
    }
    assert_eq!(expected, [2, 2, 2, 2, 2, 2, 4, 6, 2]);
}

#[tokio::test]
async fn an_inner_filter_guards_what_is_outside_of_it() {
    let engine = engine();
    let table = fixture::table(batch(&ROWS)).unwrap();
    let query = plan(&engine, "select * from (select * from s.t where x <> 0) where 10 / x > 4").await;
    let rule = query.row_rule().unwrap();
    assert_eq!(engine.count_broken(table, InputSize::Unknown, &[rule]).await.unwrap(), [2]);
}

#[tokio::test]
async fn what_looks_at_more_than_a_row_is_no_rule() {
    let engine = engine();
    for sql in [
        "select x from s.t group by x having count(*) > 1",
        "select distinct x from s.t where x > 0",
        "select * from s.t where x > 0 limit 3",
        "select * from s.t a join s.t b on a.x = b.x where a.y > 0",
        "select x from s.t where x > 0 union all select y from s.t",
        "select * from s.t where x in (select y from s.t)",
        "select * from s.t where x > (select max(y) from s.t)",
        "select * from s.t where exists (select 1 from s.t u where u.x = t.y)",
        "select * from s.t where random() > 0.5",
        "select * from (select x, lag(x) over (order by x) as p from s.t) where p = x",
        "select * from s.t where x > 0 qualify row_number() over (order by x) = 1",
        "select 1 as x where false",
    ] {
        assert!(plan(&engine, sql).await.row_rule().is_none(), "{sql}");
    }
}

#[tokio::test]
async fn groups_of_rows_are_told_from_rows() {
    let engine = engine();
    let table = fixture::table(batch(&ROWS)).unwrap();
    for (sql, groups) in [
        ("select x as value, count(*) as n from s.t where x not in (0) group by x", true),
        (
            "select n from (select x, count(*) as n from s.t where x not in (0) group by x) as g order by n",
            true,
        ),
        ("select x from s.t where x not in (0)", false),
    ] {
        let rule = plan(&engine, sql).await.row_rule().unwrap_or_else(|| panic!("no rule: {sql}"));
        assert_eq!(rule.counts_groups(), groups, "{sql}");
        let rows = plan(&engine, "select x from s.t where x not in (0)").await.row_rule().unwrap();
        let counts =
            engine.count_broken(Arc::clone(&table), InputSize::Unknown, &[rule, rows]).await.unwrap();
        assert!(counts[0] > 0 && counts[0] == counts[1], "{sql}: {counts:?}");
    }
    for sql in [
        "select count(*) as n from s.t where x > 0",
        "select x, y from s.t where x > 0 group by rollup (x, y)",
    ] {
        assert!(plan(&engine, sql).await.row_rule().is_none(), "{sql}");
    }
}

#[tokio::test]
async fn failures_are_counted_as_they_are_asked_for() {
    let engine = engine();
    let table = fixture::table(batch(&ROWS)).unwrap();
    let sql = "select * from s.t where y > 0 -- all of them";
    let query = plan(&engine, sql).await;
    for (fail_calc, limit, expected) in [
        ("count(*)", None, Some(3.0)),
        ("count(*)", Some(2), Some(2.0)),
        ("sum(y)", None, Some(22.0)),
        ("max(x) + 0.5", None, Some(1.5)),
        ("sum(x * null)", None, None),
    ] {
        let counted = engine.plan_failures(&query, sql, fail_calc, limit).await.unwrap();
        let tables = BTreeMap::from([(relation(), Arc::clone(&table))]);
        let bound = counted.bind(&tables).unwrap();
        assert_eq!(engine.number(&bound, InputSize::Small).await.unwrap(), expected, "{fail_calc}");
    }
    let wrong = engine.plan_failures(&query, sql, "sum(z)", None).await.unwrap_err();
    assert_eq!(wrong.code, "unknown-column");
    let bound = query.bind(&BTreeMap::from([(relation(), table)])).unwrap();
    // In the order of the values, whatever the order of the rows.
    let sample = engine.sample(&bound, 2).await.unwrap();
    let rows: Vec<Vec<&str>> = sample
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.as_deref().unwrap()).collect())
        .collect();
    assert_eq!(rows, [["-3", "7", "n-3"], ["0", "5", "n0"]]);
    let ordered = plan(&engine, "select * from s.t where y > 0 order by x desc").await;
    let bound = ordered.bind(&BTreeMap::from([(relation(), fixture::table(batch(&ROWS)).unwrap())])).unwrap();
    assert_eq!(engine.sample(&bound, 1).await.unwrap().rows[0].cells[0].as_deref(), Some("1"));
}

async fn split(
    rows: &[&[(Option<i64>, Option<i64>)]],
    rules: &[(&str, &str, OnBroken)],
) -> (Vec<i64>, Vec<String>, SplitStreams) {
    let engine = engine();
    let mut made = Vec::new();
    for (name, sql, then) in rules {
        let rule = plan(&engine, sql).await.row_rule().unwrap();
        made.push(EnforcedRule { name: (*name).to_owned(), rule, then: *then });
    }
    let mut streams: Streams = Vec::new();
    for rows in rows {
        let table = fixture::table(batch(rows)).unwrap();
        let bound = plan(&engine, "select * from s.t").await;
        let bound = bound.bind(&BTreeMap::from([(relation(), table)])).unwrap();
        streams.push(engine.stream(&bound, None).await.unwrap());
    }
    let mut split = engine.split(streams, &made, &schema(), "run").unwrap();
    let kept = std::mem::take(&mut split.kept);
    let empty = Box::pin(datafusion::physical_plan::EmptyRecordBatchStream::new(schema()));
    let quarantined = std::mem::replace(&mut split.quarantined, empty);
    let kept = future::try_join_all(kept.into_iter().map(TryStreamExt::try_collect::<Vec<RecordBatch>>));
    let (kept, quarantined) = tokio::join!(kept, quarantined.try_collect::<Vec<RecordBatch>>());
    let mut x: Vec<i64> = kept
        .unwrap()
        .concat()
        .iter()
        .flat_map(|batch| {
            batch.column(0).as_primitive::<Int64Type>().iter().map(|x| x.unwrap_or(-99)).collect::<Vec<_>>()
        })
        .collect();
    x.sort_unstable();
    let mut taken: Vec<String> = Vec::new();
    for batch in quarantined.unwrap() {
        let (rules, run) = (batch.column(3).as_string::<i32>(), batch.column(4).as_string::<i32>());
        assert!(run.iter().all(|run| run == Some("run")));
        taken.extend((0..batch.num_rows()).map(|row| {
            let x = batch.column(0).as_primitive::<Int64Type>();
            let x = if x.is_null(row) { "·".to_owned() } else { x.value(row).to_string() };
            format!("{x}: {}", rules.value(row))
        }));
    }
    taken.sort();
    (x, taken, split)
}

#[tokio::test]
async fn rows_that_break_a_rule_are_taken_out_of_every_stream() {
    let rules = [
        ("known", "select * from s.t where x is null", OnBroken::Quarantine),
        ("positive", "select * from s.t where x <= 0", OnBroken::Drop),
        ("measured", "select * from s.t where y is null", OnBroken::Quarantine),
    ];
    let (kept, quarantined, split) =
        split(&[&ROWS, &[(Some(9), Some(9))], &[(Some(-1), None)]], &rules).await;
    assert_eq!(kept, [1, 9]);
    assert_eq!(quarantined, ["-1: positive, measured", "2: measured", "·: known", "·: known, measured"]);
    let counts = &split.counts;
    assert_eq!((counts.of(0), counts.of(1), counts.of(2)), (2, 3, 3));
    assert_eq!((counts.quarantined(), counts.dropped()), (4, 2));
}

#[tokio::test]
async fn nobody_waits_for_a_listener_that_left() {
    let engine = engine();
    let rule = plan(&engine, "select * from s.t").await.row_rule().unwrap();
    let rules = [EnforcedRule { name: "all".into(), rule, then: OnBroken::Quarantine }];
    let many: Vec<(Option<i64>, Option<i64>)> = (0..50).map(|x| (Some(x), None)).collect();
    let table = fixture::table(batch(&many)).unwrap();
    let query = plan(&engine, "select * from s.t").await;
    let mut streams: Streams = Vec::new();
    for _ in 0..40 {
        let bound = query.bind(&BTreeMap::from([(relation(), Arc::clone(&table))])).unwrap();
        streams.push(engine.stream(&bound, None).await.unwrap());
    }
    let SplitStreams { kept, quarantined, counts } = engine.split(streams, &rules, &schema(), "run").unwrap();
    drop(quarantined);
    for stream in kept {
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    }
    assert_eq!(counts.quarantined(), 2000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn one_pass_finds_what_each_query_finds(
        rows in proptest::collection::vec((proptest::option::of(-3i64..4), proptest::option::of(-3i64..9)), 0..60),
        picks in proptest::collection::vec(0usize..RULES.len(), 1..6),
        small in any::<bool>(),
    ) {
        let size = if small { InputSize::Small } else { InputSize::Unknown };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (together, apart) = runtime.block_on(async {
            let engine = engine();
            let table = fixture::table(batch(&rows)).unwrap();
            let (mut rules, mut apart) = (Vec::new(), Vec::new());
            for pick in &picks {
                let query = plan(&engine, RULES[*pick]).await;
                rules.push(query.row_rule().unwrap());
                apart.push(alone(&engine, &query, &table).await);
            }
            (engine.count_broken(table, size, &rules).await.unwrap(), apart)
        });
        prop_assert_eq!(together, apart);
    }
}
