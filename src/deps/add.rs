//! `--add-package`: a new entry in `packages.yml`, in place of one for the same package.

use std::{fs, path::Path};

use super::lock::{save, scalar};
use crate::{
    diag::Diagnostic,
    project::{PackageList, ProjectFiles},
};

/// A package to add to the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// The package of the hub, the repository or the folder.
    pub name: String,
    /// The version or revision.
    pub version: Option<String>,
    /// `hub`, `git` or `local`.
    pub source: String,
}

/// Adds the entry, and returns what was done.
pub(super) fn add(root: &Path, package: &NewPackage) -> Result<String, Diagnostic> {
    let mut findings = Vec::new();
    let list = PackageList::read(ProjectFiles::on_disk(root), &mut findings);
    if let Some(error) = findings.into_iter().find(Diagnostic::is_error) {
        return Err(error);
    }
    let (file, text) = if let Some(list) = &list {
        (root.join(list.source.path()), without(list, package))
    } else {
        let path = root.join("packages.yml");
        // A file without a package list is kept, and the list is appended to it.
        let before = fs::read_to_string(&path).unwrap_or_default();
        let before = before.trim_end();
        (path, format!("{before}{}packages:\n", if before.is_empty() { "" } else { "\n" }))
    };
    let text = with(&text, &entry(package));
    save(&file, &text).map_err(|error| {
        Diagnostic::error("list-not-written", format!("can't write {}: {error}", file.display()))
    })?;
    let version = package.version.as_deref().unwrap_or("latest");
    Ok(format!("Added new package {}@{version} to {}", package.name, file.display()))
}

/// Returns the lines of the new entry.
fn entry(package: &NewPackage) -> Vec<String> {
    let (key, version_key) = match package.source.as_str() {
        "git" => ("git", "revision"),
        "local" => ("local", "version"),
        _ => ("package", "version"),
    };
    let mut lines = vec![format!("  - {key}: {}", scalar(&package.name))];
    if let Some(version) = package.version.as_ref().filter(|_| key != "local") {
        if version.contains(',') {
            let bounds = version.split(',').map(|bound| scalar(bound.trim())).collect::<Vec<_>>();
            lines.push(format!("    {version_key}: [{}]", bounds.join(", ")));
        } else {
            lines.push(format!("    {version_key}: {}", scalar(version)));
        }
    }
    lines
}

/// Returns the text of a list without the entries for this package, as dbt finds them: by their names, with
/// `_` and `-` alike.
fn without(list: &PackageList, package: &NewPackage) -> String {
    let text = list.source.text();
    let folded = |name: &str| name.replace('-', "_").to_lowercase();
    let wanted = folded(&package.name);
    let short = wanted.rsplit('/').next().unwrap_or_default().trim_end_matches(".git").to_owned();
    let mut kept = String::new();
    let mut at = 0;
    for item in &list.entries {
        let named = ["package", "git", "local", "tarball"].iter().find_map(|key| item.get(key)?.as_str());
        let is_same = named.is_some_and(|name| folded(name).split(['/', '.']).any(|part| part == short));
        if !is_same {
            continue;
        }
        // The entry's lines: from its dash to the line before the next entry, or the next key.
        let start = text[..item.span.start].rfind('\n').map_or(0, |at| at + 1);
        let indent = text[start..].len() - text[start..].trim_start_matches(' ').len();
        let mut end = start;
        for (index, line) in text[start..].split_inclusive('\n').enumerate() {
            let own = line.len() - line.trim_start_matches(' ').len();
            if index > 0 && !line.trim().is_empty() && own <= indent {
                break;
            }
            end += line.len();
        }
        if start >= at {
            kept.push_str(&text[at..start]);
            at = end;
        }
    }
    kept + &text[at..]
}

/// Returns the text of a list with more lines at the end of its entries.
fn with(text: &str, lines: &[String]) -> String {
    let mut before: Vec<&str> = text.lines().collect();
    let key = before.iter().position(|line| line.trim_start().starts_with("packages:"));
    let Some(key) = key else { return format!("{text}\npackages:\n{}\n", lines.join("\n")) };
    let empty = before[key].split_once(':').is_some_and(|(_, rest)| rest.trim() == "[]");
    if empty {
        before[key] = "packages:";
    }
    let after = before.iter().enumerate().skip(key + 1);
    let next = after.clone().find(|(_, line)| !line.trim().is_empty() && !line.starts_with([' ', '-', '#']));
    let end = next.map_or(before.len(), |(index, _)| index);
    // Entries may be written without indentation.
    let is_flush = before[key + 1..end].iter().any(|line| line.starts_with('-'));
    let lines: Vec<String> = lines
        .iter()
        .map(|line| if is_flush { line.chars().skip(2).collect() } else { line.clone() })
        .collect();
    let mut all: Vec<String> = before[..end].iter().map(|line| (*line).to_owned()).collect();
    while all.last().is_some_and(|line| line.trim().is_empty()) {
        all.pop();
    }
    all.extend(lines);
    all.extend(before[end..].iter().map(|line| (*line).to_owned()));
    all.join("\n") + "\n"
}
