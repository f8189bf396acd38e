//! Storing rows: columns, partitions and files.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_and_partitions_may_change_and_rows_may_be_none() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    let other = columns([
        ("region", Arc::new(StringArray::from(vec!["a b", "c=d/é"])) as ArrayRef),
        ("total", Arc::new(Int64Array::from(vec![1, 2]))),
        ("meter", Arc::new(StringArray::from(vec![Some("m0"), None]))),
    ]);
    fixture.publish(other, &["region", "meter"]).await;
    let observed = fixture.observe().await;
    assert_eq!(observed.partition_by, ["region", "meter"]);
    assert_eq!(
        observed.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
        ["region", "total", "meter"]
    );
    insta::assert_snapshot!(fixture.read().await, @r"
    +--------+-------+-------+
    | region | total | meter |
    +--------+-------+-------+
    | a b    | 1     | m0    |
    | c=d/é  | 2     |       |
    +--------+-------+-------+
    ");
    let pruned = query(
        fixture.lake.provider(&fixture.table).await.unwrap().unwrap(),
        "select total from t where region = 'c=d/é'",
    );
    insta::assert_snapshot!(pruned.await, @r"
    +-------+
    | total |
    +-------+
    | 2     |
    +-------+
    ");

    assert_eq!(fixture.publish(readings(0, 0), &[]).await, 2);
    let rows = query(
        fixture.lake.provider(&fixture.table).await.unwrap().unwrap(),
        "select count(*) as rows from t",
    );
    insta::assert_snapshot!(rows.await, @r"
    +------+
    | rows |
    +------+
    | 0    |
    +------+
    ");
    let cancel = CancellationToken::new();
    let staged =
        fixture.writer.stage(&fixture.table, overwrite(readings(0, 0).schema(), &[]), vec![], &cancel);
    assert_eq!(staged.await.unwrap().publish().await.unwrap().version, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_streams_share_a_file_and_large_ones_do_not() {
    let fixture = LakeFixture::new();
    let small = (0..8).map(|i| vec![readings(i, i + 1)]).collect();
    let staged = fixture.stage(small, &[]).await.unwrap();
    assert_eq!((staged.rows(), fixture.data_files().len()), (8, 1));
    staged.abort().await.unwrap();

    let seen = Arc::new(AtomicU64::new(0));
    let largest = seen.clone();
    let schema = readings(0, 1).schema();
    let overwrite = Write {
        on_rows: Arc::new(move |rows| {
            largest.fetch_max(rows, Ordering::Relaxed);
        }),
        ..overwrite(schema.clone(), &[])
    };
    let large = |from: i64| {
        stream(&schema, (0..10).map(|i| Ok(readings(from + i * 8000, from + (i + 1) * 8000))).collect())
    };
    let streams = vec![large(0), large(80_000), stream(&schema, vec![])];
    let staged =
        fixture.writer.stage(&fixture.table, overwrite, streams, &CancellationToken::new()).await.unwrap();
    assert_eq!((staged.rows(), fixture.data_files().len()), (160_000, 2));
    assert_eq!(seen.load(Ordering::Relaxed), 160_000);
    assert!(staged.bytes() > 0);
    staged.publish().await.unwrap();
    let sum = query(
        fixture.lake.provider(&fixture.table).await.unwrap().unwrap(),
        "select count(*) n, sum(kwh) s from t",
    );
    insta::assert_snapshot!(sum.await, @r"
    +--------+-------------+
    | n      | s           |
    +--------+-------------+
    | 160000 | 12799920000 |
    +--------+-------------+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_partition_values_make_a_file_each() {
    let fixture = LakeFixture::new();
    let day = |i: i64| {
        columns([
            ("day", Arc::new(Int64Array::from_iter_values((0..300).map(|k| k % 150))) as ArrayRef),
            ("v", Arc::new(Int64Array::from_iter_values((0..300).map(|k| k + i * 300)))),
        ])
    };
    let staged = fixture.stage(vec![(0..100).map(day).collect()], &["day"]).await.unwrap();
    assert_eq!((staged.rows(), fixture.data_files().len()), (30_000, 150));
    let sum =
        query(staged.provider().await.unwrap(), "select count(*) n, sum(v) s, count(distinct day) d from t")
            .await;
    insta::assert_snapshot!(sum, @r"
    +-------+-----------+-----+
    | n     | s         | d   |
    +-------+-----------+-----+
    | 30000 | 449985000 | 150 |
    +-------+-----------+-----+
    ");
    staged.abort().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_stored_in_types_that_every_reader_knows() {
    let fixture = LakeFixture::new();
    let zoned = TimestampSecondArray::from(vec![Some(1_609_459_200), None]).with_timezone("+02:00");
    let batch = columns([
        ("text", Arc::new(StringViewArray::from(vec![Some("x"), None])) as ArrayRef),
        ("u32", Arc::new(UInt32Array::from(vec![u32::MAX, 0]))),
        ("u64", Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
        ("at", Arc::new(zoned)),
        ("naive", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]))),
    ]);
    fixture.publish(readings(0, 1), &[]).await;
    fixture.publish(batch, &[]).await;
    let observed = fixture.observe().await;
    let types: Vec<_> = observed.schema.fields().iter().map(|field| field.data_type().clone()).collect();
    let expect = [
        DataType::Utf8,
        DataType::Int64,
        DataType::Decimal128(20, 0),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Microsecond, None),
    ];
    assert_eq!(types, expect);
    insta::assert_snapshot!(fixture.read().await, @r"
    +------+------------+----------------------+----------------------+----------------------------+
    | text | u32        | u64                  | at                   | naive                      |
    +------+------------+----------------------+----------------------+----------------------------+
    | x    | 4294967295 | 18446744073709551615 | 2021-01-01T00:00:00Z | 1970-01-01T00:00:00.000001 |
    |      | 0          | 0                    |                      |                            |
    +------+------------+----------------------+----------------------+----------------------------+
    ");
    let entry = std::fs::read_to_string(fixture.path().join("_delta_log/00000000000000000001.json")).unwrap();
    let protocol = entry.lines().find(|line| line.contains("protocol")).unwrap();
    insta::assert_snapshot!(protocol, @r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz"],"writerFeatures":["appendOnly","invariants","timestampNtz"]}}"#);
}
