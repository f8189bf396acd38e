//! Reject notes: record the rejects of a version's sources in its commit.

use super::{build::Candidate, rejects::note, step_error::StepError, worker::Worker};
use crate::lake::Provenance;

/// The maximum number of sample lines in a commit.
const SAMPLE: usize = 5;

impl Worker {
    /// Records the rejects of a version's sources in its commit, so that later runs can report them.
    pub(super) async fn note_rejects(
        &self,
        version: &mut Candidate,
        made: Option<&Provenance>,
    ) -> Result<(), StepError> {
        let Some(sink) = &version.rejects else { return Ok(()) };
        let counts = sink.counts();
        let by_file = match version.effect.rejected_files.take() {
            Some(by_file) => by_file,
            None => counts.by_file.iter().map(|(file, of)| (file.to_string(), of.clone())).collect(),
        };
        if by_file.is_empty() {
            return Ok(());
        }
        let accepted = self.tables.accepted(&self.engine, &version.relation).await?;
        let mut sample = counts.sample;
        // Keep the lines of rejects from earlier runs whose files this run hasn't read again.
        let earlier = made.and_then(|made| made.rejected.as_ref()).into_iter().flat_map(|note| &note.sample);
        let of_earlier = by_file.keys().filter(|file| !counts.by_file.contains_key(file.as_str()));
        let starts: Vec<String> = of_earlier.map(|file| format!("{file}:")).collect();
        let is_there = |line: &&String| starts.iter().any(|start| line.starts_with(start));
        let earlier: Vec<String> = earlier.filter(is_there).cloned().collect();
        sample.extend(earlier);
        sample.truncate(SAMPLE);
        version.note = Some(note(&by_file, &accepted, sample));
        Ok(())
    }
}
