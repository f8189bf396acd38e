//! Diagnostics about a source's location: a missing location, with suggestions, or files left out. Looks only
//! at names.

use std::{fs, path::Path};

use crate::{
    diag::{Diagnostic, near},
    local_file,
    source::SourceSpec,
    text::Span,
};

/// The maximum number of names to list.
const NAMED: usize = 3;

/// The error about a location without matching files. `left_out` are files there with other extensions.
#[expect(clippy::needless_pass_by_value, reason = "callers have no other use for the place")]
pub(super) fn missing(spec: &SourceSpec, left_out: &[String], at: Span) -> Diagnostic {
    let location = &spec.location;
    let error = |message: String| Diagnostic::error("missing-files", message).at(at.clone(), "declared here");
    if !left_out.is_empty() {
        let files = counted(left_out);
        return error(format!("{}: `{location}` holds no file of its format", spec.name))
            .note(format!("{files} there with other extensions: {}", some(left_out)))
            .hint("correct `format`, or name the files with a pattern in `location`, such as `in/*.dat`");
    }
    if location.contains("://") {
        return error(format!("{}: no file matches `{location}`", spec.name));
    }
    let is_pattern = |part: &str| part.contains(['*', '?', '[']);
    let (mut folder, mut walked) = (spec.base.clone(), Vec::new());
    if Path::new(location).is_absolute() {
        folder = Path::new("/").to_path_buf();
    }
    let parts: Vec<&str> = location.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    for (index, part) in parts.iter().enumerate() {
        let next = folder.join(part);
        if let Err(problem) = fs::metadata(&next)
            && local_file::is_link(&next)
        {
            walked.push(*part);
            let (problem, help) = local_file::problem(&next, &problem);
            return error(format!("{}: `{}` {problem}", spec.name, shown(location, &walked))).hint(help);
        }
        if is_pattern(part) && !next.exists() {
            break;
        }
        if !next.exists() {
            let is_last = index + 1 == parts.len();
            let what = if is_last { "file or folder" } else { "folder" };
            walked.push(*part);
            let finding = error(format!("{}: there is no {what} `{}`", spec.name, shown(location, &walked)));
            let names = names(&folder);
            let near = near::names(part, names.iter().map(String::as_str));
            return match near.first() {
                Some(name) => {
                    walked.pop();
                    walked.push(name);
                    walked.extend(&parts[index + 1..]);
                    finding.hint(format!("did you mean `{}`?", shown(location, &walked)))
                }
                None if names.is_empty() => finding,
                None => finding.note(format!("{} holds {}", place(&folder, &spec.base), some(&names))),
            };
        }
        folder = next;
        walked.push(part);
    }
    let finding = error(format!("{}: no file matches `{location}`", spec.name));
    match names(&folder) {
        names if names.is_empty() => finding.note(format!("{} is empty", place(&folder, &spec.base))),
        names => finding.note(format!("{} holds {}", place(&folder, &spec.base), some(&names))),
    }
}

/// The warning about files in a folder left out because of their extensions.
pub(super) fn left_out(spec: &SourceSpec, names: &[String], at: Span) -> Option<Diagnostic> {
    if names.is_empty() {
        return None;
    }
    let files = counted(names);
    let verb = if names.len() == 1 { "is" } else { "are" };
    let message = format!(
        "{}: {files} of `{}` {verb} left out, by the extension: {}",
        spec.name,
        spec.location,
        some(names)
    );
    Some(
        Diagnostic::warning("files-left-out", message)
            .at(at, "this folder")
            .hint("name the files that belong to it with a pattern in `location`, or move the others away"),
    )
}

/// Returns the location's first parts as written.
fn shown(location: &str, parts: &[&str]) -> String {
    let root = if location.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn place(folder: &Path, base: &Path) -> String {
    match folder.strip_prefix(base) {
        Ok(below) if below.as_os_str().is_empty() => "the project's folder".to_owned(),
        Ok(below) => format!("`{}`", below.display()),
        Err(_) => format!("`{}`", folder.display()),
    }
}

/// Lists a folder without hidden files; empty if it can't be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn counted(files: &[String]) -> String {
    format!("{} file{}", files.len(), if files.len() == 1 { "" } else { "s" })
}

/// Lists the first few names.
fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = match names.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}
