//! What a report says of a node beyond its step: the parts of its id, and the files behind it.

use std::{fmt, sync::Arc};

use crate::name::NodeId;

/// The files of a node, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFile {
    /// The file that defines it, relative to the project.
    pub path: Option<String>,
    /// Its compiled SQL.
    pub compiled_code: Option<String>,
}

/// Finds a node's files. Asked only for nodes that took part in the run, so nothing is copied ahead.
pub type Lookup = Arc<dyn Fn(&NodeId) -> Option<NodeFile> + Send + Sync>;

/// The lookup that knows no file.
#[must_use]
pub fn no_files() -> Lookup {
    Arc::new(|_| None)
}

/// `model` of `model.project.name`.
pub(super) fn kind(node: &NodeId) -> &str {
    node.as_str().split('.').next().unwrap_or_default()
}

/// `name` of `model.project.name`; all that follows the project, dots and all.
pub(super) fn name(node: &NodeId) -> &str {
    node.as_str().splitn(3, '.').last().unwrap_or_default()
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
            Some(stem) => write!(f, "{stem}ies"),
            None if self.0 == "analysis" => f.write_str("analyses"),
            None => write!(f, "{}s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_id() {
        let id = NodeId::model("shop", "orders.v2");
        assert_eq!((kind(&id), name(&id)), ("model", "orders.v2"));
    }

    #[test]
    fn plurals() {
        let say = |n, noun| count(n, noun);
        assert_eq!(say(1, "model"), "1 model");
        assert_eq!([say(0, "model"), say(2, "analysis"), say(2, "saved query")].join(", "), {
            "0 models, 2 analyses, 2 saved queries"
        });
    }
}
