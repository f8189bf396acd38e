//! Reserved tables, which hooks and operations must not write: the tables of nodes and their companion
//! tables, compared without case, and names that can't be folders of the lake.

use super::{Manifest, Node, resolve::folder};
use crate::name::Relation;

const RENAME: &str = "write a table of another name";
const POST_HOOK: &str =
    "change its rows in a `post_hook` of that node, which is tested before it is published";

impl Manifest {
    /// Returns why hooks and operations must not write a relation, as a clause to follow its name, and a
    /// hint. Returns `None` if they may.
    #[must_use]
    pub fn claim(&self, relation: &Relation) -> Option<(String, &'static str)> {
        for (kind, name) in [("schema", &relation.schema), ("name", &relation.name)] {
            if let Some(why) = folder::unusable(name) {
                return Some((format!("can't be a table: its {kind} `{name}` {why}"), RENAME));
            }
        }
        let folded = |table: &Relation| (folder::folded(&table.schema), folder::folded(&table.name));
        let wanted = folded(relation);
        self.nodes.values().find_map(|node| {
            let is_own = node.relation().is_some_and(|own| folded(own) == wanted);
            if is_own {
                let why = format!("is the table of {}, which only its own build writes", node.id());
                return Some((why, POST_HOOK));
            }
            let companions = match node {
                Node::Test(test) => vec![test.audit.clone()],
                node => self.refable(node.id()).map_or_else(Vec::new, |model| {
                    model.relation.companions().into_iter().chain([model.relation.kept()]).collect()
                }),
            };
            let is_companion = companions.iter().any(|companion| folded(companion) == wanted);
            is_companion.then(|| (format!("is where builds keep rows of {}", node.id()), RENAME))
        })
    }
}
