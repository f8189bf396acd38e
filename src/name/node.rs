//! Node ids: kind, package and name, in dbt's spelling.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU32,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize, Serializer};

/// A node's unique id, such as `model.smart_meters.stg_readings` or `source.smart_meters.files.readings`.
///
/// Its identity is the spelling: ids are compared, hashed, sorted and serialized as text. The parts are found
/// once, when the id is made, and a clone shares the text.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct NodeId {
    text: Arc<str>,
    kind: NodeKind,
    /// The start of the package in the text.
    package: u32,
    /// The start of the name in the text.
    name: u32,
    /// The start of the name's last part: a source's table, a unit test's own name or a generic test's hash.
    last: Option<NonZeroU32>,
}

/// A kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// A SELECT that becomes a table or a view.
    Model,
    /// A CSV file that becomes a table.
    Seed,
    /// A query whose rows are kept in all their versions.
    Snapshot,
    /// A table that other tools load.
    Source,
    /// A query that selects invalid rows.
    Test,
    /// A run of a model's SQL on fixture rows.
    UnitTest,
    /// A use of tables, which never runs.
    Exposure,
    /// A kind of dbt's that Headwater doesn't have, such as `operation`, in dbt's artifacts.
    Other,
}

/// A text that isn't a node id: it lacks a kind, a package or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidNodeId(String);

/// The number of hex digits in a generic test's id.
const HASH: usize = 10;

impl NodeKind {
    /// All kinds that have a spelling.
    pub(crate) const ALL: [Self; 7] =
        [Self::Model, Self::Seed, Self::Snapshot, Self::Source, Self::Test, Self::UnitTest, Self::Exposure];

    /// Returns dbt's resource type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Source => "source",
            Self::Test => "test",
            Self::UnitTest => "unit_test",
            Self::Exposure => "exposure",
            Self::Other => "other",
        }
    }

    /// Returns the kind with dbt's name for it; `Other` if there is none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Self::Other)
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl NodeId {
    /// `model.<package>.<name>`.
    #[must_use]
    pub fn model(package: &str, name: &str) -> Self {
        Self::new(NodeKind::Model, package, name, None)
    }

    /// `seed.<package>.<name>`.
    #[must_use]
    pub fn seed(package: &str, name: &str) -> Self {
        Self::new(NodeKind::Seed, package, name, None)
    }

    /// `snapshot.<package>.<name>`.
    #[must_use]
    pub fn snapshot(package: &str, name: &str) -> Self {
        Self::new(NodeKind::Snapshot, package, name, None)
    }

    /// `source.<package>.<source>.<table>`.
    #[must_use]
    pub fn source(package: &str, source: &str, table: &str) -> Self {
        Self::new(NodeKind::Source, package, source, Some(table))
    }

    /// `test.<package>.<name>.<hash>`, for a generic test; the hash distinguishes tests of the same name.
    #[must_use]
    pub fn generic_test(package: &str, name: &str, hash: &str) -> Self {
        Self::new(NodeKind::Test, package, name, Some(hash))
    }

    /// `test.<package>.<name>`, for a singular test.
    #[must_use]
    pub fn singular_test(package: &str, name: &str) -> Self {
        Self::new(NodeKind::Test, package, name, None)
    }

    /// `unit_test.<package>.<model>.<name>`.
    #[must_use]
    pub fn unit_test(package: &str, model: &str, name: &str) -> Self {
        Self::new(NodeKind::UnitTest, package, model, Some(name))
    }

    /// `exposure.<package>.<name>`.
    #[must_use]
    pub fn exposure(package: &str, name: &str) -> Self {
        Self::new(NodeKind::Exposure, package, name, None)
    }

    fn new(kind: NodeKind, package: &str, name: &str, last: Option<&str>) -> Self {
        let text = match last {
            None => format!("{kind}.{package}.{name}"),
            Some(last) => format!("{kind}.{package}.{name}.{last}"),
        };
        let package_at = kind.as_str().len() + 1;
        let name_at = package_at + package.len() + 1;
        Self::at(text, kind, package_at, name_at, last.map(|_| name_at + name.len() + 1))
    }

    fn at(text: String, kind: NodeKind, package: usize, name: usize, last: Option<usize>) -> Self {
        // A name of more than 4 GiB doesn't fit into a project.
        let at = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self {
            text: text.into(),
            kind,
            package: at(package),
            name: at(name),
            last: last.and_then(|last| NonZeroU32::new(at(last))),
        }
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// Returns the package: the project that declares the node.
    #[must_use]
    pub fn package(&self) -> &str {
        self.part(self.package, Some(self.name))
    }

    /// Returns the name in the package: `files.readings` for a source's table, `stg_readings.adds_up` for a
    /// unit test. A generic test's hash isn't part of its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.kind {
            NodeKind::Test => self.part(self.name, self.last.map(NonZeroU32::get)),
            _ => self.part(self.name, None),
        }
    }

    /// Returns the source and the table of a source's table.
    #[must_use]
    pub fn source_and_table(&self) -> Option<(&str, &str)> {
        if self.kind == NodeKind::Source { self.halves() } else { None }
    }

    /// Returns the model and the own name of a unit test.
    #[must_use]
    pub fn model_and_test(&self) -> Option<(&str, &str)> {
        if self.kind == NodeKind::UnitTest { self.halves() } else { None }
    }

    /// Returns the two parts of a name that has two.
    fn halves(&self) -> Option<(&str, &str)> {
        let last = self.last?.get();
        Some((self.part(self.name, Some(last)), self.part(last, None)))
    }

    /// Returns the text from a part's start to the dot before the next part, or to the end.
    fn part(&self, start: u32, next: Option<u32>) -> &str {
        let at = |position: u32| usize::try_from(position).unwrap_or(usize::MAX);
        let end = next.map_or(self.text.len(), |next| at(next).saturating_sub(1));
        self.text.get(at(start)..end).unwrap_or_default()
    }
}

/// Parses dbt's spelling. A source's name and a unit test's model end at their first dot.
impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Some(package) = text.find('.').map(|dot| dot + 1) else { return Err(InvalidNodeId(text)) };
        let Some(name) = text[package..].find('.').map(|dot| package + dot + 1) else {
            return Err(InvalidNodeId(text));
        };
        let kind = NodeKind::of(&text[..package - 1]);
        let rest = &text[name..];
        let is_hash = |text: &str| text.len() == HASH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let last = match kind {
            NodeKind::Source | NodeKind::UnitTest => rest.find('.'),
            NodeKind::Test => rest.rfind('.').filter(|dot| is_hash(&rest[dot + 1..])),
            _ => None,
        };
        let last = last.map(|dot| name + dot + 1);
        Ok(Self::at(text, kind, package, name, last))
    }
}

impl PartialEq for NodeId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text) || self.text == other.text
    }
}

impl Eq for NodeId {}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Sorts as the text does, and so do all maps keyed by ids.
impl Ord for NodeId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.text, &other.text) { Ordering::Equal } else { self.text.cmp(&other.text) }
    }
}

impl Hash for NodeId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({:?})", self.text)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Display for InvalidNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` isn't a node id: expected `kind.package.name`", self.0)
    }
}

impl std::error::Error for InvalidNodeId {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the parts of an id, of one made from its text, and of one read from JSON.
    fn check(id: &NodeId, kind: NodeKind, name: &str) {
        let parsed: NodeId = id.as_str().parse().unwrap();
        let read: NodeId = serde_json::from_str(&serde_json::to_string(id).unwrap()).unwrap();
        for id in [id, &parsed, &read] {
            assert_eq!((id.kind(), id.package(), id.name()), (kind, "shop", name), "{id}");
        }
        assert_eq!((&parsed, &read), (id, id));
    }

    #[test]
    fn ids_have_parts() {
        check(&NodeId::model("shop", "orders.v2"), NodeKind::Model, "orders.v2");
        check(&NodeId::seed("shop", "rates"), NodeKind::Seed, "rates");
        check(&NodeId::source("shop", "files", "orders"), NodeKind::Source, "files.orders");
        let hash = "0123456789";
        check(&NodeId::generic_test("shop", "unique_orders_id", hash), NodeKind::Test, "unique_orders_id");
        check(&NodeId::singular_test("shop", "no.orphans"), NodeKind::Test, "no.orphans");
        check(&NodeId::unit_test("shop", "orders", "adds_up"), NodeKind::UnitTest, "orders.adds_up");
        check(&"operation.shop.on-run-end-0".parse().unwrap(), NodeKind::Other, "on-run-end-0");
    }

    #[test]
    fn names_of_two_parts_are_split() {
        let source = NodeId::source("shop", "files.old", "orders");
        assert_eq!(source.source_and_table(), Some(("files.old", "orders")));
        let parsed: NodeId = "source.shop.files.orders.v2".parse().unwrap();
        assert_eq!(parsed.source_and_table(), Some(("files", "orders.v2")));
        let test = NodeId::unit_test("shop", "orders", "adds_up");
        assert_eq!(test.model_and_test(), Some(("orders", "adds_up")));
        assert_eq!(NodeId::model("shop", "a.b").source_and_table(), None);
    }

    #[test]
    fn a_text_without_package_is_no_id() {
        for text in ["", "orders", "model.orders"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_sort_as_their_text() {
        let ids = [
            NodeId::unit_test("shop", "a", "b"),
            NodeId::source("shop", "a", "b"),
            NodeId::model("shop", "b"),
            NodeId::exposure("shop", "a"),
            NodeId::model("shop", "a.c"),
            NodeId::model("shop", "a"),
        ];
        let mut texts: Vec<String> = ids.iter().map(NodeId::to_string).collect();
        let mut sorted = ids.to_vec();
        texts.sort();
        sorted.sort();
        assert_eq!(sorted.iter().map(NodeId::to_string).collect::<Vec<_>>(), texts);
    }
}
