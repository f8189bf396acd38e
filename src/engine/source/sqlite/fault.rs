//! Diagnosis of database errors. SQLite reports a disk's read error as damage ("malformed"), which sends
//! people looking for the wrong cause.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rusqlite::{Error, ErrorCode};

use super::catalog::PATIENCE;

/// Returns the error message, corrected if the file itself can't be read.
pub(super) fn explained(path: &Path, error: &Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => {}
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let waited = PATIENCE.as_secs();
            return format!(
                "{error}: another process has held it for more than {waited} s; wait until it is done"
            );
        }
        _ => return error.to_string(),
    }
    if let Err(unread) = read_through(path) {
        return format!("the file can't be read: {unread}");
    }
    if is_whole(path) {
        return "the system could not read a part of the file (disk I/O error), but can now: run again"
            .to_owned();
    }
    error.to_string()
}

/// Reads the whole file, because a disk reports an error only at the bad spot.
fn read_through(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Returns whether SQLite finds no damage when it checks again.
fn is_whole(path: &Path) -> bool {
    let look = |path| {
        let found: String =
            super::catalog::connect(path)?.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        Ok::<_, Error>(found == "ok")
    };
    look(path).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrupt() -> Error {
        Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None)
    }

    #[test]
    fn damage_and_a_disk_that_fails_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        assert!(explained(&path, &corrupt()).starts_with("the file can't be read: "));
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("create table t (a); insert into t values (1);").unwrap();
        drop(database);
        // The database is intact, so the failure was a read error.
        assert!(explained(&path, &corrupt()).contains("disk I/O error"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4096..].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let damaged = explained(&path, &corrupt());
        assert!(damaged.ends_with("database disk image is malformed"), "{damaged}");
        assert_eq!(explained(&path, &Error::InvalidQuery), Error::InvalidQuery.to_string());
    }
}
