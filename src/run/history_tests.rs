//! History tests: compare a table with its past, using the metrics that earlier versions recorded in their
//! commits.

use super::{
    anomaly::{self, Judgement},
    step_error::StepError,
    verdict,
    worker::Worker,
};
use crate::{compile::Anomaly, manifest::DataTest, outcome::Verdict};

impl Worker {
    /// Judges a number against those of earlier versions. `published`: true if the number is of the newest
    /// published version, false if it is of a staged one.
    pub(super) async fn compare_with_history(
        &self,
        test: &DataTest,
        how: &Anomaly,
        number: Option<f64>,
        published: bool,
    ) -> Result<Verdict, StepError> {
        let (Some(now), Some(attached)) = (number, &test.attached) else { return Ok(Verdict::pass()) };
        let Some(relation) = self.manifest.nodes.get(attached).and_then(|node| node.relation()) else {
            return Ok(Verdict::pass());
        };
        // The judged version isn't part of its own past.
        let limit = how.versions + usize::from(published);
        let past: Vec<f64> = self
            .tables
            .history(relation, limit)
            .await?
            .into_iter()
            .skip(usize::from(published))
            .filter_map(|past| past.provenance)
            // Versions without rows say nothing of those with rows.
            .filter(|made| made.fingerprint.is_empty_build() == self.empty)
            .filter_map(|made| match made.metrics.get(test.id.as_str()) {
                Some(metric) => Some(*metric),
                None if how.is_row_count => Some(made.rows as f64),
                None => None,
            })
            .collect();
        Ok(match anomaly::judge(now, &past, how) {
            Judgement::Plausible | Judgement::TooFew(_) => Verdict::pass(),
            Judgement::Anomalous { low, high, versions } => {
                let mut verdict = verdict::judge(&test.config, 1.0);
                let (now, low, high) = (short(now), short(low), short(high));
                verdict.message =
                    Some(format!("Got {now}; the last {versions} versions make {low} to {high} plausible"));
                verdict
            }
        })
    }
}

/// Formats a number with four decimals, or as an integer from 1000 on.
fn short(number: f64) -> String {
    if number.abs() >= 1000.0 || number == 0.0 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
