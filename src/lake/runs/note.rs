//! What a diary says: a first line about the run, then a line for each thing that it is about to write.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One thing that a run is about to write. Places are relative to the lake's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::lake) enum Note {
    /// A file that nobody sees before a commit names it.
    File(String),
    /// A commit, which makes the files it names everybody's.
    Commit {
        /// The table's folder.
        table: String,
        /// The version that it is to be.
        version: u64,
    },
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heading {
    pub(super) run: String,
    pub(super) began: DateTime<Utc>,
    pub(super) headwater: String,
}

impl Heading {
    pub(super) fn new(run: &str) -> Self {
        Self { run: run.to_owned(), began: Utc::now(), headwater: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// A line of a diary.
pub(super) fn line(said: &impl Serialize) -> String {
    // What has only strings and numbers in it can always be written.
    serde_json::to_string(said).map(|line| line + "\n").unwrap_or_default()
}

/// The notes of a diary. A line that is not whole is left out: what it was to announce was not begun.
pub(super) fn notes(text: &str) -> Vec<Note> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

impl Note {
    /// Whether a repair may act on it: a diary that somebody tampered with must not lead out of the lake, or to a log.
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
        let all =
            [Note::File("raw/a/part-0.parquet".into()), Note::Commit { table: "raw/a".into(), version: 3 }];
        let text = line(&Heading::new("r")) + &all.iter().map(line).collect::<String>();
        assert_eq!(notes(&text), all);
        assert_eq!(notes(&text[..text.len() - 2]), all[..1], "a line that is not whole does not count");
        assert_eq!(notes(""), []);
    }

    #[test]
    fn nothing_leads_out_of_the_lake_or_to_a_log() {
        let file = |place: &str| Note::File(place.to_owned()).is_sound();
        assert!(file("raw/a/day=1/part-0.parquet") && file("raw/a/_headwater_staging_1"));
        assert!(!file("../../etc/passwd") && !file("/etc/passwd/x/y") && !file("raw/a"));
        assert!(!file("raw/a/_delta_log/00000000000000000000.json"));
    }
}
