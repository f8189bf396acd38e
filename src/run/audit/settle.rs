//! Verdicts of counted numbers with their details, and violated constraints.

use std::collections::BTreeMap;

use super::{Audit, AuditItem, AuditResult, AuditSubject, OpenedTables};
use crate::{
    lake::Provenance,
    manifest::{DataTest, fingerprint::Fingerprint},
    outcome::{Outcome, RowSample, TestStatus, Verdict},
    run::{step_error::StepError, task::TestTask, verdict},
};

/// The maximum number of failing rows that are shown.
const SHOWN: usize = 5;

impl Audit<'_> {
    /// Reports a test or constraint that couldn't be computed. It doesn't pass, because its result is
    /// unknown.
    pub(super) async fn lost(&self, item: &AuditItem<'_>, error: &StepError) -> AuditResult {
        match item.subject {
            AuditSubject::Test(TestTask { step, .. }) => {
                self.handle.finished(step, self.worker.failed(step, error).await);
                AuditResult::Verdict { test: step.node.clone(), status: None, failures: 0, metric: None }
            }
            AuditSubject::Constraint(name) => {
                AuditResult::Constraint(Some(format!("the constraint {name} could not be checked: {error}")))
            }
        }
    }

    /// Turns the number that an item counted into its result.
    pub(super) async fn settle(
        &self,
        item: &AuditItem<'_>,
        number: Option<f64>,
        tables: &OpenedTables,
    ) -> AuditResult {
        match item.subject {
            AuditSubject::Constraint(name) => {
                let rows = number.unwrap_or_default();
                if rows == 0.0 {
                    return AuditResult::Constraint(None);
                }
                let plural = if rows > 1.0 { "rows break" } else { "row breaks" };
                let sample = self.sample(item, tables).await;
                let lines: Vec<String> = std::iter::once(format!("{rows} {plural} the constraint {name}:"))
                    .chain(sample.iter().flat_map(|sample| sample.named()).map(|row| format!("  {row}")))
                    .collect();
                AuditResult::Constraint(Some(lines.join("\n")))
            }
            AuditSubject::Test(task) => {
                let TestTask { step, test, compiled } = task;
                let verdict = match &compiled.anomaly {
                    Some(how) => {
                        self.worker.compare_with_history(test, how, number, self.version.is_none()).await
                    }
                    None => Ok(verdict::judge(&test.config, number.unwrap_or_default())),
                };
                match verdict {
                    Err(error) => self.lost(item, &error).await,
                    Ok(verdict) => {
                        let verdict = self.filled_in(verdict, task, item, tables).await;
                        let (status, failures) = (Some(verdict.status), verdict.failures);
                        self.handle.finished(step, Outcome::Tested(verdict));
                        let metric = number.filter(|_| compiled.anomaly.is_some());
                        AuditResult::Verdict { test: step.node.clone(), status, failures, metric }
                    }
                }
            }
        }
    }

    /// Adds details to a verdict: sample rows, the compiled file and the stored failures.
    async fn filled_in(
        &self,
        mut verdict: Verdict,
        TestTask { step, test, compiled }: TestTask<'_>,
        item: &AuditItem<'_>,
        tables: &OpenedTables,
    ) -> Verdict {
        let anomaly = compiled.anomaly.is_some();
        if (test.config.store_failures || self.worker.retain.failures) && !anomaly {
            match self.store(test, item, tables).await {
                Ok(()) => verdict.stored = (verdict.failures > 0).then(|| test.audit.clone()),
                Err(error) => tracing::warn!(test = %test.id, "the rows found could not be stored: {error}"),
            }
        }
        if verdict.status != TestStatus::Pass {
            verdict.compiled = self.worker.compiled_file(step);
            if !anomaly {
                verdict.sample = self.sample(item, tables).await;
            }
        }
        verdict
    }

    /// Returns the first failing rows; none if they can't be read, since the number is what counts.
    async fn sample(&self, item: &AuditItem<'_>, tables: &OpenedTables) -> Option<Box<RowSample>> {
        let sampled = async {
            let bound = item.probe.rows.bind(&self.only(tables, item)?)?;
            Ok::<_, StepError>(self.worker.engine.sample(&bound, SHOWN).await?)
        };
        let sample = sampled.await.inspect_err(|error| tracing::debug!("no rows to show: {error}")).ok()?;
        (!sample.rows.is_empty()).then(|| Box::new(sample))
    }

    async fn store(
        &self,
        test: &DataTest,
        item: &AuditItem<'_>,
        tables: &OpenedTables,
    ) -> Result<(), StepError> {
        let provenance = Provenance::new(
            test.id.as_str(),
            &self.worker.invocation_id,
            Fingerprint::default(),
            BTreeMap::new(),
        );
        let description = format!("Rows found by the test {}", test.name);
        let tables = self.only(tables, item)?;
        let rows = item.probe.rows.limited(test.config.limit)?;
        self.worker.write(&test.audit, &rows, &tables, provenance, description).await
    }
}
