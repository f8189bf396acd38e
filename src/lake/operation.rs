//! Operations on a lake, as errors name them.

use std::fmt;

/// An operation on a lake that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeOperation {
    /// Reading a log or a file. A log can only be corrupt while it is read.
    Read,
    /// Writing files or committing.
    Write,
    /// Deleting files that this run wrote.
    Delete,
    /// Removing the files of a killed run.
    CleanUp,
}

impl fmt::Display for LakeOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write to",
            Self::Delete => "delete from",
            Self::CleanUp => "remove files of a run that was killed from",
        })
    }
}
