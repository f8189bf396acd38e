//! The options of source formats: a single table for the validation of YAML, suggestions and the reference
//! page.
//!
//! Each option is a row of [`SOURCE_OPTIONS`]; a new row there is all that parsing, messages and
//! `docs/sources.md` need. `compile::source` interprets the options, and passes them to the engine.

use super::{
    reader::mismatch,
    source_format::SourceFormatName,
    yaml::{Yaml, YamlValue},
};
use crate::{diag::Diagnostic, text::Spanned};

use SourceFormatName::{Avro, Csv, Json, Ndjson, Parquet, Sqlite};

/// An option for sources of some formats.
#[derive(Debug)]
pub struct SourceOption {
    /// The key in YAML.
    pub name: &'static str,
    /// The formats to which it applies.
    pub formats: &'static [SourceFormatName],
    /// The valid values.
    pub values: OptionValues,
    /// The default, as the reference describes it.
    pub default: &'static str,
    /// The description: one sentence, without a final period.
    pub doc: &'static str,
}

/// The valid values of an option.
#[derive(Debug, Clone, Copy)]
pub enum OptionValues {
    /// One of these words.
    Words(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// One ASCII character, `tab`, or `auto`.
    Character,
    /// `true`, `false` or `auto`.
    Flag,
    /// The name of a text encoding.
    Encoding,
}

const TEXT: &[SourceFormatName] = &[Json, Ndjson, Csv];

/// All options of all formats, in the order of the reference.
pub static SOURCE_OPTIONS: &[SourceOption] = &[
    SourceOption {
        name: "orient",
        formats: &[Json],
        values: OptionValues::Words(&["auto", "split", "records", "lines"]),
        default: "auto",
        doc: "How rows lie in a document: `split` is pandas' `{\"columns\": […], \"data\": [[…], …]}`, `records` an \
              array of objects, `lines` an object a line (or a single object); `auto` finds out for each file",
    },
    SourceOption {
        name: "date_unit",
        formats: &[Json, Ndjson, Parquet, Avro, Sqlite],
        values: OptionValues::Words(&["s", "ms", "us", "ns"]),
        default: "ms; s for SQLite",
        doc: "The unit of timestamps that are written as plain numbers; timestamps of Parquet and Avro have their own",
    },
    SourceOption {
        name: "delimiter",
        formats: &[Csv],
        values: OptionValues::Character,
        default: "auto",
        doc: "The character between two fields; `auto` finds `,`, `;`, tab, `|` or `^` for each file; a declared \
              delimiter that yields no declared column sets the file aside, and the reason names the one that \
              would",
    },
    SourceOption {
        name: "header",
        formats: &[Csv],
        values: OptionValues::Flag,
        default: "auto",
        doc: "Whether the first record names the columns; without a header, the declared columns are those of the file \
              in order",
    },
    SourceOption {
        name: "quote",
        formats: &[Csv],
        values: OptionValues::Character,
        default: "auto",
        doc: "The character around fields that hold delimiters or line ends, written twice inside them; `auto` finds \
              `\"` or `'`",
    },
    SourceOption {
        name: "null_values",
        formats: &[Csv],
        values: OptionValues::Texts,
        default: "an empty field without quotes",
        doc: "The texts that mean NULL, in any case and quoted or not",
    },
    SourceOption {
        name: "encoding",
        formats: TEXT,
        values: OptionValues::Encoding,
        default: "utf-8",
        doc: "The encoding of the text, such as `latin-1`, `windows-1252` or `utf-16le`; UTF-8 and UTF-16 with a byte \
              order mark are found without it",
    },
    SourceOption {
        name: "compression",
        formats: TEXT,
        values: OptionValues::Words(&["auto", "none", "gzip", "zstd", "bzip2", "xz"]),
        default: "auto",
        doc: "How the files are compressed; `auto` goes by the extensions `.gz`, `.zst`, `.bz2` and `.xz`, file by file",
    },
    SourceOption {
        name: "table",
        formats: &[Sqlite],
        values: OptionValues::Text,
        default: "the source table's name",
        doc: "The table or view of the database",
    },
    SourceOption {
        name: "on_error",
        formats: &[Json, Ndjson, Csv, Parquet, Avro, Sqlite],
        values: OptionValues::Words(&["set_aside", "fail"]),
        default: "set_aside",
        doc: "What is done about rows and files that can't be read: `set_aside` keeps them with their reasons in \
              `<table>_rejected`, `fail` stops the model at the first of them",
    },
];

/// The encoding labels from which suggestions for unknown ones are made.
const ENCODINGS: &[&str] = &[
    "auto",
    "utf-8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "latin-1",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "macintosh",
    "koi8-r",
    "ibm866",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gbk",
    "gb18030",
    "big5",
];

impl SourceOption {
    /// Returns the option with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SOURCE_OPTIONS.iter().find(|option| option.name == name)
    }

    /// Returns whether the option applies to a format.
    #[must_use]
    pub fn applies_to(&self, format: SourceFormatName) -> bool {
        self.formats.contains(&format)
    }

    /// Returns why an entry isn't a valid option of the format, if it isn't. `keys` are the other valid keys
    /// in the same place.
    pub(super) fn refuse(
        format: SourceFormatName,
        key: &Spanned<String>,
        value: &Yaml,
        keys: &[&'static str],
    ) -> Option<Diagnostic> {
        let of_format = || SOURCE_OPTIONS.iter().filter(|option| option.applies_to(format));
        match Self::named(&key.value) {
            Some(option) if option.applies_to(format) => option.values.refuse(option.name, value),
            Some(option) => {
                let message = format!("`{}` doesn't apply to {}", option.name, format.as_str());
                let others: Vec<String> =
                    option.formats.iter().map(|other| format!("`{}`", other.as_str())).collect();
                let finding =
                    Diagnostic::error("unknown-option", message).at(key.span.clone(), "not an option here");
                Some(finding.note(format!("`{}` is an option of {}", option.name, others.join(", "))))
            }
            None => {
                let near = of_format().map(|option| option.name).chain(keys.iter().copied());
                let mut finding =
                    Diagnostic::error("unknown-option", format!("unknown option `{}`", key.value))
                        .at(key.span.clone(), "unknown")
                        .near(&key.value, near);
                if finding.hints.is_empty() {
                    let names: Vec<&str> = of_format().map(|option| option.name).collect();
                    finding = finding.note(match names[..] {
                        [] => format!("{} takes no options", format.as_str()),
                        _ => format!("the options of {} are {}", format.as_str(), names.join(", ")),
                    });
                }
                Some(finding)
            }
        }
    }
}

impl OptionValues {
    /// Describes the values for the reference.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Text => "text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Character => "one ASCII character, `tab`, `auto`".to_owned(),
            Self::Flag => "`true`, `false`, `auto`".to_owned(),
            Self::Encoding => "the name of an encoding".to_owned(),
        }
    }

    /// Returns why a value isn't valid, if it isn't.
    fn refuse(self, name: &str, value: &Yaml) -> Option<Diagnostic> {
        let wrong = |wanted: &str| Some(mismatch(format!("`{name}` must be {wanted}"), value));
        match self {
            Self::Words(words) => {
                let text = value.as_str().unwrap_or_else(|| value.span.text());
                if words.contains(&text) {
                    return None;
                }
                let message = format!("`{name}` must be one of {}", words.join(", "));
                let finding = Diagnostic::error("invalid-option", message);
                Some(finding.at(value.span.clone(), "not one of them").near(text, words.iter().copied()))
            }
            Self::Text => value.as_str().map_or_else(|| wrong("text"), |_| None),
            Self::Texts => match &value.value {
                YamlValue::Seq(items) if items.iter().all(|item| item.as_str().is_some()) => None,
                YamlValue::String(_) => None,
                _ => wrong("a list of texts, each in quotes"),
            },
            Self::Character => match value.as_str() {
                Some("auto" | "tab" | "\\t") => None,
                Some(text) if text.len() == 1 && !matches!(text, "\r" | "\n") => None,
                _ => wrong("a single ASCII character, `tab` or `auto`"),
            },
            Self::Flag => match &value.value {
                YamlValue::Bool(_) => None,
                YamlValue::String(text) if text == "auto" => None,
                _ => wrong("`true`, `false` or `auto`"),
            },
            Self::Encoding => {
                let Some(text) = value.as_str() else { return wrong("the name of an encoding") };
                let label = text.to_ascii_lowercase();
                let known = ENCODINGS.contains(&label.as_str())
                    || encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()).is_some();
                (!known).then(|| {
                    let message = format!("unknown encoding `{text}`");
                    Diagnostic::error("invalid-option", message)
                        .at(value.span.clone(), "unknown")
                        .near(&label, ENCODINGS.iter().copied())
                        .note("any encoding of the WHATWG standard can be read, by any of its labels")
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_has_one_row_and_a_sentence() {
        for (at, option) in SOURCE_OPTIONS.iter().enumerate() {
            assert!(SOURCE_OPTIONS[..at].iter().all(|other| other.name != option.name), "{}", option.name);
            assert!(!option.formats.is_empty() && !option.doc.is_empty(), "{}", option.name);
            assert!(!option.doc.ends_with('.'), "{}", option.name);
        }
    }
}
