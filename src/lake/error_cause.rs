//! Causes of lake errors: classifies the errors of disks and object stores.

use std::{error::Error, io};

/// Iterates over an error and its causes, outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Returns true if a disk or a quota is full.
pub(super) fn is_full(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|io| matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

/// Returns true if a file is in the place of a folder.
pub(super) fn is_file(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::NotADirectory)
}

/// Returns true if a path is a pipe, a device or a broken link instead of a file, or isn't a valid path.
pub(super) fn is_irregular(error: &(dyn Error + 'static)) -> bool {
    if matches!(error.downcast_ref(), Some(object_store::Error::InvalidPath { .. })) {
        return true;
    }
    if error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::InvalidInput) {
        return true;
    }
    // The standard library's kind for circles of links isn't stable.
    let text = error.to_string();
    ["Too many levels of symbolic links", "File system loop found"].iter().any(|sign| text.contains(sign))
}

/// Returns true if a path or a name in it is longer than the system allows.
pub(super) fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::InvalidFilename)
}

/// Returns true if access was denied.
pub(super) fn is_denied(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::PermissionDenied);
    let store = matches!(
        error.downcast_ref::<object_store::Error>(),
        Some(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. })
    );
    // The kernel's errors have their causes as text only.
    io || store || error.to_string().contains("Permission denied (os error 13)")
}

/// Returns true if another try may succeed.
pub(super) fn is_passing(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind as Kind;
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return matches!(
            io.kind(),
            Kind::TimedOut
                | Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::ConnectionRefused
                | Kind::BrokenPipe
                | Kind::Interrupted
                | Kind::UnexpectedEof
        );
    }
    // The store keeps the request error's type private; its message has the status and the server's reason.
    let Some(object_store::Error::Generic { source, .. }) = error.downcast_ref() else { return false };
    let text = source.to_string().to_lowercase();
    let is_overload = http_status(&text).is_some_and(|status| status == 429 || status >= 500);
    is_overload || ["slowdown", "timed out", "timeout", "connection"].iter().any(|sign| text.contains(sign))
}

/// Returns the HTTP status in the message of a failed request.
fn http_status(text: &str) -> Option<u16> {
    text.split_once("status code: ")?.1.get(..3)?.parse().ok()
}
