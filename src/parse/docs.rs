//! Documentation blocks: `{% docs name %} … {% enddocs %}` in Markdown files.

use std::{collections::BTreeMap, sync::Arc};

use crate::{diag::Diagnostic, jinja::blocks, name::PackageName, project::Project, text::Span};

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

/// Returns the documentation blocks of a project and its packages by package and name, and diagnostics about
/// them.
#[must_use]
pub fn docs(project: &Project) -> (BTreeMap<PackageName, DocBlock>, Vec<Diagnostic>) {
    let mut all = BTreeMap::new();
    let mut findings = Vec::new();
    for package in project.with_packages() {
        add(package, &mut all, &mut findings);
    }
    (all, findings)
}

fn add(project: &Project, all: &mut BTreeMap<PackageName, DocBlock>, findings: &mut Vec<Diagnostic>) {
    let package: Arc<str> = project.name().into();
    for file in &project.docs {
        let found = blocks(&file.source, "docs").unwrap_or_else(|found| {
            findings.push(found);
            Vec::new()
        });
        for block in found {
            let key = PackageName::new(&package, block.name.as_str());
            if let Some(first) = all.get(&key) {
                let message = format!("two documentation blocks are called `{}`", block.name);
                findings.push(
                    Diagnostic::error("duplicate-doc", message)
                        .at(block.opened, "here again")
                        .at(first.declared.clone(), "first here"),
                );
                continue;
            }
            let doc = DocBlock {
                name: block.name,
                text: block.body.text().trim().to_owned(),
                declared: block.opened,
                root_path: file.root_path.clone(),
            };
            all.insert(key, doc);
        }
    }
}
