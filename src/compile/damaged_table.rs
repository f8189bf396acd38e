//! Damaged tables: describes the damage of a data file, and the cure.

use crate::{
    lake::Damage,
    manifest::{Materialized, Node},
    name::Relation,
};

/// Describes a damaged data file of a table.
#[must_use]
pub fn damage(Damage { file, reason }: &Damage, table: &Relation) -> String {
    format!("{file}, a data file of {table}, {reason}")
}

/// Returns how to restore a table that lost rows.
#[must_use]
pub fn rebuilt(node: &Node) -> String {
    let name = node.display_name();
    match node {
        Node::Model(model) if model.config.materialized != Materialized::Incremental => {
            format!("build {name} again: `headwater build --force --select {name}`")
        }
        Node::Seed(_) => format!("build {name} again: `headwater build --force --select {name}`"),
        Node::Snapshot(_) => {
            "restore the file from a copy, since the snapshot's versions can't be recomputed".to_owned()
        }
        _ => from_scratch(node),
    }
}

/// Returns how to restore a table that can't be read.
#[must_use]
pub fn from_scratch(node: &Node) -> String {
    let name = node.display_name();
    match node {
        Node::Model(_) | Node::Seed(_) => {
            format!("build {name} from scratch: `headwater build --full-refresh --select {name}`")
        }
        Node::Snapshot(_) => {
            "restore its files from a copy, since the snapshot's versions can't be recomputed".to_owned()
        }
        _ => "restore its files from a copy, or let the table's owner write it again".to_owned(),
    }
}
