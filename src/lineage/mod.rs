//! Column lineage of a project: the columns that each node's columns are derived from, and the columns that
//! read them.
//!
//! - [`project`]: the lineage of every node, in terms of other nodes' columns
//! - [`mod@slice`]: the columns upstream or downstream of some columns
//! - [`impact`]: the effects of changing a column
//! - [`subject`]: resolves `model.column`
//!
//! Pure: works on the compiled project and reads no table. Start at [`Lineage::of`].

pub mod impact;
pub mod project;
pub mod slice;
pub mod subject;
#[cfg(test)]
mod tests;

pub use self::{
    impact::{Impact, NodeImpact},
    project::{ColumnId, ColumnUses, Lineage, NodeLineage},
    slice::{Edge, LineageDirection, Slice},
    subject::LineageSubject,
};
pub use crate::engine::analyze::lineage::{ColumnUse, Derivation};
