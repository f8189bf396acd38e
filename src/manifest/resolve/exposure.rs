//! Resolution of exposures.

use super::resolver::{NodeEdges, Resolver};
use crate::{
    manifest::{
        Node,
        config::{Setting, merged, tags},
        exposure::Exposure,
        model::Calls,
    },
    parse::ParsedExposure,
    project::keys,
};

impl Resolver<'_> {
    /// Adds an exposure, unless it is disabled, and returns the edges from the nodes it reads.
    pub(super) fn exposure(&mut self, parsed: &ParsedExposure) -> NodeEdges {
        let declared = &parsed.declared;
        let folders = self.folders(declared.span.source.package_path());
        let name = &declared.name.value;
        let fqn: Vec<String> =
            [self.package.to_string()].into_iter().chain(folders).chain([name.clone()]).collect();
        let own = self.layer(&declared.config);
        let layers = self.layers(|settings| &settings.exposures, &fqn, [own]);
        self.warn_of_settings(&keys::EXPOSURE_CONFIG, &layers);
        let settings = merged(layers);
        let is_off = |setting: &Setting| setting.value == serde_json::Value::Bool(false);
        let is_enabled = !settings.get("enabled").is_some_and(is_off);
        let exposure = Exposure {
            id: parsed.id.clone(),
            fqn,
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
