//! `external:`: the files or the database of a source table.

use super::{
    drift::DriftDecl, keys, reader::YamlReader, source_format::SourceFormatName,
    source_options::SourceOption, yaml::Yaml,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// The declared location and format of a source table.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalDecl {
    /// A path or URL, possibly with globs; may contain Jinja.
    pub location: Spanned<String>,
    /// The format, as declared or inferred from the location's extension (then with the location's span).
    pub format: Spanned<SourceFormatName>,
    /// The format's options, validated.
    pub options: Vec<(Spanned<String>, Yaml)>,
    /// The policy for bad rows and files.
    pub on_error: OnErrorDecl,
    /// The policy for schema drift.
    pub drift: DriftDecl,
    /// The span of the declaration.
    pub span: Span,
}

/// The policy for rows and files that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnErrorDecl {
    /// They are rejected with a reason, and the rest is loaded.
    #[default]
    SetAside,
    /// The step fails.
    Fail,
}

/// The keys of `external:`, apart from options.
const KEYS: &[&str] =
    &["location", "format", "options", "on_missing_column", "on_new_column", "max_rejected"];

impl ExternalDecl {
    /// Reads the declaration. Returns `None` if a required key is missing.
    pub(super) fn read(
        key: &Spanned<String>,
        yaml: &Yaml,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::EXTERNAL, yaml, diagnostics)?;
        let location = reader.required("location");
        let format = format(&mut reader, location.as_ref());
        let declared = reader.map("options");
        let drift = DriftDecl::of(&mut reader);
        let beside: Vec<_> =
            reader.entries().iter().filter(|(key, _)| !KEYS.contains(&key.value.as_str())).collect();
        let mut options = match &format {
            Some(format) => options(format.value, declared, &beside, reader.diagnostics()),
            None => Vec::new(),
        };
        let on_error = match options.iter().position(|(key, _)| key.value == "on_error") {
            Some(at) if options.remove(at).1.as_str() == Some("fail") => OnErrorDecl::Fail,
            _ => OnErrorDecl::SetAside,
        };
        Some(Self { location: location?, format: format?, options, on_error, drift, span: key.span.clone() })
    }

    /// Returns an option's value, if it is set.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Yaml> {
        self.options.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    /// Returns an option's text, if it is set and not `auto`.
    #[must_use]
    pub fn option_text(&self, name: &str) -> Option<&str> {
        self.option(name).and_then(Yaml::as_str).filter(|text| *text != "auto")
    }
}

fn format(
    reader: &mut YamlReader<'_, '_>,
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
    let guess = SourceFormatName::of_file(file);
    if guess.is_none() {
        let finding = Diagnostic::error("missing-format", "can't infer the format from `location`")
            .at(location.span.clone(), "no extension that is known")
            .hint("add a `format:`")
            .note(all);
        reader.diagnostics().push(finding);
    }
    Some(Spanned::new(guess?, location.span.clone()))
}

/// Reads the options under `options:`, and those directly next to the location.
fn options(
    format: SourceFormatName,
    declared: &[(Spanned<String>, Yaml)],
    beside: &[&(Spanned<String>, Yaml)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Spanned<String>, Yaml)> {
    let mut options: Vec<(Spanned<String>, Yaml)> = Vec::new();
    let direct = beside.iter().map(|(key, value)| (key, value, KEYS));
    let all = declared.iter().map(|(key, value)| (key, value, &[] as &[_])).chain(direct);
    for (key, value, keys) in all.filter(|(_, value, _)| !value.is_null()) {
        if let Some(finding) = SourceOption::refuse(format, key, value, keys) {
            diagnostics.push(finding);
        } else if let Some((other, _)) = options.iter().find(|(other, _)| other.value == key.value) {
            let message = format!("`{}` is set twice", key.value);
            let finding = Diagnostic::error("duplicate-key", message)
                .at(key.span.clone(), "here")
                .at(other.span.clone(), "and here");
            diagnostics.push(finding);
        } else {
            options.push((key.clone(), value.clone()));
        }
    }
    options
}
