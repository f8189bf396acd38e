//! Hostile files: random rows, written in every encoding, compression, delimiter, quote, line end and layout,
//! are read back unchanged, and unreadable ones are rejected. Every row is either read or rejected.

use std::io::Write as _;

use datafusion::arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::Int64Type,
};
use proptest::prelude::*;

use super::{SLOW, fixture};
use crate::source::{DateUnit, Encoding, Orient, SourceFormat, TextOptions, text::ReadSizes};

/// The first value of a row: a number, NULL or an invalid value.
#[derive(Debug, Clone)]
enum Id {
    Number(i64),
    Null,
    Bad,
}

/// The format of a file.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Hand {
    shape: &'static str,
    delimiter: char,
    quote: char,
    newline: &'static str,
    is_declared: bool,
    has_header: bool,
    always_quoted: bool,
    ends_with_newline: bool,
    encoding: &'static str,
    compression: &'static str,
    pace: ReadSizes,
}

fn hand() -> impl Strategy<Value = Hand> {
    let csv = (
        prop::sample::select(vec![',', ';', '\t', '|', '^']),
        prop::sample::select(vec!['"', '\'']),
        prop::sample::select(vec!["\n", "\r\n"]),
        any::<[bool; 4]>(),
    );
    (
        prop::sample::select(vec!["csv", "csv", "split", "records", "lines", "pretty"]),
        csv,
        prop::sample::select(vec!["utf-8", "bom", "utf-16le", "utf-16be", "latin-1", "windows-1252"]),
        prop::sample::select(vec!["", "", ".gz", ".zst", ".bz2", ".xz"]),
        prop::sample::select(vec![ReadSizes::default(), SLOW]),
    )
        .prop_map(|(shape, (delimiter, quote, newline, flags), encoding, compression, pace)| {
            let [is_declared, has_header, always_quoted, ends_with_newline] = flags;
            // Whatever can't be detected must be declared.
            let is_declared = is_declared || !has_header || quote == '\'';
            Hand {
                shape,
                delimiter,
                quote,
                newline,
                is_declared,
                has_header,
                always_quoted,
                ends_with_newline,
                encoding,
                compression,
                pace,
            }
        })
}

fn row() -> impl Strategy<Value = (Id, Option<String>)> {
    let id = prop_oneof![
        6 => any::<i64>().prop_map(Id::Number),
        1 => Just(Id::Null),
        1 => Just(Id::Bad),
    ];
    // Characters that both single-byte encodings have.
    (id, prop::option::of("[a-zé§,;|^'\"\\\\ \t\r\n\u{e9}{}\\[\\]:0-9]{1,12}"))
}

impl Hand {
    fn format(&self) -> SourceFormat {
        let letter = |letter: char| self.is_declared.then(|| u8::try_from(letter).unwrap());
        match self.shape {
            "csv" => SourceFormat::Csv {
                delimiter: letter(self.delimiter),
                header: self.is_declared.then_some(self.has_header),
                quote: letter(self.quote),
                nulls: None,
            },
            "lines" if self.is_declared => SourceFormat::NdJson { date_unit: DateUnit::default() },
            _ => SourceFormat::Json { orient: Orient::Auto, date_unit: DateUnit::default() },
        }
    }

    fn text(&self, rows: &[(Id, Option<String>)]) -> String {
        let json = |id: &Id| match id {
            Id::Number(number) => serde_json::json!(number),
            Id::Null => serde_json::Value::Null,
            Id::Bad => serde_json::json!("n/a"),
        };
        let object = |(id, name): &(Id, Option<String>)| serde_json::json!({"id": json(id), "name": name});
        match self.shape {
            "csv" => self.csv(rows),
            "split" => {
                let data: Vec<_> =
                    rows.iter().map(|(id, name)| serde_json::json!([json(id), name])).collect();
                serde_json::json!({"columns": ["id", "name"], "data": data}).to_string()
            }
            "records" => rows.iter().map(object).collect::<serde_json::Value>().to_string(),
            "pretty" => {
                serde_json::to_string_pretty(&rows.iter().map(object).collect::<serde_json::Value>()).unwrap()
            }
            _ => {
                let lines: Vec<String> = rows.iter().map(|row| object(row).to_string()).collect();
                lines.join(self.newline) + if self.ends_with_newline { self.newline } else { "" }
            }
        }
    }

    fn csv(&self, rows: &[(Id, Option<String>)]) -> String {
        let quote = self.quote;
        let field = |text: &str| {
            let special = [self.delimiter, quote, '\r', '\n'];
            if self.always_quoted || text.is_empty() || text.contains(special) {
                format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
            } else {
                text.to_owned()
            }
        };
        let mut lines = Vec::new();
        if self.has_header {
            lines.push([field("id"), field("name")].join(&self.delimiter.to_string()));
        }
        for (id, name) in rows {
            let id = match id {
                Id::Number(number) => field(&number.to_string()),
                Id::Null => String::new(),
                Id::Bad => field("n/a"),
            };
            let name = name.as_deref().map_or(String::new(), field);
            lines.push([id, name].join(&self.delimiter.to_string()));
        }
        lines.join(self.newline) + if self.ends_with_newline { self.newline } else { "" }
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        let bytes = match self.encoding {
            "bom" => format!("\u{feff}{text}").into_bytes(),
            "utf-16le" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "latin-1" | "windows-1252" => {
                text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
            }
            _ => text.as_bytes().to_vec(),
        };
        let mut out = Vec::new();
        match self.compression {
            ".gz" => flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast())
                .write_all(&bytes)
                .unwrap(),
            ".zst" => zstd::stream::copy_encode(&bytes[..], &mut out, 0).unwrap(),
            ".bz2" => {
                bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast()).write_all(&bytes).unwrap();
            }
            ".xz" => liblzma::write::XzEncoder::new(&mut out, 0).write_all(&bytes).unwrap(),
            _ => out = bytes,
        }
        out
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn rows_in_are_rows_out_and_rejects(
        rows in prop::collection::vec(row(), 1..12),
        hand in hand(),
        cut in prop::option::weighted(0.1, 0.0_f64..1.0),
    ) {
        let mut bytes = hand.bytes(&hand.text(&rows));
        let name = format!("data/x.{}{}", if hand.shape == "csv" { "csv" } else { "json" }, hand.compression);
        // A truncated compressed file is invalid.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short file")]
        let is_cut = !hand.compression.is_empty() && cut.is_some_and(|cut| {
            bytes.truncate((bytes.len() as f64 * cut) as usize);
            true
        });
        let columns = [("id", "bigint"), ("name", "varchar"), ("_source_row", "bigint")];
        let mut fixture = fixture(hand.format(), &columns, &[(&name, &bytes)]).at(hand.pace);
        if matches!(hand.encoding, "latin-1" | "windows-1252") {
            fixture.spec.text = TextOptions { encoding: Encoding::named(hand.encoding).unwrap(), ..TextOptions::default() };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, rejects) =
            runtime.block_on(fixture.query("select id, name from t order by _source_row")).unwrap();
        let rejected: usize = rejects.iter().map(RecordBatch::num_rows).sum();
        let mut got = Vec::new();
        for batch in &found {
            let (ids, names) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string_view());
            for at in 0..batch.num_rows() {
                got.push((ids.is_valid(at).then(|| ids.value(at)), names.is_valid(at).then(|| names.value(at).to_owned())));
            }
        }
        if is_cut {
            prop_assert_eq!((got.len(), rejected), (0, 1));
            return Ok(());
        }
        let want: Vec<_> = rows.iter().filter_map(|(id, name)| match id {
            Id::Number(number) => Some((Some(*number), name.clone())),
            Id::Null => Some((None, name.clone())),
            Id::Bad => None,
        }).collect();
        prop_assert_eq!(got, want, "{:?}", fixture.spec.format);
        let bad = rows.iter().filter(|(id, _)| matches!(id, Id::Bad)).count();
        prop_assert_eq!(rejected, bad);
    }
}
