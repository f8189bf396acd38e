//! `exposures:` (dashboards, notebooks and applications that use the tables) and `groups:`.

use super::{common_keys, config::ConfigPatch, keys, reader::YamlReader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// dbt's kinds of exposures.
const KINDS: [&str; 5] = ["dashboard", "notebook", "analysis", "ml", "application"];

/// dbt's levels of maturity.
const MATURITY: [&str; 3] = ["high", "medium", "low"];

/// A declared exposure.
#[derive(Debug, Clone, PartialEq)]
pub struct ExposureDecl {
    pub name: Spanned<String>,
    /// The type: one of dbt's kinds.
    pub kind: String,
    /// The display name.
    pub label: Option<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    /// The maturity: how reliable it is.
    pub maturity: Option<String>,
    pub url: Option<String>,
    pub owner: Owner,
    /// Its dependencies, as calls of `ref` and `source`.
    pub depends_on: Vec<Spanned<String>>,
    /// `config:`, and the properties that also count as configuration.
    pub config: ConfigPatch,
    /// The span of the declaration.
    pub span: Span,
}

/// The owner of an exposure or a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owner {
    pub name: Option<String>,
    /// The email addresses.
    pub email: Vec<String>,
    /// All other keys.
    pub others: Vec<(String, Yaml)>,
}

/// A group: models with one owner.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDecl {
    pub name: Spanned<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    pub owner: Owner,
    /// The user's metadata.
    pub meta: Option<Yaml>,
    /// The span of the declaration.
    pub span: Span,
}

impl ExposureDecl {
    /// Reads an item of `exposures:`. Returns `None` if it lacks a name or a type.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::EXPOSURE, yaml, diagnostics)?;
        let name = reader.required("name");
        let kind = reader.required("type").and_then(|kind| one_of(&mut reader, "type", kind, &KINDS));
        let maturity =
            reader.string("maturity").and_then(|it| one_of(&mut reader, "maturity", it, &MATURITY));
        let label = reader.string("label").map(|label| label.value);
        let description = reader.string("description");
        let url = reader.string("url").map(|url| url.value);
        let owner = Owner::of(&mut reader);
        let depends_on = reader.strings("depends_on").unwrap_or_default();
        let mut config = common_keys::config(&mut reader);
        for key in ["enabled", "meta", "tags"] {
            if let Some(value) = reader.take(key) {
                config.or_insert(key, value);
            }
        }
        reader.finish(Some(common_keys::META_HINT));
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
    /// Reads an item of `groups:`. Returns `None` if it lacks a name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::GROUP, yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let owner = Owner::of(&mut reader);
        let meta = common_keys::meta(&mut reader);
        reader.finish(Some(common_keys::META_HINT));
        Some(Self { name: name?, description, owner, meta, span: yaml.span.clone() })
    }
}

impl Owner {
    /// Reads `owner:`, which needs a name or an email address.
    fn of(reader: &mut YamlReader<'_, '_>) -> Self {
        let Some(yaml) = reader.needed("owner") else { return Self::default() };
        let Some(mut owner) = YamlReader::new(&keys::OWNER, yaml, reader.diagnostics()) else {
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

    /// Returns the name, or else the first email address.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.email.first().map(String::as_str))
    }
}

fn one_of(
    reader: &mut YamlReader<'_, '_>,
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
