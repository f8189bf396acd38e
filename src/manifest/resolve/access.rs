//! Groups and access: who may refer to a private model.

use serde_json::Value;

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    jinja::Captures,
    manifest::{Model, Node},
    name::NodeId,
};

/// dbt's levels of access.
const LEVELS: [&str; 3] = ["private", "protected", "public"];

impl Resolver<'_> {
    /// Reports references to private models from outside of their groups. `group` is that of the node that
    /// refers to them.
    pub(super) fn private_refs(&mut self, child: &NodeId, group: Option<&str>, captures: &Captures) {
        for call in &captures.refs {
            let Ok((parent, _)) = self.lookup.model(child.package(), call.package.as_deref(), &call.target())
            else {
                continue;
            };
            let Some(Node::Model(model)) = self.nodes.get(parent) else { continue };
            let own = text(model, "group");
            let is_restricted =
                parent.package() != child.package() && self.restricts_access(parent.package());
            let (access, scope, hint) = match text(model, "access").unwrap_or("protected") {
                "private" if own.is_none() || own != group || is_restricted => {
                    let hint = match own {
                        Some(own) => format!("add `group: {own}` to this node, or read a public model"),
                        None => "give the private model a `group`".to_owned(),
                    };
                    ("private", format!("'{}' group", own.unwrap_or_default()), hint)
                }
                "protected" if is_restricted => {
                    let hint = "read a public model: the package has `restrict-access: true`".to_owned();
                    ("protected", format!("'{}' package", parent.package()), hint)
                }
                _ => continue,
            };
            let message = format!(
                "Node {child} attempted to reference node {parent}, which is not allowed because the referenced node is \
                 {access} to the {scope}."
            );
            let found = Diagnostic::error("private-access", message).at(call.span.clone(), "");
            self.findings.push(found.hint(hint));
        }
    }

    /// Returns whether only the public models of a package can be referred to from other packages.
    fn restricts_access(&self, package: &str) -> bool {
        self.root.with_packages().any(|project| project.name() == package && project.settings.restrict_access)
    }

    /// Returns the group in a node's configuration.
    pub(super) fn group_of(&self, id: &NodeId) -> Option<&str> {
        match self.nodes.get(id)? {
            Node::Model(model) => text(model, "group"),
            Node::Seed(seed) => text(&seed.model, "group"),
            Node::Snapshot(snapshot) => text(&snapshot.model, "group"),
            Node::Test(test) => test.config.all.get("group").and_then(Value::as_str),
            Node::Source(_) | Node::UnitTest(_) | Node::Exposure(_) => None,
        }
    }

    /// Reports groups that aren't declared, and levels of access that don't exist.
    pub(super) fn groups_and_access(&mut self) {
        let groups = self.root.with_packages().flat_map(|package| &package.groups);
        let declared: Vec<&str> = groups.map(|group| group.name.value.as_str()).collect();
        let mut found = Vec::new();
        for (id, node) in &self.nodes {
            if let Some(group) = self.group_of(id).filter(|group| !declared.contains(group)) {
                let mut names = declared.clone();
                names.sort_unstable();
                let message = format!("Invalid group '{group}', expected one of {names:?}").replace('"', "'");
                let found_here = Diagnostic::error("unknown-group", message);
                found.push((id.clone(), found_here.near(group, names)));
            }
            let Node::Model(model) = node else { continue };
            let Some(access) = text(model, "access") else { continue };
            let with = if !LEVELS.contains(&access) {
                ""
            } else if access == "public" && model.config.materialized.name() == "ephemeral" {
                " with 'ephemeral' materialization"
            } else {
                continue;
            };
            let message = format!("Node {id}{with} has an invalid value ({access}) for the access field");
            found.push((id.clone(), Diagnostic::error("invalid-access", message).near(access, LEVELS)));
        }
        for (id, diagnostic) in found {
            let place = self.places.get(&id).cloned();
            self.findings.push(match place {
                Some(place) => diagnostic.at(place, ""),
                None => diagnostic,
            });
            self.broken.insert(id);
        }
    }
}

/// Returns a setting that is text.
fn text<'m>(model: &'m Model, key: &str) -> Option<&'m str> {
    model.config.all.get(key).and_then(Value::as_str)
}
