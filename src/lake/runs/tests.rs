//! Runs that are killed at every write on disk, and runs that lose their lease in an object store.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Location};
use tokio_util::sync::CancellationToken;

use super::{JournalEntry, LeaseTimes, local_journal};
use crate::{
    engine::arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    },
    lake::{
        Constraints, FaultInjection, Lake, LakeError, LakeWriter, Provenance, Replaces, Staged, Write,
        fault_injection::FaultInjectingStore, tests::session,
    },
    manifest::fingerprint::Fingerprint,
    name::Relation,
    outcome::Repaired,
};

mod journals;
mod leases;

fn table() -> Relation {
    Relation::new("raw", "readings")
}

fn open(folder: &Path) -> Lake {
    Lake::open("data lake", folder, BTreeMap::new(), session()).unwrap()
}

/// Stages a version with a few rows in two partitions.
async fn stage(writer: &LakeWriter, run: &str, first: i64) -> Result<Staged, LakeError> {
    let fields = ["n", "half"].map(|name| Field::new(name, DataType::Int64, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let rows = Int64Array::from_iter_values(first..first + 4);
    let halves = Int64Array::from_iter_values(rows.values().iter().map(|n| n % 2));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(rows), Arc::new(halves)]).unwrap();
    let write = Write {
        replaces: Replaces::Everything,
        transaction: None,
        schema: schema.clone(),
        partition_by: vec!["half".to_owned()],
        provenance: Provenance::new("model.p.readings", run, Fingerprint::default(), BTreeMap::new()),
        description: None,
        constraints: Constraints::default(),
        target_file_size: None,
        on_rows: Arc::new(|_| ()),
    };
    let stream = deltalake::datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(
        schema,
        futures::stream::iter([Ok(batch)]),
    );
    writer.stage(&table(), write, vec![Box::pin(stream)], &CancellationToken::new()).await
}

/// Runs one complete build of a table.
async fn build(writer: LakeWriter, run: &str, first: i64) -> Result<u64, LakeError> {
    let published = stage(&writer, run, first).await?.publish().await?;
    writer.end().await;
    Ok(published.version)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The files that no log refers to, and empty directories.
fn strays(folder: &Path) -> Vec<PathBuf> {
    let all = files(folder);
    let in_log = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "_delta_log");
    let is_temporary = |path: &PathBuf| path.to_string_lossy().contains('#');
    let logs: String = all
        .iter()
        .filter(|path| in_log(path) && !is_temporary(path))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let spoken_of = |path: &&PathBuf| logs.contains(&*path.file_name().unwrap().to_string_lossy());
    let mut strays: Vec<PathBuf> = all
        .iter()
        .filter(|path| is_temporary(path) || !in_log(path))
        .filter(|path| !spoken_of(path))
        .cloned()
        .collect();
    empty(folder, &mut strays);
    strays
}

fn empty(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    if entries.is_empty() {
        found.push(folder.to_owned());
    }
    entries.iter().filter(|entry| entry.path().is_dir()).for_each(|entry| empty(&entry.path(), found));
}

/// Kills builds at each instant in turn, on top of `versions` existing versions. Returns the number of
/// instants.
async fn killed_at_every_write(versions: i64) -> u64 {
    for at in 1.. {
        let dir = tempfile::tempdir().unwrap();
        for version in 0..versions {
            build(open(dir.path()).writer("before"), "before", version).await.unwrap();
        }
        let dying = open(dir.path()).with_fault(FaultInjection::new(at, || panic!("killed"))).writer("dead");
        let killed = tokio::spawn(async move { build(dying, "dead", 100).await }).await;
        let version = open(dir.path()).observe(&table()).await.unwrap().map(|seen| seen.version);
        let whole = version.map_or(0, |version| i64::try_from(version).unwrap() + 1);
        assert!(whole == versions || whole == versions + 1, "killed at {at}: {version:?}");

        let next = open(dir.path()).writer("next");
        let repair = next.repair().await;
        assert!(repair.failed.is_empty(), "killed at {at}: {:?}", repair.failed);
        if whole > 0 {
            assert_eq!(strays(dir.path()), Vec::<PathBuf>::new(), "killed at {at}");
        } else {
            assert_eq!(files(dir.path()), Vec::<PathBuf>::new(), "killed at {at}");
        }
        assert_eq!(open(dir.path()).observe(&table()).await.unwrap().map(|seen| seen.version), version);
        build(next, "next", 200).await.unwrap();
        assert_eq!(strays(dir.path()), Vec::<PathBuf>::new(), "after being killed at {at}");
        if killed.is_ok_and(|built| built.is_ok()) {
            return at;
        }
    }
    0
}

#[tokio::test]
async fn a_first_build_that_is_killed_leaves_nothing() {
    // A marker, two files, a commit and the marker's removal, each with an instant before and after, plus one
    // that is never reached.
    assert_eq!(killed_at_every_write(0).await, 11);
}

#[tokio::test]
async fn a_later_build_that_is_killed_leaves_nothing() {
    assert_eq!(killed_at_every_write(2).await, 7);
}

#[tokio::test]
async fn a_run_that_lives_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path()).writer("living");
    let staged = stage(&lake, "living", 0).await.unwrap();
    let before = files(dir.path());
    let repair = open(dir.path()).writer("next").repair().await;
    assert!(repair.done.is_empty() && repair.failed.is_empty());
    assert_eq!(files(dir.path()), before);
    staged.publish().await.unwrap();
    lake.end().await;
    assert!(!dir.path().join("data lake/_headwater").exists());
}

#[tokio::test]
async fn files_that_are_not_in_its_journal_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(stage(&open(dir.path()).writer("dead"), "dead", 0).await.unwrap());
    let foreign = ["part-9.parquet", "part-9.parquet#1", "half=0/part-8.parquet"]
        .map(|name| dir.path().join("data lake/raw/readings").join(name));
    for file in &foreign {
        std::fs::write(file, "another tool's").unwrap();
    }
    let living = open(dir.path()).writer("living");
    let staged = stage(&living, "living", 0).await.unwrap();
    let next = open(dir.path()).writer("next");
    let repair = next.repair().await;
    // Its two files and its marker.
    assert_eq!(repair.done, [Repaired { run: "dead".into(), files: 3 }]);
    assert!(foreign.iter().all(|file| file.exists()));
    staged.publish().await.unwrap();
    living.end().await;
    assert!(next.repair().await.done.is_empty(), "it is repaired once");
}

#[tokio::test]
async fn what_an_instant_of_a_disk_leaves_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path());
    build(lake.clone().writer("before"), "before", 0).await.unwrap();
    let killed = lake.clone().writer("dead");
    let journal = killed.journal();
    let part = JournalEntry::File("raw/readings/half=9/part-7.parquet".into());
    journal.announce([part, journal.commit(&lake.root().mount_of(&table()), 1)]).await.unwrap();
    let place = dir.path().join("data lake/raw/readings");
    std::fs::create_dir(place.join("half=9")).unwrap();
    let log = place.join("_delta_log");
    let entry = "00000000000000000001";
    let own = ["half=9/part-7.parquet#1".into(), format!("_delta_log/{entry}.json#1")];
    for file in &own {
        std::fs::write(place.join(file), r#"{"run_id":"dead"}"#).unwrap();
    }
    let theirs = log.join(format!("{entry}.json#2"));
    std::fs::write(&theirs, r#"{"run_id":"living"}"#).unwrap();
    drop(killed);
    let repair = lake.writer("next").repair().await;
    assert_eq!(repair.done, [Repaired { run: "dead".into(), files: 2 }]);
    assert_eq!(strays(dir.path()), [theirs]);
}

#[tokio::test]
async fn a_journal_leads_to_no_file_out_of_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path());
    build(lake.clone().writer("before"), "before", 0).await.unwrap();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let secret = dir.path().join("a/b/secret");
    std::fs::write(&secret, "").unwrap();
    let folder = local_journal::folder(&dir.path().join("data lake"));
    std::fs::create_dir_all(&folder).unwrap();
    let entry = "raw/readings/_delta_log/00000000000000000000.json";
    let lines = format!("{{}}\n{{\"file\":\"../a/b/secret\"}}\n{{\"file\":\"{entry}\"}}\nnonsense\n");
    std::fs::write(folder.join("made-up"), lines).unwrap();
    let repair = lake.clone().writer("next").repair().await;
    assert!(repair.done.is_empty() && repair.failed.is_empty());
    assert!(secret.exists() && lake.observe(&table()).await.unwrap().is_some());
}

/// Simulates a disk that is full or fails right before the commit is announced.
#[tokio::test]
async fn files_that_were_published_without_a_word_stay() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path());
    build(lake.clone().writer("before"), "before", 0).await.unwrap();
    let root = dir.path().join("data lake");
    let data = files(&root).into_iter().filter(|file| file.to_string_lossy().ends_with(".parquet"));
    let entries =
        data.map(|file| JournalEntry::File(file.strip_prefix(&root).unwrap().display().to_string()));
    let lines: Vec<String> = entries.map(|entry| serde_json::to_string(&entry).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let folder = local_journal::folder(&root);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("half-told"), format!("{{}}\n{}\n", lines.join("\n"))).unwrap();
    let before = files(&root.join("raw"));
    let repair = lake.clone().writer("next").repair().await;
    assert!(repair.failed.is_empty(), "{:?}", repair.failed);
    assert_eq!(files(&root.join("raw")), before);
}

#[tokio::test]
async fn a_failed_removal_is_left_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path()).writer("one");
    let staged = stage(&lake, "one", 0).await.unwrap();
    // Neither published nor aborted, as when a task panics.
    drop(staged);
    lake.end().await;
    drop(lake);
    let repair = open(dir.path()).writer("next").repair().await;
    assert_eq!(repair.done, [Repaired { run: "one".into(), files: 3 }]);
    assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_store_that_dies_says_over_what() {
    let store = FaultInjectingStore::new(
        Arc::new(object_store::memory::InMemory::new()),
        FaultInjection::new(1, || ()),
    );
    assert_eq!(store.to_string(), "dying over InMemory");
}

#[tokio::test]
async fn what_a_disk_failed_to_take_away_goes_once_its_file_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path()).writer("one");
    build(open(dir.path()).writer("before"), "before", 0).await.unwrap();
    let staged = stage(&lake, "one", 10).await.unwrap();
    let log = dir.path().join("data lake/raw/readings/_delta_log");
    // Simulates a failed unlink, once after a commit of this run and once in a run that is still active.
    std::fs::write(log.join("00000000000000000001.json#1"), r#"{"commitInfo":{"runId":"one"}}"#).unwrap();
    std::fs::write(log.join("00000000000000000001.json#2"), r#"{"commitInfo":{"runId":"two"}}"#).unwrap();
    staged.publish().await.unwrap();
    lake.end().await;
    let left: Vec<PathBuf> =
        files(dir.path()).into_iter().filter(|path| path.to_string_lossy().contains('#')).collect();
    assert_eq!(left, [log.join("00000000000000000001.json#2")]);
    assert_eq!(open(dir.path()).observe(&table()).await.unwrap().unwrap().version, 1);
}
