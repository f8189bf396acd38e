//! Statistics of files: what they answer without reading, and bounds that must not mislead.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_skipped_and_rows_counted_without_reading_them() {
    let engine = engine();
    let fixture = LakeFixture::with_session(engine.session());
    let context = SessionContext::new_with_state(engine.session().as_ref().clone());
    let rows = rows();
    let table = laid_out(&fixture, &rows, &["i"], TableWriter::Lake).await;
    context.register_table("t", table).unwrap();
    // Only the log can answer now: every attempt to open a file fails.
    for file in fixture.data_files() {
        std::fs::write(fixture.dir.path().join(file), "gone").unwrap();
    }
    for (sql, rows) in [
        ("select count(*) from t", 30),
        ("select count(*) from t where i = 2", 9),
        ("select count(*) from t where i + 1 = 3", 9),
        ("select count(*) from t where i is null", 4),
        ("select count(*) from t where i = 7 and id > 3", 0),
        ("select count(*) from t where id > 100", 0),
    ] {
        assert_eq!(result(&context, sql).await.unwrap(), [rows], "{sql}");
    }
    assert!(result(&context, "select count(*) from t where id > 3").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nan_is_the_greatest_number_wherever_it_lies() {
    let context = SessionContext::new_with_state(engine().session().as_ref().clone());
    let rows = rows();
    let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
    context.register_table("memory", Arc::new(memory)).unwrap();
    let mut fixtures = Vec::new();
    let layouts = [
        ("plain", &[][..], TableWriter::Lake),
        ("partitioned", &["x"], TableWriter::Lake),
        ("others", &[], TableWriter::Another),
        ("partitioned_by_another", &["x"], TableWriter::Another),
    ];
    for (name, partition_by, writer) in layouts {
        let fixture = LakeFixture::with_session(Arc::new(context.state()));
        context.register_table(name, laid_out(&fixture, &rows, partition_by, writer).await).unwrap();
        fixtures.push(fixture);
    }
    for query in [
        "select id from @ where x > 5 and x < 'inf'::double order by id",
        "select id from @ where x > 5 order by id",
        "select id from @ where x <> 1 order by id",
        "select id from @ where x = 1 order by id",
        "select id from @ where x <= 1 order by id",
        "select id from @ where x = 'NaN'::double order by id",
        "select id from @ order by x desc nulls last, id limit 3",
        "select id from @ where x is not null order by x, id desc limit 3",
        "select count(*) from @ where x = (select max(x) from @)",
        "select count(*) from @ where x = (select min(x) from @)",
        "select count(x) from @",
        "select a.id from @ a join (select 'NaN'::double as x) b on a.x = b.x order by a.id",
        "select count(*) from (select distinct x from @)",
    ] {
        let expected = result(&context, &query.replace('@', "memory")).await.unwrap();
        for (table, ..) in layouts {
            assert_eq!(
                result(&context, &query.replace('@', table)).await.unwrap(),
                expected,
                "{table}: {query}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_no_bounds_that_mislead_a_reader() {
    let fixture = LakeFixture::new();
    let exact = |digits: i128| {
        Arc::new(Decimal128Array::from(vec![digits, 1]).with_precision_and_scale(20, 2).unwrap()) as ArrayRef
    };
    let batch = columns([
        ("nan", Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as ArrayRef),
        ("number", Arc::new(Float64Array::from(vec![1.0, 2.5]))),
        ("small", exact(123_456_789_012_345)),
        ("large", exact(12_345_678_901_234_567_891)),
    ]);
    fixture.publish(batch, &[]).await;
    let log = std::fs::read_to_string(fixture.path().join("_delta_log/00000000000000000000.json")).unwrap();
    let actions = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let stats: Vec<String> =
        actions.filter_map(|action| Some(action.get("add")?.get("stats")?.as_str()?.to_owned())).collect();
    let stats: serde_json::Value = serde_json::from_str(&stats[0]).unwrap();
    assert_eq!(stats["minValues"], serde_json::json!({ "number": 1.0, "small": 0.01 }));
    assert_eq!(stats["maxValues"], serde_json::json!({ "number": 2.5, "small": 1_234_567_890_123.45 }));
    assert_eq!(stats["nullCount"]["nan"], 0);
}
