//! Names of nodes and tables, in dbt's form.
//!
//! - [`NodeId`]: a node's unique id, of a [`NodeKind`]
//! - [`PackageName`]: a name in a package
//! - [`Relation`]: a table's location in the lake

mod node;
mod package;
mod relation;

pub use self::{
    node::{NodeId, NodeKind},
    package::PackageName,
    relation::{Relation, quoted},
};
