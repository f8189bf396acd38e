//! Version history: derives the cause of each table version from the provenance in its commits.

use std::fmt;

use super::staleness::other_inputs;
use crate::{
    lake::{PastVersion, Provenance},
    plan::Reason,
};

/// The cause of a version.
#[derive(Debug, Clone, PartialEq)]
pub enum VersionCause {
    /// A build and its reason; `None` if nothing relevant changed, because the build was requested.
    Built(Option<Reason>),
    /// No build: a commit that records that the rows of this version are still up to date or passed more
    /// tests.
    MetadataOnly(u64),
    /// Another writer.
    Outside,
}

impl fmt::Display for VersionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(Some(reason)) => reason.fmt(f),
            Self::Built(None) => f.write_str("made again"),
            Self::MetadataOnly(version) => write!(f, "the rows of version {version}, looked at again"),
            Self::Outside => f.write_str("written by another writer"),
        }
    }
}

/// Returns the cause of each version, in the same order: newest first. `is_whole`: true if there are no
/// earlier versions.
#[must_use]
pub fn causes(past: &[PastVersion], is_whole: bool) -> Vec<VersionCause> {
    let one = |(at, version): (usize, &PastVersion)| {
        let Some(made) = &version.provenance else { return VersionCause::Outside };
        if let Some(noted) = made.stands_for {
            return VersionCause::MetadataOnly(noted);
        }
        let mut before = past[at + 1..].iter().peekable();
        let is_first = before.peek().is_none() && is_whole;
        match before.find_map(|older| older.provenance.as_ref()) {
            Some(before) => VersionCause::Built(differs(before, made)),
            None => VersionCause::Built(is_first.then_some(Reason::FirstBuild)),
        }
    };
    past.iter().enumerate().map(one).collect()
}

/// Returns the first relevant difference between the provenance of two versions.
fn differs(before: &Provenance, made: &Provenance) -> Option<Reason> {
    if before.fingerprint.statement != made.fingerprint.statement {
        return Some(Reason::SqlChanged);
    }
    if let Some(key) = before.fingerprint.differing_setting(&made.fingerprint) {
        return Some(Reason::ConfigChanged { key });
    }
    other_inputs(before, &made.inputs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{lake::InputVersion, manifest::fingerprint::Fingerprint, name::NodeId};

    fn version(number: u64, statement: &str, input: u64, stands_for: Option<u64>) -> PastVersion {
        let fingerprint = Fingerprint { statement: statement.to_owned(), ..Fingerprint::default() };
        let inputs = BTreeMap::from([(NodeId::model("shop", "a"), InputVersion::Delta { version: input })]);
        let made = Provenance { stands_for, ..Provenance::new("model.shop.b", "run", fingerprint, inputs) };
        PastVersion { version: number, at: None, provenance: Some(made) }
    }

    #[test]
    fn each_version_is_told_from_the_one_before() {
        let outside = PastVersion { version: 4, at: None, provenance: None };
        let past = [
            version(5, "y", 3, None),
            outside,
            version(3, "y", 3, Some(2)),
            version(2, "y", 2, None),
            version(1, "x", 2, None),
            version(0, "x", 1, None),
        ];
        let shown: Vec<String> = causes(&past, true)
            .into_iter()
            .map(|one| match one {
                VersionCause::Built(reason) => {
                    reason.map_or_else(|| "asked".to_owned(), |reason| reason.to_string())
                }
                VersionCause::MetadataOnly(version) => format!("notes {version}"),
                VersionCause::Outside => "outside".to_owned(),
            })
            .collect();
        assert_eq!(shown, ["asked", "outside", "notes 2", "SQL changed", "a changed", "first build"]);
        assert_eq!(causes(&past[..3], false)[0], VersionCause::Built(None));
    }
}
