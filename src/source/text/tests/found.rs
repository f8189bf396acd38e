//! Inferred columns of files without declarations.

use std::fmt::Write as _;

use datafusion::prelude::{SessionConfig, SessionContext};

use super::{CSV, fixture};
use crate::{
    engine::types::declared_name,
    source::{DateUnit, InferenceDepth, InferredColumns, Orient, SourceFormat, files, provider::columns},
};

const ANY_JSON: SourceFormat = SourceFormat::Json { orient: Orient::Auto, date_unit: DateUnit::Milliseconds };

async fn found(format: SourceFormat, files: &[(&str, &[u8])], threads: usize) -> InferredColumns {
    let fixture = fixture(format, &[], files);
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(threads));
    let state = context.state();
    let listed = files::list(&fixture.spec, &state).await.unwrap();
    columns(&fixture.spec, &state, listed, InferenceDepth::Detailed).await.unwrap()
}

/// Returns a line per column, after checking that the number of threads doesn't matter.
async fn shown(format: SourceFormat, files: &[(&str, &[u8])]) -> String {
    let mut texts = Vec::new();
    for threads in [1, 3] {
        let found = found(format.clone(), files, threads).await;
        let mut text = format!("{} files, {} rows", found.files, found.rows);
        for column in &found.columns {
            let (name, data_type) = (&column.name, declared_name(&column.data_type));
            let (nulls, distinct, examples) = (column.nulls, column.distinct, column.examples.join(" | "));
            let _ = write!(text, "\n{name} {data_type}: {nulls} nulls, {distinct} distinct: {examples}");
        }
        for (file, reason) in &found.broken {
            let _ = write!(text, "\n{file}: {reason}");
        }
        texts.push(text);
    }
    assert_eq!(texts[0], texts[1]);
    texts.pop().unwrap()
}

#[tokio::test]
async fn the_columns_of_csv_files_hold_every_value_of_all_files() {
    let files: [(&str, &[u8]); 6] = [
        ("data/a.csv", b"id,amount,day,at,flag,note,empty\n1,1.5,2021-01-31,2021-01-31 12:00:00,true,x,\n2,,2021-02-01,2021-01-31T12:00Z,FALSE,\"a, b\",\n"),
        ("data/b.csv", b"ID;amount;zip\n9223372036854775808;2;01234\n"),
        ("data/c.csv.gz", b"not gzip"),
        ("data/d.csv", b"id,amount\n3,2.5,too wide\n4,3\n"),
        ("data/e.csv", b"id,late\n5,1\n"),
        ("data/f.csv", b"id,late\n6,\"open\n"),
    ];
    insta::assert_snapshot!(shown(CSV, &files).await);
}

#[tokio::test]
async fn the_columns_of_json_files_nest() {
    let files: [(&str, &[u8]); 4] = [
        ("data/a.json", br#"[{"id":1,"at":"2021-01-31T12:00:00Z","who":{"name":"x","age":3},"tags":["a","b"],"any":1},
            {"id":2,"who":{"name":"y","zip":"007"},"tags":[],"any":{"x":1},"big":12345678901234567890}]"#),
        ("data/b.jsonl", b"{\"id\":3,\"at\":null,\"tags\":null,\"none\":null,\"list\":[]}\n{\"id\":4.5,\"flag\":true,\"any\":\"text\"}"),
        ("data/c.json", br#"{"columns":["id","day"],"index":[0],"data":[[5,"2021-01-31"]]}"#),
        ("data/d.json", br#"{"columns":["id"],"data":[[5,"#),
    ];
    insta::assert_snapshot!(shown(ANY_JSON, &files).await);
}

#[tokio::test]
async fn folders_give_columns_too() {
    let files: [(&str, &[u8]); 3] = [
        ("data/day=2021-01-31/store=1/a.csv", b"id\n1\n2\n"),
        ("data/day=2021-02-01/store=x/a.csv", b"id,store\n3,9\n"),
        ("data/day=__HIVE_DEFAULT_PARTITION__/a.csv", b"id\n4\n"),
    ];
    insta::assert_snapshot!(shown(CSV, &files).await, @"
    3 files, 4 rows
    id bigint: 0 nulls, 4 distinct: 1 | 2 | 3
    day date: 1 nulls, 2 distinct: 2021-01-31 | 2021-02-01
    store varchar: 1 nulls, 2 distinct: 1 | x
    ");
}

#[tokio::test]
async fn distinct_values_are_counted_well_enough() {
    for count in [10_u64, 1024, 5_000, 60_000] {
        let text: String = (0..count * 2).fold("id\n".to_owned(), |mut text, id| {
            let _ = writeln!(text, "{}", id % count);
            text
        });
        let found = found(CSV, &[("data/a.csv", text.as_bytes()), ("data/b.csv", text.as_bytes())], 2).await;
        let distinct = found.columns[0].distinct;
        let off = distinct.abs_diff(count) as f64 / count as f64;
        assert!(off < if count <= 1024 { 1e-9 } else { 0.05 }, "{distinct} of {count}");
        assert_eq!(found.columns[0].examples, ["0", "1", "2"]);
    }
}

#[tokio::test]
async fn a_header_is_of_other_types_than_the_rows() {
    for (text, names) in [
        ("id,2020,2021\n7,1.5,2\n8,1,2\n", "id 2020 2021"),
        ("a,b\nx,y\n", "a b"),
        ("a,b\n", "a b"),
        (",a\n0,x\n1,y\n", "a"),
        ("2020,2021\n1,2\n", "column0 column1"),
        ("x,1\ny,2\n", "column0 column1"),
    ] {
        let found = found(CSV, &[("data/a.csv", text.as_bytes())], 1).await;
        let columns: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(columns.join(" "), names, "{text:?}");
    }
}

#[tokio::test]
async fn a_file_without_a_header_has_numbered_columns() {
    let files: [(&str, &[u8]); 1] = [("data/a.csv", b"1,x\n2,y\n")];
    insta::assert_snapshot!(shown(CSV, &files).await, @"
    1 files, 2 rows
    column0 bigint: 0 nulls, 2 distinct: 1 | 2
    column1 varchar: 0 nulls, 2 distinct: x | y
    ");
}

#[tokio::test]
async fn big_files_are_looked_through_in_windows() {
    let rows = 400_000;
    let mut text = "id,value\n".to_owned();
    for id in 0..rows {
        let _ = writeln!(text, "{id},{}.25 is the value of this row", id % 7);
    }
    assert!(text.len() > 8 << 20);
    let found = found(CSV, &[("data/a.csv", text.as_bytes())], 2).await;
    assert_eq!((found.rows, found.columns[0].nulls, found.columns[1].distinct), (rows, 0, 7));
}
