//! The rows of a unit test, input or expected: inline or in a fixture.

use super::{
    fixture::Fixtures,
    reader::{YamlReader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// The formats of rows, starting with the default.
const FORMATS: [&str; 3] = ["dict", "csv", "sql"];

/// The rows of one input, or the expected ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsDecl {
    pub rows: RowsText,
    /// The span of the rows, or of the fixture's name.
    pub span: Span,
}

/// Rows as written.
#[derive(Debug, Clone, PartialEq)]
pub enum RowsText {
    /// None are given: no rows, or those of the file if the input is a seed.
    Absent,
    /// A mapping of columns to values for each row. `rows: []` is also this, whatever the format.
    Dict(Vec<Yaml>),
    /// Delimited text with a header. If it is inline, its text is the YAML value's and its path the YAML
    /// file's.
    Csv(Source),
    /// A query; may contain Jinja. If it is inline, its text is the YAML value's and its path the YAML
    /// file's.
    Sql(Source),
}

impl RowsDecl {
    /// Reads `rows:`, `format:` and `fixture:` of the current item, which is `yaml`. Returns `None` if they
    /// are invalid.
    pub(super) fn read(yaml: &Yaml, reader: &mut YamlReader<'_, '_>, fixtures: Fixtures<'_>) -> Option<Self> {
        let format = match reader.take("format") {
            Some(_) => {
                let written = reader.string("format")?;
                if !FORMATS.contains(&written.value.as_str()) {
                    reader.none_of("format", &written, &FORMATS);
                    return None;
                }
                Some(written)
            }
            None => None,
        };
        let rows = reader.take_entry("rows");
        let fixture = reader.take_entry("fixture");
        match (rows, fixture) {
            (Some((rows, _)), Some((fixture, _))) => {
                let finding = Diagnostic::error("two-rows", "rows are given both here and in a fixture")
                    .at(fixture.span.clone(), "the fixture")
                    .at(rows.span.clone(), "the rows")
                    .hint("keep one of them");
                reader.diagnostics().push(finding);
                None
            }
            (_, Some(_)) => of_fixture(format.as_ref(), reader, fixtures),
            (Some((_, rows)), None) => in_place(format.as_ref(), rows, reader),
            (None, None) => Some(Self { rows: RowsText::Absent, span: yaml.span.clone() }),
        }
    }
}

fn of_fixture(
    format: Option<&Spanned<String>>,
    reader: &mut YamlReader<'_, '_>,
    fixtures: Fixtures<'_>,
) -> Option<RowsDecl> {
    let name = reader.string("fixture")?;
    let make = match format.map(|format| format.value.as_str()) {
        Some("csv") => RowsText::Csv,
        Some("sql") => RowsText::Sql,
        _ => {
            let span = format.map_or(&name.span, |format| &format.span).clone();
            let finding =
                Diagnostic::error("fixture-format", "a fixture needs `format: csv` or `format: sql`");
            reader.diagnostics().push(finding.at(span, "`dict` is no format of a file"));
            return None;
        }
    };
    let extension = format.map(|format| format.value.as_str()).unwrap_or_default();
    match fixtures.read(&name, extension) {
        Ok(source) => Some(RowsDecl { rows: make(source), span: name.span }),
        Err(finding) => {
            reader.diagnostics().push(finding);
            None
        }
    }
}

fn in_place(
    format: Option<&Spanned<String>>,
    yaml: &Yaml,
    reader: &mut YamlReader<'_, '_>,
) -> Option<RowsDecl> {
    let text = |yaml: &Yaml| {
        yaml.as_str().map(|text| Source::new(yaml.span.source.path(), text)).ok_or_else(|| {
            let message =
                format!("`rows` in the format `{}` must be text", format.map_or("dict", |f| &f.value));
            mismatch(message, yaml).hint("a list of mappings is the format `dict`")
        })
    };
    let rows = match format.map(|format| format.value.as_str()) {
        Some("csv") => text(yaml).map(RowsText::Csv),
        Some("sql") => text(yaml).map(RowsText::Sql),
        _ => match &yaml.value {
            YamlValue::Seq(items) => Ok(RowsText::Dict(mappings(items, reader))),
            YamlValue::String(_) => Err(mismatch("`rows` must be a list of mappings".to_owned(), yaml)
                .hint("if this is CSV or a query, add `format: csv` or `format: sql`")),
            _ => Err(mismatch("`rows` must be a list of mappings".to_owned(), yaml)),
        },
    };
    match rows {
        Ok(rows) => Some(RowsDecl { rows, span: yaml.span.clone() }),
        Err(finding) => {
            reader.diagnostics().push(finding);
            None
        }
    }
}

/// Returns the rows that are mappings, and reports the others.
fn mappings(items: &[Yaml], reader: &mut YamlReader<'_, '_>) -> Vec<Yaml> {
    let (rows, others): (Vec<&Yaml>, Vec<&Yaml>) =
        items.iter().partition(|item| matches!(item.value, YamlValue::Map(_)));
    for other in others {
        let finding = mismatch("a row must be a mapping of columns to values".to_owned(), other)
            .hint("write `- {column: value}`");
        reader.diagnostics().push(finding);
    }
    rows.into_iter().cloned().collect()
}
