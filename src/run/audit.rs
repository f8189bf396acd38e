//! Audits: run tests on a staged version or on published tables.
//!
//! ```text
//! tests ──▶ row rules ──▶ one pass for all of a table ──┐
//!      └──▶ other tests ──▶ a query each, concurrently ─┴──▶ numbers ──▶ verdicts
//! ```
//!
//! If the shared pass fails, each of its tests is run alone, so that a test that can't be computed doesn't
//! fail the others.

mod settle;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{
    build::Candidate,
    delta_testing::{Differences, PassedBefore, TestScope},
    late::not_compiled,
    scheduler::{Cancelled, JobHandle},
    step_error::StepError,
    task::TestTask,
    worker::Worker,
};
use crate::{
    compile::{CompiledModel, Probe, Unreadable},
    diag::Diagnostic,
    engine::{
        Table,
        rows::{rule::RowRule, test_query::InputSize},
    },
    manifest::DataTest,
    name::{NodeId, Relation},
    outcome::{Outcome, TestStatus},
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
        let late = self.late_tests(tests, version.map(|(version, _)| version)).await;
        let (late, findings) = late.map_or_else(|findings| (None, findings), |late| (late, Vec::new()));
        let worker = late.as_deref().unwrap_or(self);
        let unchecked = &self.compiled.unreadable;
        let differences = Differences::new();
        let audit = Audit { worker, version, passed_before, unchecked, differences, handle };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Cancelled),
            audited = audit.run(tests, &findings) => Ok(audited),
        }
    }
}

struct Audit<'a> {
    worker: &'a Worker,
    version: Option<(&'a Candidate, &'a CompiledModel)>,
    passed_before: &'a PassedBefore,
    /// The nodes that were found to have errors.
    unchecked: &'a BTreeMap<NodeId, Unreadable>,
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
    Test(TestTask<'a>),
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
    table: Result<Table, Arc<StepError>>,
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
    /// Runs the tests. `findings`: why some of them couldn't be compiled.
    async fn run(&self, tests: &[&'a Arc<Step>], findings: &[Diagnostic]) -> Audited {
        let (items, mut audited) = self.items(tests, findings);
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
    /// verdict. Tests that aren't compiled fail.
    fn items(&self, tests: &[&'a Arc<Step>], findings: &[Diagnostic]) -> (Vec<AuditItem<'a>>, Audited) {
        let worker: &'a Worker = self.worker;
        let mut audited = Audited::default();
        let mut items = Vec::new();
        for step in tests.iter().copied() {
            let Some(task) = worker.test_task(step) else {
                let _ = self.handle.started(step);
                let own = self.unchecked.get(&step.node);
                self.handle.finished(step, not_compiled(own.map_or(findings, |own| &*own.findings)));
                audited.failed.push(step.node.clone());
                continue;
            };
            if let Some(rows) = self.taken_out(task.test) {
                let _ = self.handle.started(step);
                self.handle.finished(step, Outcome::Tested(worker.known(task.test, rows)));
                audited.passed.insert(step.node.clone(), rows);
                continue;
            }
            let (subject, probe) = (AuditSubject::Test(task), &task.compiled.probe);
            items.push(AuditItem { subject, probe, scope: None });
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
            AuditSubject::Test(TestTask { step, compiled, .. }) => {
                compiled.counts_rows && self.passed_before.tests.contains(&step.node)
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
                        let table = version.table().await.map_err(Arc::new);
                        Opened { table, size: InputSize::of(version.own.rows()) }
                    }
                    _ => Opened {
                        table: self.worker.published(&relation, None).await.map_err(Arc::new),
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
        if let AuditSubject::Test(task) = item.subject {
            let _ = self.handle.started(task.step);
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
        // Binding the query reports a table that wasn't opened.
        let Some(opened) = tables.get(&relation) else { continue };
        let table = opened.table.as_ref().map_err(|error| StepError::Shared(Arc::clone(error)))?;
        own.insert(relation, Arc::clone(table));
    }
    Ok(own)
}
