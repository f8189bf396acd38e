//! End-to-end tests of the lake on disk: staging, visibility and leftovers.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use deltalake::{
    DeltaTableBuilder,
    datafusion::{
        arrow::util::pretty::pretty_format_batches,
        physical_plan::stream::RecordBatchStreamAdapter,
        prelude::{SessionConfig, SessionContext},
    },
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    engine::{
        EngineError, SendableRecordBatchStream, Session, Table,
        arrow::{
            array::{
                ArrayRef, Int64Array, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
                TimestampSecondArray, UInt32Array, UInt64Array,
            },
            datatypes::{DataType, SchemaRef, TimeUnit},
        },
    },
    name::Relation,
};

mod changing;
mod conflicts;
mod constraints;
mod deletions;
mod filters;
mod obstacles;
mod storing;
mod values;

struct LakeFixture {
    dir: TempDir,
    lake: Lake,
    writer: LakeWriter,
    table: Relation,
}

/// Returns a session that reads tables as delta-rs does by itself.
pub(in crate::lake) fn session() -> Arc<Session> {
    let mut config = SessionConfig::new();
    config.options_mut().execution.parquet.pushdown_filters = true;
    Arc::new(SessionContext::new_with_config(config).state())
}

impl LakeFixture {
    fn new() -> Self {
        Self::with_session(session())
    }

    fn with_session(session: Arc<Session>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open("data lake", dir.path(), BTreeMap::new(), session).unwrap();
        Self {
            dir,
            writer: lake.clone().writer("run-1"),
            lake,
            table: Relation::new("presentation", "readings"),
        }
    }

    async fn stage(
        &self,
        batches: Vec<Vec<RecordBatch>>,
        partition_by: &[&str],
    ) -> Result<Staged, LakeError> {
        let schema = batches[0][0].schema();
        let overwrite = overwrite(schema.clone(), partition_by);
        let streams = batches
            .into_iter()
            .map(|batches| stream(&schema, batches.into_iter().map(Ok).collect()))
            .collect();
        self.writer.stage(&self.table, overwrite, streams, &CancellationToken::new()).await
    }

    async fn publish(&self, batch: RecordBatch, partition_by: &[&str]) -> u64 {
        self.stage(vec![vec![batch]], partition_by).await.unwrap().publish().await.unwrap().version
    }

    async fn read(&self) -> String {
        query(self.lake.provider(&self.table).await.unwrap().unwrap(), "select * from t order by 1, 2").await
    }

    async fn observe(&self) -> CurrentVersion {
        self.lake.observe(&self.table).await.unwrap().unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data lake/presentation/readings")
    }

    /// Returns all files of the lake except the journal, with relative paths.
    fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(self.dir.path(), &mut found);
        let mut found: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(self.dir.path()).unwrap().display().to_string())
            .filter(|path| !path.contains("/_headwater/runs/"))
            .collect();
        found.sort();
        found
    }

    fn data_files(&self) -> Vec<String> {
        self.files()
            .into_iter()
            .filter(|file| file.ends_with(".parquet") && !file.contains("_delta_log"))
            .collect()
    }

    /// Appends rows as another writer.
    async fn append_outside(&self, batch: RecordBatch) {
        let url = self.lake.url(&self.table);
        let table = DeltaTableBuilder::from_url(url).unwrap().load().await.unwrap();
        let _ = table.write([batch]).await.unwrap();
    }
}

fn overwrite(schema: SchemaRef, partition_by: &[&str]) -> Write {
    Write {
        replaces: Replaces::Everything,
        schema,
        partition_by: partition_by.iter().map(ToString::to_string).collect(),
        provenance: Provenance::new(
            "model.p.readings",
            "run-1",
            crate::manifest::fingerprint::Fingerprint::default(),
            BTreeMap::from([(crate::name::NodeId::model("p", "raw"), InputVersion::Delta { version: 7 })]),
        ),
        description: Some("Meter readings.".to_owned()),
        constraints: Constraints::default(),
        target_file_size: None,
        transaction: None,
        on_rows: Arc::new(|_| ()),
    }
}

fn stream(schema: &SchemaRef, batches: Vec<Result<RecordBatch, EngineError>>) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema.clone(), futures::stream::iter(batches)))
}

async fn query(provider: Table, sql: &str) -> String {
    let context = SessionContext::new();
    context.register_table("t", provider).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

fn columns<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

/// Returns the readings `from..to` of two meters.
fn readings(from: i64, to: i64) -> RecordBatch {
    columns([
        (
            "meter",
            Arc::new(StringArray::from_iter_values((from..to).map(|i| format!("m{}", i % 2)))) as ArrayRef,
        ),
        ("kwh", Arc::new(Int64Array::from_iter_values(from..to))),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_seen_when_it_is_published_and_not_before() {
    let fixture = LakeFixture::new();
    assert!(fixture.lake.observe(&fixture.table).await.unwrap().is_none());
    assert!(fixture.lake.provider(&fixture.table).await.unwrap().is_none());
    assert_eq!(fixture.publish(readings(0, 2), &[]).await, 0);

    let staged = fixture.stage(vec![vec![readings(0, 3)]], &[]).await.unwrap();
    assert_eq!((staged.version(), staged.rows()), (1, 3));
    assert_eq!(fixture.observe().await.version, 0);
    let before = fixture.read().await;
    insta::assert_snapshot!(before, @r"
    +-------+-----+
    | meter | kwh |
    +-------+-----+
    | m0    | 0   |
    | m1    | 1   |
    +-------+-----+
    ");
    let after = query(staged.provider().await.unwrap(), "select count(*) as rows from t where kwh > 0").await;
    insta::assert_snapshot!(after, @r"
    +------+
    | rows |
    +------+
    | 2    |
    +------+
    ");

    assert_eq!(staged.publish().await.unwrap(), staged::Published { version: 1, warning: None });
    insta::assert_snapshot!(fixture.read().await, @r"
    +-------+-----+
    | meter | kwh |
    +-------+-----+
    | m0    | 0   |
    | m0    | 2   |
    | m1    | 1   |
    +-------+-----+
    ");
    assert!(!fixture.files().iter().any(|file| file.contains("_headwater")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provenance_comes_back_from_the_newest_commit_if_it_is_ours() {
    let fixture = LakeFixture::new();
    let staged = fixture.stage(vec![vec![readings(0, 2)], vec![readings(2, 5)]], &[]).await.unwrap();
    let digest = staged.digest().to_owned();
    let millis = staged.provenance().millis;
    assert!(millis.is_some(), "how long it took is noted");
    staged.publish().await.unwrap();
    let observed = fixture.observe().await;
    let expect = Provenance {
        rows: 5,
        digest: digest.clone(),
        millis,
        ..overwrite(observed.schema.clone(), &[]).provenance
    };
    assert_eq!(observed.provenance, Some(expect));

    let again = fixture.stage(vec![vec![readings(3, 5)], vec![readings(0, 3)]], &[]).await.unwrap();
    assert_eq!(again.digest(), digest, "the same rows");
    again.abort().await.unwrap();

    fixture.append_outside(readings(5, 6)).await;
    let observed = fixture.observe().await;
    assert_eq!((observed.version, observed.provenance), (1, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aborting_leaves_no_trace() {
    let fixture = LakeFixture::new();
    fixture.stage(vec![vec![readings(0, 9)]], &["meter"]).await.unwrap().abort().await.unwrap();
    fixture.writer.end().await;
    assert!(std::fs::read_dir(fixture.dir.path()).unwrap().next().is_none(), "{:?}", fixture.files());

    fixture.publish(readings(0, 2), &[]).await;
    let before = fixture.files();
    fixture.stage(vec![vec![readings(0, 9)]], &["meter"]).await.unwrap().abort().await.unwrap();
    assert_eq!(fixture.files(), before);
    assert!(!fixture.path().join("meter=m0").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_or_cancelled_stream_leaves_no_trace() {
    let fixture = LakeFixture::new();
    let schema = readings(0, 1).schema();
    let many: Vec<_> = (0..40).map(|i| Ok(readings(i * 5000, (i + 1) * 5000))).collect();
    let broken = vec![Ok(readings(0, 5)), Err(EngineError::Execution("no such luck".to_owned()))];
    let streams = vec![stream(&schema, many), stream(&schema, broken)];
    let cancel = CancellationToken::new();
    let failed = fixture.writer.stage(&fixture.table, overwrite(schema.clone(), &[]), streams, &cancel).await;
    let error = failed.err().unwrap();
    assert!(error.to_string().contains("no such luck"), "{error}");
    assert_eq!(fixture.data_files(), Vec::<String>::new());
    assert!(!fixture.path().exists());

    let token = cancel.clone();
    let endless = futures::stream::repeat_with(move || Ok(readings(0, 9000)));
    let endless: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema.clone(), endless));
    let on_rows = Arc::new(move |rows| {
        if rows > 100_000 {
            token.cancel();
        }
    });
    let overwrite = Write { on_rows, ..overwrite(schema, &[]) };
    let cancelled = fixture.writer.stage(&fixture.table, overwrite, vec![endless], &cancel).await;
    assert!(matches!(cancelled.err().unwrap(), LakeError::Cancelled));
    fixture.writer.end().await;
    assert!(std::fs::read_dir(fixture.dir.path()).unwrap().next().is_none(), "{:?}", fixture.files());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_table_is_said_plainly() {
    let fixture = LakeFixture::new();
    let here =
        |error: LakeError| error.to_string().replace(&fixture.dir.path().display().to_string(), "LAKE");
    std::fs::create_dir_all(fixture.path()).unwrap();
    assert!(
        fixture.lake.observe(&fixture.table).await.unwrap().is_none(),
        "an empty folder is room for a table"
    );
    std::fs::write(fixture.path().join("notes.txt"), "mine").unwrap();
    let foreign = fixture.lake.observe(&fixture.table).await.unwrap_err();
    insta::assert_snapshot!(here(foreign), @"LAKE/data lake/presentation/readings is taken by files that are not a Delta table; move them away, or choose another schema or name");
    std::fs::write(fixture.path().join("_headwater_staging_1"), "a run that was killed").unwrap();
    assert_eq!(fixture.publish(readings(0, 1), &[]).await, 0);

    let log = fixture.path().join("_delta_log/00000000000000000000.json");
    std::fs::write(log, "{\"metaData\": 1").unwrap();
    let corrupt = here(fixture.lake.observe(&fixture.table).await.unwrap_err());
    assert!(
        corrupt.starts_with("the Delta log of LAKE/data lake/presentation/readings can't be read: "),
        "{corrupt}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_made_when_due() {
    let fixture = LakeFixture::new();
    for _ in 0..100 {
        fixture.publish(readings(0, 1), &[]).await;
    }
    assert!(fixture.path().join("_delta_log/_last_checkpoint").exists());
    assert_eq!(fixture.observe().await.version, 99);
    assert_eq!(fixture.publish(readings(0, 1), &[]).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_checked_without_a_trace() {
    let fixture = LakeFixture::new();
    fixture.writer.check_access().await.unwrap();
    assert!(std::fs::read_dir(fixture.dir.path()).unwrap().next().is_none());
    let file = fixture.dir.path().join("file");
    let open = || Lake::open("file/lake", fixture.dir.path(), BTreeMap::new(), session());
    let writer = open().unwrap().writer("run-1");
    std::fs::write(&file, "").unwrap();
    assert!(open().is_err());
    assert!(writer.check_access().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_need_not_be_a_folder() {
    let mut fixture = LakeFixture::new();
    fixture.lake = Lake::open("memory:///some/lake", Path::new("/"), BTreeMap::new(), session()).unwrap();
    fixture.writer = fixture.lake.clone().writer("run-1");
    fixture.writer.check_access().await.unwrap();
    fixture.stage(vec![vec![readings(0, 9)]], &[]).await.unwrap().abort().await.unwrap();
    assert!(fixture.lake.observe(&fixture.table).await.unwrap().is_none());
    assert_eq!(fixture.publish(readings(0, 2), &["meter"]).await, 0);
    let staged = fixture.stage(vec![vec![readings(0, 3)]], &["meter"]).await.unwrap();
    let rows = query(staged.provider().await.unwrap(), "select sum(kwh) as s from t").await;
    assert!(rows.contains("| 3 |"), "{rows}");
    assert_eq!(staged.publish().await.unwrap().version, 1);
    assert_eq!(fixture.observe().await.provenance.unwrap().rows, 3);
    assert!(fixture.files().is_empty());
}
