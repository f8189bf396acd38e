//! Why each version of a table was made, told from what the versions say of themselves.

use std::fmt;

use super::stale::other_inputs;
use crate::{
    lake::{Past, Provenance},
    plan::Reason,
};

/// What a version came of.
#[derive(Debug, Clone, PartialEq)]
pub enum CameOf {
    /// It was built, and why; none if nothing that counts was another than before: somebody asked for it.
    Built(Option<Reason>),
    /// Nothing was built: it was noted that the rows of that version are what the inputs give, or passed more tests.
    Noted(u64),
    /// Somebody else wrote it.
    Outside,
}

impl fmt::Display for CameOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(Some(reason)) => reason.fmt(f),
            Self::Built(None) => f.write_str("made again"),
            Self::Noted(version) => write!(f, "the rows of version {version}, looked at again"),
            Self::Outside => f.write_str("written by somebody else"),
        }
    }
}

/// What each of these versions came of, newest first as they are. `is_whole` says that there are none before them.
#[must_use]
pub fn came_of(past: &[Past], is_whole: bool) -> Vec<CameOf> {
    let one = |(at, version): (usize, &Past)| {
        let Some(made) = &version.provenance else { return CameOf::Outside };
        if let Some(noted) = made.stands_for {
            return CameOf::Noted(noted);
        }
        let mut before = past[at + 1..].iter().peekable();
        let is_first = before.peek().is_none() && is_whole;
        match before.find_map(|older| older.provenance.as_ref()) {
            Some(before) => CameOf::Built(differs(before, made)),
            None => CameOf::Built(is_first.then_some(Reason::FirstBuild)),
        }
    };
    past.iter().enumerate().map(one).collect()
}

/// In what the evidence of one version is another than that of one before.
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

    fn version(number: u64, statement: &str, input: u64, stands_for: Option<u64>) -> Past {
        let fingerprint = Fingerprint { statement: statement.to_owned(), ..Fingerprint::default() };
        let inputs = BTreeMap::from([(NodeId::model("shop", "a"), InputVersion::Delta { version: input })]);
        let made = Provenance { stands_for, ..Provenance::new("model.shop.b", "run", fingerprint, inputs) };
        Past { version: number, at: None, provenance: Some(made) }
    }

    #[test]
    fn each_version_is_told_from_the_one_before() {
        let outside = Past { version: 4, at: None, provenance: None };
        let past = [
            version(5, "y", 3, None),
            outside,
            version(3, "y", 3, Some(2)),
            version(2, "y", 2, None),
            version(1, "x", 2, None),
            version(0, "x", 1, None),
        ];
        let told: Vec<String> = came_of(&past, true)
            .into_iter()
            .map(|one| match one {
                CameOf::Built(reason) => {
                    reason.map_or_else(|| "asked".to_owned(), |reason| reason.to_string())
                }
                CameOf::Noted(version) => format!("notes {version}"),
                CameOf::Outside => "outside".to_owned(),
            })
            .collect();
        assert_eq!(told, ["asked", "outside", "notes 2", "SQL changed", "a changed", "first build"]);
        assert_eq!(came_of(&past[..3], false)[0], CameOf::Built(None));
    }
}
