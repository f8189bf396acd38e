//! Error texts: the message of the cause of a failure, without the words that libraries put before it.
//!
//! delta-rs words each error of a store as a failed read of the log, and each of a Parquet writer as a failed
//! parse. The store names itself instead of the operation.

use std::error::Error;

use deltalake::{DeltaTableError, parquet::errors::ParquetError};

use super::mount::unmounted;
use crate::engine::{EngineError, message, without_stack};

/// A cause of any type.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Prefixes of errors whose types aren't public, or whose causes are text.
const PREFIXES: [&str; 6] = [
    "Parquet error: ",
    "External: ",
    "Kernel error: ",
    "Generic delta kernel error: ",
    "Error interacting with object store: ",
    "Arrow error: ",
];

/// Returns the message of an error's cause.
pub(super) fn plain(source: &BoxError) -> String {
    let text = worded(source.as_ref());
    let mut text = without_stack(&text);
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    unmounted(&gap(text).unwrap_or_else(|| text.to_owned()))
}

/// Returns the message of the innermost error that words the failure itself.
fn worded(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<EngineError>() {
        return message(error);
    }
    if let Some(DeltaTableError::Generic(text)) = error.downcast_ref() {
        return text.clone();
    }
    let cause: Option<&(dyn Error + 'static)> = match error.downcast_ref() {
        Some(DeltaTableError::ObjectStore { source }) => Some(source),
        Some(DeltaTableError::Io { source }) => Some(source),
        Some(DeltaTableError::Parquet { source }) => Some(source),
        Some(DeltaTableError::Arrow { source }) => Some(source),
        Some(DeltaTableError::GenericError { source }) => Some(source.as_ref()),
        _ => None,
    };
    let cause = cause.or_else(|| match error.downcast_ref() {
        Some(object_store::Error::Generic { source, .. }) => Some(source.as_ref()),
        _ => None,
    });
    let cause = cause.or_else(|| match error.downcast_ref() {
        Some(ParquetError::External(source)) => Some(source.as_ref()),
        _ => None,
    });
    cause.map_or_else(|| error.to_string(), worded)
}

/// Words the kernel's error about commits that are missing from a log: it prints the two files as Rust does.
fn gap(text: &str) -> Option<String> {
    let (_, files) = text.split_once("Expected contiguous commit files")?;
    let mut versions = files.split("version: ").skip(1).map(|rest| {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<u64>().ok()
    });
    Some(match (versions.next().flatten(), versions.next().flatten()) {
        (Some(before), Some(after)) if before + 2 == after => format!("commit {} is missing", before + 1),
        (Some(before), Some(after)) if before + 2 < after => {
            format!("commits {} to {} are missing", before + 1, after - 1)
        }
        _ => "commits are missing from it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn text(error: impl Into<DeltaTableError>) -> String {
        let error: DeltaTableError = error.into();
        plain(&Box::from(error))
    }

    #[test]
    fn a_failed_write_is_not_worded_as_a_read() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let store = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(full()) };
        assert_eq!(text(store), full().to_string());
        assert_eq!(text(ParquetError::External(Box::new(full()))), full().to_string());
        assert_eq!(text(full()), full().to_string());
    }

    #[test]
    fn stacks_and_debug_texts_are_left_out() {
        let stack = "   0: std::backtrace::Backtrace::create\n   1: main";
        assert_eq!(text(DeltaTableError::Generic(format!("no luck\n{stack}"))), "no luck");
        let file = |version| {
            format!(
                "ParsedLogPath {{ location: FileMeta {{ size: 9 }}, version: {version}, file_type: Commit }}"
            )
        };
        let found = |before, after| {
            let found = format!("{} -> {}", file(before), file(after));
            plain(&format!("Kernel error: Generic delta kernel error: Expected contiguous commit files, but found gap: {found}").into())
        };
        assert_eq!(found(0, 2), "commit 1 is missing");
        assert_eq!(found(3, 7), "commits 4 to 6 are missing");
        assert_eq!(found(3, 3), "commits are missing from it");
    }
}
