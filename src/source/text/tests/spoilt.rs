//! Files with spoilt rows: in every layout, each row is either read or rejected, exactly.

use datafusion::arrow::{
    array::{Array, AsArray},
    datatypes::Int64Type,
};

use super::*;

/// A row as intended: an integer, a text, and how it is spoilt.
#[derive(Debug, Clone)]
struct Meant {
    number: Option<i64>,
    text: Option<String>,
    spoilt: Spoilt,
}

/// A row's defect.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Spoilt {
    Not,
    /// The number is a text.
    Number,
    /// There is a value too many (or for objects, a duplicate column).
    Width,
    /// The number is `NaN`, which isn't JSON. In CSV it is just another text.
    Word,
    /// The line is cut after some of its text, if each row is an object on its own line; otherwise the number
    /// is a text.
    Line(u8),
}

fn meant() -> impl Strategy<Value = Meant> {
    let spoilt = prop_oneof![
        6 => Just(Spoilt::Not), 1 => Just(Spoilt::Number), 1 => Just(Spoilt::Width), 1 => Just(Spoilt::Word),
        1 => any::<u8>().prop_map(Spoilt::Line),
    ];
    let text = prop_oneof![
        "[a-z]{0,8}",
        r#"[,;|"'\\{}\[\]:\n\t é😀\u{feff}-]{0,12}"#,
        Just("null".to_owned()),
        Just("NaN".to_owned()),
        Just("0123".to_owned()),
        Just(" padded ".to_owned()),
    ];
    (proptest::option::weighted(0.9, any::<i64>()), proptest::option::weighted(0.9, text), spoilt)
        .prop_map(|(number, text, spoilt)| Meant { number, text, spoilt })
}

/// The style of a file.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct SpoiltStyle {
    swapped: bool,
    upper: bool,
    extra: bool,
    crlf: bool,
    mark: bool,
}

fn style() -> impl Strategy<Value = SpoiltStyle> {
    any::<[bool; 5]>().prop_map(|[swapped, upper, extra, crlf, mark]| SpoiltStyle {
        swapped,
        upper,
        extra,
        crlf,
        mark,
    })
}

impl SpoiltStyle {
    fn names(self) -> Vec<&'static str> {
        let (n, t) = if self.upper { ("NUMBER", "Text") } else { ("number", "text") };
        let mut names = if self.swapped { vec![t, n] } else { vec![n, t] };
        if self.extra {
            names.insert(1, "extra");
        }
        names
    }

    /// Returns the values of a row in the order of the names.
    fn values(self, number: String, text: String, extra: &str) -> Vec<String> {
        let mut values = if self.swapped { vec![text, number] } else { vec![number, text] };
        if self.extra {
            values.insert(1, extra.to_owned());
        }
        values
    }

    fn end(self) -> &'static str {
        if self.crlf { "\r\n" } else { "\n" }
    }
}

fn csv(rows: &[Meant], style: SpoiltStyle) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut file = if style.mark { "\u{feff}".to_owned() } else { String::new() };
    file.push_str(&style.names().join(","));
    file.push_str(style.end());
    for row in rows {
        let number = match row.spoilt {
            Spoilt::Number | Spoilt::Line(_) => "1x".to_owned(),
            Spoilt::Word => "NaN".to_owned(),
            _ => row.number.map(|number| number.to_string()).unwrap_or_default(),
        };
        let text = row.text.as_deref().map(quoted).unwrap_or_default();
        let mut values = style.values(number, text, "\"e,\"\"\"");
        if row.spoilt == Spoilt::Width {
            values.push("more".to_owned());
        }
        file.push_str(&values.join(","));
        file.push_str(style.end());
    }
    file
}

fn json_values(row: &Meant, style: SpoiltStyle) -> Vec<String> {
    let number = match row.spoilt {
        Spoilt::Number | Spoilt::Line(_) => "\"1x\"".to_owned(),
        Spoilt::Word => "NaN".to_owned(),
        _ => row.number.map_or_else(|| "null".to_owned(), |number| number.to_string()),
    };
    let text = serde_json::Value::from(row.text.as_deref()).to_string();
    style.values(number, text, "{\"deep\":[1,null]}")
}

fn object(row: &Meant, style: SpoiltStyle) -> String {
    let mut members: Vec<String> = style
        .names()
        .iter()
        .zip(json_values(row, style))
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    if row.spoilt == Spoilt::Width {
        members.push(members[0].clone());
        // The duplicate column must be a declared one.
        members.push(format!("\"{}\":null", style.names()[usize::from(style.extra) + 1]));
    }
    format!("{{{}}}", members.join(", "))
}

fn split(rows: &[Meant], style: SpoiltStyle) -> String {
    let rows = rows.iter().map(|row| {
        let mut values = json_values(row, style);
        if row.spoilt == Spoilt::Width {
            values.push("0".to_owned());
        }
        format!("[{}]", values.join(","))
    });
    let data = rows.collect::<Vec<_>>().join(&format!(",{}", style.end()));
    let columns = serde_json::json!(style.names());
    if style.swapped {
        format!("{{\"data\":[{data}],\"columns\":{columns}}}")
    } else {
        format!("{{\"columns\":{columns},\"data\":[{data}]}}")
    }
}

fn records(rows: &[Meant], style: SpoiltStyle) -> String {
    let rows: Vec<String> = rows.iter().map(|row| object(row, style)).collect();
    format!("[{}]", rows.join(&format!(",{}", style.end())))
}

fn lines(rows: &[Meant], style: SpoiltStyle) -> String {
    let line = |row: &Meant| {
        let mut object = object(row, style);
        // A file of one object that is cut off is a damaged file.
        if let Spoilt::Line(after) = row.spoilt
            && rows.len() > 1
        {
            let mut end = 1 + usize::from(after) % (object.len() - 1);
            while !object.is_char_boundary(end) {
                end -= 1;
            }
            object.truncate(end);
        }
        object + style.end()
    };
    rows.iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn rows_in_are_rows_out_and_rejects(
        rows in proptest::collection::vec(meant(), 1..14), style in style(), slow in any::<bool>(), shape in 0_usize..4,
    ) {
        let (format, name, text) = match shape {
            0 => (
                SourceFormat::Csv { delimiter: Some(b','), header: Some(true), quote: Some(b'"'), nulls: None },
                "data/x.csv", csv(&rows, style),
            ),
            1 => (SPLIT, "data/x.json", split(&rows, style)),
            2 => (RECORDS, "data/x.json", records(&rows, style)),
            _ => (LINES, "data/x.json", lines(&rows, style)),
        };
        let columns = [("number", "bigint"), ("text", "varchar"), ("_source_row", "bigint")];
        let fixture = fixture(format, &columns, &[(name, text.as_bytes())]);
        let fixture = if slow { fixture.at(SLOW) } else { fixture };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, rejects) = runtime.block_on(fixture.query("select * from t order by _source_row")).unwrap();
        let mut got = Vec::new();
        for batch in &found {
            let numbers = batch.column(0).as_primitive::<Int64Type>();
            let texts = batch.column(1).as_string_view();
            for at in 0..batch.num_rows() {
                let text = texts.is_valid(at).then(|| texts.value(at).to_owned());
                got.push((numbers.is_valid(at).then(|| numbers.value(at)), text));
            }
        }
        let good = rows.iter().filter(|row| row.spoilt == Spoilt::Not);
        let want: Vec<_> = good.map(|row| (row.number, row.text.clone())).collect();
        prop_assert_eq!(&got, &want, "{}", text);
        let rejected = rejects.iter().map(RecordBatch::num_rows).sum::<usize>();
        prop_assert_eq!(got.len() + rejected, rows.len(), "{}", text);
        // Each reject has the line number that an editor shows for its row.
        for batch in &rejects {
            let (lines, raws) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(5).as_string_view());
            for at in 0..batch.num_rows() {
                let line = usize::try_from(lines.value(at)).unwrap();
                let from = text.split('\n').skip(line - 1).collect::<Vec<_>>().join("\n");
                let start: String = raws.value(at).chars().take_while(|c| *c != '\n' && *c != '\r').collect();
                prop_assert!(from.lines().next().unwrap_or_default().contains(start.trim_end_matches('…')), "{line}: {start} in {text}");
            }
        }
    }
}
