//! Node details that a report needs beyond the step: the parts of its id, and its files.

use std::{borrow::Cow, fmt, sync::Arc};

use crate::{
    name::NodeId,
    plan::{Action, Step},
};

/// The known files of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFile {
    /// The path of the defining file, relative to the project.
    pub path: Option<String>,
    /// The compiled SQL.
    pub compiled_code: Option<String>,
}

/// Finds a node's files. It is called only for nodes that took part in the run, so nothing is copied up
/// front.
pub type FileLookup = Arc<dyn Fn(&NodeId) -> Option<NodeFile> + Send + Sync>;

/// `model` of `model.project.name`.
pub(super) fn kind(node: &NodeId) -> &'static str {
    node.kind().as_str()
}

/// Returns the name in the id; a unit test's is written `orders::adds_up`.
pub(super) fn name(node: &NodeId) -> Cow<'_, str> {
    match node.model_and_test() {
        Some((model, test)) => format!("{model}::{test}").into(),
        None => node.name().into(),
    }
}

/// Returns the display name of the step's node: a test's own name, or the name in the node's id.
pub(super) fn label(step: &Step) -> Cow<'_, str> {
    if step.action.is_test() { step.name.as_str().into() } else { name(&step.node) }
}

/// The noun that a step is counted under: `table model`, `data test`.
pub(super) fn noun(step: &Step) -> String {
    match step.action {
        Action::Table | Action::Incremental | Action::View => {
            format!("{} {}", step.action.materialization(), kind(&step.node))
        }
        Action::Seed => "seed".to_owned(),
        Action::Snapshot => "snapshot".to_owned(),
        Action::Test => "data test".to_owned(),
        Action::UnitTest => "unit test".to_owned(),
        Action::Freshness => "freshness check".to_owned(),
    }
}

/// `1 model`, `2 models`.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {}", Plural(noun)),
    }
}

struct Plural<'a>(&'a str);

impl fmt::Display for Plural<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.strip_suffix('y') {
            // `days`, but `entries`.
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => write!(f, "{stem}ies"),
            None if self.0 == "analysis" => f.write_str("analyses"),
            _ => write!(f, "{}s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_id() {
        let id = NodeId::model("shop", "orders.v2");
        assert_eq!((kind(&id), name(&id)), ("model", "orders.v2".into()));
        let id = NodeId::generic_test("shop", "unique_orders_id", "0123456789");
        assert_eq!((kind(&id), name(&id)), ("test", "unique_orders_id".into()));
        assert_eq!(name(&NodeId::unit_test("shop", "orders", "adds_up")), "orders::adds_up");
        assert_eq!(name(&NodeId::singular_test("shop", "no.orphans")), "no.orphans");
        assert_eq!(name(&NodeId::model("shop", "orders.0123456789")), "orders.0123456789");
    }

    #[test]
    fn plurals() {
        let counted = |n, noun| count(n, noun);
        assert_eq!(counted(1, "model"), "1 model");
        let shown =
            [counted(0, "model"), counted(2, "analysis"), counted(2, "saved query"), counted(2, "day")];
        assert_eq!(shown.join(", "), "0 models, 2 analyses, 2 saved queries, 2 days");
    }
}
