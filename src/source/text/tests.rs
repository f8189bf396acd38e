//! Real queries on whole files: which rows are read, and which are rejected and why.

mod drift;
mod found;
mod fuzz;
mod hostile;
mod random;
mod spoilt;
mod written;

use std::{fmt::Write as _, fs, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::DataType, util::pretty::pretty_format_batches},
    prelude::{SessionConfig, SessionContext},
};
use futures::TryStreamExt;
use proptest::prelude::*;
use tempfile::TempDir;

use super::ReadSizes;
use crate::{
    engine::types::data_type,
    source::{
        DateUnit, Drift, Identity, Limit, MaxRejected, OnError, OnMissingColumn, Orient, RejectSink,
        SourceFormat, SourceSpec, TextOptions, files, provider::provider_at,
    },
};

const SPLIT: SourceFormat = SourceFormat::Json { orient: Orient::Split, date_unit: DateUnit::Milliseconds };
const RECORDS: SourceFormat =
    SourceFormat::Json { orient: Orient::Records, date_unit: DateUnit::Milliseconds };
const LINES: SourceFormat = SourceFormat::NdJson { date_unit: DateUnit::Milliseconds };
const CSV: SourceFormat = SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None };

/// Makes every file count as large, and read through a window of a few bytes.
const SLOW: ReadSizes = ReadSizes { whole: 0, chunk: 24, window: 7, row: 4096 };

/// A source in its own directory.
struct TextFixture {
    directory: TempDir,
    spec: SourceSpec,
    pace: ReadSizes,
    partitions: usize,
}

/// A policy without limits: these tests are about what is read, however bad the files are.
fn tolerant() -> Drift {
    let all = Some(Limit::Share(1_000_000));
    Drift {
        on_missing_column: OnMissingColumn::Null,
        max_rejected: MaxRejected { per_file: all, per_run: all },
        is_addition: true,
        ..Drift::default()
    }
}

fn fixture(format: SourceFormat, columns: &[(&str, &str)], files: &[(&str, &[u8])]) -> TextFixture {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let columns = columns.iter().map(|(name, sql)| ((*name).to_owned(), data_type(sql).unwrap())).collect();
    let spec = SourceSpec {
        identity: Identity::Stamp,
        drift: tolerant(),
        name: "files.readings".to_owned(),
        format,
        location: "data".to_owned(),
        base: directory.path().to_owned(),
        columns,
        text: TextOptions::default(),
        on_error: OnError::SetAside,
    };
    TextFixture { directory, spec, pace: ReadSizes::default(), partitions: 2 }
}

impl TextFixture {
    fn at(mut self, pace: ReadSizes) -> Self {
        self.pace = pace;
        self
    }

    /// Returns the batches of a query on the source `t`, and the batches of its rejects.
    async fn query(&self, sql: &str) -> Result<(Vec<RecordBatch>, Vec<RecordBatch>), String> {
        let config = SessionConfig::new().with_target_partitions(self.partitions);
        let context = SessionContext::new_with_config(config);
        let (sink, stream) = RejectSink::new(4);
        let run = async {
            let state = context.state();
            let files = files::list(&self.spec, &state).await?;
            let table = provider_at(&self.spec, &state, files, Some(Arc::clone(&sink)), self.pace).await?;
            context.register_table("t", table)?;
            let batches = context.sql(sql).await?.collect().await;
            sink.close();
            batches
        };
        let closing = Arc::clone(&sink);
        let run = async move {
            let found = run.await.map_err(|error| error.to_string());
            closing.close();
            found
        };
        let (found, rejects) = futures::join!(run, stream.into_stream().try_collect::<Vec<_>>());
        Ok((found?, rejects.unwrap()))
    }

    /// Returns the notes on a query's files.
    async fn notes(&self, sql: &str) -> Vec<String> {
        let config = SessionConfig::new().with_target_partitions(self.partitions);
        let context = SessionContext::new_with_config(config);
        let (sink, stream) = RejectSink::new(4);
        drop(stream);
        let state = context.state();
        let files = files::list(&self.spec, &state).await.unwrap();
        let table = provider_at(&self.spec, &state, files, Some(Arc::clone(&sink)), self.pace).await.unwrap();
        context.register_table("t", table).unwrap();
        context.sql(sql).await.unwrap().collect().await.unwrap();
        sink.counts().notes
    }

    /// Returns rows and rejects as text.
    async fn show(&self, sql: &str) -> String {
        match self.query(sql).await {
            Err(error) => error.replace(&*self.directory.path().to_string_lossy(), "<base>"),
            Ok((batches, rejects)) => {
                let mut text = pretty_format_batches(&batches).unwrap().to_string();
                let rejects: Vec<_> =
                    rejects.iter().map(|batch| batch.project(&[1, 2, 3, 4, 5]).unwrap()).collect();
                let mut lines: Vec<String> = pretty_format_batches(&rejects)
                    .unwrap()
                    .to_string()
                    .lines()
                    .map(|line| {
                        line.split('|')
                            .map(str::trim)
                            .filter(|part| !part.is_empty())
                            .collect::<Vec<_>>()
                            .join(" | ")
                    })
                    .filter(|line| !line.starts_with('+') && !line.starts_with("file |"))
                    .collect();
                lines.sort();
                for line in lines {
                    let _ = write!(text, "\n{line}");
                }
                text
            }
        }
    }
}

const READINGS: [(&str, &str); 3] =
    [("interval_start", "timestamp"), ("consumption_delta", "double"), ("meterpoint_id", "varchar")];

fn dirty() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("data/a.json", br#"{"columns":["interval_start","consumption_delta","meterpoint_id"],"data":[
            ["2021-01-01 00:00:00",0.113,"1200000000000"],
            ["2021-01-01T00:30:00Z","0.5",1200000000000],
            ["2021-01-01 00:30:00","n/a","x"],
            [1609459200000,null,0.10],
            ["2021-01-01T02:00:00+0200",1],
            {"a":1},
            ["2021-01-01T02:00:00+02:00",1e-1,"esc\u0061ped \"x\""]]}"#),
        ("data/b.json", br#"{"index":[0,[1],{}],"data":[["m",{"x":[1]},"2021-01-02"]],"name":"n","columns":["meterpoint_id","extra","interval_start"]}"#),
        ("data/c_empty.json", b""),
        ("data/d_cut.json", br#"{"columns":["interval_start","consumption_delta","meterpoint_id"],"data":[["2021-01-01",1,"cut"],["2021"#),
        ("data/e_norows.json", br#"{"columns":["interval_start","consumption_delta","meterpoint_id"],"data":[]}"#),
        ("data/g_strange.json", br#"{"columns":["p","q"],"data":[["a","b"]]}"#),
        ("data/h_trail.json", br#"{"columns":["meterpoint_id"],"data":[["t"]]} x"#),
        ("data/i_utf8.json", b"{\"columns\":[\"meterpoint_id\"],\"data\":[[\"\xff\"]]}"),
        ("data/j_frame.json", b"\xef\xbb\xbf{\"columns\":[],\"index\":[],\"data\":[]}"),
        ("data/k_nodata.json", br#"{"columns":["meterpoint_id"]}"#),
        ("data/sub/l.json", br#"{"columns":["meterpoint_id"],"data":[["deep"]]}"#),
        ("data/README.md", b"not a reading"),
    ]
}

const ALL: &str = "select * from t order by _source_file, _source_row";

fn with_place(columns: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [columns, &[("_source_file", "varchar"), ("_source_row", "bigint")]].concat()
}

#[tokio::test]
async fn split_documents_with_all_their_dirt() {
    let fixture = fixture(SPLIT, &with_place(&READINGS), &dirty());
    let fast = fixture.show(ALL).await;
    insta::assert_snapshot!(fast);
    let slow = fixture.at(SLOW).show(ALL).await;
    assert_eq!(fast, slow);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_found_alike_in_a_file_that_is_read_whole_or_in_pieces() {
    let columns = with_place(&[("id", "bigint"), ("name", "varchar")]);
    let long = [&b"id,name\n1,abcdefgh\n2,abcdefgh\n3,\0"[..], &[0xE9; 3][..]].concat();
    for bytes in [
        &b"id,name\n1,a\n2,\xff\n3,c\n"[..],
        b"id,name\n1,a\n2,b\xc3",
        b"id,name\n1,\"a\"x\n2,\"b\n3,\xc3(\n",
        b"id,id\n1,2\n3,\xff\n",
        b"\xff\xfe\x00",
        &long,
    ] {
        let fixture = fixture(CSV, &columns, &[("data/a.csv", bytes), ("data/b.csv", b"id,name\n1,b\n")]);
        let whole = fixture.show(ALL).await;
        let pieces = fixture.at(SLOW).show(ALL).await;
        assert_eq!(whole, pieces, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn what_is_set_aside_does_not_depend_on_the_query() {
    for pace in [ReadSizes::default(), SLOW] {
        let fixture = fixture(SPLIT, &with_place(&READINGS), &dirty()).at(pace);
        let all = fixture.query(ALL).await.unwrap().1.iter().map(RecordBatch::num_rows).sum::<usize>();
        for sql in [
            "select count(*) from t",
            "select _source_row from t",
            "select meterpoint_id from t",
            "select count(*) from t a join t b using (meterpoint_id)",
        ] {
            let (found, rejects) = fixture.query(sql).await.unwrap();
            assert_eq!(rejects.iter().map(RecordBatch::num_rows).sum::<usize>(), all, "{sql}");
            assert!(found.iter().map(RecordBatch::num_rows).sum::<usize>() > 0, "{sql}");
        }
        let count = fixture.show("select count(*) as n from t").await;
        assert!(count.contains("| 6 |"), "{count}");
    }
}

#[tokio::test]
async fn on_error_fail_names_the_place() {
    for pace in [ReadSizes::default(), SLOW] {
        let file = br#"{"columns":["a"],"data":[["1"],["n/a"]]}"#;
        let mut fixture = fixture(SPLIT, &[("a", "double")], &[("data/x.json", file)]).at(pace);
        fixture.spec.on_error = OnError::Fail;
        let error = fixture.show("select count(*) from t").await;
        assert!(
            error.contains(r#"files.readings: data/x.json:1: row 2: a: "n/a" is not a double"#),
            "{error}"
        );
    }
}

#[tokio::test]
async fn records_and_lines() {
    let rows: [&[u8]; 2] = [br#"{"a":1,"b":"x"}"#, br#"{"b":null,"c":[],"a":2}"#];
    let more: [&[u8]; 4] = [br#"{"a":3}"#, br#"{"a":"no"}"#, b"[1]", br#"{"a":4,"a":5}"#];
    let all: Vec<&[u8]> =
        rows.iter().chain(&more).copied().chain([br#"{"\u0061":6,"b":7}"#.as_slice()]).collect();
    let array = [b"[".as_slice(), &all.join(b", ".as_slice()), b"]"].concat();
    let lines = [&all.join(b"\r\n".as_slice()), b"\n\n".as_slice()].concat();
    let columns = with_place(&[("a", "bigint"), ("b", "varchar")]);
    let files: [(&str, &[u8]); 2] = [("data/a.json", &array), ("data/z.json", b"[{\"x\":1}]")];
    let records = fixture(RECORDS, &columns, &files);
    let fast = records.show(ALL).await;
    insta::assert_snapshot!(fast);
    assert_eq!(records.at(SLOW).show(ALL).await, fast);
    let files: [(&str, &[u8]); 4] = [
        ("data/a.json", &lines),
        ("data/b.jsonl", b"{\"a\":1} {\"a\":2}"),
        ("data/c.jsonl", b"{\"a\":1}\n{\"a\""),
        ("data/z.json", b"{\"x\":1}"),
    ];
    let lines = fixture(LINES, &columns, &files);
    let fast = lines.show(ALL).await;
    insta::assert_snapshot!(fast);
    assert_eq!(lines.at(SLOW).show(ALL).await, fast);
}

#[tokio::test]
async fn separated_values() {
    let files: [(&str, &[u8]); 4] = [
        ("data/a.csv", b"b, a ,x\r\n\"q, \"\"w\"\"\n2\",1,\r\n\r\n,,\r\n\"\",7,\r\nshort,1\r\nbad,n/a,\n\"torn\"x,1,\nlast,5,end"),
        ("data/b.csv", b"a,b\n1,\"open\n2,x\n"),
        ("data/c.csv", b"\n"),
        ("data/e.csv", "a,b\n9,é".as_bytes()),
    ];
    let csv = fixture(CSV, &with_place(&[("a", "integer"), ("b", "varchar")]), &files);
    let fast = csv.show(ALL).await;
    insta::assert_snapshot!(fast);
    assert_eq!(csv.at(SLOW).show(ALL).await, fast);
    let bare =
        SourceFormat::Csv { delimiter: Some(b';'), header: Some(false), quote: Some(b'\''), nulls: None };
    let bare = fixture(bare, &[("a", "integer"), ("b", "varchar")], &[("data/a.csv", b"1;'x;y'\n2;z")]);
    insta::assert_snapshot!(bare.show("select * from t order by a").await, @"
    +---+-----+
    | a | b   |
    +---+-----+
    | 1 | x;y |
    | 2 | z   |
    +---+-----+
    ");
}

#[tokio::test]
async fn a_file_cut_anywhere_gives_no_row_of_what_is_cut() {
    let json = r#"{"index":[0,1],"columns":["a","b"],"data":[["é",-1.5e3],["\u00e9",null]]}"#;
    let lines = "{\"a\":\"é\",\"b\":1}\n{\"a\":\"x\",\"b\":[2]}";
    for pace in [ReadSizes::default(), SLOW] {
        for (format, text) in [(SPLIT, json), (LINES, lines)] {
            for end in 0..text.len() {
                let file = [("data/x.json", &text.as_bytes()[..end])];
                let fixture = fixture(format.clone(), &[("a", "varchar"), ("b", "varchar")], &file).at(pace);
                let (found, rejects) = fixture.query("select * from t").await.unwrap();
                let count =
                    |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                // A file of lines may end after any line, and rejects the line that is cut.
                let (good, bad) = match format == LINES {
                    true if end < 16 => (0, 1),
                    true => (1, usize::from(end > 17)),
                    false => (0, 1),
                };
                assert_eq!(count(&rejects), bad, "{:?}", &text.as_bytes()[..end]);
                assert_eq!(count(&found), good, "{:?}", &text.as_bytes()[..end]);
            }
        }
    }
}

#[tokio::test]
async fn many_small_files_make_few_batches_and_limits_stop_early() {
    let rows = vec![r#"["m",1]"#; 144].join(",");
    let text = format!(r#"{{"columns":["m","v"],"data":[{rows}]}}"#);
    let names: Vec<String> = (0..200).map(|at| format!("data/{at:03}.json")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), text.as_bytes())).collect();
    let fixture = fixture(SPLIT, &with_place(&[("m", "varchar"), ("v", "double")]), &files);
    let (found, _) = fixture.query("select * from t").await.unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 28_800);
    assert!(found.len() <= 4, "{} batches", found.len());
    let (found, _) = fixture.query("select v, _source_file from t limit 10").await.unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 10);
}

#[tokio::test]
async fn locations() {
    let file = br#"{"columns":["a"],"data":[["x"]]}"#;
    let files: [(&str, &[u8]); 3] =
        [("data/[1].json", file), ("data/[2].json", file), ("data/other.json", file)];
    let mut fixture = fixture(SPLIT, &[("a", "varchar"), ("_source_file", "varchar")], &files);
    let count = "select count(*) n, min(_source_file) file from t";
    for (location, want) in [
        ("data/[1].json", "1 | data/[1].json"),
        ("data/*.json", "3 | data/[1].json"),
        ("data/?*er.json", "1 | data/other.json"),
    ] {
        fixture.spec.location = location.to_owned();
        let found = fixture.show(count).await;
        assert!(found.contains(want), "{location}: {found}");
    }
    fixture.spec.location = "dada/*.json".to_owned();
    insta::assert_snapshot!(fixture.show(count).await, @"Error during planning: files.readings: no file matches `dada/*.json` under <base>");
}

#[tokio::test]
async fn object_stores_are_read_as_disks_are() {
    use object_store::{ObjectStoreExt, memory::InMemory};
    let text = r#"{"columns":["a"],"data":[["x"],["y"],["z"],["w"]]}"#;
    for pace in [ReadSizes::default(), SLOW] {
        let mut fixture = fixture(SPLIT, &[("a", "varchar"), ("_source_file", "varchar")], &[]).at(pace);
        fixture.spec.location = "memory://lake/in/*.json".to_owned();
        let context = SessionContext::new();
        let store = InMemory::new();
        store.put(&"in/a.json".into(), text.into()).await.unwrap();
        context.register_object_store(&"memory://lake".parse().unwrap(), Arc::new(store));
        let state = context.state();
        let files = files::list(&fixture.spec, &state).await.unwrap();
        let table = provider_at(&fixture.spec, &state, files, None, fixture.pace).await.unwrap();
        context.register_table("t", table).unwrap();
        let sql = "select count(*) n, max(_source_file) file from t";
        let found = context.sql(sql).await.unwrap().collect().await.unwrap();
        let found = pretty_format_batches(&found).unwrap().to_string();
        assert!(found.contains("| 4 | memory://lake/in/a.json |"), "{found}");
    }
}

#[test]
fn types_that_no_source_reads_are_refused() {
    let mut fixture = fixture(SPLIT, &[("a", "varchar"), ("a", "bigint")], &[]);
    let error = |spec: &SourceSpec| crate::source::schema(spec).unwrap_err().to_string();
    insta::assert_snapshot!(error(&fixture.spec), @"Error during planning: files.readings: column `a` is declared twice (again at 2)");
    fixture.spec.columns = vec![("a".to_owned(), DataType::UInt8)];
    insta::assert_snapshot!(error(&fixture.spec), @"Error during planning: files.readings: column `a` is declared UInt8, which no source can read");
    fixture.spec.columns = vec![("_source_row".to_owned(), DataType::Int32)];
    insta::assert_snapshot!(error(&fixture.spec), @"Error during planning: files.readings: `_source_row` is supplied by the reader as bigint");
}
