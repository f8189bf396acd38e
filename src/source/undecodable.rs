//! The error of a file whose bytes can't be decoded, which rejects the file.

use std::{fmt, io};

/// The reason why a file's bytes aren't text, for messages.
#[derive(Debug)]
struct Undecodable(String);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

/// Returns the reason why a file can't be decoded, if the error is an [`Undecodable`] one.
pub(crate) fn reason(error: &io::Error) -> Option<&str> {
    error.get_ref()?.downcast_ref::<Undecodable>().map(|found| found.0.as_str())
}

/// Returns the error that rejects a file for this reason.
pub(super) fn undecodable(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Undecodable(reason))
}
