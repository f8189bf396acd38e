//! Journals that are damaged or lead elsewhere.

use std::fs;

use super::*;

/// A lake with one version of its table, and the folder of its journals.
async fn with_journals(dir: &Path) -> (Lake, PathBuf) {
    let lake = open(dir);
    build(lake.clone().writer("before"), "before", 0).await.unwrap();
    let folder = local_journal::folder(&dir.join("data lake"));
    fs::create_dir_all(&folder).unwrap();
    (lake, folder)
}

fn journal(file: &str) -> String {
    format!("{{}}\n{{\"file\":\"{file}\"}}\n")
}

#[tokio::test]
async fn a_journal_that_cant_be_read_keeps_no_other_from_being_cleaned_up() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, journals) = with_journals(dir.path()).await;
    let strays = [8, 9].map(|part| dir.path().join(format!("data lake/raw/readings/part-{part}.parquet")));
    for stray in &strays {
        fs::write(stray, "").unwrap();
    }
    let garbage = [&[0, 0xff, 0xfe, b'\n'], journal("raw/readings/part-8.parquet").as_bytes()].concat();
    fs::write(journals.join("a-garbled"), garbage).unwrap();
    fs::write(journals.join("b-dead"), journal("raw/readings/part-9.parquet")).unwrap();
    fs::create_dir(journals.join("c-folder")).unwrap();
    let repair = lake.writer("next").repair().await;
    assert!(repair.failed.is_empty(), "{:?}", repair.failed);
    assert_eq!(repair.done, ["a-garbled", "b-dead"].map(|run| Repaired { run: run.into(), files: 1 }));
    assert!(strays.iter().all(|stray| !stray.exists()));
    assert_eq!(fs::read_dir(&journals).unwrap().count(), 1, "only what is no journal is left");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_among_the_journals_is_never_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, journals) = with_journals(dir.path()).await;
    let pipe = journals.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A real file elsewhere, and a socket.
    fs::write(dir.path().join("elsewhere"), "{}\n").unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), journals.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(journals.join("socket")).unwrap();
    let repair = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::spawn(async move { lake.writer("next").repair().await }).await.unwrap()
    });
    let repair = repair.await.expect("it doesn't wait for a writer of the pipe");
    assert!(repair.done.is_empty() && repair.failed.is_empty(), "{:?}", repair.failed);
    assert!(dir.path().join("elsewhere").exists());
    assert!(!crate::lake::has_journals(&dir.path().join("data lake")).unwrap(), "none of them is a journal");
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_removed_through_a_link() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    let (lake, journals) = with_journals(dir.path()).await;
    let root = dir.path().join("data lake");
    let outside = dir.path().join("outside");
    for folder in ["table/_delta_log", "table/empty", "schema/table"] {
        fs::create_dir_all(outside.join(folder)).unwrap();
    }
    let own = ["table/part-1.parquet", "table/part-1.parquet#1", "schema/table/part-1.parquet"];
    let own = own.map(|file| outside.join(file));
    for file in &own {
        fs::write(file, "theirs").unwrap();
    }
    let entry = outside.join("table/_delta_log/00000000000000000007.json#1");
    fs::write(&entry, "").unwrap();
    symlink(outside.join("table"), root.join("raw/linked")).unwrap();
    symlink(outside.join("schema"), root.join("linked")).unwrap();
    let lines =
        ["raw/linked/part-1.parquet", "raw/linked/empty/part-1.parquet", "linked/table/part-1.parquet"]
            .map(|file| format!("{{\"file\":\"{file}\"}}\n"))
            .concat();
    let commit = "{\"commit\":{\"table\":\"raw/linked\",\"version\":7}}\n";
    fs::write(journals.join("dead"), format!("{{}}\n{lines}{commit}")).unwrap();
    let repair = lake.clone().writer("next").repair().await;
    assert!(own.iter().all(|file| file.exists()), "{:?}", files(&outside));
    assert!(entry.exists() && outside.join("table/empty").exists());
    assert!(root.join("raw/linked").exists() && root.join("linked").exists());
    assert!(repair.done.is_empty());
    let failed: Vec<String> = repair.failed.iter().map(ToString::to_string).collect();
    assert!(failed.len() == 1 && failed[0].contains("symbolic link"), "{failed:?}");

    // Once someone has removed the files, the journal goes.
    fs::remove_dir_all(&outside).unwrap();
    let repair = lake.writer("next").repair().await;
    assert!(repair.done.is_empty() && repair.failed.is_empty(), "{:?}", repair.failed);
    assert!(!journals.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn the_journals_of_another_place_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, journals) = with_journals(dir.path()).await;
    fs::remove_dir(&journals).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("theirs"), journal("raw/readings/part-9.parquet")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &journals).unwrap();
    let stray = dir.path().join("data lake/raw/readings/part-9.parquet");
    fs::write(&stray, "").unwrap();
    let repair = lake.writer("next").repair().await;
    assert!(repair.done.is_empty() && stray.exists() && elsewhere.join("theirs").exists());
    assert_eq!(repair.failed.len(), 1);
}

/// Simulates the empty entry that a power cut can leave of a commit that wasn't written to disk.
#[tokio::test]
async fn an_empty_entry_proves_no_file_unpublished() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, journals) = with_journals(dir.path()).await;
    let table = dir.path().join("data lake/raw/readings");
    let data = table.join("part-9.parquet");
    fs::write(&data, "").unwrap();
    let empty = table.join("_delta_log/00000000000000000001.json");
    fs::write(&empty, "").unwrap();
    let file = journal("raw/readings/part-9.parquet");
    fs::write(
        journals.join("dead"),
        format!("{file}{{\"commit\":{{\"table\":\"raw/readings\",\"version\":1}}}}\n"),
    )
    .unwrap();
    fs::write(journals.join("dead-too"), file).unwrap();
    let repair = lake.clone().writer("next").repair().await;
    assert!(repair.done.is_empty() && data.exists() && empty.exists());
    let failed: Vec<String> = repair.failed.iter().map(ToString::to_string).collect();
    assert!(failed.len() == 2 && failed.iter().all(|error| error.contains("is empty")), "{failed:?}");

    // Without the entry, nothing was published.
    fs::remove_file(&empty).unwrap();
    let repair = lake.writer("next").repair().await;
    assert!(repair.failed.is_empty() && !data.exists() && !journals.exists(), "{:?}", repair.failed);
}

#[tokio::test]
async fn a_version_whose_file_vanished_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let lake = open(dir.path()).writer("one");
    let staged = stage(&lake, "one", 0).await.unwrap();
    let all = files(&dir.path().join("data lake/raw"));
    let data = all.iter().find(|file| file.extension().is_some_and(|kind| kind == "parquet")).unwrap();
    fs::remove_file(data).unwrap();
    // A commit that fails can leave the folder that it created.
    fs::create_dir(dir.path().join("data lake/raw/readings/_delta_log")).unwrap();
    let error = staged.publish().await.unwrap_err().to_string();
    assert!(error.contains("can't write to"), "{error}");
    lake.end().await;
    assert!(open(dir.path()).observe(&table()).await.unwrap().is_none());
    assert!(!dir.path().join("data lake").exists(), "{:?}", files(dir.path()));
}
