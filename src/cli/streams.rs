//! The standard streams. All output of commands goes through these, so that no secret is in it.

use std::io::{self, Write};

use crate::secret::{Scrubbed, scrubbed};

/// Returns stdout.
pub(super) fn stdout() -> Scrubbed<io::Stdout> {
    Scrubbed::new(io::stdout())
}

/// Returns stderr.
pub(super) fn stderr() -> Scrubbed<io::Stderr> {
    Scrubbed::new(io::stderr())
}

/// Writes a line to stdout that may have colour.
pub(super) fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "{}", scrubbed(text))
}
