//! `selectors.yml`: named selections. `select` gives their definitions a meaning.

use super::{files::ProjectFiles, keys, parse, reader::YamlReader, yaml::Yaml};
use crate::{diag::Diagnostic, text::Spanned};

/// The names of the file, at the root of the project.
const FILE_NAMES: [&str; 2] = ["selectors.yml", "selectors.yaml"];

/// A named selection.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectorDecl {
    /// The name, for `--selector`.
    pub name: Spanned<String>,
    /// Whether it applies without `--select`, `--exclude` and `--selector`; may contain Jinja.
    pub default: Option<Yaml>,
    /// The definition, as written.
    pub definition: Yaml,
}

/// Reads the project's selectors, if it has any.
pub(super) fn load(files: ProjectFiles<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<SelectorDecl> {
    let Some(path) = FILE_NAMES.into_iter().find(|name| files.is_file(name)) else { return Vec::new() };
    let source = match files.read(&files.shown(path)) {
        Ok(source) => source,
        Err(found) => {
            diagnostics.push(found);
            return Vec::new();
        }
    };
    let Some(yaml) = parse::yaml(&source, diagnostics) else { return Vec::new() };
    let Some(mut reader) = YamlReader::new(&keys::SELECTORS, &yaml, diagnostics) else { return Vec::new() };
    let mut selectors = Vec::new();
    for item in reader.list("selectors") {
        selectors.extend(SelectorDecl::read(item, reader.diagnostics()));
    }
    reader.finish(None);
    selectors
}

impl SelectorDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::SELECTOR, yaml, diagnostics)?;
        let name = reader.required("name");
        let default = reader.take("default").cloned();
        let definition = reader.needed("definition").cloned();
        reader.finish(None);
        Some(Self { name: name?, default, definition: definition? })
    }
}
