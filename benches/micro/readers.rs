//! The readers of text files: a file of readings, typed and validated.

use std::{fmt::Write as _, fs, sync::Arc};

use datafusion::prelude::SessionContext;
use divan::{Bencher, counter::BytesCount};
use headwater::bench::{
    RecordBatch,
    arrow::datatypes::{DataType, TimeUnit},
    source::{self, DateUnit, Drift, Identity, OnError, Orient, SourceFormat, SourceSpec, TextOptions},
};

const ROWS: usize = 20_000;

fn measure(bencher: Bencher<'_, '_>, name: &str, format: SourceFormat, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let columns = [
        ("at", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("kwh", DataType::Float64),
        ("meter", DataType::Utf8View),
    ];
    let spec = SourceSpec {
        name: "files.readings".to_owned(),
        format,
        location: name.to_owned(),
        base: folder.path().to_owned(),
        columns: columns.map(|(name, data_type)| (name.to_owned(), data_type)).into(),
        text: TextOptions::default(),
        on_error: OnError::SetAside,
        identity: Identity::Stamp,
        drift: Drift::default(),
    };
    let engine = crate::engine();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bencher.counter(BytesCount::of_str(text)).bench_local(|| {
        runtime.block_on(async {
            let table = source::open(&engine, &spec, None).await.unwrap();
            let context = SessionContext::new_with_state(engine.session().as_ref().clone());
            let batches = context.read_table(table).unwrap().collect().await.unwrap();
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows, ROWS);
        });
    });
    drop(Arc::new(folder));
}

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..ROWS).fold(String::new(), |mut text, row| {
        writeln!(text, "{}", line(row)).unwrap();
        text
    })
}

fn at(row: usize) -> String {
    format!("2021-01-{:02} {:02}:30:00", row % 28 + 1, row % 24)
}

#[divan::bench]
fn json_split(bencher: Bencher<'_, '_>) {
    let rows = lines(|row| format!("[\"{}\",{}.25,\"1200000000001\"],", at(row), row % 90));
    let rows = rows.trim_end().trim_end_matches(',');
    let text = format!("{{\"columns\":[\"at\",\"kwh\",\"meter\"],\"data\":[{rows}]}}");
    let format = SourceFormat::Json { orient: Orient::Split, date_unit: DateUnit::Milliseconds };
    measure(bencher, "a.json", format, &text);
}

#[divan::bench]
fn json_lines(bencher: Bencher<'_, '_>) {
    let text =
        lines(|row| format!("{{\"at\":\"{}\",\"kwh\":{}.25,\"meter\":\"m{row}\"}}", at(row), row % 90));
    measure(bencher, "a.ndjson", SourceFormat::NdJson { date_unit: DateUnit::Milliseconds }, &text);
}

#[divan::bench]
fn csv(bencher: Bencher<'_, '_>) {
    let text = format!("at,kwh,meter\n{}", lines(|row| format!("{},{}.25,m{row}", at(row), row % 90)));
    measure(
        bencher,
        "a.csv",
        SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None },
        &text,
    );
}
