//! Leases: runs in an object store that are alive, silent or too late.

use super::*;

const MOMENT: Duration = Duration::from_millis(150);

/// Short lease times for tests.
fn times(heartbeat: Duration) -> LeaseTimes {
    LeaseTimes { heartbeat, doubt: Duration::from_millis(50), expiry: Duration::from_millis(100) }
}

fn bucket() -> Lake {
    Lake::open("memory:///some/lake", Path::new("/"), BTreeMap::new(), session()).unwrap()
}

async fn objects(lake: &Lake) -> Vec<Location> {
    lake.store().list(None).map_ok(|one| one.location).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_run_that_is_silent_for_long_is_dead() {
    let lake = bucket();
    let silent = times(Duration::from_secs(9));
    drop(stage(&lake.clone().writer_at("dead", silent), "dead", 0).await.unwrap());
    let next = lake.clone().writer_at("next", silent);
    assert!(next.repair().await.done.is_empty(), "not yet");
    tokio::time::sleep(MOMENT).await;
    let repair = next.repair().await;
    assert_eq!(repair.done, [Repaired { run: "dead".into(), files: 3 }]);
    assert!(repair.failed.is_empty());
    next.end().await;
    assert_eq!(objects(&lake).await, []);
}

#[tokio::test]
async fn a_run_that_gives_signs_is_left_alone() {
    let lake = bucket();
    let living = lake.clone().writer_at("living", times(Duration::from_millis(20)));
    let staged = stage(&living, "living", 0).await.unwrap();
    tokio::time::sleep(MOMENT).await;
    let next = lake.clone().writer_at("next", times(Duration::from_millis(20)));
    let repair = next.repair().await;
    assert!(repair.done.is_empty() && repair.failed.is_empty());
    staged.publish().await.unwrap();
    living.end().await;
    next.end().await;
    assert!(objects(&lake).await.iter().all(|object| !object.as_ref().contains("_headwater")));
}

/// Simulates decoding and compression that occupy every thread of the runtime.
#[test]
fn a_run_whose_threads_are_all_busy_shows_that_it_lives() {
    let lake = bucket();
    let lively = times(Duration::from_millis(20));
    let busy = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let living = lake.clone().writer_at("living", lively);
    let staged = busy.block_on(stage(&living, "living", 0)).unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    busy.spawn(async move {
        begun.send(()).unwrap();
        let _ = ends.recv();
    });
    has_begun.recv().unwrap();
    std::thread::sleep(MOMENT);
    let other = tokio::runtime::Runtime::new().unwrap();
    let next = lake.writer_at("next", lively);
    let repair = other.block_on(next.repair());
    assert!(repair.done.is_empty() && repair.failed.is_empty());
    drop(end);
    busy.block_on(staged.publish()).unwrap();
}

#[tokio::test]
async fn a_run_that_wakes_up_too_late_publishes_nothing() {
    let lake = bucket();
    let silent = times(Duration::from_secs(9));
    let sleeper = lake.clone().writer_at("sleeper", silent);
    let staged = stage(&sleeper, "sleeper", 0).await.unwrap();
    tokio::time::sleep(MOMENT).await;
    assert_eq!(lake.clone().writer_at("next", silent).repair().await.done.len(), 1);
    let published = staged.publish().await;
    assert!(matches!(published, Err(LakeError::LeaseLost { .. })), "{published:?}");
    assert!(lake.observe(&table()).await.unwrap().is_none());
    assert!(stage(&sleeper, "sleeper", 0).await.is_err(), "nor anything after it");
}

#[tokio::test]
async fn a_run_that_was_silent_but_not_missed_goes_on() {
    let lake = bucket();
    let sleeper = lake.clone().writer_at("sleeper", times(Duration::from_secs(9)));
    let staged = stage(&sleeper, "sleeper", 0).await.unwrap();
    tokio::time::sleep(MOMENT).await;
    staged.publish().await.unwrap();
    sleeper.end().await;
    assert_eq!(lake.observe(&table()).await.unwrap().unwrap().version, 0);
}

#[tokio::test]
async fn what_was_published_in_a_bucket_stays() {
    let lake = bucket();
    let silent = times(Duration::from_secs(9));
    for at in 1.. {
        let base = lake.observe(&table()).await.unwrap().map(|seen| seen.version);
        let dying = lake.clone();
        let dying = dying.with_fault(FaultInjection::new(at, || panic!("killed"))).writer_at("dead", silent);
        let built = tokio::spawn(async move { build(dying, "dead", 0).await }).await;
        tokio::time::sleep(MOMENT).await;
        let next = lake.clone().writer_at("next", silent);
        assert!(next.repair().await.failed.is_empty());
        next.end().await;
        let after = lake.observe(&table()).await.unwrap().map(|seen| seen.version);
        assert!(after == base || after == Some(base.map_or(0, |base| base + 1)), "killed at {at}");
        let all = objects(&lake).await;
        let mut logs = String::new();
        for entry in all.iter().filter(|one| one.extension() == Some("json")) {
            let text = lake.store().get(entry).await.unwrap().bytes().await.unwrap();
            logs += std::str::from_utf8(&text).unwrap();
        }
        for one in all.iter().filter(|one| one.extension() != Some("json")) {
            assert!(logs.contains(one.filename().unwrap()), "killed at {at}: {one} is left");
        }
        if built.is_ok_and(|built| built.is_ok()) {
            break;
        }
    }
}
