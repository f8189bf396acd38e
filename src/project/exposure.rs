//! `exposures:`: what people or programs do with the tables: dashboards, notebooks, applications.

use super::{config::ConfigPatch, properties, reader::Reader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// dbt's kinds of exposures.
const KINDS: [&str; 5] = ["dashboard", "notebook", "analysis", "ml", "application"];

/// dbt's degrees of maturity.
const MATURITY: [&str; 3] = ["high", "medium", "low"];

/// An exposure as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct ExposureDecl {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is: one of dbt's kinds.
    pub kind: String,
    /// Its name for people.
    pub label: Option<String>,
    /// What it is for; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// How far one can rely on it.
    pub maturity: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// Who answers for it.
    pub owner: Owner,
    /// What it reads, as calls of `ref` and `source`.
    pub depends_on: Vec<Spanned<String>>,
    /// `config:`, and the properties that are configuration too.
    pub config: ConfigPatch,
    /// Where it is declared.
    pub span: Span,
}

/// Somebody who answers for something.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owner {
    /// Their name.
    pub name: Option<String>,
    /// Where to write to.
    pub email: Vec<String>,
    /// All else that is said of them.
    pub others: Vec<(String, Yaml)>,
}

/// `groups:`: models that somebody answers for together.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDecl {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Owner,
    /// The user's own data about it.
    pub meta: Option<Yaml>,
    /// Where it is declared.
    pub span: Span,
}

impl ExposureDecl {
    /// One item of `exposures:`; `None` if it has no name or kind.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("an exposure", yaml, diagnostics)?;
        let name = reader.required("name");
        let kind = reader.required("type").and_then(|kind| one_of(&mut reader, "type", kind, &KINDS));
        let maturity =
            reader.string("maturity").and_then(|it| one_of(&mut reader, "maturity", it, &MATURITY));
        let label = reader.string("label").map(|label| label.value);
        let description = reader.string("description");
        let url = reader.string("url").map(|url| url.value);
        let owner = Owner::of(&mut reader);
        let depends_on = reader.strings("depends_on").unwrap_or_default();
        let mut config = properties::config(&mut reader);
        for key in ["enabled", "meta", "tags"] {
            if let Some(value) = reader.take(key) {
                config.or_insert(key, value);
            }
        }
        reader.finish(Some(properties::META_HINT));
        let span = yaml.span.clone();
        Some(Self {
            name: name?,
            kind: kind?,
            label,
            description,
            maturity,
            url,
            owner,
            depends_on,
            config,
            span,
        })
    }
}

impl GroupDecl {
    /// One item of `groups:`; `None` if it has no name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a group", yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let owner = Owner::of(&mut reader);
        let meta = properties::meta(&mut reader);
        reader.accept(&["config"]);
        reader.finish(Some(properties::META_HINT));
        Some(Self { name: name?, description, owner, meta, span: yaml.span.clone() })
    }
}

impl Owner {
    /// `owner:`, which must name somebody or tell where to write to.
    fn of(reader: &mut Reader<'_, '_>) -> Self {
        let Some(yaml) = reader.needed("owner") else { return Self::default() };
        let Some(mut owner) = Reader::new("an owner", yaml, reader.diagnostics()) else {
            return Self::default();
        };
        let name = owner.string("name").map(|name| name.value);
        let email = owner.strings("email").unwrap_or_default().into_iter().map(|email| email.value).collect();
        let others =
            owner.entries().iter().filter(|(key, _)| !["name", "email"].contains(&key.value.as_str()));
        let others = others.map(|(key, value)| (key.value.clone(), value.clone())).collect();
        let owner = Self { name, email, others };
        if owner.name.is_none() && owner.email.is_empty() {
            let finding = Diagnostic::error("missing-key", "an owner needs a `name` or an `email`");
            reader.diagnostics().push(finding.at(yaml.span.clone(), "neither is here"));
        }
        owner
    }

    /// What people call them.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.email.first().map(String::as_str))
    }
}

fn one_of(
    reader: &mut Reader<'_, '_>,
    key: &str,
    written: Spanned<String>,
    words: &[&str],
) -> Option<String> {
    if words.contains(&written.value.as_str()) {
        return Some(written.value);
    }
    reader.none_of(key, &written, words);
    None
}
