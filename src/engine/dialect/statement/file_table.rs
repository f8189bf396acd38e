//! Files in FROM, such as `read_csv('a.csv')` and `'a.csv'`: refused, as no run would know of such an input.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Spanned, TableFactor, Value, ValueWithSpan,
};

use crate::engine::dialect::refusal::SyntaxRefusal;

/// `DuckDB`'s functions that read files, with the `format:` of a source.
const FUNCTIONS: [(&str, &str); 8] = [
    ("read_csv", "csv"),
    ("read_csv_auto", "csv"),
    ("read_json", "json"),
    ("read_json_auto", "json"),
    ("read_ndjson", "ndjson"),
    ("read_ndjson_auto", "ndjson"),
    ("read_parquet", "parquet"),
    ("parquet_scan", "parquet"),
];

/// Refuses a file in the place of a table, with the source to declare instead.
pub(super) fn refuse(factor: &TableFactor) -> ControlFlow<SyntaxRefusal> {
    let TableFactor::Table { name, args, .. } = factor else { return ControlFlow::Continue(()) };
    let (written, path, format) = match (args, name.0.as_slice()) {
        (None, [part]) => match part.as_ident() {
            Some(file) if file.quote_style == Some('\'') => {
                (format!("'{}'", file.value), Some(file.value.clone()), None)
            }
            _ => return ControlFlow::Continue(()),
        },
        (Some(arguments), _) => {
            let function = name.to_string().to_lowercase();
            let Some((_, format)) = FUNCTIONS.iter().find(|(known, _)| *known == function) else {
                return ControlFlow::Continue(());
            };
            (function, arguments.args.first().and_then(text), Some(*format))
        }
        _ => return ControlFlow::Continue(()),
    };
    let path = path.unwrap_or_else(|| "data/*".to_owned());
    let help = source(&path, format);
    let message = format!("queries read tables, not files: {written}");
    ControlFlow::Break(SyntaxRefusal::new(message, Some(&help), name.span()))
}

fn text(argument: &FunctionArg) -> Option<String> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(path),
            ..
        }))) => Some(path.clone()),
        _ => None,
    }
}

/// Returns the lines that declare a file as a source.
fn source(path: &str, format: Option<&str>) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let stem: String = stem.chars().filter(|sign| sign.is_alphanumeric() || *sign == '_').collect();
    let name = if stem.is_empty() { "rows" } else { &stem };
    let format = format.map(|format| format!(", format: {format}")).unwrap_or_default();
    format!(
        "declare the files in a YAML file below the model paths, and read them by {{{{ source('files', '{name}') }}}}:\n\
         sources:\n  - name: files\n    tables:\n      - name: {name}\n        external: {{location: '{path}'{format}}}"
    )
}
