//! Row output: writes rows as a table, JSON lines or CSV.

use std::{io::Write, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatchOptions},
        csv,
        datatypes::{DataType, Field, Schema},
        json::LineDelimitedWriter,
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
};
use futures::StreamExt;

use crate::{
    engine::{RecordBatch, cast::value_texts},
    text::{json_escaped, padded},
};

/// The output format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned columns, with numbers to the right. Buffers all rows, since column widths depend on them.
    Table,
    /// One JSON object per row.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// Writes every row of the stream.
pub async fn print(
    mut stream: SendableRecordBatchStream,
    format: OutputFormat,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    match format {
        OutputFormat::Table => table(stream, out).await,
        OutputFormat::Json => {
            while let Some(batch) = stream.next().await {
                let mut text = Vec::new();
                let mut writer = LineDelimitedWriter::new(&mut text);
                writer.write(&batch?)?;
                writer.finish()?;
                let text =
                    String::from_utf8(text).map_err(|error| DataFusionError::External(error.into()))?;
                out.write_all(json_escaped(text).as_bytes())?;
            }
            Ok(())
        }
        OutputFormat::Csv => {
            // Write the header even if there are no rows.
            out.write_all(&csv_text(&RecordBatch::new_empty(stream.schema()), true)?)?;
            while let Some(batch) = stream.next().await {
                out.write_all(&csv_text(&batch?, false)?)?;
            }
            Ok(())
        }
    }
}

/// Formats a batch in memory. If Arrow's writer wrote to the output itself, it would turn a broken pipe into
/// an error that is only text.
fn csv_text(batch: &RecordBatch, header: bool) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    csv::WriterBuilder::new().with_header(header).build(&mut text).write(&flat(batch)?)?;
    Ok(text)
}

/// Casts lists, structs and maps to text as DuckDB casts them to VARCHAR, since CSV has no nested values.
fn flat(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let (fields, columns): (Vec<_>, Vec<_>) = columns
        .map(|(field, column)| {
            if !field.data_type().is_nested() {
                return Ok((Arc::clone(field), Arc::clone(column)));
            }
            let texts: ArrayRef = Arc::new(value_texts(column)?);
            Ok((Arc::new(Field::new(field.name(), DataType::Utf8, true)), texts))
        })
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

async fn table(mut stream: SendableRecordBatchStream, out: &mut (dyn Write + Send)) -> Result<()> {
    let schema = stream.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let right: Vec<bool> = schema.fields().iter().map(|field| field.data_type().is_numeric()).collect();
    let options = FormatOptions::new().with_null("·");
    let mut rows = vec![names];
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| one_line(&column.value(row).to_string())).collect());
        }
    }
    write_table(&rows, &right, out).map_err(DataFusionError::from)
}

/// Replaces line breaks and other control characters with spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn write_table(rows: &[Vec<String>], right: &[bool], out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    align(rows, right).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Aligns rows as a table, with a rule below the first row. Columns in `right` are right-aligned.
#[must_use]
pub fn align(rows: &[Vec<String>], right: &[bool]) -> Vec<String> {
    let mut lines = Vec::with_capacity(rows.len() + 1);
    let widths: Vec<usize> = (0..right.len())
        .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
        .collect();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .zip(right)
            .map(|((cell, width), right)| padded(cell, *width, *right))
            .collect();
        lines.push(cells.join("  ").trim_end().to_owned());
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            lines.push(rule.join("  "));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{OutputFormat, print};
    use crate::engine::{Engine, EngineSettings};

    #[tokio::test]
    async fn csv_has_nested_values_as_text() {
        let engine = Engine::new(&EngineSettings {
            threads: 1,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        })
        .unwrap();
        let sql = "select [1, null, 3] as l, {'a': 'x y', 'b': [2.5]} as s, map {'k': 1} as m, \
                   null::int[] as n, 7 as i";
        let bound = engine.plan(sql).await.unwrap().bind(&BTreeMap::new()).unwrap();
        let mut out = Vec::new();
        print(engine.stream(&bound, None).await.unwrap(), OutputFormat::Csv, &mut out).await.unwrap();
        let expected = "l,s,m,n,i\n\"[1, NULL, 3]\",\"{'a': x y, 'b': [2.5]}\",{k=1},,7\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
