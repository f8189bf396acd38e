//! Obstacles in the place of a table or its next entry: links that lead nowhere, folders, other spellings.

use std::fs;

use super::*;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_leads_nowhere_is_damage_and_is_moved_aside() {
    let fixture = LakeFixture::new();
    fs::create_dir_all(fixture.path().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("nowhere", fixture.path()).unwrap();
    for error in [
        fixture.lake.observe(&fixture.table).await.unwrap_err(),
        fixture.lake.base(&fixture.table).await.err().unwrap(),
        fixture.stage(vec![vec![readings(0, 2)]], &[]).await.err().unwrap(),
    ] {
        assert!(error.is_damage(), "{error}");
        assert!(
            error.to_string().contains("its folder is a link to `nowhere`, which doesn't exist"),
            "{error}"
        );
    }
    fixture.writer.move_damaged_table(&fixture.table, "run").await.unwrap();
    assert_eq!(fixture.publish(readings(0, 2), &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_the_place_of_an_entry_is_damage_and_no_other_writer() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    fs::create_dir(fixture.path().join("_delta_log/00000000000000000001.json")).unwrap();
    let staged = fixture.stage(vec![vec![readings(0, 2)]], &[]).await.unwrap();
    let error = staged.publish().await.unwrap_err();
    assert!(error.is_damage() && !error.is_worth_another_try(), "{error}");
    assert!(error.to_string().contains("a folder is in the place of its entry 00000000000000000001.json"));
    fixture.writer.move_damaged_table(&fixture.table, "run").await.unwrap();
    assert_eq!(fixture.publish(readings(0, 2), &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_found_by_its_name_in_any_case() {
    let fixture = LakeFixture::new();
    let spelled = |schema: &str, name: &str| {
        let relation = Relation::new(schema, name);
        let lake = fixture.lake.clone();
        async move { lake.spelled(&relation).await.unwrap() }
    };
    assert_eq!(spelled("Presentation", "READINGS").await, None);
    fixture.publish(readings(0, 2), &[]).await;
    assert_eq!(spelled("Presentation", "READINGS").await, Some(fixture.table.clone()));
    fs::create_dir(fixture.path().with_file_name("READINGS")).unwrap();
    assert_eq!(spelled("presentation", "readings").await, Some(fixture.table.clone()));
    assert_eq!(spelled("presentation", "READINGS").await, Some(Relation::new("presentation", "READINGS")));
    assert_eq!(spelled("presentation", "other").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_the_kernel_cannot_read_is_an_error_with_its_table() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 2), &[]).await;
    let entry = fixture.path().join("_delta_log/00000000000000000000.json");
    let deep = r#"{"a":"#.repeat(50_000);
    let written = fs::read_to_string(&entry).unwrap();
    let spoiled = written.lines().map(|line| {
        let Ok(mut action) = serde_json::from_str::<serde_json::Value>(line) else { return line.to_owned() };
        if let Some(stats) = action.pointer_mut("/add/stats") {
            *stats = deep.clone().into();
        }
        action.to_string()
    });
    fs::write(&entry, spoiled.collect::<Vec<_>>().join("\n")).unwrap();
    let lake = Lake::open("data lake", fixture.dir.path(), BTreeMap::new(), session()).unwrap();
    let message = match lake.provider(&fixture.table).await {
        Err(error) => error.to_string(),
        Ok(table) => {
            let context = SessionContext::new();
            context.register_table("t", table.unwrap()).unwrap();
            let rows = context.sql("select * from t").await.unwrap().collect().await;
            rows.unwrap_err().to_string()
        }
    };
    assert!(message.contains("the Delta log of") && message.contains("readings can't be read"), "{message}");
}
