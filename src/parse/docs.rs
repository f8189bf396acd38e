//! Documentation blocks: `{% docs name %} … {% enddocs %}` in Markdown files.

use std::collections::BTreeMap;

use crate::{diag::Diagnostic, jinja::blocks, project::Project, text::Span};

/// A documentation block.
#[derive(Debug, Clone, PartialEq)]
pub struct DocBlock {
    /// The block's name.
    pub name: String,
    /// The block's text, trimmed.
    pub text: String,
    /// The opening tag.
    pub declared: Span,
    /// The root path that contains the block's file.
    pub root_path: String,
}

/// Returns a project's documentation blocks by name, and diagnostics about them.
#[must_use]
pub fn docs(project: &Project) -> (BTreeMap<String, DocBlock>, Vec<Diagnostic>) {
    let mut all: BTreeMap<String, DocBlock> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in &project.docs {
        let found = blocks(&file.source, "docs").unwrap_or_else(|found| {
            findings.push(found);
            Vec::new()
        });
        for block in found {
            if let Some(first) = all.get(&block.name) {
                let message = format!("two documentation blocks are called `{}`", block.name);
                findings.push(
                    Diagnostic::error("duplicate-doc", message)
                        .at(block.opened, "here again")
                        .at(first.declared.clone(), "first here"),
                );
                continue;
            }
            let doc = DocBlock {
                name: block.name.clone(),
                text: block.body.text().trim().to_owned(),
                declared: block.opened,
                root_path: file.root_path.clone(),
            };
            all.insert(block.name, doc);
        }
    }
    (all, findings)
}
