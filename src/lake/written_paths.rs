//! Paths of data files as a log has them. Delta writers differ in the characters that they percent-encode,
//! and a log's readers match the `remove` of a file with its `add` letter by letter. delta-rs decodes paths
//! when it reads them and encodes them in its own way when it writes them (1.1,
//! `LogicalFileView::remove_action`), so the entries that it writes get the log's paths back here.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use deltalake::{
    DeltaTableError, arrow::compute::cast, arrow::datatypes::DataType as ArrowType, kernel::EagerSnapshot,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::engine::arrow::array::AsArray;

/// Returns the paths of a version's files as the log has them, in the order of its files.
pub(super) fn written_paths(snapshot: &EagerSnapshot) -> Result<Vec<String>, DeltaTableError> {
    let mut paths = Vec::new();
    for batch in snapshot.add_actions_batches(false)? {
        let Some(column) = batch.column_by_name("path") else { continue };
        let column = cast(column, &ArrowType::Utf8)?;
        paths.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(paths)
}

/// Returns the files of a version with the log's own paths, which select them: delta-rs matches a selected
/// path with the encoded one. Only names with characters that a writer may encode differ.
pub(super) fn as_written(
    snapshot: &EagerSnapshot,
    files: &BTreeSet<String>,
) -> Result<Vec<String>, DeltaTableError> {
    let is_plain = |file: &String| {
        file.contains("://")
            || file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-=".contains(&byte))
    };
    let written: BTreeMap<String, String> = if files.iter().all(is_plain) {
        BTreeMap::new()
    } else {
        let named = written_paths(snapshot)?.into_iter().map(|path| (decoded(&path), path));
        named.filter(|(name, _)| files.contains(name)).collect()
    };
    Ok(files.iter().map(|file| written.get(file).unwrap_or(file).clone()).collect())
}

/// Returns a path of a log as the name of a file.
pub(super) fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Replaces the paths in a log entry's `remove` actions, in order. Returns `None` if the entry removes other
/// files.
pub(super) fn with_removed_paths(entry: &[u8], paths: &[String]) -> Option<Bytes> {
    let mut paths = paths.iter();
    let mut out = Vec::with_capacity(entry.len());
    for line in entry.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if line.starts_with(b"{\"remove\":") {
            let mut action: Value = serde_json::from_slice(line).ok()?;
            let path = action.pointer_mut("/remove/path")?;
            let written = paths.next()?;
            if decoded(path.as_str()?) != decoded(written) {
                return None;
            }
            *path = written.as_str().into();
            serde_json::to_writer(&mut out, &action).ok()?;
        } else {
            out.extend_from_slice(line);
        }
        out.push(b'\n');
    }
    // The last line has no end, as delta-rs writes it.
    out.pop();
    paths.next().is_none().then(|| out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_files_have_the_paths_of_the_log() {
        let entry = "{\"commitInfo\":{}}\n{\"remove\":{\"path\":\"k=%C3%A9/a\",\"dataChange\":true}}\n{\"add\":{\"path\":\"k=%C3%A9/b\"}}\n{\"remove\":{\"path\":\"part\"}}";
        let written = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            with_removed_paths(entry.as_bytes(), &paths)
                .map(|entry| String::from_utf8(entry.to_vec()).unwrap())
        };
        let found = written(&["k=é/a", "%70art"]).unwrap();
        let removes: Vec<Value> = found
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).unwrap().pointer("/remove/path").cloned())
            .collect();
        assert_eq!(removes, ["k=é/a", "%70art"]);
        assert!(found.contains("{\"add\":{\"path\":\"k=%C3%A9/b\"}}") && !found.ends_with('\n'), "{found}");
        for others in [&["k=é/a"][..], &["%70art", "k=é/a"], &["k=é/a", "part", "c"]] {
            assert_eq!(written(others), None);
        }
    }
}
