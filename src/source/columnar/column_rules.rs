//! The rules that the columns of a source's files must follow, from the declared columns and the drift
//! policy.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;

use super::{
    look::{FileMetadata, MatchedFile},
    refused_files::RefusedFile,
    undeclared,
};
use crate::source::{
    drift::{self, Drift, FileColumns, OnMissingColumn, OnNewColumn},
    kind::ColumnKind,
    names,
};

/// The rules that the files' columns must follow.
#[derive(Debug)]
pub(super) struct ColumnRules {
    pub(super) drift: Drift,
    pub(super) on_new: OnNewColumn,
    pub(super) names: Arc<[String]>,
    /// True if no columns are declared, so that files are only compared with one another.
    pub(super) is_free: bool,
}

impl ColumnRules {
    /// Returns the files whose columns are usable, and adds the others to `refused`.
    ///
    /// # Errors
    /// If the columns of a file are ambiguous.
    pub(super) fn usable(
        &self,
        seen: Vec<FileMetadata>,
        wanted: &[FieldRef],
        refused: &mut Vec<RefusedFile>,
    ) -> Result<Vec<MatchedFile>, String> {
        let rejects = self.drift.on_missing_column == OnMissingColumn::RejectFile;
        let looks = seen.into_iter().map(|seen| seen.matched(&self.names, self.on_new));
        let (mut looks, unclear) = parted(looks.collect());
        if let Some(RefusedFile { file, reason, .. }) = unclear.first().filter(|_| !rejects) {
            return Err(format!("{file}: {reason}"));
        }
        refused.extend(unclear);
        looks.retain(|look| {
            let kind = |at: usize| {
                (ColumnKind::from_arrow(wanted[at].data_type()).unwrap_or(ColumnKind::Text), self.is_free)
            };
            let missing = look.columns.deviation.missing.first().filter(|_| rejects);
            let missing = missing.map(|name| format!("it lacks the declared column `{name}`"));
            let reason = look.folders.fault(&self.names, kind).or(missing);
            let file = |reason: &String| RefusedFile {
                file: Arc::clone(&look.name),
                offset: None,
                reason: reason.clone(),
            };
            refused.extend(reason.as_ref().map(file));
            reason.is_none()
        });
        Ok(looks)
    }

    /// Returns the columns of a file. If none are declared, they include the partition columns of its path.
    pub(super) fn columns(&self, look: &MatchedFile) -> FileColumns {
        let mut columns = look.columns.clone();
        if self.is_free {
            let is_own = |name: &String| columns.own.iter().any(|own| names::same(own, name));
            let given = look.folders.values().map(|(column, _)| self.names[column].clone());
            let given: Vec<String> = given.filter(|name| !is_own(name)).collect();
            columns.own.extend(given);
        }
        columns
    }

    /// Returns notes on how the files' columns differ from the declared ones, or from one another.
    ///
    /// # Errors
    /// If a difference is an error.
    pub(super) fn notes(&self, files: &[FileColumns]) -> Result<Vec<String>, String> {
        let Self { drift, on_new, names, is_free } = self;
        let notes = if *is_free {
            undeclared::judge(drift, files)
        } else {
            match files.iter().find_map(|file| drift.refuse(*on_new, names, file)) {
                Some(refusal) => Err(refusal),
                None => drift::judge(drift, *on_new, names, files),
            }
        };
        match notes {
            Err(message) if drift.is_lenient => Ok(vec![message]),
            notes => notes,
        }
    }
}

/// Splits the files into usable and rejected ones.
pub(super) fn parted<T>(files: Vec<Result<T, RefusedFile>>) -> (Vec<T>, Vec<RefusedFile>) {
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        match file {
            Ok(file) => good.push(file),
            Err(file) => refused.push(file),
        }
    }
    (good, refused)
}
