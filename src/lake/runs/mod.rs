//! Crash recovery: removes the files that killed runs left behind.
//!
//! Each run that writes keeps a *journal* at `<lake root>/_headwater/runs/<run id>` and announces every file
//! there before writing it. So a repair deletes only files that a killed run announced and that no commit
//! refers to. It never guesses: files of a live run, of another tool or of a published version are either not
//! in a killed run's journal or are part of a commit.
//!
//! ```text
//! announce file ──▶ write ──▶ announce commit ──▶ commit ──▶ settle   (nothing open: the journal goes)
//!        └──────────────┴── killed: the journal stays ──┴──▶ the next run's repair
//! ```
//!
//! The journal also shows whether its run is alive. On a local disk the process holds a file lock on it,
//! which ends with the process ([`local_journal`]). In an object store the journal is a lease: it is
//! rewritten every few seconds as a heartbeat, and expires after a longer silence by the store's own clock
//! ([`lease`]). A run checks its lease before it publishes.
//!
//! A run that writes nothing has no journal and only lists one folder.

mod cleanup;
mod journal;
mod journal_entry;
mod journal_error;
mod lease;
mod links;
mod local_journal;
mod repair;
#[cfg(test)]
mod tests;

pub use self::repair::Repair;
pub(super) use self::{
    journal::Journal, journal_entry::JournalEntry, lease::LeaseTimes, local_journal::paths as journal_paths,
    repair::repair,
};
use super::layout::OWN;

/// The folder of the journals, under the lake's root.
pub(super) const FOLDER: [&str; 2] = [OWN, "runs"];
