//! Colour: whether the standard streams may be coloured.

use std::io::{IsTerminal, stderr, stdout};

/// Returns whether output may be coloured: on a terminal, unless the user disabled it.
pub(super) fn stdout_in_colour() -> bool {
    stdout().is_terminal() && anstream::AutoStream::choice(&stdout()) != anstream::ColorChoice::Never
}

/// Returns whether findings are shown in colour.
pub(super) fn stderr_in_colour() -> bool {
    stderr().is_terminal() && anstream::ColorChoice::global() != anstream::ColorChoice::Never
}
