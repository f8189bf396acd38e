//! An exposure: a use of the tables by people or programs.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::model::Calls;
use crate::{name::NodeId, project::ExposureDecl};

/// An exposure. It never runs. It is downstream of what it reads, for selection, documentation and impact
/// analysis.
#[derive(Debug)]
pub struct Exposure {
    /// `exposure.<project>.<name>`.
    pub id: NodeId,
    /// The project, folders and name.
    pub fqn: Vec<String>,
    /// The declaration.
    pub declared: ExposureDecl,
    /// The rendered description.
    pub description: String,
    /// The tags, for selection.
    pub tags: BTreeSet<String>,
    /// Its dependencies.
    pub calls: Calls,
    /// All settings, for artifacts.
    pub config: Map<String, Value>,
}

impl Exposure {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.declared.name.value
    }

    /// Returns the file that declares it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.span.source.package_path()
    }
}
