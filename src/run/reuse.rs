//! Up-to-date tables: skips the build and runs only tests that haven't passed on the current rows.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::{
    audit::Audited,
    delta_testing::PassedBefore,
    rejects,
    scheduler::{Cancelled, JobHandle},
    staleness::{Inputs, Questions, found_before, question},
    step_error::StepError,
    task::TableTask,
    verdict::judge,
    worker::Worker,
};
use crate::{
    compile::{CompiledModel, InputForm, InputNode},
    lake::{CurrentVersion, InputVersion, LakeError, PassedTest},
    manifest::{DataTest, OnViolation},
    name::{NodeId, Relation},
    outcome::{Outcome, Rejected, TestStatus, Verdict},
    plan::{Job, Reason, Step},
    source,
};

impl Worker {
    /// Ends the step of an up-to-date table, and runs those of its tests that haven't passed yet.
    pub(super) async fn reuse(
        &self,
        job: &Job,
        TableTask { step, model, compiled }: TableTask<'_>,
        tests: &[&Arc<Step>],
        handle: &JobHandle,
    ) -> Result<(), Cancelled> {
        let relation = &model.relation;
        let rejected = self.still_rejected(relation, compiled).await;
        handle.finished(step, Outcome::Reused { rejected });
        let (known, open): (Vec<&Arc<Step>>, Vec<_>) =
            tests.iter().copied().partition(|test| test.reason.is_idle());
        for test in known {
            let failures = if let Reason::Warned { failures } = test.reason { failures } else { 0 };
            self.finish_known_test(test, failures, handle);
        }
        let has_unit_tests = job.after.iter().any(|id| self.compiled.unit_tests.contains_key(id));
        if !has_unit_tests && open.is_empty() {
            return Ok(());
        }
        let evidence = async {
            let own = self.tables.observe(relation).await?;
            Ok::<_, StepError>((own, self.questions(job, &open, relation).await?))
        };
        let Ok((Some(own), questions)) = evidence.await else {
            // Without evidence, each test runs and reports its own errors.
            return self.audit(&open, None, &PassedBefore::default(), handle).await.map(drop);
        };
        let before = |id: &NodeId| found_before(&own, id, questions.get(id)?);
        let (known, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|test| before(&test.node).is_some());
        for test in known {
            self.finish_known_test(test, before(&test.node).unwrap_or_default(), handle);
        }
        let mut audited = self.audit(&open, None, &PassedBefore::default(), handle).await?;
        let metrics = std::mem::take(&mut audited.metrics);
        let mut news = judged(job, questions, &audited);
        news.retain(|id, now| found_before(&own, id, &now.asked).is_none());
        if let Err(error) = self.note(relation, &own, news, metrics).await {
            tracing::info!(node = %step.node, "the tests that passed could not be noted: {error}");
        }
        Ok(())
    }

    /// Returns the rejects recorded in the newest commit of a table that isn't built.
    async fn still_rejected(&self, relation: &Relation, compiled: &CompiledModel) -> Option<Rejected> {
        if !compiled.inputs.values().any(|input| input.form == InputForm::Source) {
            return None;
        }
        let own = self.tables.observe(relation).await.ok().flatten()?;
        rejects::rejected(own.provenance.as_ref()?.rejected.as_ref(), Vec::new(), relation)
    }

    /// Ends the step of a test that has already run on the current rows.
    fn finish_known_test(&self, step: &Arc<Step>, failures: u64, handle: &JobHandle) {
        let _ = handle.started(step);
        let test = self.manifest.test(&step.node).filter(|_| failures > 0);
        handle.finished(
            step,
            test.map_or(Outcome::Reused { rejected: None }, |test| {
                Outcome::Tested(self.known(test, failures))
            }),
        );
    }

    /// Returns the verdict for a number of failures that is already known.
    pub(super) fn known(&self, test: &DataTest, failures: u64) -> Verdict {
        let ruled = test.attached.as_ref().and_then(|id| {
            let rules = &self.compiled.models.get(id)?.rules;
            Some((self.manifest.refable(id)?, rules.iter().find(|rule| rule.test == test.id)?))
        });
        let Some((model, rule)) = ruled else { return judge(&test.config, failures as f64) };
        if failures == 0 {
            return Verdict::pass();
        }
        let plural = if failures == 1 { "" } else { "s" };
        let (message, stored) = match rule.then {
            OnViolation::Quarantine => {
                let relation = model.relation.quarantine();
                (format!("{failures} row{plural} quarantined in {relation}"), Some(relation))
            }
            OnViolation::Drop => (format!("{failures} row{plural} dropped"), None),
        };
        Verdict { status: TestStatus::Warn, failures, message: Some(message), stored, ..Verdict::pass() }
    }

    /// Records in a table's commit which tests its rows have passed, so that they don't run again.
    async fn note(
        &self,
        relation: &Relation,
        own: &CurrentVersion,
        news: BTreeMap<NodeId, PassedTest>,
        metrics: BTreeMap<String, f64>,
    ) -> Result<(), LakeError> {
        let Some(made) = own.provenance.clone().filter(|_| !news.is_empty()) else { return Ok(()) };
        let mut provenance = made;
        provenance.tests.extend(news);
        provenance.metrics.extend(metrics);
        provenance.stands_for = Some(own.data_version);
        self.writer.commit_metadata(relation, own.version, &provenance, None).await.map(drop)
    }

    /// Returns the fingerprints of these tests of `own`, and of the unit tests that the job waited for. Take
    /// them before the tests run: a change during the run makes the next run test again.
    pub(super) async fn questions(
        &self,
        job: &Job,
        tests: &[&Arc<Step>],
        own: &Relation,
    ) -> Result<Questions, StepError> {
        let mut states: BTreeMap<&Relation, Option<InputVersion>> = BTreeMap::new();
        let mut questions = Questions::new();
        for step in tests {
            let Some(test) = self.compiled.tests.get(&step.node) else { continue };
            let Some(fingerprint) = &test.fingerprint else { continue };
            let mut others = Inputs::new();
            for (relation, input) in test.inputs_besides(own) {
                let state = match states.entry(relation) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.state(relation, input).await?),
                };
                others.extend(state.clone().map(|version| (input.id.clone(), version)));
            }
            questions.insert(step.node.clone(), question(fingerprint, &others));
        }
        let unit_tests = job.after.iter().filter_map(|id| Some((id, self.compiled.unit_tests.get(id)?)));
        questions.extend(unit_tests.map(|(id, test)| (id.clone(), test.fingerprint.clone())));
        Ok(questions)
    }

    /// Returns the state of an input; `None` if there is no table.
    pub(super) async fn state(
        &self,
        relation: &Relation,
        input: &InputNode,
    ) -> Result<Option<InputVersion>, StepError> {
        let file = self.compiled.sources.get(&input.id).filter(|_| input.form.is_file());
        if let Some(spec) = file {
            return Ok(Some(source::read_state(&self.engine, spec).await?.into()));
        }
        let observed = self.tables.observe(relation).await?;
        Ok(observed.map(|observed| InputVersion::Delta { version: observed.data_version }))
    }
}

/// Returns the test results to record for a version. The unit tests that the job waited for have passed;
/// otherwise it wouldn't have started.
pub(super) fn judged(job: &Job, questions: Questions, audited: &Audited) -> BTreeMap<NodeId, PassedTest> {
    let found = |id: &NodeId| audited.passed.get(id).copied().or_else(|| job.after.contains(id).then_some(0));
    let known = questions.into_iter().filter_map(|(id, asked)| {
        let failures = found(&id)?;
        Some((id, PassedTest { asked, failures }))
    });
    known.collect()
}
