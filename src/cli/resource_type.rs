//! `--resource-type` and `--exclude-resource-type`: the kinds of nodes that a command keeps of its selection.

use clap::{Args, ValueEnum};

use crate::{name::NodeKind, workspace::NodeSelection};

/// The resource types to keep and to leave out.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ResourceTypeArgs {
    /// Resource types to include
    #[arg(long, alias = "resource-types", env = "HEADWATER_RESOURCE_TYPES", value_delimiter = ' ', num_args = 1.., value_name = "TYPE")]
    pub(super) resource_type: Vec<ResourceType>,
    /// Resource types to exclude
    #[arg(long, alias = "exclude-resource-types", env = "HEADWATER_EXCLUDE_RESOURCE_TYPES", value_delimiter = ' ', num_args = 1.., value_name = "TYPE")]
    pub(super) exclude_resource_type: Vec<ResourceType>,
}

impl ResourceTypeArgs {
    /// Adds the types to a selection.
    pub(super) fn apply(&self, selection: NodeSelection) -> NodeSelection {
        let all = |types: &[ResourceType]| types.iter().any(|one| one.kind().is_none());
        let kinds = |types: &[ResourceType]| types.iter().filter_map(|one| one.kind()).collect();
        let include = if all(&self.resource_type) { Vec::new() } else { kinds(&self.resource_type) };
        NodeSelection { kinds: include, without: kinds(&self.exclude_resource_type), ..selection }
    }
}

/// A resource type of dbt. Types of which the project has no nodes match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum ResourceType {
    /// A model
    Model,
    /// A seed
    Seed,
    /// A snapshot
    Snapshot,
    /// A source
    Source,
    /// A data test
    Test,
    /// A unit test
    UnitTest,
    /// An exposure
    Exposure,
    /// An analysis
    Analysis,
    /// A metric
    Metric,
    /// A semantic model
    SemanticModel,
    /// A saved query
    SavedQuery,
    /// A function
    Function,
    /// All types by default
    Default,
    /// All types
    All,
}

impl ResourceType {
    /// Returns the kind of node; `None` for all kinds.
    fn kind(self) -> Option<NodeKind> {
        Some(match self {
            Self::Model => NodeKind::Model,
            Self::Seed => NodeKind::Seed,
            Self::Snapshot => NodeKind::Snapshot,
            Self::Source => NodeKind::Source,
            Self::Test => NodeKind::Test,
            Self::UnitTest => NodeKind::UnitTest,
            Self::Exposure => NodeKind::Exposure,
            Self::Analysis | Self::Metric | Self::SemanticModel | Self::SavedQuery | Self::Function => {
                NodeKind::Other
            }
            Self::Default | Self::All => return None,
        })
    }
}
