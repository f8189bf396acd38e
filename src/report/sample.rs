//! Sample runs with fixed times, for the tests of this module.

mod verdicts;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    event::{Event, Fact, RunInfo},
    name::{NodeId, Relation},
    outcome::{Outcome, Quarantined, Rejected, Repaired, Skipped, TestStatus, Verdict},
    plan::{Action, Job, Plan, Reason, Step},
};

pub(super) use self::verdicts::{every_verdict, gated};
use super::FileLookup;

/// Returns a lookup that knows no files.
pub(super) fn no_files() -> FileLookup {
    Arc::new(|_| None)
}

/// A run scripted step by step. Events are 250 ms apart.
pub(super) struct Script {
    events: Vec<Event>,
    started: BTreeMap<NodeId, usize>,
}

impl Script {
    pub(super) fn new(steps: usize) -> Self {
        Self::after(Vec::new(), steps)
    }

    /// Starts a run that repaired earlier, killed runs.
    fn after(repaired: Vec<Repaired>, steps: usize) -> Self {
        let mut script = Self { events: Vec::new(), started: BTreeMap::new() };
        script.record(Fact::RunStarted(Arc::new(RunInfo {
            command: "build",
            invocation_id: "0190a6f0-0000-7000-8000-000000000000".to_owned(),
            project: "meters".to_owned(),
            target: "dev".to_owned(),
            root: "data_lake".to_owned(),
            threads: 2,
            found: BTreeMap::from([("data test", 30), ("model", 9), ("source", 4), ("unit test", 3)]),
            steps,
            repaired,
        })));
        script
    }

    pub(super) fn record(&mut self, fact: Fact) {
        let number = self.events.len() as u64;
        let begin = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(9);
        let past = TimeDelta::milliseconds(250 * i64::try_from(number).unwrap());
        self.events.push(Event { number, at: begin + past, fact });
    }

    pub(super) fn start(&mut self, step: &Arc<Step>) {
        let index = self.index(step);
        self.record(Fact::StepStarted { step: step.clone(), index });
    }

    pub(super) fn progress(&mut self, step: &Arc<Step>, rows: u64) {
        self.record(Fact::StepProgress { node: step.node.clone(), rows });
    }

    pub(super) fn end_step(&mut self, step: &Arc<Step>, outcome: Outcome) {
        let index = self.index(step);
        self.record(Fact::StepFinished { step: step.clone(), index, outcome, seconds: 0.25 });
    }

    pub(super) fn ran(&mut self, step: &Arc<Step>, outcome: Outcome) {
        self.start(step);
        self.progress(step, 700);
        self.end_step(step, outcome);
    }

    pub(super) fn skip(&mut self, step: &Arc<Step>, because: Skipped) {
        let index = self.index(step);
        self.record(Fact::StepSkipped { step: step.clone(), index, because });
    }

    pub(super) fn interrupt(&mut self, step: &Arc<Step>) {
        self.start(step);
        self.skip(step, Skipped::Cancelled);
    }

    pub(super) fn end(mut self) -> Vec<Event> {
        self.record(Fact::RunFinished { seconds: 62.5 });
        self.events
    }

    fn index(&mut self, step: &Arc<Step>) -> usize {
        let next = self.started.len() + 1;
        *self.started.entry(step.node.clone()).or_insert(next)
    }
}

pub(super) fn step(schema: &str, name: &str, action: Action, reason: Reason) -> Arc<Step> {
    let relation = Relation::new(schema, name);
    Arc::new(Step {
        node: NodeId::model("meters", name),
        name: relation.to_string(),
        relation: Some(relation),
        action,
        reason,
    })
}

/// Builds a plan with one job per step.
pub(super) fn plan(steps: &[Arc<Step>]) -> Plan {
    let jobs = steps
        .iter()
        .map(|step| Job {
            node: step.node.clone(),
            steps: vec![step.clone()],
            after: Arc::new([]),
            behind: Arc::new([]),
        })
        .collect();
    Plan { jobs }
}

pub(super) fn table(schema: &str, name: &str) -> Arc<Step> {
    step(schema, name, Action::Table, Reason::FirstBuild)
}

pub(super) fn published(rejected: Option<Rejected>) -> Outcome {
    Outcome::Published { version: 3, rows: 1440, bytes: 65_536, changed: None, rejected, quarantined: None }
}

pub(super) fn rejected() -> Rejected {
    Rejected {
        rows: 3,
        files: 2,
        relation: Relation::new("raw", "raw_readings_rejected"),
        sample: vec![
            "data/readings/7.json:12: consumption_delta: 'n/a' is no DOUBLE".to_owned(),
            "data/readings/9.json: \u{1b}[31mends inside a string".to_owned(),
        ],
        sources: vec!["files.readings".to_owned()],
        notes: Vec::new(),
    }
}

pub(super) fn failed() -> Outcome {
    Outcome::Failed {
        message: "Cast error: Cannot cast string 'x' to value of Int64 type\nwhile reading column \"a\"\n"
            .to_owned(),
        compiled: Some("target/compiled/meters/models/staging/products.sql".to_owned()),
    }
}

/// A run that contains every outcome.
pub(super) fn every_ending() -> Vec<Event> {
    let readings = table("raw", "raw_readings");
    let agreements = step("raw", "raw_agreements", Action::Table, Reason::SqlChanged);
    let products =
        step("staging", "products", Action::Table, Reason::ConfigChanged { key: "partition_by".to_owned() });
    let checked = step("staging", "読取_current", Action::View, Reason::Selected);
    let below = table("presentation", "consumption_per_product_per_day");
    let long = table("presentation", "a_name_that_is_rather_too_long_to_stand_before_the_bracket");
    let late = table("presentation", "late");
    let mut script =
        Script::after(vec![Repaired { run: "0190a6ef-0000-7000-8000-000000000000".to_owned(), files: 3 }], 7);
    script.start(&readings);
    script.start(&agreements);
    script.progress(&readings, 700);
    script.end_step(&readings, published(Some(rejected())));
    script.end_step(&agreements, published(None));
    script.ran(&products, failed());
    script.skip(&below, Skipped::Upstream { failed: products.node.clone() });
    script.ran(&checked, Outcome::Checked);
    script.record(Fact::CancelRequested);
    script.interrupt(&long);
    script.skip(&late, Skipped::FailFast);
    script.end()
}

/// A generic test; it gates `model` if one is given.
pub(super) fn test(name: &str, model: Option<&str>) -> Arc<Step> {
    let node = NodeId::generic_test("meters", name, "0a1b2c3d4e");
    judging(node, name.to_owned(), Action::Test, model)
}

fn unit_test(model: &str, name: &str) -> Arc<Step> {
    let node = NodeId::unit_test("meters", model, name);
    judging(node, format!("{model}::{name}"), Action::UnitTest, None)
}

fn freshness(table: &str) -> Arc<Step> {
    let node = NodeId::source("meters", "files", table);
    judging(node, format!("files.{table}"), Action::Freshness, None)
}

fn judging(node: NodeId, name: String, action: Action, model: Option<&str>) -> Arc<Step> {
    let reason = match model {
        Some(model) => Reason::Gates { node: NodeId::model("meters", model) },
        None => Reason::Selected,
    };
    Arc::new(Step { node, name, relation: None, action, reason })
}

/// The verdict of a test that found rows where none are allowed.
pub(super) fn found(status: TestStatus, failures: u64) -> Outcome {
    Outcome::Tested(verdict(status, failures))
}

fn verdict(status: TestStatus, failures: u64) -> Verdict {
    let results = if failures == 1 { "result" } else { "results" };
    let then = if status == TestStatus::Warn { "warn" } else { "fail" };
    let message = Some(format!("Got {failures} {results}, configured to {then} if != 0"));
    Verdict { status, failures, message, ..Verdict::pass() }
}

pub(super) fn quarantined() -> Outcome {
    let relation = Some(Relation::new("raw", "raw_agreements").quarantine());
    let quarantined = Some(Quarantined { rows: 12, dropped: 3, relation });
    Outcome::Published { version: 3, rows: 1440, bytes: 65_536, changed: None, rejected: None, quarantined }
}
