//! Local files: recognizes what can't be read like a file (pipes, devices, broken links), says why, and gives
//! every file a distinct name in UTF-8.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// Returns what is at a path if it is neither a file nor a folder. Reading a named pipe would block, and a
/// device may have no end.
#[must_use]
pub fn irregular(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() || metadata.is_dir() { None } else { Some(special(metadata)) }
}

#[cfg(unix)]
fn special(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: &Metadata) -> &'static str {
    "no regular file"
}

/// Reads a whole file.
///
/// # Errors
/// If it can't be read, or isn't a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    regular(path)?;
    fs::read(path)
}

/// Checks that a path doesn't lead to a pipe, a device or a socket.
///
/// # Errors
/// If it does, or if it can't be inspected.
pub fn regular(path: &Path) -> io::Result<()> {
    match irregular(&fs::metadata(path)?) {
        Some(kind) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, not a file"))),
        None => Ok(()),
    }
}

/// Returns whether a link is at this path, whatever it leads to.
#[must_use]
pub fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Returns why a path can't be read, as a clause about it, and what to do.
#[must_use]
pub fn problem(path: &Path, error: &io::Error) -> (String, &'static str) {
    if let Ok(target) = fs::read_link(path) {
        if is_circular(path) {
            return ("is a link that leads back to itself".to_owned(), "remove the link");
        }
        if error.kind() == io::ErrorKind::NotFound {
            let target = target.display();
            return (
                format!("is a link to `{target}`, which doesn't exist"),
                "restore what it links to, or remove the link",
            );
        }
    }
    (format!("can't be read: {error}"), help(error))
}

/// Names the file in the error of an attempt to read it, and says what to do.
#[must_use]
pub fn unread(path: &Path, error: &io::Error) -> io::Error {
    let (problem, help) = problem(path, error);
    io::Error::new(error.kind(), format!("{} {problem}; {help}", path.display()))
}

/// Names the file in the error of an attempt to write it.
#[must_use]
pub fn unwritten(path: &Path, error: &io::Error) -> io::Error {
    let cure = moved_away(path).map(|cure| format!("; {cure}")).unwrap_or_default();
    io::Error::new(error.kind(), format!("{}: {error}{cure}", path.display()))
}

/// Returns the cure for a file that can't be written because a folder is in its place.
#[must_use]
pub fn moved_away(path: &Path) -> Option<&'static str> {
    path.is_dir().then_some("move the folder at its place away")
}

/// Returns what to do about a file that can't be read.
#[must_use]
pub fn help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "allow the user that runs headwater to read it",
        io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => "put a file in its place, or remove it",
        io::ErrorKind::NotFound => "put the file back",
        _ => "check the disk that holds it",
    }
}

/// Returns whether a chain of links has no end.
fn is_circular(link: &Path) -> bool {
    let mut seen = HashSet::new();
    let mut at = link.to_path_buf();
    while let Ok(target) = fs::read_link(&at) {
        if !seen.insert(at.clone()) {
            return true;
        }
        at = at.parent().map_or_else(PathBuf::new, Path::to_path_buf).join(target);
    }
    false
}

/// Returns a file name as UTF-8. Two different names never give the same text: a byte that isn't UTF-8
/// becomes `\xFF`, and so does the backslash of a name that contains such a text itself.
#[must_use]
pub fn utf8_name(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        let valid = chunk.valid();
        for (at, character) in valid.char_indices() {
            if character == '\\' && is_escape(&valid.as_bytes()[at + 1..]) {
                text.push_str(&escaped(b'\\'));
            } else {
                text.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&escaped(*byte)));
    }
    text
}

fn escaped(byte: u8) -> String {
    format!("\\x{byte:02X}")
}

/// Returns whether a text would be read as an escape, if a backslash were before it.
fn is_escape(after: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    matches!(after, [b'x', high, low, ..] if is_digit(high) && is_digit(low))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    use super::*;

    #[test]
    fn each_name_has_a_text_of_its_own() {
        let names: [&[u8]; 9] = [
            b"\xff.json",
            b"\xfe.json",
            b"\\xFF.json",
            b"\\x5CxFF.json",
            "\u{fffd}.json".as_bytes(),
            b"a\\b.json",
            b"\\x\xff.json",
            b"\\\xff.json",
            b"\\xff.json",
        ];
        let texts: Vec<String> = names.iter().map(|name| utf8_name(OsStr::from_bytes(name))).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        \xFF.json
        \xFE.json
        \x5CxFF.json
        \x5Cx5CxFF.json
        �.json
        a\b.json
        \x\xFF.json
        \\xFF.json
        \xff.json
        ");
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn broken_links_and_devices_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("nowhere", at("dangling")).unwrap();
        symlink("two", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        symlink("/dev/null", at("device")).unwrap();
        let said = |name: &str| problem(&at(name), &read(&at(name)).unwrap_err()).0;
        assert_eq!(said("dangling"), "is a link to `nowhere`, which doesn't exist");
        assert_eq!(said("one"), "is a link that leads back to itself");
        assert_eq!(said("device"), "can't be read: it is a device, not a file");
        fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        assert_eq!(read(&at("link")).unwrap(), b"text");
    }
}
