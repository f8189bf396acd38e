//! Comparison of nodes with an earlier state of the project and its runs, for `state:`, `result:` and
//! `source_status:`.

use std::collections::BTreeSet;

/// The comparison of a node with the state in a folder of artifacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// True if the earlier manifest doesn't have the node.
    pub is_new: bool,
    /// The changes since the earlier manifest.
    pub changes: BTreeSet<NodeChange>,
    /// dbt's statuses of the node in the earlier run.
    pub statuses: BTreeSet<String>,
    /// True if a source has newer rows than at the earlier freshness check.
    pub is_fresher: bool,
}

/// A change of a node, in the words of dbt's `state:modified.…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeChange {
    /// Anything that counts as a change of the node: `state:modified`.
    Contents,
    /// The template, or the rows of a seed.
    Body,
    Configs,
    /// The place of its table.
    Relation,
    /// Descriptions that are written to its table.
    PersistedDescriptions,
    /// A macro that it calls, directly or not.
    Macros,
    Contract,
}

impl NodeChange {
    /// All changes.
    pub(super) const ALL: [Self; 7] = [
        Self::Contents,
        Self::Body,
        Self::Configs,
        Self::Relation,
        Self::PersistedDescriptions,
        Self::Macros,
        Self::Contract,
    ];

    /// Returns the value of `state:` that selects it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Contents => "modified",
            Self::Body => "modified.body",
            Self::Configs => "modified.configs",
            Self::Relation => "modified.relation",
            Self::PersistedDescriptions => "modified.persisted_descriptions",
            Self::Macros => "modified.macros",
            Self::Contract => "modified.contract",
        }
    }
}

/// A file of an earlier state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateFile {
    /// `manifest.json`, for `state:`.
    Manifest,
    /// `run_results.json`, for `result:`.
    RunResults,
    /// `sources.json`, for `source_status:`.
    Sources,
}

/// The comparison that a criterion asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ComparisonTest {
    /// `state:new`.
    New,
    /// `state:old`.
    Old,
    /// `state:unmodified`.
    Unmodified,
    /// `state:modified` and its parts.
    Changed(NodeChange),
    /// `result:`.
    Result(String),
    /// `source_status:fresher`.
    Fresher,
}

impl ComparisonTest {
    /// Returns the test of a value of `state:`.
    pub(super) fn of_state(word: &str) -> Option<Self> {
        Some(match word {
            "new" => Self::New,
            "old" => Self::Old,
            "unmodified" => Self::Unmodified,
            _ => Self::Changed(NodeChange::ALL.into_iter().find(|change| change.word() == word)?),
        })
    }

    /// Returns the values of `state:`.
    pub(super) fn states() -> Vec<&'static str> {
        ["new", "old", "unmodified"].into_iter().chain(NodeChange::ALL.map(NodeChange::word)).collect()
    }

    pub(super) fn holds(&self, compared: &Comparison) -> bool {
        match self {
            Self::New => compared.is_new,
            Self::Old => !compared.is_new,
            Self::Unmodified => !compared.changes.contains(&NodeChange::Contents),
            Self::Changed(change) => compared.changes.contains(change),
            Self::Result(status) => compared.statuses.contains(status),
            Self::Fresher => compared.is_fresher,
        }
    }

    /// Returns the file that the comparison needs.
    pub(super) fn needs(&self) -> StateFile {
        match self {
            Self::New | Self::Old | Self::Unmodified | Self::Changed(_) => StateFile::Manifest,
            Self::Result(_) => StateFile::RunResults,
            Self::Fresher => StateFile::Sources,
        }
    }
}
