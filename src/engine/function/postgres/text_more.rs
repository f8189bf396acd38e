//! Functions that build text from other values: joining, formatting, digests.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, StringArray},
        datatypes::DataType,
    },
    error::Result,
};

use super::{
    duckdb::as_in_duckdb,
    kind::{
        GivenArgument,
        PostgresKind::{Any, BigInt, Bytea, Integer, Text},
    },
    output,
    overload::{Routine, RoutineResult, by, takes},
    unresolved::Unresolved,
};
use crate::engine::{
    cast::keyword::is_keyword,
    function::call::{Call, fail},
};

pub(super) const ROUTINES: &[Routine] = &[
    by("concat", &[Any], RoutineResult::By(written), concat).and(Any),
    by("concat_ws", &[Text, Any], RoutineResult::By(written), concat_ws).and(Any),
    by("format", &[Text], RoutineResult::By(written), format).and(Any),
    takes("md5", &[Text], Text, |call| as_in_duckdb("md5", call)),
    takes("to_hex", &[Integer], Text, |call| call.map1(|value: i32| Ok(Some(format!("{value:x}"))))),
    takes("to_hex", &[BigInt], Text, |call| call.map1(|value: i64| Ok(Some(format!("{value:x}"))))),
    takes("quote_ident", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(identifier(text))))),
    takes("quote_literal", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(literal(text))))),
    takes("encode", &[Bytea, Text], Text, |call| {
        call.map2(|bytes: &[u8], how: &str| encoded(bytes, how).map(Some))
    }),
];

/// Returns text after checking that all arguments can be formatted.
fn written(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    types.iter().try_for_each(output::writable).map(|()| DataType::Utf8)
}

fn texts(call: &Call, first: usize) -> Result<Vec<StringArray>> {
    (first..call.len()).map(|at| output::texts(&call.array(at)?)).collect()
}

fn at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

fn concat(call: &Call) -> Result<ArrayRef> {
    let texts = texts(call, 0)?;
    call.each(|row| Ok(Some(texts.iter().filter_map(|text| at(text, row)).collect::<String>())))
}

fn concat_ws(call: &Call) -> Result<ArrayRef> {
    let texts = texts(call, 1)?;
    let separators = call.column::<&str>(0)?;
    call.each(|row| {
        let parts: Vec<&str> = texts.iter().filter_map(|text| at(text, row)).collect();
        Ok(separators.at(row).map(|separator| parts.join(separator)))
    })
}

/// Evaluates `format('%s of %I', …)`.
fn format(call: &Call) -> Result<ArrayRef> {
    let texts = texts(call, 1)?;
    let formats = call.column::<&str>(0)?;
    call.each(|row| {
        let Some(format) = formats.at(row) else { return Ok(None) };
        let values: Vec<Option<&str>> = texts.iter().map(|text| at(text, row)).collect();
        filled(format, &values).map(Some)
    })
}

fn filled(format: &str, values: &[Option<&str>]) -> Result<String> {
    let mut made = String::new();
    let mut next = 0;
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            made.push('%');
            rest = after;
            continue;
        }
        let mut after = after;
        if let Some((digits, behind)) = after.split_once('$')
            && let Ok(position) = digits.parse::<usize>()
        {
            if position == 0 {
                return fail("format specifies argument 0, but arguments are numbered from 1");
            }
            next = position - 1;
            after = behind;
        }
        let left = after.starts_with('-');
        after = after.strip_prefix('-').unwrap_or(after);
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let width: usize = after[..end].parse().unwrap_or(0);
        let Some(kind) = after[end..].chars().next() else {
            return fail("unterminated format() type specifier");
        };
        let Some(value) = values.get(next) else { return fail("too few arguments for format()") };
        let text = match (kind, value) {
            ('s', value) => value.unwrap_or("").to_owned(),
            ('I', Some(value)) => identifier(value),
            ('I', None) => return fail("null values cannot be formatted as an SQL identifier"),
            ('L', value) => value.map_or_else(|| "NULL".to_owned(), literal),
            _ => return fail(format!("unrecognized format() type specifier \"{kind}\"")),
        };
        let fill = " ".repeat(width.saturating_sub(text.chars().count()));
        made.push_str(&if left { text + &fill } else { fill + &text });
        next += 1;
        rest = &after[end + kind.len_utf8()..];
    }
    made.push_str(rest);
    Ok(made)
}

/// Quotes an identifier if necessary.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && !is_keyword(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Quotes a text as an SQL literal.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn encoded(bytes: &[u8], how: &str) -> Result<String> {
    use base64::Engine as _;
    match how.to_lowercase().as_str() {
        "hex" => Ok(output::hex(bytes)),
        "base64" => {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            // Lines have at most 76 characters.
            let lines: Vec<&str> =
                (0..text.len()).step_by(76).map(|at| &text[at..text.len().min(at + 76)]).collect();
            Ok(lines.join("\n"))
        }
        other => fail(format!("encode: the encoding `{other}` is not supported: use hex or base64")),
    }
}
