//! Entries of a list of packages: which package, from where, in which versions.

use serde_json::{Map, Value, json};

use crate::{
    diag::Diagnostic,
    project::{Yaml, YamlValue},
    secret::hide_credentials,
    text::Span,
};

/// An entry, with its strings rendered.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) origin: Wanted,
    /// The entry as dbt writes it into the hash of the lock file.
    pub(super) hashed: Value,
    pub(super) at: Span,
}

/// A package, and its versions that would do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// A folder, as rendered and written.
    Local { path: String, written: String },
    /// A repository, as written and rendered, at any of these branches, tags or commits.
    Git { url: String, written: String, revisions: Vec<String>, folder: Option<String>, warn: bool },
    /// An archive.
    Tarball { url: String, written: String, name: String },
    /// A package of the hub, in a version that fits all of these.
    Hub { package: String, versions: Vec<String>, prerelease: bool },
}

/// The keys of an entry by the key that says its kind.
const KINDS: [(&str, &[&str]); 4] = [
    ("package", &["package", "version", "install_prerelease", "name"]),
    ("git", &["git", "revision", "warn-unpinned", "warn_unpinned", "subdirectory", "name"]),
    ("local", &["local", "name"]),
    ("tarball", &["tarball", "name"]),
];

/// Renders the strings in an entry.
pub(super) fn rendered(
    yaml: &Yaml,
    render: &dyn Fn(&str, &Span) -> Result<String, Diagnostic>,
) -> Result<Value, Diagnostic> {
    Ok(match &yaml.value {
        YamlValue::String(text) => Value::from(render(text, &yaml.span)?),
        YamlValue::Seq(items) => {
            items.iter().map(|item| rendered(item, render)).collect::<Result<Vec<_>, _>>()?.into()
        }
        YamlValue::Map(entries) => {
            let entry = |(key, value): &(_, Yaml)| {
                let key: &crate::text::Spanned<String> = key;
                Ok((key.value.clone(), rendered(value, render)?))
            };
            Value::Object(entries.iter().map(entry).collect::<Result<Map<_, _>, Diagnostic>>()?)
        }
        _ => yaml.to_json(),
    })
}

impl Spec {
    /// Reads an entry, given as rendered and as written.
    pub(super) fn read(value: &Value, written: &Value, at: &Span) -> Result<Self, Diagnostic> {
        let wrong = |message: String| Diagnostic::error("invalid-package", message).at(at.clone(), "");
        let entry =
            value.as_object().ok_or_else(|| wrong("a package is a mapping of keys to values".into()))?;
        if entry.contains_key("private") {
            let found = wrong("`private` packages are those of dbt's cloud".into());
            return Err(found.hint("name the repository: `git: https://…`"));
        }
        let Some((kind, keys)) = KINDS.iter().find(|(kind, _)| entry.contains_key(*kind)) else {
            let found = wrong("this entry names no package".into());
            return Err(found.hint("write `package:`, `git:`, `local:` or `tarball:`"));
        };
        if let Some(key) = entry.keys().find(|key| !keys.contains(&key.as_str())) {
            let found = wrong(format!("a `{kind}` package has no key `{key}`"));
            return Err(found.near(key, keys.iter().copied()));
        }
        let text = |key: &str| entry.get(key).filter(|value| !value.is_null()).map(spelled);
        let required = |key: &str| {
            let value = text(key).filter(|text| !text.is_empty());
            value.ok_or_else(|| wrong(format!("a `{kind}` package needs a `{key}`")))
        };
        let as_written = written.get(*kind).and_then(Value::as_str).unwrap_or_default().to_owned();
        let origin = match *kind {
            "package" => Wanted::Hub {
                package: required("package")?,
                versions: match entry.get("version") {
                    Some(Value::Array(items)) => items.iter().map(spelled).collect(),
                    _ => vec![required("version")?],
                },
                prerelease: entry.get("install_prerelease") == Some(&Value::Bool(true)),
            },
            "git" => Wanted::Git {
                url: required("git")?,
                written: as_written,
                revisions: text("revision").into_iter().collect(),
                folder: text("subdirectory"),
                warn: !["warn-unpinned", "warn_unpinned"]
                    .iter()
                    .any(|key| entry.get(*key) == Some(&Value::Bool(false))),
            },
            "local" => Wanted::Local { path: required("local")?, written: as_written },
            _ => Wanted::Tarball { url: required("tarball")?, written: as_written, name: required("name")? },
        };
        if let Wanted::Git { url, .. } | Wanted::Tarball { url, .. } = &origin {
            hide_credentials(url);
        }
        Ok(Self { origin, hashed: hashed(kind, entry, written), at: at.clone() })
    }
}

/// Returns an entry with all keys that dbt gives it.
fn hashed(kind: &str, entry: &Map<String, Value>, written: &Value) -> Value {
    let get = |key: &str| entry.get(key).cloned().unwrap_or_default();
    let mut all = match kind {
        "package" => {
            let prerelease = entry.get("install_prerelease").cloned().unwrap_or(false.into());
            json!({ "package": get("package"), "version": get("version"), "install_prerelease": prerelease })
        }
        "git" => json!({
            "git": get("git"),
            "revision": get("revision"),
            "subdirectory": get("subdirectory"),
            "warn-unpinned": get("warn-unpinned"),
        }),
        kind => json!({ kind: get(kind) }),
    };
    all["unrendered"] = written.clone();
    if let Some(name) = entry.get("name").filter(|name| !name.is_null()) {
        all["name"] = name.clone();
    }
    all
}

/// Returns a version or revision as text: YAML may take it for a number.
fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
