//! Deletion vectors of another writer, which leave the data file in place.

use deltalake::datafusion::arrow::array::AsArray;
use serde_json::{Value, json};

use super::*;
use crate::engine::rows::change_feed;

/// Deletes rows of the table's only file by position. The vector is stored in the log, or in a file if `file`
/// is given.
fn delete(fixture: &LakeFixture, version: u64, positions: &[u16], file: Option<u128>) {
    let log = fixture.path().join("_delta_log");
    let entry = |version: u64| log.join(format!("{version:020}.json"));
    let read = |version| -> Vec<Value> {
        let text = std::fs::read_to_string(entry(version)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let write = |version, actions: &[Value]| {
        let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
        std::fs::write(entry(version), lines.join("\n") + "\n").unwrap();
    };
    // The table must require readers that know deletion vectors.
    let mut first = read(0);
    for action in &mut first {
        if action.get("protocol").is_some() {
            *action = json!({ "protocol": {
                "minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
            } });
        }
    }
    write(0, &first);
    let mut newest = (0..version).rev().flat_map(read).filter_map(|action| action.get("add").cloned());
    let old = newest.next().unwrap();
    let mut remove = json!({ "path": old["path"], "deletionTimestamp": 0, "dataChange": true });
    if let Some(vector) = old.get("deletionVector") {
        remove["deletionVector"] = vector.clone();
    }
    let mut add = old.clone();
    add["deletionVector"] = vector(fixture, positions, file);
    add["dataChange"] = json!(true);
    let info = json!({ "commitInfo": { "timestamp": 0, "operation": "DELETE" } });
    write(version, &[info, json!({ "remove": remove }), json!({ "add": add })]);
}

/// Returns a deletion vector in the layout of the Delta protocol: a Roaring bitmap with one container.
fn vector(fixture: &LakeFixture, positions: &[u16], file: Option<u128>) -> Value {
    let cardinality = u16::try_from(positions.len()).unwrap();
    let mut bitmap = Vec::new();
    bitmap.extend(1_681_511_377_u32.to_le_bytes());
    bitmap.extend(1_u64.to_le_bytes());
    bitmap.extend(0_u32.to_le_bytes());
    bitmap.extend(12_346_u32.to_le_bytes());
    bitmap.extend(1_u32.to_le_bytes());
    bitmap.extend(0_u16.to_le_bytes());
    bitmap.extend((cardinality - 1).to_le_bytes());
    bitmap.extend(16_u32.to_le_bytes());
    bitmap.extend(positions.iter().flat_map(|position| position.to_le_bytes()));
    let size = bitmap.len();
    let Some(id) = file else {
        return json!({
            "storageType": "i", "pathOrInlineDv": z85(bitmap), "sizeInBytes": size, "cardinality": cardinality,
        });
    };
    let id = uuid::Uuid::from_u128(id);
    let mut content = vec![1_u8];
    content.extend(u32::try_from(size).unwrap().to_be_bytes());
    content.extend(&bitmap);
    content.extend(crc32(&bitmap).to_be_bytes());
    std::fs::write(fixture.path().join(format!("deletion_vector_{id}.bin")), content).unwrap();
    json!({
        "storageType": "u", "pathOrInlineDv": z85(id.as_bytes().to_vec()), "offset": 1,
        "sizeInBytes": size, "cardinality": cardinality,
    })
}

fn z85(mut bytes: Vec<u8>) -> String {
    const DIGITS: &[u8] =
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
    let of = |four: &[u8]| {
        let number = u32::from_be_bytes(four.try_into().unwrap());
        (0..5).rev().map(move |place| char::from(DIGITS[(number / 85_u32.pow(place) % 85) as usize]))
    };
    bytes.chunks(4).flat_map(of).collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Returns the changes of the column `kwh`, as computed by `net`.
async fn changes(fixture: &LakeFixture, from: u64, to: u64) -> String {
    let difference = fixture.lake.difference(&fixture.table, from, to).await.unwrap().unwrap();
    let net = match &difference.deleted {
        Some(deleted) => change_feed::net_changes(&difference.inserted, deleted).unwrap(),
        None => change_feed::all_inserted(&difference.inserted).unwrap(),
    };
    let context = SessionContext::new();
    context.register_table("t", net).unwrap();
    let sql = "select concat(_change_type, ' ', cast(kwh as varchar)) from t order by 1";
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let texts = batches.iter().flat_map(|batch| {
        let column = batch.column(0);
        (0..batch.num_rows()).map(move |row| {
            deltalake::datafusion::arrow::util::display::array_value_to_string(column, row).unwrap()
        })
    });
    texts.collect::<Vec<_>>().join(", ")
}

async fn rows(fixture: &LakeFixture) -> Vec<i64> {
    let context = SessionContext::new();
    context.register_table("t", fixture.lake.provider(&fixture.table).await.unwrap().unwrap()).unwrap();
    let batches = context.sql("select kwh from t order by 1").await.unwrap().collect().await.unwrap();
    batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column(0);
            column.as_primitive::<deltalake::datafusion::arrow::datatypes::Int64Type>().values().to_vec()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_a_vector_deletes_went_and_those_it_gives_back_came() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 10), &[]).await;
    delete(&fixture, 1, &[1, 4, 7], None);
    delete(&fixture, 2, &[1, 4, 7, 8], Some(7));
    delete(&fixture, 3, &[4], Some(8));
    assert_eq!(changes(&fixture, 0, 1).await, "delete 1, delete 4, delete 7");
    assert_eq!(changes(&fixture, 1, 2).await, "delete 8");
    assert_eq!(changes(&fixture, 0, 3).await, "delete 4");
    assert_eq!(changes(&fixture, 2, 3).await, "insert 1, insert 7, insert 8");
    assert_eq!(rows(&fixture).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let statistics = fixture.lake.statistics(&fixture.table).await.unwrap().unwrap();
    assert_eq!(statistics.rows, Some(9), "rows that no longer count are not counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_tell_what_changed_once_a_vector_is_cleaned_away() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 10), &[]).await;
    delete(&fixture, 1, &[1], Some(7));
    delete(&fixture, 2, &[1, 2], Some(8));
    assert!(fixture.lake.difference(&fixture.table, 1, 2).await.unwrap().is_some());
    let vector = format!("deletion_vector_{}.bin", uuid::Uuid::from_u128(7));
    std::fs::remove_file(fixture.path().join(vector)).unwrap();
    assert!(fixture.lake.difference(&fixture.table, 1, 2).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_with_vectors_is_written_on_and_its_rows_counted() {
    let fixture = LakeFixture::new();
    fixture.publish(readings(0, 10), &[]).await;
    delete(&fixture, 1, &[0, 9], None);
    let mut write = overwrite(readings(0, 1).schema(), &[]);
    write.replaces = Replaces::Nothing { of: 1 };
    let streams = vec![stream(&readings(0, 1).schema(), vec![Ok(readings(20, 22))])];
    let staged =
        fixture.writer.stage(&fixture.table, write, streams, &CancellationToken::new()).await.unwrap();
    assert_eq!(staged.rows(), 10, "eight of the old file count, and two are new");
    staged.publish().await.unwrap();
    assert_eq!(rows(&fixture).await, [1, 2, 3, 4, 5, 6, 7, 8, 20, 21]);

    let staged = fixture.stage(vec![vec![readings(5, 6)]], &[]).await.unwrap();
    assert_eq!(staged.rows_replaced(), 10);
    staged.publish().await.unwrap();
    assert_eq!(rows(&fixture).await, [5]);
}
