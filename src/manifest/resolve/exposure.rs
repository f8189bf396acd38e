//! Resolution of exposures.

use super::resolver::{NodeEdges, Resolver};
use crate::{
    manifest::{
        Node,
        config::{Layer, Setting, tags},
        exposure::Exposure,
        model::Calls,
    },
    parse::ParsedExposure,
};

impl Resolver<'_> {
    /// Adds an exposure, unless it is disabled, and returns the edges from the nodes it reads.
    pub(super) fn exposure(&mut self, parsed: &ParsedExposure) -> NodeEdges {
        let declared = &parsed.declared;
        let settings: Layer = self.layer(&declared.config);
        let is_off = |setting: &Setting| setting.value == serde_json::Value::Bool(false);
        let is_enabled = !settings.get("enabled").is_some_and(is_off);
        let name = &declared.name.value;
        let folders = self.folders(declared.span.source.package_path());
        let exposure = Exposure {
            id: parsed.id.clone(),
            fqn: [self.package.to_string()].into_iter().chain(folders).chain([name.clone()]).collect(),
            description: self
                .reporting(is_enabled, |resolver| resolver.described(declared.description.as_ref()).text),
            tags: tags(&settings),
            config: settings.into_iter().map(|(key, setting)| (key, setting.value)).collect(),
            declared: declared.clone(),
            calls: Calls::of(&parsed.captures),
        };
        if !is_enabled {
            self.disable(Node::Exposure(Box::new(exposure)));
            return NodeEdges::new();
        }
        let parents = self.parents(&parsed.id, &parsed.captures);
        self.places.insert(parsed.id.clone(), declared.name.span.clone());
        self.nodes.insert(parsed.id.clone(), Node::Exposure(Box::new(exposure)));
        parents.into_iter().map(|parent| (parent, parsed.id.clone())).collect()
    }
}
