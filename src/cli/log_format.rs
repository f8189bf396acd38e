//! The format and level of log lines.

use clap::ValueEnum;

/// The format of a run's log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line, in dbt's structure
    Json,
}

/// The engine's log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    /// Errors
    Error,
    /// Errors and warnings
    Warn,
    /// Also the engine's main steps
    Info,
    /// Also their details
    Debug,
    /// Everything
    Trace,
}

impl LogLevel {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
