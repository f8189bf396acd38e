use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
        datatypes::{Field, Schema},
    },
    datasource::MemTable,
};

use super::*;
use crate::{engine::EngineSettings, interval::instant};

fn engine() -> Engine {
    Engine::new(&EngineSettings {
        threads: 2,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    })
    .unwrap()
}

fn stretches(parts: &[(&str, &str)]) -> Intervals {
    let parts = parts
        .iter()
        .map(|(start, end)| Interval { start: instant(start).unwrap(), end: instant(end).unwrap() });
    parts.collect()
}

/// Returns rows with these times (NULL for an empty text), numbered from 0, each in its own file.
fn rows(times: &[&str], zone: Option<&str>) -> Table {
    let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    let schema = Arc::new(Schema::new(vec![
        Field::new("at", data_type.clone(), true),
        Field::new("n", DataType::Int64, true),
        Field::new("file", DataType::Utf8, true),
    ]));
    let micros = |time: &&str| instant(time).ok().map(|time| time.timestamp_micros());
    let at: TimestampMicrosecondArray = times.iter().map(micros).collect();
    let numbers: Int64Array = (0_i64..).take(times.len()).map(Some).collect();
    let files: StringArray = (0..times.len()).map(|number| Some(format!("f{number}"))).collect();
    let columns: Vec<Arc<dyn Array>> =
        vec![Arc::new(at.with_data_type(data_type)), Arc::new(numbers), Arc::new(files)];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
}

const TIMES: [&str; 5] = ["2021-01-01T00:00", "2021-01-01T23:59:59", "2021-01-02", "2021-01-03T12:00", ""];

#[tokio::test]
async fn files_are_reached_by_the_rows_of_a_stretch() {
    for zone in [None, Some("UTC")] {
        let table = rows(&TIMES, zone);
        let days = stretches(&[("2021-01-01", "2021-01-02"), ("2021-01-03", "2021-01-04")]);
        let bound = values_in(&table, "file", "at", &days).unwrap();
        let mut files = engine().texts(&bound, Joins::Hash).await.unwrap();
        files.sort();
        assert_eq!(files, ["f0", "f1", "f3"]);
        assert!(
            engine()
                .texts(&values_in(&table, "file", "at", &Intervals::default()).unwrap(), Joins::Hash)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn rows_touch_the_batches_they_lie_in() {
    for zone in [None, Some("UTC")] {
        let batches = async |size| engine().batches_of(&rows(&TIMES, zone), "at", size).await.unwrap();
        assert_eq!(batches(BatchSize::Day).await, stretches(&[("2021-01-01", "2021-01-04")]));
        let hours = stretches(&[
            ("2021-01-01", "2021-01-01T01:00"),
            ("2021-01-01T23:00", "2021-01-02T01:00"),
            ("2021-01-03T12:00", "2021-01-03T13:00"),
        ]);
        assert_eq!(batches(BatchSize::Hour).await, hours);
        assert_eq!(batches(BatchSize::Year).await, stretches(&[("2021-01-01", "2022-01-01")]));
    }
}

#[tokio::test]
async fn batches_are_touched_by_rows_that_differ() {
    let day = |number: u32| (format!("2021-01-0{number}"), format!("2021-01-0{}", number + 1));
    let between = async |inserted: &[&str], deleted: &[&str]| {
        let (inserted, deleted) = (rows(inserted, None), rows(deleted, None));
        engine().changed_batches((&inserted, Some(&deleted)), "at", BatchSize::Day).await.unwrap()
    };
    // Rows are numbered from 0, so equal times make equal rows.
    assert_eq!(between(&TIMES, &TIMES).await, Intervals::default());
    let (first, third) = (day(1), day(3));
    let other = ["2021-01-01T00:00", "2021-01-01T22:00", "2021-01-02", "2021-01-04T12:00", ""];
    let fourth = day(4);
    let expected = [&first, &third, &fourth].map(|(start, end)| (start.as_str(), end.as_str()));
    assert_eq!(between(&TIMES, &other).await, stretches(&expected));
    assert_eq!(between(&[], &TIMES[..2]).await, stretches(&expected[..1]));
}

#[tokio::test]
async fn views_and_what_queries_name_themselves_are_not_read_by_time() {
    let engine = engine();
    let table = rows(&TIMES, None);
    let relation = Relation::new("s", "t");
    engine.declare_table(&relation, table.schema()).unwrap();
    let view = engine.plan("select max(n) as n from s.t").await.unwrap();
    engine.declare_view(&Relation::new("s", "v"), &view).unwrap();
    let sql = "with t as (select * from s.t) select cast(n as varchar) as n from t union all select 'max ' || n from s.v
               union all select 'sub ' || (select count(*) from s.t)";
    let query = engine.plan(sql).await.unwrap();
    let bound = query.bind(&[(relation.clone(), table)].into()).unwrap();
    let day = stretches(&[("2021-01-02", "2021-01-03")]);
    let mut found =
        engine.texts(&bound.during(&[(relation, "at".into())], &day).unwrap(), Joins::Hash).await.unwrap();
    found.sort();
    assert_eq!(found, ["2", "max 4", "sub 1"]);
}

#[tokio::test]
async fn a_row_outside_of_its_batch_is_an_error() {
    let engine = engine();
    let table = rows(&TIMES[..4], None);
    let all = |days: &Intervals| {
        let bound = with_deleted_intervals(&table, &table.schema(), "at", days).unwrap();
        let (engine, days) = (&engine, days.clone());
        async move {
            let streams = engine.streams(&bound, &[], Joins::Hash).await.unwrap();
            let mut failure = None;
            for mut rows in engine.confined_to(streams, "at", &days).unwrap() {
                while let Some(batch) = rows.next().await {
                    failure = failure.or(batch.err().map(|error| error.to_string()));
                }
            }
            failure
        }
    };
    assert_eq!(all(&stretches(&[("2021-01-01", "2021-01-04")])).await, None);
    let message = all(&stretches(&[("2021-01-01", "2021-01-03")])).await.unwrap();
    assert!(message.contains("`at`") && message.contains("outside of its batch"), "{message}");
}
