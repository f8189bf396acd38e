//! Diagnosis of database errors. SQLite reports a disk's read error as damage ("malformed"), which sends
//! people looking for the wrong cause.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rusqlite::{Error, ErrorCode, ffi};

use super::connection::{PATIENCE, connect};

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
        _ if is_unfinished(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return format!(
                "another program stopped within a transaction and left its journal next to the file: to undo the \
                 transaction, open the database once with a program that may write to it, such as `sqlite3 \
                 {name} .tables`"
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

/// Returns whether a journal has to be rolled back or recovered first, which a read-only connection can't.
fn is_unfinished(error: &Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| [ffi::SQLITE_READONLY_ROLLBACK, ffi::SQLITE_READONLY_RECOVERY].contains(&code))
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
        let found: String = connect(path)?.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
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

    #[test]
    fn a_transaction_of_a_killed_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let writer = rusqlite::Connection::open(at("w.db")).unwrap();
        let rows = "create table t (a); insert into t select hex(randomblob(500)) from \
                    (with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) select i from n);
                    pragma cache_size = 1; begin; update t set a = hex(randomblob(500));";
        writer.execute_batch(rows).unwrap();
        // What a killed writer leaves.
        std::fs::copy(at("w.db"), at("d.db")).unwrap();
        std::fs::copy(at("w.db-journal"), at("d.db-journal")).unwrap();
        let count = |path| connect(path)?.query_row("select count(*) from t", [], |row| row.get::<_, i64>(0));
        let explained = explained(&at("d.db"), &count(&at("d.db")).unwrap_err());
        assert!(explained.starts_with("another program stopped within a transaction"), "{explained}");
        assert!(explained.ends_with("`sqlite3 d.db .tables`"), "{explained}");
    }
}
