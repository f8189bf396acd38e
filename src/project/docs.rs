//! Markdown files with doc blocks (`{% docs name %} … {% enddocs %}`): descriptions that YAML references by
//! `doc('name')`.

use std::collections::HashSet;

use super::files::{FoundFile, ProjectFiles};
use crate::{diag::Diagnostic, text::Source};

/// A Markdown file under one of the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocFile {
    /// The file.
    pub source: Source,
    /// The configured path that contains it.
    pub root_path: String,
}

/// Reads the Markdown files among the files found, each once.
pub(super) fn files<'f>(
    project: ProjectFiles<'_>,
    found: impl IntoIterator<Item = &'f FoundFile>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<DocFile> {
    let mut seen = HashSet::new();
    let mut docs = Vec::new();
    for file in found.into_iter().filter(|file| file.extension() == "md") {
        if !seen.insert(file.shown.as_str()) {
            continue;
        }
        match project.read(&file.shown) {
            Ok(source) => docs.push(DocFile { source, root_path: file.under.clone() }),
            Err(found) => diagnostics.push(found),
        }
    }
    docs
}
