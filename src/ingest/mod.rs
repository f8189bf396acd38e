//! Exactly-once loading of files: finds the files of a source that are new, changed or deleted since they
//! were loaded, and records them in a ledger.
//!
//! ```text
//! Ledger (the state of each file) + the existing files + Policy ──▶ Batch (what to do)
//! Batch + the results ──▶ the next Ledger
//! ```
//!
//! The ledger is written before the rows are published, and the commit of the rows carries the batch number.
//! So the ledger's entries for a batch count only if the table has reached that batch. If a run dies in
//! between, it leaves files that are recorded but not loaded. The next run loads them again, replacing any
//! rows they have.
//!
//! Must not read files or write tables. Start at [`Batch::decide`].

mod acceptances;
mod batch;
mod ledger;

pub use self::{
    acceptances::Acceptances,
    batch::{Batch, FileResult, Policy},
    ledger::{FileState, FileStatus, Ledger, LedgerEntry},
};
