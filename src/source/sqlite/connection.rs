//! Read-only connections to a database.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

/// The time to wait for a lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a read-only connection.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Another process may be writing.
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}
