//! `information_schema.tables` in queries of templates: the tables that a node can read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Work;
use crate::{
    engine::{
        RecordBatch, Table,
        arrow::{
            array::{ArrayRef, StringArray},
            datatypes::{DataType, Field, Schema},
            error::ArrowError,
        },
        rows::fixture,
    },
    manifest::{Manifest, Materialized, Node},
    name::{NodeId, Relation},
};

const COLUMNS: [&str; 4] = ["table_catalog", "table_schema", "table_name", "table_type"];

/// Returns whether a relation is the list of tables.
pub(super) fn is_table_list(relation: &Relation) -> bool {
    relation.schema.eq_ignore_ascii_case("information_schema") && relation.name.eq_ignore_ascii_case("tables")
}

impl Work<'_> {
    /// Returns the list of tables for a template: those that its node depends on, as if they were built, and
    /// those of other nodes that are.
    pub(super) fn table_list(&self, reader: &NodeId) -> Result<Table, ArrowError> {
        let manifest = self.context.manifest;
        let upstream = manifest.graph.ancestors(reader, None);
        let stored = self.context.stored.keys().map(|relation| (relation, "BASE TABLE"));
        let mut kinds: BTreeMap<&Relation, &str> = stored.collect();
        kinds.extend(upstream_tables(manifest, &upstream));
        let target = self.context.engine.database();
        let column = |value: fn(&Relation) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(kinds.keys().map(|relation| value(relation))))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(kinds.keys().map(|_| target))),
            column(|relation| &relation.schema),
            column(|relation| &relation.name),
            Arc::new(StringArray::from_iter_values(kinds.values())),
        ];
        let fields = COLUMNS.map(|name| Field::new(name, DataType::Utf8, false));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns)?;
        fixture::table(batch).map_err(|error| ArrowError::ExternalError(Box::new(error)))
    }
}

fn upstream_tables<'m>(
    manifest: &'m Manifest,
    upstream: &BTreeSet<NodeId>,
) -> impl Iterator<Item = (&'m Relation, &'static str)> {
    let nodes = upstream.iter().filter_map(|id| manifest.nodes.get(id)).collect::<Vec<_>>();
    nodes.into_iter().filter_map(|node| {
        let kind = match node {
            Node::Model(model) => match model.config.materialized {
                Materialized::Table | Materialized::Incremental => "BASE TABLE",
                Materialized::View => "VIEW",
                Materialized::Ephemeral => return None,
            },
            Node::Seed(_) | Node::Snapshot(_) | Node::Source(_) => "BASE TABLE",
            Node::Test(_) | Node::UnitTest(_) | Node::Exposure(_) => return None,
        };
        Some((node.relation()?, kind))
    })
}
