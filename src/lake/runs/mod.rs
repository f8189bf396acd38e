//! What runs leave behind when they are killed, and how the next one removes it.
//!
//! Each run that writes keeps a *diary* at `<lake root>/_headwater/runs/<run id>`: before a file is written its name
//! stands there. So a repair deletes what a dead run is known to have begun and what no commit of it refers to, and
//! never guesses: files of a live run, of another tool or of any published version are not in a dead run's diary, or
//! are in a commit.
//!
//! ```text
//! note a file ──▶ write it ──▶ note the commit ──▶ commit ──▶ settle      the diary goes when nothing is open
//!        └──────────────┴── killed: the diary stays ──┴──▶ the next run's repair
//! ```
//!
//! Whether a run lives is known by its diary, too. On a local disk the process holds a lock on it, which ends with the
//! process ([`local`]). In an object store it is written anew every few seconds, and a run that was silent for long
//! counts as dead, by the store's own clock ([`remote`]); it learns so before it publishes.
//!
//! A run that writes nothing has no diary, and costs the look into one folder.

mod clean;
mod diary;
mod local;
mod note;
mod remote;
mod repair;
#[cfg(test)]
mod tests;

pub use self::repair::Repair;
pub(super) use self::{diary::Diary, note::Note, remote::Pace};

/// The folder of the diaries, under the lake's root.
pub(super) const FOLDER: [&str; 2] = ["_headwater", "runs"];
