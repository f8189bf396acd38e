//! Audits: run tests on a staged version or on published tables.
//!
//! ```text
//! tests ──▶ row rules ──▶ one pass for all of a table ──┐
//!      └──▶ other tests ──▶ a query each, concurrently ─┴──▶ numbers ──▶ verdicts
//! ```
//!
//! If the shared pass fails, each of its tests is run alone, so that a test that can't be computed doesn't
//! fail the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{
    build::Candidate,
    delta_testing::{Differences, PassedBefore, TestScope},
    scheduler::{Cancelled, JobHandle},
    step_error::StepError,
    verdict,
    worker::Worker,
};
use crate::{
    compile::{Anomaly, CompiledModel, Probe},
    engine::{Table, row_rule::RowRule, test_query::InputSize},
    lake::Provenance,
    manifest::{DataTest, fingerprint::Fingerprint},
    name::{NodeId, Relation},
    outcome::{Outcome, RowSample, TestStatus, Verdict},
    plan::Step,
};

/// The result of an audit.
#[derive(Debug, Default)]
pub(super) struct Audited {
    /// The failed tests, because of which a version is withheld.
    pub(super) failed: Vec<NodeId>,
    /// The tests that didn't fail, with the number of rows they found.
    pub(super) passed: BTreeMap<NodeId, u64>,
    /// A message for each violated constraint.
    pub(super) broken: Vec<String>,
    /// The numbers with which later versions will be compared.
    pub(super) metrics: BTreeMap<String, f64>,
}

/// The maximum number of failing rows that are shown.
const SHOWN: usize = 5;

impl Worker {
    /// Runs the tests, and for a new version also checks its constraints. `passed_before`: the tests and
    /// constraints known to have found nothing in the version before.
    pub(super) async fn audit(
        &self,
        tests: &[&Arc<Step>],
        version: Option<(&Candidate, &CompiledModel)>,
        passed_before: &PassedBefore,
        handle: &JobHandle,
    ) -> Result<Audited, Cancelled> {
        let audit = Audit { worker: self, version, passed_before, differences: Differences::new(), handle };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Cancelled),
            audited = audit.run(tests) => Ok(audited),
        }
    }
}

struct Audit<'a> {
    worker: &'a Worker,
    version: Option<(&'a Candidate, &'a CompiledModel)>,
    passed_before: &'a PassedBefore,
    differences: Differences,
    handle: &'a JobHandle,
}

/// A probe and its origin.
#[derive(Clone)]
struct AuditItem<'a> {
    subject: AuditSubject<'a>,
    probe: &'a Probe,
    /// The part of the version to read, if the whole version isn't needed.
    scope: Option<Arc<TestScope>>,
}

#[derive(Clone, Copy)]
enum AuditSubject<'a> {
    Test(&'a Arc<Step>, &'a DataTest, Option<&'a Anomaly>),
    /// A constraint, by its display name.
    Constraint(&'a str),
}

/// Items that are counted together, or one that is counted alone.
enum Unit<'a> {
    Shared(Relation, Vec<AuditItem<'a>>),
    Alone(AuditItem<'a>),
}

/// The tables that probes read, each opened once.
type OpenedTables = BTreeMap<Relation, Opened>;

/// An opened table, or the error, and what is known about its size.
struct Opened {
    table: Result<Table, StepError>,
    size: InputSize,
}

/// The result of one item.
enum AuditResult {
    /// The verdict of a test; no status if it couldn't be computed.
    Verdict {
        test: NodeId,
        status: Option<TestStatus>,
        failures: u64,
        metric: Option<f64>,
    },
    Constraint(Option<String>),
}

impl<'a> Audit<'a> {
    async fn run(&self, tests: &[&'a Arc<Step>]) -> Audited {
        let (items, mut audited) = self.items(tests);
        let at_once = self.worker.engine.threads().max(1);
        let scoping: Vec<_> = items.into_iter().map(|item| self.scoped(item)).collect();
        let items: Vec<AuditItem<'a>> = stream::iter(scoping).buffered(at_once).collect().await;
        let tables = self.open(&items).await;
        let counting: Vec<_> = units(items).into_iter().map(|unit| self.unit(unit, &tables)).collect();
        let found: Vec<Vec<AuditResult>> = stream::iter(counting).buffer_unordered(at_once).collect().await;
        for one in found.into_iter().flatten() {
            match one {
                AuditResult::Verdict { test, status, failures, metric } => {
                    audited.metrics.extend(metric.map(|metric| (test.to_string(), metric)));
                    match status {
                        Some(TestStatus::Pass | TestStatus::Warn) => {
                            audited.passed.insert(test, failures);
                        }
                        Some(TestStatus::Fail) | None => audited.failed.push(test),
                    }
                }
                AuditResult::Constraint(message) => audited.broken.extend(message),
            }
        }
        audited.failed.sort();
        audited.broken.sort();
        audited
    }

    /// Returns the items to count. Tests that removed rows while the version was written already have their
    /// verdict.
    fn items(&self, tests: &[&'a Arc<Step>]) -> (Vec<AuditItem<'a>>, Audited) {
        let worker: &'a Worker = self.worker;
        let mut audited = Audited::default();
        let mut items = Vec::new();
        for step in tests.iter().copied() {
            let (Some(test), Some(compiled)) =
                (worker.manifest.test(&step.node), worker.compiled.tests.get(&step.node))
            else {
                let message = StepError::Lost(step.node.to_string()).to_string();
                let _ = self.handle.started(step);
                self.handle.finished(step, Outcome::Failed { message, compiled: None });
                audited.failed.push(step.node.clone());
                continue;
            };
            if let Some(rows) = self.taken_out(test) {
                let _ = self.handle.started(step);
                self.handle.finished(step, Outcome::Tested(worker.known(test, rows)));
                audited.passed.insert(step.node.clone(), rows);
                continue;
            }
            let subject = AuditSubject::Test(step, test, compiled.anomaly.as_ref());
            items.push(AuditItem { subject, probe: &compiled.probe, scope: None });
        }
        if let Some((_, model)) = self.version {
            items.extend(model.checks.iter().map(|check| AuditItem {
                subject: AuditSubject::Constraint(&check.name),
                probe: &check.probe,
                scope: None,
            }));
        }
        (items, audited)
    }

    /// Narrows the item to a part of the version if that gives the same answer.
    async fn scoped(&self, item: AuditItem<'a>) -> AuditItem<'a> {
        let Some((version, _)) = self.version else { return item };
        let known = match item.subject {
            AuditSubject::Test(step, ..) => {
                let counts = self.worker.compiled.tests.get(&step.node).is_some_and(|test| test.counts_rows);
                counts && self.passed_before.tests.contains(&step.node)
            }
            AuditSubject::Constraint(_) => self.passed_before.constraints,
        };
        if !known {
            return item;
        }
        let scope =
            self.worker.test_scope(version, item.probe, &self.differences).await.unwrap_or_else(|error| {
                tracing::info!(table = %version.relation, "all rows are looked at: {error}");
                None
            });
        AuditItem { scope: scope.map(Arc::new), ..item }
    }

    /// Returns the number of rows that a test removed while the version was written, if it does that.
    fn taken_out(&self, test: &DataTest) -> Option<u64> {
        let (version, model) = self.version?;
        let at = model.rules.iter().position(|rule| rule.test == test.id)?;
        Some(version.removed.as_ref()?.of(at))
    }

    /// Opens every table that is read. Uses the staged version in place of its published table.
    async fn open(&self, items: &[AuditItem<'_>]) -> OpenedTables {
        let relations: BTreeSet<Relation> =
            items.iter().flat_map(|item| item.probe.rows.relations()).collect();
        stream::iter(relations)
            .map(|relation| async {
                let opened = match self.version {
                    Some((version, _)) if version.relation == relation => {
                        Opened { table: version.table().await, size: InputSize::of(version.own.rows()) }
                    }
                    _ => Opened {
                        table: self.worker.published(&relation, None).await,
                        size: InputSize::Unknown,
                    },
                };
                (relation, opened)
            })
            .buffer_unordered(16)
            .collect()
            .await
    }

    async fn unit(&self, unit: Unit<'a>, tables: &OpenedTables) -> Vec<AuditResult> {
        match unit {
            Unit::Alone(item) => {
                self.start(&item);
                vec![self.alone(&item, tables).await]
            }
            Unit::Shared(relation, items) => {
                for item in &items {
                    self.start(item);
                }
                let rules: Vec<RowRule> = items.iter().filter_map(|item| item.probe.rule.clone()).collect();
                let scope = items.first().and_then(|item| item.scope.as_ref());
                let read = match (scope, tables.get(&relation)) {
                    (Some(scope), _) => Some((&scope.table, scope.size)),
                    (None, Some(Opened { table: Ok(table), size })) => Some((table, *size)),
                    (None, _) => None,
                };
                let counts = match read {
                    Some((table, size)) => {
                        self.worker.engine.count_broken(Arc::clone(table), size, &rules).await.ok()
                    }
                    None => None,
                };
                let mut found = Vec::with_capacity(items.len());
                for (at, (item, rule)) in items.iter().zip(&rules).enumerate() {
                    found.push(match &counts {
                        Some(counts) if counts[at] == 0 || !rule.counts_groups() => {
                            self.settle(item, Some(counts[at] as f64), tables).await
                        }
                        _ => self.alone(item, tables).await,
                    });
                }
                found
            }
        }
    }

    fn start(&self, item: &AuditItem<'_>) {
        if let AuditSubject::Test(step, ..) = item.subject {
            let _ = self.handle.started(step);
        }
    }

    async fn alone(&self, item: &AuditItem<'_>, tables: &OpenedTables) -> AuditResult {
        match self.count(item, tables).await {
            Ok(number) => self.settle(item, number, tables).await,
            Err(error) => self.lost(item, &error).await,
        }
    }

    async fn count(&self, item: &AuditItem<'_>, tables: &OpenedTables) -> Result<Option<f64>, StepError> {
        let probe = item.probe;
        let known = |relation| tables.get(&relation).is_some_and(|opened| opened.size == InputSize::Small);
        let size =
            if probe.rows.relations().into_iter().all(known) { InputSize::Small } else { InputSize::Unknown };
        Ok(self.worker.engine.number(&probe.counted.bind(&self.only(tables, item)?)?, size).await?)
    }

    /// Reports a test or constraint that couldn't be computed. It doesn't pass, because its result is
    /// unknown.
    async fn lost(&self, item: &AuditItem<'_>, error: &StepError) -> AuditResult {
        match item.subject {
            AuditSubject::Test(step, ..) => {
                self.handle.finished(step, self.worker.failed(step, error).await);
                AuditResult::Verdict { test: step.node.clone(), status: None, failures: 0, metric: None }
            }
            AuditSubject::Constraint(name) => {
                AuditResult::Constraint(Some(format!("the constraint {name} could not be checked: {error}")))
            }
        }
    }

    async fn settle(&self, item: &AuditItem<'_>, number: Option<f64>, tables: &OpenedTables) -> AuditResult {
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
            AuditSubject::Test(step, test, anomaly) => {
                let verdict = match anomaly {
                    Some(how) => {
                        self.worker.compare_with_history(test, how, number, self.version.is_none()).await
                    }
                    None => Ok(verdict::judge(&test.config, number.unwrap_or_default())),
                };
                match verdict {
                    Err(error) => self.lost(item, &error).await,
                    Ok(verdict) => {
                        let verdict = self.filled_in(verdict, step, test, item, tables).await;
                        let (status, failures) = (Some(verdict.status), verdict.failures);
                        self.handle.finished(step, Outcome::Tested(verdict));
                        let metric = number.filter(|_| anomaly.is_some());
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
        step: &Step,
        test: &DataTest,
        item: &AuditItem<'_>,
        tables: &OpenedTables,
    ) -> Verdict {
        let anomaly = matches!(item.subject, AuditSubject::Test(_, _, Some(_)));
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
        self.worker.write(&test.audit, &item.probe.rows, &tables, provenance, description).await
    }
}

/// Groups row rules on the same table, so that one pass counts them all.
fn units(items: Vec<AuditItem<'_>>) -> Vec<Unit<'_>> {
    let mut shared: BTreeMap<(Relation, bool), Vec<AuditItem<'_>>> = BTreeMap::new();
    let mut units = Vec::new();
    for item in items {
        match &item.probe.rule {
            Some(rule) => {
                let read = (rule.relation().clone(), item.scope.is_some());
                shared.entry(read).or_default().push(item);
            }
            None => units.push(Unit::Alone(item)),
        }
    }
    units.extend(shared.into_iter().map(|((relation, _), items)| Unit::Shared(relation, items)));
    units
}

impl Audit<'_> {
    /// Returns the tables of one probe, with the version narrowed if that is enough for it.
    fn only(
        &self,
        tables: &OpenedTables,
        item: &AuditItem<'_>,
    ) -> Result<BTreeMap<Relation, Table>, StepError> {
        let mut own = only(tables, item.probe)?;
        if let (Some(scope), Some((version, _))) = (&item.scope, self.version) {
            own.insert(version.relation.clone(), Arc::clone(&scope.table));
        }
        Ok(own)
    }
}

/// Returns the tables of one probe.
fn only(tables: &OpenedTables, probe: &Probe) -> Result<BTreeMap<Relation, Table>, StepError> {
    let mut own = BTreeMap::new();
    for relation in probe.rows.relations() {
        match tables.get(&relation).map(|opened| &opened.table) {
            Some(Ok(table)) => drop(own.insert(relation, Arc::clone(table))),
            Some(Err(StepError::MissingInput(relation))) => {
                return Err(StepError::MissingInput(relation.clone()));
            }
            Some(Err(StepError::MissingSeed(relation))) => {
                return Err(StepError::MissingSeed(relation.clone()));
            }
            Some(Err(StepError::MissingSnapshot(relation))) => {
                return Err(StepError::MissingSnapshot(relation.clone()));
            }
            Some(Err(error)) => return Err(StepError::Other(error.to_string())),
            None => return Err(StepError::Lost(relation.to_string())),
        }
    }
    Ok(own)
}
