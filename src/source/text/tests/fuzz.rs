//! Fuzz targets for the readers of JSON and CSV: a file gives the same rows and rejects whether it is read
//! whole, or in chunks through a window of a few bytes.

use super::*;
use crate::fuzz::fuzz;

/// Longer texts may have rows that are too long for [`SLOW`].
const LONGEST: usize = 2_000;

const COLUMNS: [(&str, &str); 6] = [
    ("id", "bigint"),
    ("name", "varchar"),
    ("amount", "double"),
    ("at", "timestamp"),
    ("flag", "boolean"),
    ("rest", "json"),
];

const JSON: [&str; 5] = [
    r#"{"columns":["id","name","amount"],"index":[0,1],"data":[[1,"a\u0061\n",0.5],[2,null,"n/a"],[3]]}"#,
    r#"[{"id":1,"name":"é","at":1609459200000,"rest":{"k":[1,{"x":null}]}},{"id":"2","flag":true},{"Id":3}]"#,
    "{\"id\":1,\"amount\":1e-1}\n{\"id\":2,\"name\":\"x\",\"extra\":[]}\n\n{\"id\":3,\"name\":\"\\ud83d\\ude00\"}\n",
    r#"{"id":1,"name":"one object","rest":[[[]]]}"#,
    "{\"data\":[[1,true]],\"columns\":[\"id\",\"flag\"]}",
];

const JSON_WORDS: [&str; 26] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "null",
    "true",
    "NaN",
    "-",
    ".",
    "e9",
    "1e400",
    "\"id\":",
    "\"data\":",
    "\"columns\":",
    "{\"id\":1}\n",
    "[1,\"x\"]",
    " ",
    "\n",
    "00",
    "\"rest\":{",
];

const CSV_SEEDS: [&str; 5] = [
    "id,name,amount,at,flag,rest\n1,a,0.5,2021-01-01,true,{}\n2,\"b \"\"x\"\"\nc\",,,0,\"[1,2]\"\n3,d\n",
    "id;name;amount\r\n1;'a;b';1,5\r\n2;'';\r\n",
    "1\tx\t1.5\t2021-01-01 00:00:00\tfalse\tnull\n2\ty\t\t\t\t\n",
    "name|id\n|1\n\"\"|2\nNULL|x\n",
    "id\n\n1\n\n2",
];

const CSV_WORDS: [&str; 22] = [
    ",",
    ";",
    "\t",
    "|",
    "^",
    "\"",
    "\"\"",
    "'",
    "\n",
    "\r\n",
    "\r",
    "id",
    "name",
    "1",
    "x",
    "2021-01-01",
    "true",
    "1e400",
    "\"a\n",
    ",,,,,,,,",
    " ",
    "null",
];

fn check(
    runtime: &tokio::runtime::Runtime,
    format: SourceFormat,
    name: &str,
    bytes: &[u8],
) -> Result<(), String> {
    if bytes.len() > LONGEST {
        return Ok(());
    }
    let fixture = fixture(format, &with_place(&COLUMNS), &[(name, bytes), ("data/z/empty.json", b"")]);
    let whole = runtime.block_on(fixture.show(ALL));
    let rejects = runtime.block_on(fixture.show("select count(*) from t"));
    let fixture = fixture.at(SLOW);
    let pieces = runtime.block_on(fixture.show(ALL));
    if whole != pieces {
        return Err(format!("read whole:\n{whole}\nread in pieces:\n{pieces}"));
    }
    // The lines after the rows are those of the rejects.
    let rejected = |shown: &str| {
        let lines = shown.lines().filter(|line| !line.starts_with(['|', '+']));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    if rejected(&whole) != rejected(&rejects) {
        return Err(format!("rejects of all columns:\n{whole}\nand of none:\n{rejects}"));
    }
    Ok(())
}

#[test]
fn fuzz_json() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz(48, &JSON, &JSON_WORDS, |bytes| {
        let auto = SourceFormat::Json { orient: Orient::Auto, date_unit: DateUnit::Milliseconds };
        let format = [auto, SPLIT, RECORDS, LINES][bytes.len() % 4].clone();
        let name = if bytes.len() % 4 == 3 { "data/a.ndjson" } else { "data/a.json" };
        check(&runtime, format, name, bytes)
    });
}

#[test]
fn fuzz_csv() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz(48, &CSV_SEEDS, &CSV_WORDS, |bytes| check(&runtime, CSV, "data/a.csv", bytes));
}
