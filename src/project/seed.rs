//! Seeds: CSV files under the seed paths. Their rows are read later, when they are needed.

use super::files::FoundFile;

/// A CSV file that becomes a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFile {
    /// The seed's name: the file name without its extension.
    pub name: String,
    /// The file's path relative to the project, separated by `/`.
    pub path: String,
    /// The folders between the seed path and the file.
    pub fqn_folders: Vec<String>,
}

/// Returns the seeds among the files found.
pub(super) fn files(found: &[FoundFile]) -> Vec<SeedFile> {
    let seeds = found.iter().filter(|file| file.extension() == "csv");
    seeds
        .map(|file| SeedFile {
            name: file.stem().to_owned(),
            path: file.shown.clone(),
            fqn_folders: file.folders.clone(),
        })
        .collect()
}
