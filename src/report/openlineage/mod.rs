//! The OpenLineage sink: emits START, COMPLETE and FAIL events for the run, each model and each test, with
//! inputs, outputs and column lineage.
//!
//! - this file: turns facts into events
//! - `dataset`: tables and files as OpenLineage datasets, with their facets
//! - `transport`: delivery to a file or an HTTP endpoint, on its own thread
//!
//! The format is version 2-0-2 of the OpenLineage specification; facet versions are given where facets are
//! built.

mod dataset;
mod transport;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

pub use self::{
    dataset::{Datasets, is_ephemeral},
    transport::{Endpoint, Transport},
};
use super::{EventSink, FileLookup, SinkError, dbt_outcome, node};
use crate::{
    artifact::timestamp,
    event::{Event, Fact, RunInfo},
    name::NodeId,
    outcome::Outcome,
    plan::{Action, Step},
};

/// The producer of the events.
pub(super) const PRODUCER: &str = concat!("urn:headwater:", env!("CARGO_PKG_VERSION"));

/// The schema of a run event.
const RUN_EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// The parent run, as named by whoever started this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its job's namespace.
    pub namespace: String,
    /// Its job's name.
    pub job: String,
    pub run_id: String,
}

/// Turns facts into OpenLineage events and sends them.
pub struct OpenLineage {
    namespace: String,
    parent: Option<Parent>,
    datasets: Datasets,
    lookup: FileLookup,
    transport: Option<Transport>,
    run: Option<Begun>,
    running: BTreeMap<NodeId, Begun>,
    failed: bool,
}

/// A run that has started and not yet ended.
#[derive(Debug, Clone)]
struct Begun {
    id: String,
    job: String,
}

impl OpenLineage {
    /// Creates a sink whose jobs are in this namespace.
    #[must_use]
    pub fn new(
        namespace: String,
        parent: Option<Parent>,
        datasets: Datasets,
        lookup: FileLookup,
        transport: Transport,
    ) -> Self {
        Self {
            namespace,
            parent,
            datasets,
            lookup,
            transport: Some(transport),
            run: None,
            running: BTreeMap::new(),
            failed: false,
        }
    }

    fn send(&mut self, event: &Value) {
        if let Some(transport) = &mut self.transport {
            transport.send(&event.to_string());
        }
    }

    fn run_started(&mut self, info: &RunInfo, at: DateTime<Utc>) {
        let run = Begun { id: info.invocation_id.clone(), job: format!("{}.{}", info.project, info.command) };
        let event = self.run_event("START", at, &run, Map::new());
        self.run = Some(run);
        self.send(&event);
    }

    fn run_event(&self, kind: &str, at: DateTime<Utc>, run: &Begun, mut facets: Map<String, Value>) -> Value {
        if let Some(parent) = &self.parent {
            let (id, namespace, job) = (&parent.run_id, &parent.namespace, &parent.job);
            facets.insert("parent".to_owned(), parent_facet(id, namespace, job));
        }
        facets.insert("processing_engine".to_owned(), engine());
        let job =
            json!({ "namespace": self.namespace, "name": run.job, "facets": { "jobType": job_type("RUN") } });
        event(kind, at, (&run.id, facets), &job, (Vec::new(), Vec::new()))
    }

    fn step_event(
        &self,
        kind: &str,
        at: DateTime<Utc>,
        step: &Step,
        outcome: Option<&Outcome>,
    ) -> Option<Value> {
        let begun = self.running.get(&step.node)?;
        let mut facets = Map::from_iter([("processing_engine".to_owned(), engine())]);
        if let Some(run) = &self.run {
            facets.insert("parent".to_owned(), parent_facet(&run.id, &self.namespace, &run.job));
        }
        if let Some(outcome) = outcome.filter(|outcome| !outcome.is_success())
            && let Some(message) = dbt_outcome::message(step, outcome)
        {
            let error = json!({ "message": message, "programmingLanguage": "SQL" });
            facets.insert("errorMessage".to_owned(), facet(error, "1-0-1/ErrorMessageRunFacet"));
        }
        let mut about = Map::from_iter([("jobType".to_owned(), job_type(word(step.action)))]);
        if let Some(sql) = (self.lookup)(&step.node).and_then(|file| file.compiled_code) {
            let query = json!({ "query": sql, "dialect": self.datasets.dialect() });
            about.insert("sql".to_owned(), facet(query, "1-1-0/SQLJobFacet"));
        }
        if let Some(text) = self.datasets.description(&step.node) {
            let documentation = json!({ "description": text, "contentType": "text/markdown" });
            about.insert("documentation".to_owned(), facet(documentation, "1-1-0/DocumentationJobFacet"));
        }
        let job = json!({ "namespace": self.namespace, "name": begun.job, "facets": about });
        let inputs = self.datasets.inputs(&step.node, outcome);
        let outputs =
            if step.action == Action::Test { Vec::new() } else { self.datasets.output(&step.node, outcome) };
        Some(event(kind, at, (&begun.id, facets), &job, (inputs, outputs)))
    }

    fn step_started(&mut self, step: &Step, at: DateTime<Utc>) {
        let job = format!("{}.{}", self.datasets.project(), node::name(&step.node));
        let begun = Begun { id: uuid::Uuid::now_v7().to_string(), job };
        self.running.insert(step.node.clone(), begun);
        if let Some(event) = self.step_event("START", at, step, None) {
            self.send(&event);
        }
    }

    fn step_finished(&mut self, step: &Step, outcome: &Outcome, at: DateTime<Utc>) {
        // A test that only warns counts as successful.
        let is_well = outcome.is_success();
        self.failed |= !is_well;
        let kind = if is_well { "COMPLETE" } else { "FAIL" };
        if let Some(event) = self.step_event(kind, at, step, Some(outcome)) {
            self.send(&event);
        }
        self.running.remove(&step.node);
    }
}

impl EventSink for OpenLineage {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        match &event.fact {
            Fact::RunStarted(info) => self.run_started(info, event.at),
            Fact::StepStarted { step, .. } if is_told(step) => self.step_started(step, event.at),
            Fact::StepFinished { step, outcome, .. } if is_told(step) => {
                self.step_finished(step, outcome, event.at);
            }
            // A run with a skipped step didn't do what was requested, whatever the cause.
            Fact::StepSkipped { .. } => self.failed = true,
            Fact::RunFinished { .. } => {
                if let Some(run) = self.run.clone() {
                    let kind = if self.failed { "FAIL" } else { "COMPLETE" };
                    let last = self.run_event(kind, event.at, &run, Map::new());
                    self.send(&last);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Waits for queued events, up to a limit.
    fn finish(&mut self) -> Result<(), SinkError> {
        self.transport.take().map_or(Ok(()), Transport::finish)
    }
}

/// Returns true if a step is a job in OpenLineage. Unit tests read no tables, freshness checks aren't
/// lineage, and up-to-date steps don't run.
fn is_told(step: &Step) -> bool {
    !matches!(step.action, Action::UnitTest | Action::Freshness) && !step.reason.is_idle()
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Test => "TEST",
        Action::Seed => "SEED",
        Action::Snapshot => "SNAPSHOT",
        _ => "MODEL",
    }
}

/// Builds one event.
fn event(
    kind: &str,
    at: DateTime<Utc>,
    (run, facets): (&str, Map<String, Value>),
    job: &Value,
    (inputs, outputs): (Vec<Value>, Vec<Value>),
) -> Value {
    json!({
        "eventType": kind,
        "eventTime": timestamp(at),
        "run": { "runId": run, "facets": facets },
        "job": job,
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": RUN_EVENT,
    })
}

/// Adds the fields common to all facets: the producer and the schema (`1-1-0/SQLJobFacet`).
fn facet(mut content: Value, schema: &str) -> Value {
    let name = schema.rsplit('/').next().unwrap_or(schema);
    content["_producer"] = PRODUCER.into();
    content["_schemaURL"] = format!("https://openlineage.io/spec/facets/{schema}.json#/$defs/{name}").into();
    content
}

fn parent_facet(run: &str, namespace: &str, job: &str) -> Value {
    let parent = json!({ "run": { "runId": run }, "job": { "namespace": namespace, "name": job } });
    facet(parent, "1-2-0/ParentRunFacet")
}

fn engine() -> Value {
    let engine = json!({
        "name": "headwater",
        "version": env!("CARGO_PKG_VERSION"),
        "openlineageAdapterVersion": env!("CARGO_PKG_VERSION"),
    });
    facet(engine, "1-1-1/ProcessingEngineRunFacet")
}

fn job_type(kind: &str) -> Value {
    let job = json!({ "processingType": "BATCH", "integration": "HEADWATER", "jobType": kind });
    facet(job, "2-0-4/JobTypeJobFacet")
}
