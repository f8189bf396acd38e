//! Inputs: the node behind each relation that a query reads.

use std::collections::BTreeMap;

use crate::{
    engine::Query,
    manifest::{Manifest, Node},
    name::{NodeId, Relation},
};

/// The node behind a relation that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputNode {
    /// The node.
    pub id: NodeId,
    /// The form in which its rows are read.
    pub form: InputForm,
}

/// The form in which the rows of an input are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputForm {
    /// A Delta table.
    Table,
    /// The files or the database of a source.
    Source,
    /// The file of a seed.
    Seed,
}

impl InputForm {
    /// Returns whether rows are read from files or a database rather than from a Delta table.
    #[must_use]
    pub fn is_file(self) -> bool {
        self != Self::Table
    }
}

/// The inputs of a model or test, by the relation that its queries name.
pub type InputNodes = BTreeMap<Relation, InputNode>;

/// Returns the inputs of queries, without `own`, which an incremental model may read. Relations without a
/// node are left out: the references of a query are checked when it is planned.
pub(super) fn input_nodes<'q>(
    queries: impl IntoIterator<Item = &'q Query>,
    own: Option<&Relation>,
    manifest: &Manifest,
) -> InputNodes {
    let relations = queries.into_iter().flat_map(Query::relations).map(|relation| relation.table());
    let inputs = relations.filter(|relation| own != Some(relation)).filter_map(|relation| {
        let node = manifest.at(&relation)?;
        let form = match node {
            Node::Source(source) if !source.is_delta() => InputForm::Source,
            Node::Seed(seed) if seed.file == relation => InputForm::Seed,
            _ => InputForm::Table,
        };
        let id = node.id().clone();
        Some((relation, InputNode { id, form }))
    });
    inputs.collect()
}
