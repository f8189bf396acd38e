//! Panics of Arrow's kernels that report a limit of Arrow, not a bug.

/// Arrow panics with this if the texts or lists of an array outgrow its 32-bit offsets.
const OVERFLOW: &str = "offset overflow";

/// Returns the message for a task that panicked because a column of one batch of rows is too long; `None` for
/// any other panic.
#[must_use]
pub fn too_long(panic: &str) -> Option<String> {
    panic.contains(OVERFLOW).then(|| {
        "the texts or lists of a column are longer than 2 GB in one batch of rows: make them shorter, or write fewer of them"
            .to_owned()
    })
}
