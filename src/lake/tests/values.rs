//! Values and tables that all readers must agree on.

use deltalake::datafusion::arrow::array::{Date32Array, Decimal128Array, Float64Array};

use super::*;

async fn refused(fixture: &LakeFixture, batch: RecordBatch, partition_by: &[&str]) -> String {
    let before = fixture.files();
    let error = fixture.stage(vec![vec![batch]], partition_by).await.err().unwrap();
    assert_eq!(fixture.files(), before, "nothing is left");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_readers_would_read_otherwise_is_never_written() {
    let fixture = LakeFixture::new();
    let one = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", ""]));
    let text = columns([("id", one()), ("region", texts.clone())]);
    let far: ArrayRef = Arc::new(Date32Array::from(vec![0, 3_000_000]));
    let digits = Decimal128Array::from(vec![1, 10_i128.pow(38)]).with_precision_and_scale(38, 0).unwrap();
    let messages = [
        refused(&fixture, text.clone(), &["region"]).await,
        refused(&fixture, columns([("id", one()), ("day", far)]), &[]).await,
        refused(&fixture, columns([("id", one()), ("total", Arc::new(digits) as ArrayRef)]), &[]).await,
        refused(&fixture, columns([("id", one()), ("a/b", one())]), &["a/b"]).await,
    ];
    insta::assert_snapshot!(messages.join("\n"), @r"
    presentation.readings can't be stored: column region has the value '', which is empty, and the table is partitioned by it: Delta's log can't tell an empty text from NULL; write `nullif(region, '')`, or give it a text of its own
    presentation.readings can't be stored: column day has the value +10183-09-21, which is outside of the years 0001 to 9999, so other readers of the table would fail; check the unit of the number that it was computed from, or make it NULL
    presentation.readings can't be stored: column total has the value 100000000000000000000000000000000000000, which overflows decimal(38, 0): it has 39 digits; a decimal has 38 at most: round it, or cast to double
    presentation.readings can't be stored: a table can't be partitioned by column a/b: `/` in its name makes folders that other readers take for other columns; give it another name
    ");
    fixture.publish(text, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_are_none_have_partitions_of_their_own() {
    let fixture = LakeFixture::new();
    let x = [Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(-0.0), Some(0.0), None];
    let batch = columns([
        ("id", Arc::new(Int64Array::from_iter_values(0..6)) as ArrayRef),
        ("x", Arc::new(Float64Array::from(x.to_vec()))),
    ]);
    fixture.publish(batch, &["x"]).await;
    assert_eq!(fixture.data_files().len(), 5, "both zeros lie in one");
    insta::assert_snapshot!(fixture.read().await, @r"
    +----+------+
    | id | x    |
    +----+------+
    | 0  | NaN  |
    | 1  | inf  |
    | 2  | -inf |
    | 3  | 0.0  |
    | 4  | 0.0  |
    | 5  |      |
    +----+------+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_partition_value_of_another_writer_is_null() {
    let fixture = LakeFixture::new();
    let batch = columns([
        ("id", Arc::new(Int64Array::from_iter_values(0..4)) as ArrayRef),
        ("p", Arc::new(StringArray::from(vec![Some("a"), Some(""), None, Some("")]))),
    ]);
    std::fs::create_dir_all(fixture.path()).unwrap();
    let table = DeltaTableBuilder::from_url(fixture.lake.url(&fixture.table)).unwrap().build().unwrap();
    let _ = table.write([batch]).with_partition_columns(["p"]).await.unwrap();
    let table = async || fixture.lake.provider(&fixture.table).await.unwrap().unwrap();
    let empty = query(table().await, "select count(*) as rows from t where p = ''").await;
    assert!(empty.contains("| 0    |"), "{empty}");
    insta::assert_snapshot!(query(table().await, "select id, p from t where p is null order by id").await, @r"
    +----+---+
    | id | p |
    +----+---+
    | 1  |   |
    | 2  |   |
    | 3  |   |
    +----+---+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feature_that_is_not_known_is_named_before_anything_is_read() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    let log = fixture.path().join("_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&log).unwrap();
    let old = r#""minReaderVersion":1,"minWriterVersion":2"#;
    assert!(text.contains(old), "{text}");
    let new = r#""minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["typeWidening"],"writerFeatures":["typeWidening"]"#;
    std::fs::write(&log, text.replace(old, new)).unwrap();
    let lake = Lake::open("data lake", fixture.dir.path(), BTreeMap::new(), session()).unwrap();
    let observed = lake.observe(&fixture.table).await.map(drop).unwrap_err().to_string();
    let read = lake.provider(&fixture.table).await.map(drop).unwrap_err().to_string();
    assert_eq!(observed, read);
    let shown = read.replace(&fixture.dir.path().display().to_string(), "LAKE");
    insta::assert_snapshot!(shown, @"LAKE/data lake/presentation/readings can't be read: it uses the table feature typeWidening, which Headwater doesn't know; drop the feature with the writer that added it, in Spark by `ALTER TABLE … DROP FEATURE`, or copy the rows to a table without it");
}
