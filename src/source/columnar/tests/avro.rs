//! Avro files: UUIDs, damage and missing columns.

use super::*;

#[tokio::test]
async fn a_uuid_of_avro_is_text() {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    let bytes = include_bytes!("../../../../tests/sources/uuid.avro");
    std::fs::write(directory.path().join("data/a.avro"), bytes).unwrap();
    for columns in
        [&[("uid", "varchar"), ("id", "bigint"), ("other", "varchar")][..], &[("id", "bigint")], &[]]
    {
        let mut spec = declared(directory.path(), columns);
        spec.format = AVRO;
        let shown = show(&spec, "select id, uid, other from t order by id").await;
        assert!(shown.contains("| 1  | 01234567-89ab-cdef-0123-456789abcdef |"), "{shown}");
        assert!(
            shown.contains(
                "| 2  | ffffffff-ffff-4fff-bfff-ffffffffffff | 01234567-89ab-cdef-0123-456789abcdef |"
            ),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn an_avro_file_that_is_cut_is_set_aside_whole() {
    let files = [testing::file("null", <[u8]>::to_vec), testing::file("deflate", testing::deflate)];
    for (file, ends) in files {
        for cut in (0..file.len()).step_by(37).chain([file.len() - 1, ends[2] - 16, ends[1] + 1]) {
            let directory = held(&[("a.avro", &file), ("b.avro", &file[..cut])]);
            for columns in [&[("i", "bigint")][..], &[]] {
                let mut spec = of_avro(directory.path(), columns);
                let shown = show(&spec, "select count(*) as n, count(i) as i from t").await;
                if let Some(blocks) = ends.iter().position(|end| *end == cut) {
                    let rows = format!("| {0} | {0} |", 60 + 20 * blocks);
                    assert!(shown.contains(&rows), "{cut}: {shown}");
                    continue;
                }
                assert!(shown.contains("| 60 | 60 |") && shown.contains("data/b.avro: "), "{cut}: {shown}");
                spec.on_error = OnError::Fail;
                let error = show(&spec, "select count(*) as n from t").await;
                assert!(error.contains("files.p: data/b.avro: ") && error.contains("hint: "), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_column_that_is_missing_in_avro_is_counted() {
    let (file, _) = testing::file("null", <[u8]>::to_vec);
    let directory =
        held(&[("a.avro", &file), ("b.avro", include_bytes!("../../../../tests/sources/uuid.avro"))]);
    let mut spec = of_avro(directory.path(), &[("i", "bigint"), ("uid", "varchar")]);
    spec.drift.on_new_column = Some(OnNewColumn::Ignore);
    spec.drift.earlier =
        vec![Deviation { missing: Vec::new(), new: vec!["s".into(), "id".into(), "other".into()] }];
    let shown = show(&spec, "select count(*) as n from t").await;
    assert!(
        shown.contains("the column `uid` is NULL in 60 rows of files that lack it: data/a.avro"),
        "{shown}"
    );
}
