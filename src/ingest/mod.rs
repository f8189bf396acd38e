//! Exactly-once loading of files: which of a source's files are new, changed or gone since they were loaded, and the
//! ledger that remembers it.
//!
//! ```text
//! Ledger (what is known of each file) + the files that are there + Policy ──▶ Batch (what is to be done)
//! Batch + what came of it ──▶ the next Ledger
//! ```
//!
//! The ledger is written before the rows are published, and the commit of the rows carries the number of the batch. So what
//! the ledger says of a batch counts exactly if the table has got that far: a run that dies in between leaves files that are
//! known and not loaded, and these are loaded again, in the place of whatever rows they have.
//!
//! Must not read files, nor write tables. Start at [`Batch::decide`].

mod accepted;
mod batch;
mod ledger;

pub use self::{
    accepted::{Acceptance, Accepted},
    batch::{Batch, Came, Policy},
    ledger::{Entry, Ledger, State, Status},
};
