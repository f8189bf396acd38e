//! An exposure: what people or programs do with the tables.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::node::Calls;
use crate::{name::NodeId, project::ExposureDecl};

/// An exposure. It is never run; it stands below what it reads, for selection, documentation and impact.
#[derive(Debug)]
pub struct Exposure {
    /// `exposure.<project>.<name>`.
    pub id: NodeId,
    /// Project, folders, name.
    pub fqn: Vec<String>,
    /// As declared.
    pub declared: ExposureDecl,
    /// What it is for, rendered.
    pub description: String,
    /// Tags for selection.
    pub tags: BTreeSet<String>,
    /// What it reads.
    pub calls: Calls,
    /// Every setting, for artifacts.
    pub config: Map<String, Value>,
}

impl Exposure {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.declared.name.value
    }

    /// The file that declares it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.span.source.path()
    }
}
