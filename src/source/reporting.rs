//! Reporting of rejected rows and files by the readers of sources.

use std::sync::Arc;

use datafusion::error::DataFusionError;

use super::{
    drift::Deviation,
    rejects::{Reject, RejectSink},
    spec::OnError,
    unreadable::UnreadableSource,
};

/// The destination of rejected rows and files.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    source: Arc<str>,
    on_error: OnError,
    rejects: Option<Arc<RejectSink>>,
}

/// A position in a file: a row, or a byte offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Where {
    pub(crate) row: Option<u64>,
    pub(crate) offset: Option<u64>,
}

impl Report {
    /// Creates the report of a source's reader. Without a sink, rejects aren't kept.
    pub(crate) fn new(source: &str, on_error: OnError, rejects: Option<Arc<RejectSink>>) -> Self {
        Self { source: source.into(), on_error, rejects }
    }

    /// Returns whether rejects of a piece of a file are wanted and not yet reported.
    pub(crate) fn begin(&self, file: &str, piece: u64) -> bool {
        match &self.rejects {
            _ if self.on_error == OnError::Fail => true,
            Some(sink) => sink.claim(&self.source, file, piece),
            None => false,
        }
    }

    /// Returns whether every row must be validated, even one that the query doesn't need.
    pub(crate) fn judges_all(&self) -> bool {
        self.rejects.is_some() || self.on_error == OnError::Fail
    }

    /// Rejects a row or a file. This is an error under [`OnError::Fail`].
    pub(crate) fn set_aside(
        &self,
        file: &Arc<str>,
        place: Where,
        reason: String,
        raw: String,
    ) -> Result<(), DataFusionError> {
        let Where { row, offset } = place;
        let reject =
            Reject { source: Arc::clone(&self.source), file: Arc::clone(file), row, offset, reason, raw };
        match (&self.rejects, self.on_error) {
            (_, OnError::Fail) => {
                let hint = match reject.row {
                    Some(_) => "",
                    None => "\n  hint: replace the file; or set `on_error: set_aside` to read the others",
                };
                Err(DataFusionError::Execution(format!("{}: {}{hint}", self.source, reject.line())))
            }
            (Some(sink), OnError::SetAside) => {
                sink.report(reject);
                Ok(())
            }
            (None, OnError::SetAside) => Ok(()),
        }
    }

    /// Records the notes on a scan that was read to its end, and how the columns of its files differ.
    pub(crate) fn note(&self, notes: &[String], files: impl Iterator<Item = (Arc<str>, Deviation)>) {
        if let Some(sink) = &self.rejects {
            sink.note(&self.source, notes, files);
        }
    }

    /// Creates an error about the whole source.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {message}", self.source))
    }

    /// Creates the error of a source whose files are all unreadable. It names one of them and counts the
    /// others.
    pub(crate) fn unreadable(&self, file: &str, reason: &str, others: usize) -> DataFusionError {
        let what = match others {
            0 => "the only file can't be read".to_owned(),
            others => format!("none of the {} files can be read", others + 1),
        };
        let hint = "replace it by one that is whole";
        UnreadableSource::error(format!("{}: {what}\n  {file}: {reason}\n  hint: {hint}", self.source))
    }

    /// Creates the error of a file that can't be read now.
    pub(crate) fn failure(&self, file: &str, message: &str) -> DataFusionError {
        UnreadableSource::error(format!("{}: {file}: {message}", self.source))
    }
}
