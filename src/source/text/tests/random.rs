//! Random JSON documents, compared with another parser.

use super::*;

/// A cell of a random document as JSON, and as the text column that it must become.
fn cell() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-zé\"\\\\\n/ ]{0,20}".prop_map(Into::into),
        Just(serde_json::json!({"k": [1, {"x": null}]})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn random_documents_read_as_another_parser_reads_them(
        rows in proptest::collection::vec(proptest::collection::vec(cell(), 3), 0..12),
        order in Just(["a", "b", "x"]).prop_shuffle(),
        data_first in any::<bool>(), pretty in any::<bool>(), slow in any::<bool>(),
    ) {
        let data = serde_json::json!(rows);
        let document = if data_first {
            serde_json::json!({"data": data, "index": [0, 1], "columns": order})
        } else {
            serde_json::json!({"columns": order, "data": data})
        };
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        let place = |name: &str| order.iter().position(|column| *column == name).unwrap();
        let mut want = Vec::new();
        for (at, row) in (1_i64..).zip(&rows) {
            let whole = match &row[place("b")] {
                serde_json::Value::Null => None,
                serde_json::Value::Number(number) => number.as_i64(),
                serde_json::Value::String(text) => match text.trim().parse() { Ok(n) => Some(n), Err(_) => continue },
                _ => continue,
            };
            let text = match &row[place("a")] {
                serde_json::Value::Null => None,
                serde_json::Value::String(text) => Some(text.clone()),
                // The source's text is compared by its meaning.
                other => Some(other.to_string()),
            };
            want.push((text, whole, at));
        }
        let fixture = fixture(SPLIT, &[("a", "varchar"), ("b", "bigint"), ("_source_row", "bigint")], &[("data/x.json", text.as_bytes())]);
        let fixture = if slow { fixture.at(SLOW) } else { fixture };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, rejects) = runtime.block_on(fixture.query("select * from t order by _source_row")).unwrap();
        let mut got = Vec::new();
        for batch in &found {
            use datafusion::arrow::array::{Array, AsArray};
            let (a, b) = (batch.column(0).as_string_view(), batch.column(1).as_primitive::<datafusion::arrow::datatypes::Int64Type>());
            let row = batch.column(2).as_primitive::<datafusion::arrow::datatypes::Int64Type>();
            for at in 0..batch.num_rows() {
                let text = a.is_valid(at).then(|| a.value(at).to_owned());
                // Arrays and objects keep the source's notation.
                let text = text.map(|text| if text.starts_with('{') { serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string() } else { text });
                got.push((text, b.is_valid(at).then(|| b.value(at)), row.value(at)));
            }
        }
        prop_assert_eq!(&got, &want);
        prop_assert_eq!(rejects.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.len() - want.len());
    }
}
