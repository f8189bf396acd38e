//! Rendering of the descriptions of nodes, macros and groups.

use std::collections::BTreeMap;

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    jinja::Described,
    manifest::documentation::{Documentation, Group, Library, Macro},
    name::PackageName,
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

    /// Returns a node's declared columns.
    pub(super) fn columns(&mut self, properties: Option<&ModelProperties>) -> Vec<ColumnDecl> {
        properties.map(|properties| self.typed(&properties.columns)).unwrap_or_default()
    }

    /// Renders the types of columns.
    pub(super) fn typed(&mut self, columns: &[ColumnDecl]) -> Vec<ColumnDecl> {
        let mut columns = columns.to_vec();
        for data_type in columns.iter_mut().filter_map(|column| column.data_type.as_mut()) {
            match self.jinja.render_value(&data_type.value, &data_type.span) {
                Ok(rendered) => data_type.value = rendered,
                Err(found) => self.findings.push(found),
            }
        }
        columns
    }

    /// Renders the descriptions of columns.
    pub(super) fn columns_described(&mut self, columns: &[ColumnDecl]) -> BTreeMap<String, Described> {
        let said = columns.iter().filter(|column| column.description.is_some());
        said.map(|column| (column.name.value.clone(), self.described(column.description.as_ref()))).collect()
    }

    /// Builds the documentation of the project and its packages apart from their nodes.
    pub(super) fn library(&mut self, docs: BTreeMap<PackageName, DocBlock>) -> Library {
        let mut groups = BTreeMap::new();
        let mut described = BTreeMap::new();
        for package in self.root.with_packages() {
            self.enter(package);
            for group in &package.groups {
                let made = Group {
                    name: group.name.value.clone(),
                    description: self.described(group.description.as_ref()).text,
                    owner: group.owner.clone(),
                    meta: meta(group.meta.as_ref()),
                    span: group.span.clone(),
                };
                groups.insert(PackageName::new(&self.package, group.name.value.as_str()), made);
            }
            for one in &package.macro_properties {
                let name = PackageName::new(&self.package, one.name.value.as_str());
                let description = self.described(one.description.as_ref()).text;
                described.insert(name, (one, description));
            }
        }
        Library { docs, groups, macros: self.macros(described) }
    }

    fn macros(
        &mut self,
        mut described: BTreeMap<PackageName, (&MacroProperties, String)>,
    ) -> BTreeMap<PackageName, Macro> {
        let mut macros = BTreeMap::new();
        for written in self.jinja.macros() {
            let (properties, description) = described.remove(&written.name).unzip();
            let as_written = || {
                let parameters = written.parameters.iter().cloned();
                let argument = |name| ArgumentDecl { name, data_type: None, description: String::new() };
                parameters.map(argument).collect()
            };
            let arguments = properties.map(|properties| properties.arguments.clone());
            let one = Macro {
                description: description.unwrap_or_default(),
                arguments: arguments.filter(|all| !all.is_empty()).unwrap_or_else(as_written),
                meta: meta(properties.and_then(|it| it.meta.as_ref())),
                declared: properties.map(|it| it.span.clone()),
                name: written.name.name.clone(),
                file: written.file,
                text: written.text,
                is_builtin: written.is_builtin,
                calls: written.calls,
            };
            macros.insert(written.name, one);
        }
        for (name, (stranger, _)) in described {
            let message = format!("`{}` is described here, but no macro is called that", name.name);
            let known = macros.keys().filter(|key| key.package == name.package).map(|key| key.name.as_str());
            self.findings.push(
                Diagnostic::warning("unknown-macro", message)
                    .at(stranger.name.span.clone(), "")
                    .near(&name.name, known),
            );
        }
        macros
    }
}

/// Returns the user's metadata, or an empty mapping if there is none.
fn meta(written: Option<&Yaml>) -> serde_json::Value {
    written.map_or_else(|| serde_json::json!({}), Yaml::to_json)
}
