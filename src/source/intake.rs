//! The counts of one scan of a source: rows and rejects, checked against the limits when its last partition
//! ends.
//!
//! A violation is an error of that partition's stream, so whatever reads the source fails before its rows are
//! used. A scan that stops early because its query has enough rows isn't checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use datafusion::error::DataFusionError;

use super::{
    drift::{self, Deviation, Drift, FileColumns, Limit, OnNewColumn},
    reporting::Report,
};

/// The counts of one scan, shared by its partitions.
#[derive(Debug)]
pub(crate) struct Intake {
    report: Report,
    drift: Arc<Drift>,
    on_new: OnNewColumn,
    declared: Arc<[String]>,
    /// The number of partitions of the scan.
    partitions: usize,
    state: Mutex<IntakeState>,
}

#[derive(Debug, Default)]
struct IntakeState {
    finished: BTreeSet<usize>,
    files: BTreeMap<Arc<str>, FileIntake>,
}

#[derive(Debug, Default)]
struct FileIntake {
    rows: u64,
    rejected: u64,
    is_set_aside: bool,
    columns: Option<(Vec<String>, Deviation)>,
    /// A few lines on the rejects.
    sample: Vec<String>,
}

/// The number of rejects that an error message shows.
const SAMPLE: usize = 3;

/// The message if columns inferred from a sample of the files turn out to be wrong.
const CONTRADICTED: &str =
    "its columns were inferred from a sample of its files, but other files have different values or columns";

/// Half of a file's rows.
const HALF: Limit = Limit::Share(500_000);

impl Intake {
    /// Starts the counts of a scan with this many partitions.
    pub(crate) fn new(
        report: Report,
        drift: Arc<Drift>,
        on_new: OnNewColumn,
        declared: Arc<[String]>,
        partitions: usize,
    ) -> Self {
        Self { report, drift, on_new, declared, partitions, state: Mutex::default() }
    }

    /// Records a file's columns.
    ///
    /// # Errors
    /// If they are an error whatever other files have.
    pub(crate) fn columns(
        &self,
        file: &Arc<str>,
        own: Vec<String>,
        deviation: Deviation,
    ) -> Result<(), DataFusionError> {
        let columns = FileColumns { file: file.to_string(), rows: None, own, deviation };
        if !self.drift.is_lenient
            && let Some(message) = self.drift.refuse(self.on_new, &self.declared, &columns)
        {
            return Err(self.report.error(message));
        }
        let FileColumns { own, deviation, .. } = columns;
        self.state().files.entry(Arc::clone(file)).or_default().columns = Some((own, deviation));
        Ok(())
    }

    /// Records rows of a file: the number read, and how many of them were rejected.
    pub(crate) fn rows(&self, file: &Arc<str>, rows: u64, rejected: u64) {
        let mut state = self.state();
        let file = state.files.entry(Arc::clone(file)).or_default();
        file.rows += rows;
        file.rejected += rejected;
    }

    /// Records a file that is rejected as a whole, and why.
    pub(crate) fn set_aside(&self, file: &Arc<str>, line: String) {
        let mut state = self.state();
        let file = state.files.entry(Arc::clone(file)).or_default();
        file.is_set_aside = true;
        file.sample = vec![line];
    }

    /// Records a reject as an example, unless the file has enough of them.
    pub(crate) fn sample(&self, file: &Arc<str>, line: impl FnOnce() -> String) {
        let mut state = self.state();
        let file = state.files.entry(Arc::clone(file)).or_default();
        if file.sample.len() < SAMPLE {
            file.sample.push(line());
        }
    }

    /// Records that a partition has read all its input. The last one checks the limits.
    ///
    /// # Errors
    /// If the rows of the scan must not be used.
    pub(crate) fn finish(&self, partition: usize) -> Result<(), DataFusionError> {
        let mut state = self.state();
        state.finished.insert(partition);
        if state.finished.len() < self.partitions {
            return Ok(());
        }
        let columns = state.files.iter().filter(|(_, file)| !file.is_set_aside);
        let columns = columns.filter_map(|(name, file)| {
            let (own, deviation) = file.columns.clone()?;
            Some(FileColumns {
                file: name.to_string(),
                rows: Some(file.rows - file.rejected),
                own,
                deviation,
            })
        });
        let columns: Vec<FileColumns> = columns.collect();
        let mut notes = Vec::new();
        if self.drift.sample.is_contradicted() && !self.drift.is_lenient {
            return Err(self.report.error(CONTRADICTED.to_owned()));
        }
        self.drift.sample.confirm();
        match drift::judge(&self.drift, self.on_new, &self.declared, &columns) {
            Ok(found) => notes = found,
            Err(message) if self.drift.is_lenient => notes.push(message),
            Err(message) => return Err(self.report.error(message)),
        }
        match self.excess(&state.files) {
            None => {}
            Some(message) if self.drift.is_lenient => notes.push(message),
            Some(message) => return Err(self.report.error(message)),
        }
        let files = state.files.iter().filter_map(|(name, file)| {
            let (_, deviation) = file.columns.as_ref()?;
            Some((Arc::clone(name), deviation.clone()))
        });
        self.report.note(&notes, files);
        Ok(())
    }

    /// Returns why too many rows were rejected, if so.
    fn excess(&self, files: &BTreeMap<Arc<str>, FileIntake>) -> Option<String> {
        let limits = self.drift.max_rejected;
        let per_file = limits.per_file.unwrap_or(HALF);
        for (name, file) in files.iter().filter(|(_, file)| file.rejected > 0) {
            if per_file.is_passed(file.rejected, file.rows) {
                let allowed = match limits.per_file {
                    Some(limit) => format!("`max_rejected` is {limit} a file"),
                    None => "more than half of them".to_owned(),
                };
                let what = match file.rows {
                    1 => format!("the only row of {name} was rejected"),
                    rows => {
                        format!("{} of the {rows} rows of {name} were rejected, {allowed}", file.rejected)
                    }
                };
                return Some(explained(&what, &file.sample));
            }
        }
        let sum = |of: fn(&FileIntake) -> u64| files.values().map(of).sum::<u64>();
        let (rows, rejected) = (sum(|file| file.rows), sum(|file| file.rejected));
        let set_aside = files.values().filter(|file| file.is_set_aside).count();
        let sample: Vec<String> =
            files.values().flat_map(|file| &file.sample).take(SAMPLE).cloned().collect();
        if let Some(limit) = limits.per_run.filter(|limit| {
            // An unreadable file has an unknown number of rows. It counts as one row at least, and the share
            // of such files must also be within the limit.
            let files_passed = match limit {
                Limit::Share(_) => limit.is_passed(set_aside as u64, files.len() as u64),
                Limit::Rows(_) => limit.is_passed(rejected + set_aside as u64, rows),
            };
            set_aside > 0 && files_passed
        }) {
            let what = match files.len() {
                1 => "the only file".to_owned(),
                all => format!("{set_aside} of the {all} files"),
            };
            let what = format!("{what} could not be read, `max_rejected` is {limit} a run");
            return Some(explained(&what, &sample));
        }
        if let Some(limit) = limits.per_run.filter(|limit| limit.is_passed(rejected, rows)) {
            let what =
                format!("{rejected} of the {rows} rows were rejected, `max_rejected` is {limit} a run");
            return Some(explained(&what, &sample));
        }
        if rows > rejected || (self.drift.is_addition && (rejected == 0 || limits.per_run.is_some())) {
            return None;
        }
        let what = match (rejected, set_aside) {
            (0, 0) => return None,
            (0, 1) if files.len() == 1 => "the only file could not be read".to_owned(),
            (0, _) => format!("none of the {} files could be read", files.len()),
            _ => "every row was rejected".to_owned(),
        };
        Some(explained(&what, &sample))
    }

    /// The guarded data is consistent between any two statements, so a poisoned lock is safe to use.
    fn state(&self) -> MutexGuard<'_, IntakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn explained(what: &str, sample: &[String]) -> String {
    let mut text = format!("{what}: nothing of this source is used");
    for line in sample {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text.push_str("\n  hint: correct the file or its declaration; or allow more rejects with `max_rejected`");
    text
}
