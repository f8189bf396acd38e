//! Concurrent writers of one table.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_writers_commit_is_never_overwritten_unseen() {
    let fixture = LakeFixture::new();
    // Two creations.
    let (first, second) = tokio::join!(
        fixture.stage(vec![vec![readings(0, 2)]], &[]),
        fixture.stage(vec![vec![readings(5, 6)]], &[])
    );
    first.unwrap().publish().await.unwrap();
    let lost = second.unwrap().publish().await.unwrap_err();
    insta::assert_snapshot!(lost.to_string(), @"another writer committed version 0 of presentation.readings while this one was being prepared; nothing was published, run again");
    assert_eq!(fixture.data_files().len(), 1, "the loser's file is gone");

    // An append between staging and publishing.
    let staged = fixture.stage(vec![vec![readings(0, 3)]], &[]).await.unwrap();
    fixture.append_outside(readings(10, 11)).await;
    assert!(matches!(staged.publish().await, Err(LakeError::Conflict { version: 1, .. })));
    insta::assert_snapshot!(fixture.read().await, @r"
    +-------+-----+
    | meter | kwh |
    +-------+-----+
    | m0    | 0   |
    | m0    | 10  |
    | m1    | 1   |
    +-------+-----+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creators_each_version_has_one_and_losers_leave_nothing() {
    for _ in 0..10 {
        let fixture = LakeFixture::new();
        let create = async || fixture.stage(vec![vec![readings(0, 2)]], &[]).await?.publish().await;
        let made = futures::future::join_all((0..6).map(|_| create())).await;
        // A creation that starts late enough sees the first one's table and makes its second version.
        let mut won: Vec<_> = made.iter().flatten().map(|published| published.version).collect();
        won.sort_unstable();
        assert_eq!(won, (0..won.len() as u64).collect::<Vec<_>>());
        assert!(!won.is_empty());
        for lost in made.into_iter().filter_map(Result::err) {
            assert!(matches!(lost, LakeError::Conflict { .. }), "{lost}");
        }
        assert_eq!(fixture.data_files().len(), won.len());
    }
}
