//! The contents of a journal: a header line about the run, then one line per announced write.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An announced write. Paths are relative to the lake's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::lake) enum JournalEntry {
    /// A file that is invisible until a commit refers to it.
    File(String),
    /// A commit, which publishes the files it refers to.
    Commit {
        /// The table's folder.
        table: String,
        /// The version to commit.
        version: u64,
    },
}

/// The header line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JournalHeader {
    pub(super) run: String,
    pub(super) began: DateTime<Utc>,
    pub(super) headwater: String,
}

impl JournalHeader {
    #[expect(clippy::disallowed_methods, reason = "people read when a run began")]
    pub(super) fn new(run: &str) -> Self {
        Self { run: run.to_owned(), began: Utc::now(), headwater: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Serialises a line of the journal.
pub(super) fn line(value: &impl Serialize) -> String {
    // Serialising strings and numbers can't fail.
    serde_json::to_string(value).map(|line| line + "\n").unwrap_or_default()
}

/// Parses the entries of a journal. An incomplete last line is ignored: the write it announces hadn't
/// started.
pub(super) fn entries(text: &str) -> Vec<JournalEntry> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

impl JournalEntry {
    /// Returns true if a repair may act on the entry. A journal that was tampered with must not lead outside
    /// the lake or into a log.
    pub(super) fn is_sound(&self) -> bool {
        let (place, least) = match self {
            Self::File(place) => (place, 3),
            Self::Commit { table, .. } => (table, 2),
        };
        let parts: Vec<&str> = place.split('/').collect();
        parts.len() >= least
            && parts.iter().all(|part| !part.is_empty() && *part != "." && *part != "..")
            && !parts.contains(&"_delta_log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = [
            JournalEntry::File("raw/a/part-0.parquet".into()),
            JournalEntry::Commit { table: "raw/a".into(), version: 3 },
        ];
        let text = line(&JournalHeader::new("r")) + &all.iter().map(line).collect::<String>();
        assert_eq!(entries(&text), all);
        assert_eq!(entries(&text[..text.len() - 2]), all[..1], "a line that is not whole does not count");
        assert_eq!(entries(""), []);
    }

    #[test]
    fn nothing_leads_out_of_the_lake_or_to_a_log() {
        let file = |place: &str| JournalEntry::File(place.to_owned()).is_sound();
        assert!(file("raw/a/day=1/part-0.parquet") && file("raw/a/_headwater_staging_1"));
        assert!(!file("../../etc/passwd") && !file("/etc/passwd/x/y") && !file("raw/a"));
        assert!(!file("raw/a/_delta_log/00000000000000000000.json"));
    }
}
