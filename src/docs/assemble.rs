//! Assembly of the site: converts what is known about a project to the form that the page reads.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    assembly::{Assembly, moment},
    inputs::SiteInputs,
    node_detail,
    site::{PART, Site, SiteGroup, SiteLastRun, SiteMacro, SiteSelection},
};
use crate::{
    name::PackageName,
    select::{TestKind, Vocabulary},
};

/// The name of the documentation block used as the project's overview.
const OVERVIEW: &str = "__overview__";

/// The package of the macros that come with Headwater.
const DBT: &str = "dbt";

impl SiteInputs<'_> {
    /// Builds the site.
    #[must_use]
    pub fn site(&self) -> Site {
        let assembly = Assembly::new(self);
        let library = &self.manifest.library;
        let nodes = self.manifest.nodes.values();
        Site {
            project: self.manifest.project.clone(),
            generated_at: moment(self.generated_at),
            tool_version: env!("CARGO_PKG_VERSION"),
            target: self.target.to_owned(),
            overview: library
                .docs
                .iter()
                .find(|(key, _)| key.name == OVERVIEW && *key.package == *self.manifest.project)
                .map(|(_, block)| block)
                .map(|block| block.text.clone())
                .unwrap_or_default(),
            vars: self.vars.clone(),
            last_run: self.last_run.map(|last| SiteLastRun {
                at: last.ended_at().map(moment),
                command: last.args.get("which").and_then(Value::as_str).map(str::to_owned),
            }),
            nodes: nodes.clone().map(|node| assembly.node(node)).collect(),
            macros: assembly.macros(),
            groups: library
                .groups
                .values()
                .map(|group| SiteGroup {
                    name: group.name.clone(),
                    description: group.description.clone(),
                    owner: group.owner.display().map(str::to_owned),
                })
                .collect(),
            selection: selection(),
            part: PART,
            details: nodes.map(|node| node_detail::detail(&assembly, node)).collect(),
        }
    }
}

fn selection() -> SiteSelection {
    let Vocabulary { methods, other_methods, resource_types, test_types, file_extensions } =
        Vocabulary::new();
    let names = |kinds: Vec<TestKind>| kinds.into_iter().map(TestKind::as_str).collect();
    SiteSelection {
        methods,
        other_methods,
        resource_types: resource_types.to_vec(),
        test_types: test_types.into_iter().map(|(name, kinds)| (name, names(kinds))).collect(),
        file_extensions: file_extensions.to_vec(),
    }
}

impl Assembly<'_> {
    /// Returns a macro's name as it's called: with its package, if it has one that isn't dbt's.
    fn macro_name(&self, name: &PackageName) -> String {
        let is_plain = [DBT, &self.inputs.manifest.project].contains(&&*name.package);
        if is_plain { name.name.clone() } else { name.to_string() }
    }

    fn macros(&self) -> Vec<SiteMacro> {
        let mut users: BTreeMap<&PackageName, Vec<usize>> = BTreeMap::new();
        for (at, node) in self.inputs.manifest.nodes.values().enumerate() {
            for name in node.calls().into_iter().flat_map(|calls| &calls.macros) {
                users.entry(name).or_default().push(at);
            }
        }
        let own = self.inputs.manifest.library.macros.iter().filter(|(_, one)| !one.is_builtin);
        own.map(|(name, one)| SiteMacro {
            name: self.macro_name(name),
            path: one.file.path().to_owned(),
            description: one.description.trim().to_owned(),
            arguments: one
                .arguments
                .iter()
                .map(|argument| {
                    (argument.name.clone(), argument.data_type.clone(), argument.description.clone())
                })
                .collect(),
            calls: one.calls.iter().map(|call| self.macro_name(call)).collect(),
            used_by: users.get(name).cloned().unwrap_or_default(),
            text: one.text.clone(),
        })
        .collect()
    }
}
