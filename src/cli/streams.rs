//! The standard streams. All output of commands goes through these, so that no secret is in it.

use std::io;

use crate::secret::Scrubbed;

/// Returns stdout.
pub(super) fn stdout() -> Scrubbed<io::Stdout> {
    Scrubbed::new(io::stdout())
}

/// Returns stderr.
pub(super) fn stderr() -> Scrubbed<io::Stderr> {
    Scrubbed::new(io::stderr())
}
