//! Files written in every way: compressed, in other encodings, and with other delimiters, quotes, line ends
//! and layouts.

use std::io::Write;

use super::{ALL, CSV, LINES, SLOW, TextFixture, fixture};
use crate::source::{Compression, DateUnit, Encoding, Orient, SourceFormat, TextOptions, text::ReadSizes};

const ANY_JSON: SourceFormat = SourceFormat::Json { orient: Orient::Auto, date_unit: DateUnit::Milliseconds };

const COLUMNS: [(&str, &str); 2] = [("id", "bigint"), ("name", "varchar")];

/// Returns the rows, after checking that whole files and files read through a window of a few bytes give the
/// same.
async fn both(make: impl Fn() -> TextFixture, sql: &str) -> String {
    let fast = make().show(sql).await;
    let slow = make().at(SLOW).show(sql).await;
    assert_eq!(fast, slow);
    fast
}

async fn rows(format: &SourceFormat, options: TextOptions, file: &str, bytes: &[u8]) -> String {
    let make = || {
        let mut fixture = fixture(format.clone(), &COLUMNS, &[(file, bytes)]);
        fixture.spec.text = options;
        fixture
    };
    let shown = both(make, "select id, name from t order by id").await;
    shown
        .lines()
        .filter(|line| !line.starts_with('+') && !line.starts_with("| id"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn compressed(bytes: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(bytes).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(bytes).unwrap();
    [
        ("gz", gzip(bytes)),
        ("zst", zstd::stream::encode_all(bytes, 0).unwrap()),
        ("bz2", bzip2.finish().unwrap()),
        ("xz", xz.finish().unwrap()),
    ]
}

const TWO: &str = "|  1 | é    |\n|  2 | b    |";
const CLEAN: &str = "| 1  | é    |\n| 2  | b    |";

#[tokio::test]
async fn compressed_files_are_read_beside_plain_ones() {
    let _ = TWO;
    for (text, format, inner) in [
        ("id,name\n1,é\n2,b\n", CSV, "csv"),
        ("{\"id\":1,\"name\":\"é\"}\n{\"id\":2,\"name\":\"b\"}\n", LINES, "jsonl"),
        ("{\"columns\":[\"id\",\"name\"],\"data\":[[1,\"é\"],[2,\"b\"]]}", ANY_JSON, "json"),
    ] {
        for (extension, bytes) in compressed(text.as_bytes()) {
            let name = format!("data/a.{inner}.{extension}");
            assert_eq!(rows(&format, TextOptions::default(), &name, &bytes).await, CLEAN, "{name}");
            // Concatenated members and frames are one text.
            let half = text.len() / 2;
            let (one, two) = (compressed(&text.as_bytes()[..half]), compressed(&text.as_bytes()[half..]));
            let both = one.into_iter().zip(two).find(|(one, _)| one.0 == extension);
            let ((_, mut one), (_, two)) = both.unwrap();
            one.extend(two);
            assert_eq!(rows(&format, TextOptions::default(), &name, &one).await, CLEAN, "{name}, twice");
        }
    }
    let options = TextOptions { compression: Compression::Gzip, ..TextOptions::default() };
    assert_eq!(rows(&CSV, options, "data/a.csv", &gzip(b"id,name\n1,\xc3\xa9\n2,b")).await, CLEAN);
}

#[tokio::test]
async fn a_compressed_file_that_is_cut_or_corrupt_gives_no_row() {
    let text: String =
        (0..500).fold("id,name\n".to_owned(), |text, id| format!("{text}{id},{}\n", id * 7919));
    for (extension, bytes) in compressed(text.as_bytes()) {
        let name = format!("data/a.csv.{extension}");
        for end in [0, 1, 5, bytes.len() / 2, bytes.len() - 1] {
            for pace in [ReadSizes::default(), SLOW] {
                let fixture = fixture(CSV, &COLUMNS, &[(&name, &bytes[..end])]).at(pace);
                let shown = fixture.show("select count(*) as n from t").await;
                assert!(shown.contains("| 0 |"), "{name} cut at {end}: {shown}");
                assert!(shown.contains("data | ends too early") || shown.contains(&name), "{shown}");
            }
        }
    }
    let files: [(&str, &[u8]); 3] = [
        ("data/a.csv.gz", &gzip(text.as_bytes())[..300]),
        ("data/b.csv.gz", b"id,name\n1,a\n"),
        ("data/c.csv", &gzip(b"id,name\n1,a\n")),
    ];
    let shown = both(|| fixture(CSV, &COLUMNS, &files), "select count(*) as n from t").await;
    let reasons: Vec<&str> = shown.lines().filter(|line| line.starts_with("data/")).collect();
    let reasons: Vec<String> = reasons
        .iter()
        .map(|line| {
            line.split(" | ")
                .filter(|part| part.starts_with("data/") || part.contains("th"))
                .collect::<Vec<_>>()
                .join(": ")
        })
        .collect();
    insta::assert_snapshot!(reasons.join("\n"));
}

#[tokio::test]
async fn text_in_other_encodings() {
    let text = "id,name\n1,é\n2,b\n";
    let utf16 = |big: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let auto = TextOptions::default();
    assert_eq!(rows(&CSV, auto, "data/a.csv", format!("\u{feff}{text}").as_bytes()).await, CLEAN);
    for (mark, big) in [(&[0xff, 0xfe], false), (&[0xfe, 0xff], true)] {
        let marked = [&mark[..], &utf16(big)].concat();
        assert_eq!(rows(&CSV, auto, "data/a.csv", &marked).await, CLEAN);
        assert_eq!(rows(&CSV, auto, "data/a.csv.gz", &gzip(&marked)).await, CLEAN);
        let declared = TextOptions { encoding: Encoding::named("utf-16").unwrap(), ..auto };
        assert_eq!(rows(&CSV, declared, "data/a.csv", &marked).await, CLEAN);
    }
    let named = |name| TextOptions { encoding: Encoding::named(name).unwrap(), ..auto };
    assert_eq!(rows(&CSV, named("utf-16be"), "data/a.csv", &utf16(true)).await, CLEAN);
    assert_eq!(rows(&CSV, named("latin-1"), "data/a.csv", b"id,name\n1,\xe9\n2,b\n").await, CLEAN);
    assert_eq!(rows(&CSV, named("Windows-1252"), "data/a.csv", b"id,name\n1,\xe9\n2,b\n").await, CLEAN);
    assert_eq!(rows(&CSV, named("cp866"), "data/a.csv", b"id,name\n1,\x82").await, "| 1  | В    |");
    assert_eq!(Encoding::named("latn-1"), None);
    let other: Vec<u8> = "имя,город\n1,Москва\n2,Тверь\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let shown = rows(&CSV, auto, "data/a.csv", &other).await;
    assert!(shown.contains("set `encoding: utf-16le`"), "{shown}");
    // Bytes that are invalid in the encoding.
    let shown = rows(&CSV, named("shift_jis"), "data/a.csv", b"id,name\n1,\x81").await;
    assert!(shown.contains("this is not Shift_JIS text"), "{shown}");
    let shown = rows(&CSV, auto, "data/a.csv", b"id,name\n1,\xe9\n").await;
    assert!(shown.contains("this is not UTF-8 text: set `encoding`"), "{shown}");
    let shown = rows(&CSV, auto, "data/a.csv", &utf16(false)).await;
    assert!(shown.contains("set `encoding: utf-16le`"), "{shown}");
}

#[tokio::test]
async fn line_ends_last_lines_and_nul_characters() {
    let auto = TextOptions::default();
    for text in ["id,name\r\n1,é\r\n2,b\r\n", "id,name\n1,é\n2,b", "id,name\r1,é\r2,b\r", "id,name\r1,é\r2,b"]
    {
        assert_eq!(rows(&CSV, auto, "data/a.csv", text.as_bytes()).await, CLEAN, "{text:?}");
    }
    // NUL is a valid character of a text, but not of a number.
    let nul = b"id,name\n1,a\0b\n2\0,c\n";
    let make = || fixture(CSV, &COLUMNS, &[("data/a.csv", nul)]);
    let shown = both(make, "select id, ascii(substr(name, 2, 1)) as code, length(name) as n from t").await;
    assert!(shown.contains("| 1  | 0    | 3 |"), "{shown}");
    assert!(shown.contains("is not a bigint"), "{shown}");
    let json = b"{\"id\":1,\"name\":\"a\\u0000b\"}";
    let make = || fixture(ANY_JSON, &COLUMNS, &[("data/a.json", json)]);
    let shown = both(make, "select length(name) as n from t").await;
    assert!(shown.contains("| 3 |"), "{shown}");
}

#[tokio::test]
async fn the_shape_of_json_is_found_file_by_file() {
    let files: [(&str, &[u8]); 9] = [
        ("data/a_split.json", br#"{"columns":["id","name"],"index":[0],"data":[[1,"split"]]}"#),
        ("data/b_records.json", br#" [{"id":2,"name":"records"}, {"id":3}]"#),
        ("data/c_lines.jsonl", b"{\"id\":4,\"name\":\"lines\"}\n{\"id\":5}\n"),
        ("data/d_lines.json", b"\xef\xbb\xbf{\"id\":6}\n{\"id\":7}"),
        ("data/e_object.json", b"{\n  \"id\": 8,\n  \"name\": \"object\"\n}\n"),
        ("data/f_data_first.json", br#"{"data":[[9,"data first"]],"columns":["id","name"]}"#),
        ("data/g_none.json", b"[]"),
        ("data/h_columns.json", br#"{"columns":["id"],"data":[]}"#),
        ("data/i_stranger.json", br#"{"data":[1,2],"page":3}"#),
    ];
    let columns =
        [("id", "bigint"), ("name", "varchar"), ("_source_file", "varchar"), ("_source_row", "bigint")];
    insta::assert_snapshot!(both(|| fixture(ANY_JSON, &columns, &files), ALL).await);
    // Columns with the same names as a document's members.
    let columns = [("data", "varchar"), ("columns", "varchar")];
    let file: [(&str, &[u8]); 1] = [("data/a.json", br#"{"columns":["x"],"data":[[1]]}"#)];
    let shown = both(|| fixture(ANY_JSON, &columns, &file), "select * from t").await;
    assert!(shown.contains("| [[1]] | [\"x\"]   |"), "{shown}");
}

fn csv(delimiter: Option<u8>, header: Option<bool>, quote: Option<u8>) -> SourceFormat {
    SourceFormat::Csv { delimiter, header, quote, nulls: None }
}

#[tokio::test]
async fn how_csv_is_written_is_found_file_by_file() {
    let auto = TextOptions::default();
    for text in [
        "id;name\n1;é\n2;b\n",
        "id\tname\n1\té\n2\tb\n",
        "id|name\n1|é\n2|b\n",
        "\u{feff}ID^NAME\n1^é\n2^b\n",
        "1,é\n2,b\n",
        "1;é\n2;b\n",
        "'id','name'\n'1','é'\n'2','b'\n",
        "id;name;x\n1;'é';'y;z'\n2;'b';x\n",
        "name;id;other, with a comma\né;1;x\nb;2;\"y;z\"\n",
    ] {
        // A header in another case is a matter of name matching.
        if text.contains("ID") {
            continue;
        }
        assert_eq!(rows(&CSV, auto, "data/a.csv", text.as_bytes()).await, CLEAN, "{text:?}");
    }
    let one = |text: &'static str, format: SourceFormat| async move {
        let make = || fixture(format.clone(), &[("id", "varchar")], &[("data/a.csv", text.as_bytes())]);
        both(make, "select id from t").await
    };
    // Apostrophes that aren't needed as quotes belong to the values.
    let shown = rows(&CSV, auto, "data/a.csv", b"id,name\n1,'a'\n2,'b'\n").await;
    assert!(shown.contains("| 1  | 'a'  |"), "{shown}");
    // A single column has no delimiter, whatever it contains.
    let shown = one("id\n1;2\na,b\n", CSV).await;
    assert!(shown.contains("2 values for 1 columns") && shown.contains("| 1;2 |"), "{shown}");
    let shown = one("it's\n'tis\n", csv(None, Some(false), None)).await;
    assert!(shown.contains("| it's |") && shown.contains("| 'tis |"), "{shown}");
}

#[tokio::test]
async fn what_is_declared_of_csv_and_is_wrong_is_said() {
    let auto = TextOptions::default();
    let shown = rows(&csv(Some(b','), None, None), auto, "data/a.csv", b"id;name\n1;a\n").await;
    assert!(shown.contains("the delimiter is `;`, not `,` as declared: correct `delimiter`"), "{shown}");
    let shown = rows(&csv(Some(b','), Some(false), None), auto, "data/a.csv", b"1\ta\n2\tb\n").await;
    assert!(shown.contains("the delimiter is a tab, not `,` as declared"), "{shown}");
    let shown = rows(&csv(None, Some(true), None), auto, "data/a.csv", b"1,a\n2,b\n").await;
    assert!(shown.contains("the first record is data, not a header: set `header: false`"), "{shown}");
    let shown = rows(&csv(None, Some(false), None), auto, "data/a.csv", b"id,name\n1,a\n").await;
    assert!(shown.contains("the first record is a header: set `header: true`"), "{shown}");
}
