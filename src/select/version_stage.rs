//! The stage of a model's version.

/// The version of a model relative to the latest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionStage {
    Latest,
    /// Newer than the latest.
    Prerelease,
    Old,
}

impl VersionStage {
    /// Returns the value of `version:` that selects it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Prerelease => "prerelease",
            Self::Old => "old",
        }
    }
}
