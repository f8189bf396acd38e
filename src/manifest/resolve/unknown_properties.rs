//! Unknown names in properties files: properties of models, seeds and snapshots that don't exist.

use std::collections::BTreeSet;

use super::resolver::Resolver;
use crate::{
    diag::Diagnostic,
    parse::Parsed,
    project::{ModelFile, ModelProperties},
};

/// The maximum number of findings with suggestions. The more there are, the less likely they are typos.
const NEAR: usize = 50;

impl Resolver<'_> {
    /// Reports properties of nodes that don't exist.
    pub(super) fn unknown_properties(&mut self, parsed: &Parsed) {
        let project = self.project;
        let named = |files: &'_ [ModelFile]| files.iter().map(|file| file.name.clone()).collect();
        let models: BTreeSet<String> = named(&project.models);
        let seeds: BTreeSet<String> = project.seeds.iter().map(|file| file.name.clone()).collect();
        let snapshots: BTreeSet<String> = parsed.snapshots.iter().map(|one| one.name.clone()).collect();
        let kinds = [("model", &models), ("seed", &seeds), ("snapshot", &snapshots)];
        self.strangers("model", &project.properties, &kinds);
        self.strangers("seed", &project.seed_properties, &kinds);
        // One with a relation is itself a snapshot, and its errors are reported elsewhere.
        let described = project.snapshot_properties.iter().filter(|one| one.relation().is_none());
        self.strangers("snapshot", described, &kinds);
    }

    /// Reports properties of unknown nodes, and those whose node is of another kind.
    fn strangers<'p>(
        &mut self,
        kind: &str,
        properties: impl IntoIterator<Item = &'p ModelProperties>,
        kinds: &[(&str, &BTreeSet<String>)],
    ) {
        let mut slips = 0;
        let known = kinds.iter().find(|(name, _)| *name == kind).map(|(_, known)| *known);
        for properties in properties {
            let name = properties.file_name();
            if known.is_some_and(|known| known.contains(name)) {
                continue;
            }
            let message = format!("`{name}` is described here, but no {kind} is called that");
            let code = match kind {
                "model" => "unknown-model",
                "seed" => "unknown-seed",
                _ => "unknown-snapshot",
            };
            let found = Diagnostic::warning(code, message).at(properties.name.span.clone(), "");
            let other = kinds.iter().find(|(_, others)| others.contains(name));
            if let Some((other, _)) = other {
                self.findings.push(found.hint(format!("it is a {other}: describe it under `{other}s:`")));
                continue;
            }
            slips += 1;
            let names = known.filter(|_| slips <= NEAR).into_iter().flatten();
            let found = found.near(name, names.map(String::as_str));
            let lost = kind == "snapshot" && found.hints.is_empty();
            let hint = "to make it one, say of what: `relation: ref('…')`";
            self.findings.push(if lost { found.hint(hint) } else { found });
        }
    }
}
