//! The lock file: all packages in exact versions, and a digest of the list that they were found for. Its form
//! and its digest are dbt's, so each tool can continue with the other's file.

use std::{fmt::Write as _, fs, io, path::Path};

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::{
    LOCK,
    fetch::{Origin, Pinned},
    python_json::dumps,
    spec::Spec,
};
use crate::{
    diag::Diagnostic,
    project::{LockFile, ProjectFiles, Yaml},
};

/// A lock file.
pub(super) struct Lock {
    pub(super) specs: Vec<Spec>,
    pub(super) hash: String,
}

/// Returns the digest of a list of packages.
pub(super) fn hash(specs: &[Spec]) -> String {
    let mut texts: Vec<String> = specs.iter().map(|spec| dumps(&spec.hashed)).collect();
    texts.sort();
    let digest = Sha1::digest(texts.join("\n"));
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a project's lock file, if it has one.
pub(super) fn read(
    root: &Path,
    rendered: &dyn Fn(&Yaml) -> Result<Value, Diagnostic>,
) -> Result<Option<Lock>, Vec<Diagnostic>> {
    let Some(file) = LockFile::read(ProjectFiles::on_disk(root), LOCK)? else { return Ok(None) };
    let spec = |yaml: &Yaml| Spec::read(&rendered(yaml)?, &yaml.to_json(), &yaml.span);
    let specs = file.entries.iter().map(spec).collect::<Result<_, _>>()?;
    Ok(Some(Lock { specs, hash: file.hash.unwrap_or_default() }))
}

/// Writes the lock file in one step.
pub(super) fn write(path: &Path, pins: &[Pinned], hash: &str) -> Result<(), Diagnostic> {
    let mut text = String::from(if pins.is_empty() { "packages: []\n" } else { "packages:\n" });
    for pin in pins {
        let name = ("name", pin.name.as_str());
        let entries = match &pin.origin {
            // Only with a secret, since dbt writes the path.
            Origin::Local { written, .. } if written.contains("ENV_SECRET_") => {
                vec![("local", written.as_str()), name]
            }
            Origin::Local { path, .. } => vec![("local", path.as_str()), name],
            Origin::Git { written, commit, folder, .. } => {
                let folder = folder.as_deref().map(|folder| ("subdirectory", folder));
                [("git", written.as_str()), name, ("revision", commit)].into_iter().chain(folder).collect()
            }
            Origin::Tarball { written, name, .. } => vec![("name", name.as_str()), ("tarball", written)],
            Origin::Hub { package, version } => vec![name, ("package", package), ("version", version)],
        };
        for (index, (key, value)) in entries.into_iter().enumerate() {
            let before = if index == 0 { "  - " } else { "    " };
            let _ = writeln!(text, "{before}{key}: {}", scalar(value));
        }
    }
    let _ = writeln!(text, "sha1_hash: {}", scalar(hash));
    save(path, &text).map_err(|error| {
        Diagnostic::error("lock-not-written", format!("can't write {}: {error}", path.display()))
    })
}

/// Writes a file in one step.
pub(super) fn save(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
    fs::write(&new, text)?;
    fs::rename(new, path)
}

/// Writes a text as a YAML scalar, in quotes if it would otherwise be something else.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = text
        .starts_with(|first: char| first.is_ascii_alphabetic() || first == '.' || first == '/')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./@+:".contains(letter))
        && !text.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    // A commit: all digits or an exponent would be a number.
    let is_commit = text.len() == 40
        && text.chars().all(|letter| letter.is_ascii_hexdigit())
        && text.chars().filter(char::is_ascii_alphabetic).any(|letter| letter != 'e');
    let is_version = text.matches('.').count() == 2 && text.starts_with(|first: char| first.is_ascii_digit());
    if is_plain || is_version || is_commit {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
