//! The lineage of every node, in terms of other nodes' columns.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    compile::Compiled,
    engine::{
        analyze::lineage::{ColumnOrigin, ColumnUse, Derivation, QueryLineage},
        types::type_name,
    },
    manifest::{Manifest, Node},
    name::NodeId,
};

/// A column of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnId {
    pub node: NodeId,
    /// The column's name.
    pub column: String,
}

/// The uses of other nodes' columns.
pub type ColumnUses = BTreeMap<ColumnId, BTreeSet<ColumnUse>>;

/// A column of a node and its lineage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeColumn {
    /// The column's name.
    pub name: String,
    /// The SQL name of its type.
    pub data_type: String,
    /// The columns that its values are derived from.
    pub values: BTreeMap<ColumnId, Derivation>,
    /// The columns that decide which value it takes.
    pub uses: ColumnUses,
}

/// The lineage of a node's columns and rows. For a source, just its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeLineage {
    /// The columns, in order.
    pub columns: Vec<NodeColumn>,
    /// The columns that decide about the rows, their groups and their order.
    pub rows: ColumnUses,
}

/// The lineage of a project.
#[derive(Debug, Default)]
pub struct Lineage {
    /// The lineage of each node with rows.
    pub nodes: BTreeMap<NodeId, NodeLineage>,
    /// The columns that each data test's result depends on.
    pub tests: BTreeMap<NodeId, BTreeSet<ColumnId>>,
    /// The columns that are derived from each column: the inverse of `nodes`.
    made_of: BTreeMap<ColumnId, BTreeMap<ColumnId, Derivation>>,
}

impl fmt::Display for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.column)
    }
}

impl NodeLineage {
    /// Returns the column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&NodeColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Lineage {
    /// Returns the lineage of the compiled project.
    #[must_use]
    pub fn of(manifest: &Manifest, compiled: &Compiled) -> Self {
        Self::between(manifest, compiled, &|_| true)
    }

    /// Returns the lineage between the nodes for which `is_seen` returns true. Other views are expanded to
    /// what they read.
    #[must_use]
    pub fn between(manifest: &Manifest, compiled: &Compiled, is_seen: &dyn Fn(&Node) -> bool) -> Self {
        let naming = Naming { manifest, is_seen };
        let mut lineage = Self::default();
        for (id, schema) in &compiled.schemas {
            let own = manifest.refable(id).zip(compiled.models.get(id));
            let from = own.map(|(model, compiled)| compiled.lineage(&model.relation, &naming.is_node()));
            let types =
                schema.fields().iter().map(|field| (field.name().as_str(), type_name(field.data_type())));
            lineage.nodes.insert(id.clone(), naming.node(types, from.unwrap_or_default()));
        }
        for (id, test) in &compiled.tests {
            let reads = test.probe.counted.lineage(&naming.is_node());
            let reads = reads.reads().into_iter().filter_map(|origin| naming.column(origin)).collect();
            lineage.tests.insert(id.clone(), reads);
        }
        for (id, node) in &lineage.nodes {
            for column in &node.columns {
                for (origin, how) in &column.values {
                    let to = ColumnId { node: id.clone(), column: column.name.clone() };
                    lineage.made_of.entry(origin.clone()).or_default().insert(to, *how);
                }
            }
        }
        lineage
    }

    /// Returns a column's type and lineage.
    #[must_use]
    pub fn column(&self, id: &ColumnId) -> Option<&NodeColumn> {
        self.nodes.get(&id.node)?.column(&id.column)
    }

    /// Returns the columns that are derived directly from this one.
    pub fn made_of(&self, id: &ColumnId) -> impl Iterator<Item = (&ColumnId, Derivation)> {
        self.made_of.get(id).into_iter().flatten().map(|(to, how)| (to, *how))
    }
}

/// A mapping from relations, which queries refer to, to nodes.
struct Naming<'a> {
    manifest: &'a Manifest,
    is_seen: &'a dyn Fn(&Node) -> bool,
}

impl<'a> Naming<'a> {
    fn is_node(&self) -> impl Fn(&crate::name::Relation) -> bool + use<'a> {
        let (manifest, is_seen) = (self.manifest, self.is_seen);
        // The file of a seed isn't a node.
        move |relation| {
            manifest.at(relation).is_some_and(|node| node.relation() == Some(relation) && is_seen(node))
        }
    }

    fn column(&self, origin: &ColumnOrigin) -> Option<ColumnId> {
        let node = self.manifest.at(&origin.relation)?;
        Some(ColumnId { node: node.id().clone(), column: origin.column.clone() })
    }

    fn uses(&self, uses: crate::engine::analyze::lineage::ColumnUses) -> ColumnUses {
        uses.into_iter().filter_map(|(origin, kinds)| Some((self.column(&origin)?, kinds))).collect()
    }

    fn node<'t>(&self, types: impl Iterator<Item = (&'t str, String)>, from: QueryLineage) -> NodeLineage {
        let mut origins: BTreeMap<String, _> =
            from.columns.into_iter().map(|column| (column.name, (column.values, column.uses))).collect();
        let columns = types.map(|(name, data_type)| {
            let (values, uses) = origins.remove(name).unwrap_or_default();
            let values = values.into_iter().filter_map(|(origin, how)| Some((self.column(&origin)?, how)));
            NodeColumn { name: name.to_owned(), data_type, values: values.collect(), uses: self.uses(uses) }
        });
        NodeLineage { columns: columns.collect(), rows: self.uses(from.rows) }
    }
}
