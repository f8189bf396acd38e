//! `external:`: the files or the database behind a source's table.

use super::{
    reader::{Reader, mismatch},
    yaml::{Yaml, YamlValue},
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// Where a source's rows come from.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalDecl {
    /// A path or URL, possibly with globs; may hold Jinja.
    pub location: Spanned<String>,
    /// The format, written or guessed from the location's extension (then it stands where the location does).
    pub format: Spanned<SourceFormatName>,
    /// The format's options, known and of the right kind.
    pub options: Vec<(Spanned<String>, Yaml)>,
    /// What becomes of bad input.
    pub on_error: OnErrorDecl,
    /// Where it is declared.
    pub span: Span,
}

/// The formats sources may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormatName {
    /// JSON documents.
    Json,
    /// One JSON value a line.
    Ndjson,
    /// Delimited text.
    Csv,
    /// Parquet.
    Parquet,
    /// A Delta table that others write.
    Delta,
    /// Avro.
    Avro,
    /// A table of an `SQLite` database.
    Sqlite,
}

/// What becomes of rows and files that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnErrorDecl {
    /// They are set aside with their reason, and the rest goes on.
    #[default]
    SetAside,
    /// The step fails.
    Fail,
}

/// What an option's value may be.
enum Kind {
    Word(&'static [&'static str]),
    Text,
    Letter,
    Flag,
}

const DATE_UNIT: (&str, Kind) = ("date_unit", Kind::Word(&["s", "ms", "us", "ns"]));

impl SourceFormatName {
    const ALL: [Self; 7] =
        [Self::Json, Self::Ndjson, Self::Csv, Self::Parquet, Self::Delta, Self::Avro, Self::Sqlite];

    /// The name as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Delta => "delta",
            Self::Avro => "avro",
            Self::Sqlite => "sqlite",
        }
    }

    /// The format of files with this extension.
    fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" => Self::Csv,
            "parquet" => Self::Parquet,
            "avro" => Self::Avro,
            "db" | "sqlite" | "sqlite3" => Self::Sqlite,
            _ => return None,
        })
    }

    fn options(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Json => &[("orient", Kind::Word(&["split", "records"])), DATE_UNIT],
            Self::Ndjson => &[DATE_UNIT],
            Self::Csv => &[("delimiter", Kind::Letter), ("header", Kind::Flag), ("quote", Kind::Letter)],
            Self::Sqlite => &[("table", Kind::Text), DATE_UNIT],
            Self::Parquet | Self::Delta | Self::Avro => &[],
        }
    }
}

impl ExternalDecl {
    /// The declaration a mapping makes; `None` if it lacks what it can't do without.
    pub(super) fn read(
        key: &Spanned<String>,
        yaml: &Yaml,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut reader = Reader::new("`external`", yaml, diagnostics)?;
        let location = reader.required("location");
        let format = format(&mut reader, location.as_ref());
        let declared = reader.map("options");
        let options = match &format {
            Some(format) => options(format.value, declared, reader.diagnostics()),
            None => Vec::new(),
        };
        let on_error = on_error(&mut reader);
        reader.finish(None);
        Some(Self { location: location?, format: format?, options, on_error, span: key.span.clone() })
    }
}

fn format(
    reader: &mut Reader<'_, '_>,
    location: Option<&Spanned<String>>,
) -> Option<Spanned<SourceFormatName>> {
    let names = SourceFormatName::ALL.map(SourceFormatName::as_str);
    let all = format!("the formats are {}", names.join(", "));
    if reader.take("format").is_some() {
        let written = reader.string("format")?;
        let known = SourceFormatName::ALL.into_iter().find(|format| format.as_str() == written.value);
        if known.is_none() {
            let finding =
                Diagnostic::error("unknown-format", format!("there is no format `{}`", written.value));
            let finding = finding.at(written.span.clone(), "unknown").near(&written.value, names).note(all);
            reader.diagnostics().push(finding);
        }
        return Some(Spanned::new(known?, written.span));
    }
    let location = location?;
    let file = location.value.rsplit(['/', '\\']).next().unwrap_or_default();
    let guess =
        file.rsplit_once('.').and_then(|(_, extension)| SourceFormatName::of_extension(extension.trim()));
    if guess.is_none() {
        let finding = Diagnostic::error("missing-format", "the location does not tell the format")
            .at(location.span.clone(), "no extension that is known")
            .hint("add a `format:`")
            .note(all);
        reader.diagnostics().push(finding);
    }
    Some(Spanned::new(guess?, location.span.clone()))
}

fn options(
    format: SourceFormatName,
    declared: &[(Spanned<String>, Yaml)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Spanned<String>, Yaml)> {
    let known = format.options();
    let mut options = Vec::new();
    for (key, value) in declared.iter().filter(|(_, value)| !value.is_null()) {
        let finding = match known.iter().find(|(name, _)| *name == key.value) {
            Some((name, kind)) => kind.refuse(name, value),
            None => Some(unknown_option(format, key)),
        };
        match finding {
            Some(finding) => diagnostics.push(finding),
            None => options.push((key.clone(), value.clone())),
        }
    }
    options
}

fn unknown_option(format: SourceFormatName, key: &Spanned<String>) -> Diagnostic {
    let message = format!("the format `{}` has no option `{}`", format.as_str(), key.value);
    let finding = Diagnostic::error("unknown-option", message)
        .at(key.span.clone(), "unknown")
        .near(&key.value, format.options().iter().map(|(name, _)| *name));
    let others: Vec<String> = SourceFormatName::ALL
        .into_iter()
        .filter(|other| other.options().iter().any(|(name, _)| *name == key.value))
        .map(|other| format!("`{}`", other.as_str()))
        .collect();
    if others.is_empty() {
        return finding;
    }
    finding.note(format!("`{}` is an option of {}", key.value, others.join(" and ")))
}

impl Kind {
    /// Why the value can't be the option's.
    fn refuse(&self, name: &str, value: &Yaml) -> Option<Diagnostic> {
        let wrong = |wanted: &str| Some(mismatch(format!("`{name}` must be {wanted}"), value));
        match self {
            Self::Word(words) => {
                let text = value.as_str().unwrap_or_else(|| value.span.text());
                if words.contains(&text) {
                    return None;
                }
                let message = format!("`{name}` must be one of {}", words.join(", "));
                let finding = Diagnostic::error("invalid-option", message);
                Some(finding.at(value.span.clone(), "not one of them").near(text, words.iter().copied()))
            }
            Self::Text => value.as_str().map_or_else(|| wrong("text"), |_| None),
            Self::Letter => match value.as_str() {
                Some(text) if text.len() == 1 => None,
                _ => wrong("a single ASCII character"),
            },
            Self::Flag => match value.value {
                YamlValue::Bool(_) => None,
                _ => wrong("`true` or `false`"),
            },
        }
    }
}

fn on_error(reader: &mut Reader<'_, '_>) -> OnErrorDecl {
    let Some(written) = reader.string("on_error") else { return OnErrorDecl::default() };
    match written.value.as_str() {
        "set_aside" => OnErrorDecl::SetAside,
        "fail" => OnErrorDecl::Fail,
        other => {
            let finding = Diagnostic::error("invalid-option", "`on_error` must be `set_aside` or `fail`")
                .at(written.span.clone(), "neither of them")
                .near(other, ["set_aside", "fail"]);
            reader.diagnostics().push(finding);
            OnErrorDecl::default()
        }
    }
}
