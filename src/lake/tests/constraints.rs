//! Constraints on every writer of a table, and the version history.

use super::*;

fn bound(not_null: &[&str], checks: &[(&str, &str)]) -> Constraints {
    Constraints {
        not_null: not_null.iter().map(ToString::to_string).collect(),
        checks: checks.iter().map(|(name, check)| ((*name).to_owned(), (*check).to_owned())).collect(),
    }
}

fn rows(ids: &[Option<i64>]) -> RecordBatch {
    let ids: Int64Array = ids.iter().copied().collect();
    RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap()
}

async fn stage(
    fixture: &LakeFixture,
    batches: Vec<RecordBatch>,
    constraints: Constraints,
) -> Result<Staged, LakeError> {
    let schema = batches[0].schema();
    let overwrite = Write { constraints, ..overwrite(schema.clone(), &[]) };
    let streams = batches.into_iter().map(|batch| stream(&schema, vec![Ok(batch)])).collect();
    fixture.writer.stage(&fixture.table, overwrite, streams, &CancellationToken::new()).await
}

async fn publish(fixture: &LakeFixture, ids: &[Option<i64>], constraints: Constraints) -> u64 {
    stage(fixture, vec![rows(ids)], constraints).await.unwrap().publish().await.unwrap().version
}

/// Appends as another writer and returns its error.
async fn append(fixture: &LakeFixture, ids: &[Option<i64>]) -> Result<(), String> {
    let url = fixture.lake.url(&fixture.table);
    let table = DeltaTableBuilder::from_url(url).unwrap().load().await.unwrap();
    table.write([rows(ids)]).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn other_writers_are_bound_as_well() {
    let fixture = LakeFixture::new();
    publish(&fixture, &[Some(1), Some(2)], bound(&["id"], &[("positive", "id > 0")])).await;
    let refused = append(&fixture, &[Some(-1)]).await.unwrap_err();
    assert!(refused.contains("failed validation"), "{refused}");
    assert!(append(&fixture, &[None]).await.is_err());
    append(&fixture, &[Some(3)]).await.unwrap();
    assert_eq!(fixture.observe().await.version, 1);
}

#[tokio::test]
async fn nulls_that_are_forbidden_are_counted_and_nothing_is_left() {
    let fixture = LakeFixture::new();
    publish(&fixture, &[Some(1)], bound(&["id"], &[])).await;
    let before = fixture.files();
    let batches = vec![rows(&[Some(1), None]), rows(&[None, None, Some(4)])];
    let error = stage(&fixture, batches, bound(&["id"], &[])).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "presentation.readings can't be published: column id is NULL in 3 rows, which its constraint forbids"
    );
    assert_eq!(fixture.files(), before);
}

#[tokio::test]
async fn constraints_are_replaced_by_what_is_declared_now() {
    let fixture = LakeFixture::new();
    publish(&fixture, &[Some(1)], bound(&["id"], &[("positive", "id > 0"), ("small", "id < 10")])).await;
    let staged = stage(
        &fixture,
        vec![rows(&[Some(2)])],
        bound(&["id"], &[("small", "id < 10"), ("positive", "id > 0")]),
    )
    .await
    .unwrap();
    assert!(!String::from_utf8_lossy(&staged.entry).contains("metaData"), "nothing changes");
    staged.publish().await.unwrap();
    publish(&fixture, &[None, Some(50)], bound(&[], &[("positive", "id > 0")])).await;
    append(&fixture, &[Some(70)]).await.unwrap();
    assert!(append(&fixture, &[Some(0)]).await.is_err());
    publish(&fixture, &[None], Constraints::default()).await;
    append(&fixture, &[Some(-5), None]).await.unwrap();
}

#[tokio::test]
async fn a_check_on_a_table_of_naive_timestamps_is_a_feature_by_name() {
    let fixture = LakeFixture::new();
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]));
    let batch =
        RecordBatch::try_from_iter([("at", at), ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)])
            .unwrap();
    for constraints in [Constraints::default(), bound(&[], &[("positive", "id > 0")])] {
        stage(&fixture, vec![batch.clone()], constraints).await.unwrap().publish().await.unwrap();
    }
    let url = fixture.lake.url(&fixture.table);
    let table = DeltaTableBuilder::from_url(url).unwrap().load().await.unwrap();
    let wrong = RecordBatch::try_from_iter([
        ("at", batch.column(0).clone()),
        ("id", Arc::new(Int64Array::from(vec![-1])) as ArrayRef),
    ])
    .unwrap();
    assert!(table.write([wrong]).await.is_err());
}

#[tokio::test]
async fn somebody_elses_constraint_is_not_overwritten() {
    let fixture = LakeFixture::new();
    publish(&fixture, &[Some(1)], Constraints::default()).await;
    let url = fixture.lake.url(&fixture.table);
    let table = DeltaTableBuilder::from_url(url).unwrap().load().await.unwrap();
    table.add_constraint().with_constraint("theirs", "id > 0").await.unwrap();
    let error =
        stage(&fixture, vec![rows(&[Some(2)])], bound(&[], &[("mine", "id < 9")])).await.err().unwrap();
    assert!(error.to_string().contains("delta.constraints.theirs"), "{error}");
}

#[tokio::test]
async fn what_was_measured_is_told_by_the_versions_past() {
    let fixture = LakeFixture::new();
    assert_eq!(fixture.lake.history(&fixture.table, 5).await.unwrap(), []);
    for version in 0..4u32 {
        let mut staged = stage(&fixture, vec![rows(&[Some(1)])], Constraints::default()).await.unwrap();
        let metrics = BTreeMap::from([("sum".to_owned(), f64::from(version)), ("none".to_owned(), f64::NAN)]);
        staged.record(metrics, BTreeMap::new(), None).unwrap();
        staged.publish().await.unwrap();
    }
    fixture.append_outside(rows(&[Some(9)])).await;
    let past = fixture.lake.history(&fixture.table, 3).await.unwrap();
    let versions: Vec<u64> = past.iter().map(|past| past.version).collect();
    assert_eq!(versions, [4, 3, 2]);
    assert_eq!(past[0].provenance, None);
    assert_eq!(past[1].provenance.as_ref().unwrap().metrics, BTreeMap::from([("sum".to_owned(), 3.0)]));
    assert!(past.iter().all(|past| past.at.is_some()));
    assert_eq!(fixture.lake.history(&fixture.table, 99).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_version_that_is_withdrawn_after_its_audit_leaves_nothing() {
    let fixture = LakeFixture::new();
    publish(&fixture, &[Some(1)], Constraints::default()).await;
    let before = fixture.files();
    let mut staged = stage(&fixture, vec![rows(&[Some(2), Some(3)])], Constraints::default()).await.unwrap();
    assert_eq!(
        query(staged.provider().await.unwrap(), "select count(*) as n from t").await.matches('2').count(),
        1
    );
    staged.record(BTreeMap::from([("sum".to_owned(), 1.0)]), BTreeMap::new(), None).unwrap();
    staged.abort().await.unwrap();
    assert_eq!(fixture.files(), before);
}
