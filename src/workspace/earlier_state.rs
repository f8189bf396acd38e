//! The folder of artifacts that `--state` names: the state of the project and its runs that selections are
//! compared with.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{error::WorkspaceError, load::Workspace};
use crate::{
    artifact::comparison,
    diag::Diagnostic,
    local_file,
    name::NodeKind,
    report::{LastAge, LastRun, last_ages},
    select::{Candidate, Comparison, StateFile},
    text::Span,
};

impl Workspace {
    /// Compares candidates with the state in a folder, as far as criteria need it.
    ///
    /// # Errors
    /// If no folder is given although one is needed, or a file in it can't be read.
    pub(super) fn compare_with(
        &self,
        folder: Option<&Path>,
        needed: &BTreeMap<StateFile, Span>,
        candidates: &mut [Candidate],
    ) -> Result<(), WorkspaceError> {
        let Some(folder) = folder else {
            return match needed.values().next() {
                Some(span) => Err(vec![no_state(span)].into()),
                None => Ok(()),
            };
        };
        for file in needed.keys() {
            match file {
                StateFile::Manifest => self.compare_manifest(folder, candidates)?,
                StateFile::RunResults => compare_results(folder, candidates)?,
                StateFile::Sources => self.compare_ages(folder, candidates)?,
            }
        }
        Ok(())
    }

    fn compare_manifest(&self, folder: &Path, candidates: &mut [Candidate]) -> Result<(), WorkspaceError> {
        let earlier: Value = manifest(folder)?;
        let current = self.uncompiled_manifest();
        let mut compared = comparison::compare(&earlier, &current);
        for candidate in candidates {
            if let Some(entry) = compared.remove(candidate.id.as_str()) {
                let earlier = std::mem::take(&mut candidate.comparison);
                candidate.comparison = Comparison { is_new: entry.is_new, changes: entry.changes, ..earlier };
            }
        }
        Ok(())
    }

    /// Compares the ages of sources in the folder with those of the last freshness check.
    fn compare_ages(&self, folder: &Path, candidates: &mut [Candidate]) -> Result<(), WorkspaceError> {
        let read = |folder: &Path| {
            let path = folder.join("sources.json");
            let ages = last_ages(&path).map_err(|error| unreadable(&path, &error))?;
            if ages.is_empty() && !path.exists() { Err(missing(&path)) } else { Ok(ages) }
        };
        let (earlier, current) = (read(folder)?, read(&self.target_path)?);
        for candidate in candidates {
            let newest = |ages: &BTreeMap<_, LastAge>| ages.get(&candidate.id)?.max_loaded_at;
            candidate.comparison.is_fresher = match (newest(&earlier), newest(&current)) {
                (Some(earlier), Some(current)) => current > earlier,
                // One that couldn't be asked at the earlier check isn't known to be fresher.
                (None, Some(_)) => !earlier.contains_key(&candidate.id),
                (_, None) => false,
            };
        }
        Ok(())
    }
}

fn compare_results(folder: &Path, candidates: &mut [Candidate]) -> Result<(), WorkspaceError> {
    let path = folder.join("run_results.json");
    let last =
        LastRun::read(&path).map_err(|error| unreadable(&path, &error))?.ok_or_else(|| missing(&path))?;
    let mut statuses: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for result in last.results() {
        let words = statuses.entry(&result.unique_id).or_default();
        words.insert(result.status.clone());
        // Where nothing had to be done, dbt would have built it again.
        if result.status == "reused" {
            let is_test = matches!(result.unique_id.kind(), NodeKind::Test | NodeKind::UnitTest);
            let has_failures = result.failures.is_some_and(|failures| failures > 0);
            let word = if !is_test {
                "success"
            } else if has_failures {
                "warn"
            } else {
                "pass"
            };
            words.insert(word.to_owned());
        }
    }
    for candidate in candidates {
        candidate.comparison.statuses = statuses.remove(&candidate.id).unwrap_or_default();
    }
    Ok(())
}

/// Reads the `manifest.json` in a folder.
///
/// # Errors
/// If it isn't there, or isn't a manifest.
pub(super) fn manifest<T: DeserializeOwned>(folder: &Path) -> Result<T, WorkspaceError> {
    let path = folder.join("manifest.json");
    let text = local_file::read(&path).map_err(|error| unreadable(&path, &error))?;
    serde_json::from_slice(&text).map_err(|error| {
        WorkspaceError::hinted(
            format!("{} is not a manifest: {error}", path.display()),
            "copy the manifest.json that `headwater compile --target …` writes",
        )
    })
}

fn no_state(span: &Span) -> Diagnostic {
    Diagnostic::error("no-state", "this criterion compares with an earlier state, and none is given")
        .at(span.clone(), "")
        .hint("name the folder with the artifacts of an earlier run: --state prod-artifacts")
}

fn unreadable(path: &Path, error: &io::Error) -> WorkspaceError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing(path),
        _ => WorkspaceError::message(format!("can't read {}: {error}", path.display())),
    }
}

fn missing(path: &Path) -> WorkspaceError {
    let hint = match path.file_name().and_then(|name| name.to_str()) {
        Some("sources.json") => "`headwater source freshness` writes it",
        Some("run_results.json") => "--state names the folder that holds the artifacts of an earlier run",
        _ => "--state names the folder that holds the manifest.json of an earlier run or of another target",
    };
    WorkspaceError::hinted(format!("{} is not there", path.display()), hint)
}
