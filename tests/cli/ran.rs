//! The result of a command: its exit code and output.

use std::{fmt, path::Path, process::Output};

/// A finished command.
#[derive(Debug)]
pub(crate) struct Ran {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Captures the output, with the project's folder replaced by `[DIR]`.
    pub(crate) fn new(output: Output, folder: &Path) -> Self {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .expect("output is UTF-8")
                .replace(&*real.to_string_lossy(), "[DIR]")
                .replace(&*folder.to_string_lossy(), "[DIR]")
        };
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    /// Asserts that a node failed (exit code 1).
    #[track_caller]
    pub(crate) fn failure(self) -> Self {
        self.code(1)
    }

    /// Asserts that nothing could run (exit code 2).
    #[track_caller]
    pub(crate) fn refused(self) -> Self {
        self.code(2)
    }

    #[track_caller]
    fn code(self, wanted: i32) -> Self {
        assert_eq!(self.code, Some(wanted), "exit code\n{self}");
        self
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Returns true if a signal ended the command.
    #[cfg(feature = "failpoints")]
    pub(crate) fn was_killed(&self) -> bool {
        self.code.is_none()
    }

    /// Asserts that a text is in the output, on either stream.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "{text:?} is not said\n{self}");
        self
    }

    #[track_caller]
    pub(crate) fn says_nothing_of(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} is said\n{self}");
        self
    }

    /// Returns the lines on stdout.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// The form stored in snapshots.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code {code}")?,
            None => writeln!(f, "killed by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Compares output with its snapshot, with times, durations and random names masked at the same width.
macro_rules! assert_said {
    ($ran:expr) => {
        ::insta::with_settings!({
            filters => [
                (r"(?m)^\d\d:\d\d:\d\d", "00:00:00"),
                (r"headwater=\d+\.\d+\.\d+", "headwater=[VERSION]"),
                (r"headwater  \d+\.\d+\.\d+ \(\w+ \w+\)", "headwater  [VERSION] ([OS] [CPU])"),
                (r"\d+\.\d\ds", "0.00s"),
                (r"and \d+\.\d\d seconds", "and 0.00 seconds"),
                (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[UUID]"),
                (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "[TIME]"),
            ],
            omit_expression => true,
        }, { ::insta::assert_snapshot!($ran) })
    };
}
pub(crate) use assert_said;
