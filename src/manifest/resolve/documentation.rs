//! Rendering of the descriptions of nodes, macros and groups.

use std::collections::BTreeMap;

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    jinja::Described,
    manifest::documentation::{Documentation, Group, Library, Macro},
    parse::DocBlock,
    project::{ArgumentDecl, ColumnDecl, MacroProperties, ModelProperties, Yaml},
    text::Spanned,
};

impl Resolver<'_> {
    /// Renders a description.
    pub(super) fn described(&mut self, written: Option<&Spanned<String>>) -> Described {
        let Some(written) = written else { return Described::default() };
        self.jinja.describe(&written.value, &written.span).unwrap_or_else(|found| {
            self.findings.push(found);
            Described::default()
        })
    }

    /// Renders the documentation of a node and its columns.
    pub(super) fn documentation(&mut self, properties: Option<&ModelProperties>) -> Documentation {
        let Some(properties) = properties else { return Documentation::default() };
        Documentation {
            description: self.described(properties.description.as_ref()),
            columns: self.columns_described(&properties.columns),
            declared: Some(properties.name.span.clone()),
        }
    }

    /// Renders the descriptions of columns.
    pub(super) fn columns_described(&mut self, columns: &[ColumnDecl]) -> BTreeMap<String, Described> {
        let said = columns.iter().filter(|column| column.description.is_some());
        said.map(|column| (column.name.value.clone(), self.described(column.description.as_ref()))).collect()
    }

    /// Builds the project's documentation apart from its nodes.
    pub(super) fn library(&mut self, docs: BTreeMap<String, DocBlock>) -> Library {
        let groups = self.project.groups.iter().map(|group| {
            let made = Group {
                name: group.name.value.clone(),
                description: self.described(group.description.as_ref()).text,
                owner: group.owner.clone(),
                meta: meta(group.meta.as_ref()),
                span: group.span.clone(),
            };
            (group.name.value.clone(), made)
        });
        let groups = groups.collect();
        Library { docs, groups, macros: self.macros() }
    }

    fn macros(&mut self) -> BTreeMap<String, Macro> {
        let project = self.project;
        let mut described: BTreeMap<&str, &MacroProperties> =
            project.macro_properties.iter().map(|one| (one.name.value.as_str(), one)).collect();
        let mut macros = BTreeMap::new();
        for written in self.jinja.macros() {
            let properties = described.remove(written.name.as_str());
            let as_written = || {
                let parameters = written.parameters.iter().cloned();
                let argument = |name| ArgumentDecl { name, data_type: None, description: String::new() };
                parameters.map(argument).collect()
            };
            let arguments = properties.map(|properties| properties.arguments.clone());
            let one = Macro {
                description: self.described(properties.and_then(|it| it.description.as_ref())).text,
                arguments: arguments.filter(|all| !all.is_empty()).unwrap_or_else(as_written),
                meta: meta(properties.and_then(|it| it.meta.as_ref())),
                declared: properties.map(|it| it.span.clone()),
                name: written.name.clone(),
                file: written.file,
                text: written.text,
                is_builtin: written.is_builtin,
                calls: written.calls,
            };
            macros.insert(written.name, one);
        }
        for stranger in described.into_values() {
            let message = format!("`{}` is described here, but no macro is called that", stranger.name.value);
            let known = macros.keys().map(String::as_str);
            self.findings.push(
                Diagnostic::warning("unknown-macro", message)
                    .at(stranger.name.span.clone(), "")
                    .near(&stranger.name.value, known),
            );
        }
        macros
    }
}

/// Returns the user's metadata, or an empty mapping if there is none.
fn meta(written: Option<&Yaml>) -> serde_json::Value {
    written.map_or_else(|| serde_json::json!({}), Yaml::to_json)
}
