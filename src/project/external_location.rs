//! `external_location`: dbt-duckdb's way to say where the files of a source are, as an [`ExternalDecl`].
//!
//! - here: the location or the call, and its arguments as options of ours
//! - `format`: the placeholders in it
//! - `call`: the syntax of a call

mod call;
mod format;

use std::collections::BTreeMap;

use self::call::{Argument, Call};
use super::{
    drift::DriftDecl,
    external::{ExternalDecl, OnErrorDecl},
    source_format::SourceFormatName,
    source_options::SourceOption,
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// `DuckDB`'s functions that read files, with the format.
const FUNCTIONS: &[(&str, SourceFormatName)] = &[
    ("read_csv", SourceFormatName::Csv),
    ("read_csv_auto", SourceFormatName::Csv),
    ("read_parquet", SourceFormatName::Parquet),
    ("parquet_scan", SourceFormatName::Parquet),
    ("read_json", SourceFormatName::Json),
    ("read_json_auto", SourceFormatName::Json),
    ("read_ndjson", SourceFormatName::Ndjson),
    ("read_ndjson_auto", SourceFormatName::Ndjson),
    ("delta_scan", SourceFormatName::Delta),
    ("sqlite_scan", SourceFormatName::Sqlite),
];

/// Options that have no effect on the rows here: how `DuckDB` finds types, and its memory.
const WITHOUT_EFFECT: &[&str] = &[
    "auto_detect",
    "binary_as_string",
    "buffer_size",
    "max_line_size",
    "maximum_depth",
    "maximum_object_size",
    "maximum_line_size",
    "parallel",
    "sample_size",
    "union_by_name",
];

/// A location of dbt-duckdb's, with the values that its placeholders may name.
#[derive(Debug)]
pub struct ExternalLocation<'a> {
    /// The text, after Jinja.
    pub text: String,
    /// The notation of placeholders: `newstyle`, `oldstyle` or `template`.
    pub formatter: &'a str,
    /// The values of the placeholders.
    pub values: BTreeMap<String, String>,
    /// The span of the declaration.
    pub span: Span,
}

impl ExternalLocation<'_> {
    /// Returns the declaration that reads the same files.
    ///
    /// # Errors
    /// If a placeholder, a function or an option is unknown or has no equivalent.
    pub fn declared(&self) -> Result<ExternalDecl, Diagnostic> {
        let text = format::filled(&self.text, self.formatter, &self.values).map_err(|why| self.wrong(why))?;
        let text = text.trim();
        let call = if text.contains('(') {
            call::parse(text).map_err(|why| {
                self.wrong(why)
                    .hint("write a path, or one call such as `read_csv('raw/a.csv', header = true)`")
            })?
        } else {
            Call::of_path(text.trim_matches('\''))
        };
        self.of_call(call)
    }

    fn of_call(&self, call: Call) -> Result<ExternalDecl, Diagnostic> {
        let mut arguments = call.arguments.into_iter();
        let location = match arguments.next() {
            Some(Argument { name: None, value: YamlValue::String(path) }) => path,
            Some(Argument { name: None, value: YamlValue::Seq(paths) }) if paths.len() == 1 => {
                paths[0].as_str().unwrap_or_default().to_owned()
            }
            Some(Argument { name: None, value: YamlValue::Seq(_) }) => {
                let problem = self.wrong("a source has one location, not a list of files".to_owned());
                return Err(problem.hint("write a pattern that matches the files, such as `raw/*.csv`"));
            }
            _ => return Err(self.wrong("the first argument has to be the path of the files".to_owned())),
        };
        let mut format = if let Some(function) = &call.function {
            self.format_of(function)?
        } else {
            let file = location.rsplit(['/', '\\']).next().unwrap_or_default();
            SourceFormatName::of_file(file).ok_or_else(|| {
                self.wrong("can't infer the format from `external_location`".to_owned())
                    .hint("call the function that reads it, such as `read_csv('raw/a.txt')`")
            })?
        };
        let mut options: Vec<(String, YamlValue)> = Vec::new();
        for argument in arguments {
            match (argument.name, argument.value) {
                (None, table @ YamlValue::String(_)) if format == SourceFormatName::Sqlite => {
                    options.push(("table".to_owned(), table));
                }
                (None, _) => return Err(self.wrong("options need names, such as `header = true`".to_owned())),
                (Some(name), value) => self.option(&name.to_lowercase(), value, &mut format, &mut options)?,
            }
        }
        self.finish(location, format, options)
    }

    fn finish(
        &self,
        location: String,
        format: SourceFormatName,
        options: Vec<(String, YamlValue)>,
    ) -> Result<ExternalDecl, Diagnostic> {
        let spanned = |text: String| Spanned::new(text, self.span.clone());
        let mut declared = ExternalDecl {
            location: spanned(location),
            format: Spanned::new(format, self.span.clone()),
            options: Vec::new(),
            on_error: OnErrorDecl::default(),
            drift: DriftDecl::default(),
            span: self.span.clone(),
        };
        for (name, value) in options {
            let (key, value) = (spanned(name), Yaml { value, span: self.span.clone() });
            if let Some(problem) = SourceOption::refuse(format, &key, &value, &[]) {
                return Err(problem);
            }
            if key.value == "on_error" {
                declared.on_error = OnErrorDecl::Fail;
            } else {
                declared.options.push((key, value));
            }
        }
        Ok(declared)
    }

    fn format_of(&self, function: &str) -> Result<SourceFormatName, Diagnostic> {
        let lower = function.to_lowercase();
        let known = FUNCTIONS.iter().find(|(name, _)| *name == lower);
        known.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            self.wrong(format!("sources can't be read by `{function}`"))
                .near(&lower, names.iter().copied())
                .note(format!("the functions are {}", names.join(", ")))
        })
    }

    /// Adds the options that mean the same as an argument of `DuckDB`'s.
    fn option(
        &self,
        name: &str,
        value: YamlValue,
        format: &mut SourceFormatName,
        options: &mut Vec<(String, YamlValue)>,
    ) -> Result<(), Diagnostic> {
        let is = |wanted: bool| value == YamlValue::Bool(wanted);
        let text = match &value {
            YamlValue::String(text) => text.to_lowercase(),
            _ => String::new(),
        };
        let ours = match name {
            _ if WITHOUT_EFFECT.contains(&name) => return Ok(()),
            "header" | "quote" | "encoding" => (name, value),
            "delim" | "sep" => ("delimiter", value),
            "nullstr" => ("null_values", value),
            "compression" if text == "uncompressed" => ("compression", YamlValue::String("none".to_owned())),
            "compression" if *format != SourceFormatName::Parquet => (name, value),
            "compression" => return Ok(()),
            "ignore_errors" if is(true) => return Ok(()),
            "ignore_errors" if is(false) => ("on_error", YamlValue::String("fail".to_owned())),
            "skip" if value == YamlValue::Int(0) => return Ok(()),
            "escape" if text == "\"" => return Ok(()),
            "hive_partitioning" | "records" | "null_padding" | "all_varchar" | "filename"
            | "file_row_number"
                if is(name == "hive_partitioning" || name == "records") || text == "auto" =>
            {
                return Ok(());
            }
            "null_padding" | "all_varchar" | "filename" | "file_row_number" if is(false) => return Ok(()),
            "format" if text == "auto" => return Ok(()),
            "format" if text == "array" => ("orient", YamlValue::String("records".to_owned())),
            "format" if ["newline_delimited", "nd"].contains(&text.as_str()) => {
                *format = SourceFormatName::Ndjson;
                return Ok(());
            }
            _ => return Err(self.unsupported(name, *format)),
        };
        options.push((ours.0.to_owned(), ours.1));
        Ok(())
    }

    fn unsupported(&self, name: &str, format: SourceFormatName) -> Diagnostic {
        let problem =
            self.wrong(format!("sources have nothing that means the option `{name}` of `external_location`"));
        match name {
            "columns" | "types" | "dtypes" | "column_types" | "names" | "all_varchar" => problem
                .hint("list the columns of the source's table under `columns:`, each with a `data_type`"),
            "filename" => problem
                .hint("the column `_source_file` has the name of each row's file: list it under `columns:`"),
            "file_row_number" => problem.hint("the column `_source_row` has each row's number in its file"),
            "dateformat" | "date_format" | "timestampformat" | "timestamp_format" | "decimal_separator" => {
                problem
                    .hint("read the column as varchar, and convert it in a model, by `strptime` for example")
            }
            _ => {
                let names: Vec<&str> = super::source_options::SOURCE_OPTIONS
                    .iter()
                    .filter(|option| option.applies_to(format))
                    .map(|option| option.name)
                    .collect();
                problem.hint("leave it out, or declare the source by `external:`").note(format!(
                    "the options of {} are {}",
                    format.as_str(),
                    names.join(", ")
                ))
            }
        }
    }

    fn wrong(&self, message: String) -> Diagnostic {
        Diagnostic::error("external-location", message).at(self.span.clone(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;

    fn read(text: &str, formatter: &str) -> String {
        let source = Source::new("s.yml", text);
        let values = [("name", "t"), ("identifier", "T_1"), ("schema", "raw"), ("root", "/data")];
        let location = ExternalLocation {
            text: text.to_owned(),
            formatter,
            values: values.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            span: source.span(0..text.len()),
        };
        match location.declared() {
            Ok(declared) => {
                let options: Vec<String> = declared
                    .options
                    .iter()
                    .map(|(key, value)| format!(" {}={}", key.value, value.to_json()))
                    .collect();
                let fails = if declared.on_error == OnErrorDecl::Fail { " fails" } else { "" };
                let format = declared.format.value.as_str();
                format!("{format} {}{}{fails}", declared.location.value, options.concat())
            }
            Err(problem) => {
                let hints: Vec<&str> = problem.hints.iter().map(String::as_str).collect();
                format!("{}; {}", problem.message, hints.join("; "))
            }
        }
    }

    #[test]
    fn locations_and_calls() {
        for (text, want) in [
            ("raw/{name}.csv", "csv raw/t.csv"),
            ("'{root}/{schema}/{identifier}.parquet'", "parquet /data/raw/T_1.parquet"),
            ("s3://bucket/{name}/*.json.gz", "json s3://bucket/t/*.json.gz"),
            (
                "read_csv('raw/{name}.txt', header=true, delim = ';')",
                "csv raw/t.txt header=true delimiter=\";\"",
            ),
            (
                "READ_CSV_AUTO('it''s.csv', nullstr => ['', 'NA'], ignore_errors := false, sample_size=-1)",
                "csv it's.csv null_values=[\"\",\"NA\"] fails",
            ),
            (
                "read_parquet(['raw/*.parquet'], hive_partitioning = true, union_by_name=true)",
                "parquet raw/*.parquet",
            ),
            ("read_json_auto('a.json', format='array')", "json a.json orient=\"records\""),
            ("read_json('a.json', format='newline_delimited')", "ndjson a.json"),
            ("sqlite_scan('a.db', 'orders')", "sqlite a.db table=\"orders\""),
            ("delta_scan('lake/x')", "delta lake/x"),
        ] {
            assert_eq!(read(text, "newstyle"), want, "{text}");
        }
        assert_eq!(read("raw/%(name)s.csv", "oldstyle"), "csv raw/t.csv");
        assert_eq!(read("$root/${name}.csv", "template"), "csv /data/t.csv");
    }

    #[test]
    fn what_can_not_be_read_is_refused_with_the_cure() {
        let refused = [
            "raw/{table}.csv",
            "raw/{name",
            "raw/{name}",
            "read_xlsx('a.xlsx')",
            "read_csv('a.csv', skip = 2)",
            "read_csv('a.csv', columns = {{'a': 'INTEGER'}})",
            "read_csv('a.csv', filename = true)",
            "read_csv('a.csv', dateformat = '%d.%m.%Y')",
            "read_csv(['a.csv', 'b.csv'])",
            "read_csv('a.csv', delim = 'ab')",
            "read_csv('a.csv', true)",
            "read_csv('a.csv'",
            "read_csv('a.csv') where a > 1",
            "(select 1 as a)",
        ];
        let said = refused.map(|text| format!("{text}\n  {}", read(text, "newstyle")));
        insta::assert_snapshot!(said.join("\n"));
        assert!(read("a.csv", "f-string").contains("`f-string`"));
    }
}
