//! Versions that replace part of the previous one, and metadata-only commits.

use super::*;

impl LakeFixture {
    async fn change(
        &self,
        batch: RecordBatch,
        partition_by: &[&str],
        replaces: Replaces,
    ) -> Result<Staged, LakeError> {
        let schema = batch.schema();
        let write = Write {
            replaces,
            transaction: Some(("model.p.readings".to_owned(), 3)),
            ..overwrite(schema.clone(), partition_by)
        };
        let rows = vec![stream(&schema, vec![Ok(batch)])];
        self.writer.stage(&self.table, write, rows, &CancellationToken::new()).await
    }

    async fn base(&self) -> Base {
        self.lake.base(&self.table).await.unwrap().unwrap()
    }

    async fn count(&self) -> String {
        let table = self.lake.provider(&self.table).await.unwrap().unwrap();
        query(table, "select meter, count(*) as n, min(kwh) as least from t group by meter order by meter")
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_come_beside_others_or_take_the_place_of_their_partition() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 4), &["meter"]).await;
    let staged = fixture.change(readings(4, 6), &["meter"], Replaces::Nothing { of: 0 }).await.unwrap();
    assert_eq!((staged.rows(), staged.rows_written(), staged.rows_replaced()), (6, 2, 0));
    assert_eq!(staged.digest(), "", "nobody has looked at the rows that stay");
    staged.publish().await.unwrap();
    let of_one = columns([
        ("meter", Arc::new(StringArray::from_iter_values(["m1"])) as ArrayRef),
        ("kwh", Arc::new(Int64Array::from_iter_values([70]))),
    ]);
    let staged = fixture.change(of_one, &["meter"], Replaces::Partitions { of: 1 }).await.unwrap();
    assert_eq!((staged.rows(), staged.rows_replaced(), staged.files_replaced().len()), (4, 3, 2));
    staged.publish().await.unwrap();
    insta::assert_snapshot!(fixture.count().await, @r"
    +-------+---+-------+
    | meter | n | least |
    +-------+---+-------+
    | m0    | 3 | 0     |
    | m1    | 1 | 70    |
    +-------+---+-------+
    ");
    let base = fixture.base().await;
    assert_eq!(base.transaction("model.p.readings").await.unwrap(), Some(3));
    assert_eq!(base.transaction("another").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_named_as_they_are_replaced_even_if_their_folders_are_odd() {
    let fixture = LakeFixture::new();
    let odd = |values: [&str; 2]| {
        columns([
            ("kwh", Arc::new(Int64Array::from_iter_values([1, 2])) as ArrayRef),
            ("meter", Arc::new(StringArray::from_iter_values(values))),
        ])
    };
    fixture.publish(odd(["a b/ü%20", "c"]), &["meter"]).await;
    let base = fixture.base().await;
    let found =
        query(base.rows_with_files("file").await.unwrap(), "select file from t where meter <> 'c'").await;
    let file = found.lines().nth(3).unwrap().trim_matches(['|', ' ']).to_owned();
    let files = BTreeSet::from([file]);
    let rows = query(base.rows_of(&files).await.unwrap(), "select count(*) as n from t").await;
    assert!(rows.contains("| 1 |"), "{rows}");
    let all = query(base.rows_of(&base.files().unwrap()).await.unwrap(), "select count(*) as n from t").await;
    assert!(all.contains("| 2 |"), "{all}");
    let staged =
        fixture.change(odd(["d:é", "e"]), &["meter"], Replaces::Files { of: 0, files }).await.unwrap();
    assert_eq!((staged.rows(), staged.rows_replaced()), (3, 1));
    let (written, replaced) = staged.differences().await.unwrap();
    for (table, meter) in [(written, "d:é"), (replaced, "a b/ü%20")] {
        let rows = query(table, "select meter from t where meter <> 'e'").await;
        assert!(rows.contains(&format!("| {meter} ")), "{rows}");
    }
    staged.publish().await.unwrap();
    let files = fixture.base().await.files().unwrap();
    let all = fixture.change(odd(["d", "e"]), &["meter"], Replaces::Files { of: 1, files }).await.unwrap();
    assert_eq!((all.rows(), all.rows_replaced()), (2, 3));
    all.abort().await.unwrap();
    let known = BTreeSet::from(["nowhere.parquet".to_owned()]);
    let lost = fixture.change(odd(["d", "e"]), &["meter"], Replaces::Files { of: 1, files: known }).await;
    assert!(lost.is_err_and(|error| error.to_string().contains("not in the table")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_version_that_is_no_longer_the_newest_is_refused() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    fixture.append_outside(readings(2, 4)).await;
    let before = fixture.files();
    let late = fixture.change(readings(4, 6), &[], Replaces::Nothing { of: 0 }).await.err().unwrap();
    assert!(matches!(late, LakeError::Conflict { version: 2, .. }) && late.is_worth_another_try(), "{late}");
    assert_eq!(fixture.files(), before, "nothing is left");
    let staged = fixture.change(readings(4, 6), &[], Replaces::Nothing { of: 1 }).await.unwrap();
    fixture.append_outside(readings(6, 8)).await;
    assert!(matches!(staged.publish().await, Err(LakeError::Conflict { .. })));
    assert_eq!(fixture.observe().await.version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_rows_later_is_no_new_version_of_them() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    let seen = fixture.observe().await;
    let mut provenance = seen.provenance.clone().unwrap();
    provenance.stands_for = Some(seen.data_version);
    provenance.inputs.clear();
    let transaction = ("model.p.readings".to_owned(), 9);
    let version = fixture
        .writer
        .commit_metadata(&fixture.table, seen.version, &provenance, Some(&transaction))
        .await
        .unwrap();
    let now = fixture.observe().await;
    assert_eq!((version, now.version, now.data_version), (1, 1, 0));
    assert_eq!(now.provenance, Some(provenance.clone()));
    assert_eq!(fixture.base().await.transaction("model.p.readings").await.unwrap(), Some(9));
    // A slower writer commits nothing.
    let late = fixture.writer.commit_metadata(&fixture.table, seen.version, &provenance, None).await;
    assert!(matches!(late, Err(LakeError::Conflict { version: 1, .. })), "{late:?}");
    fixture.append_outside(readings(2, 4)).await;
    let now = fixture.observe().await;
    assert_eq!((now.data_version, now.provenance), (2, None));
}
