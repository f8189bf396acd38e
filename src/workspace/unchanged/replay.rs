//! Replay: answers a request from the record of the last run, if nothing that it read has changed.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use super::{
    record::{self, RecordBody, RecordedNode},
    recorded_request::{RecordedRequest, hex},
};
use crate::{
    artifact::{
        ArtifactOrigin,
        renewal::{Renewal, Renewed},
    },
    event::{Event, RunInfo},
    name::NodeId,
    parallel,
    report::{FileLookup, NodeFile},
    run::{scheduler, unchanged::steps::RecordedStep},
    stamp,
    workspace::{
        clock::{clock, generated_at},
        request::Request,
    },
};

/// The minimum number of files per thread: fewer aren't worth a thread.
const FEWEST: usize = 1024;

/// A recorded run, to be reported again as a run of its own. Its artifacts are renewed.
pub struct Replay {
    /// The facts known before the first step.
    pub info: RunInfo,
    /// The folder for artifacts.
    pub artifacts: PathBuf,
    /// The warnings before the run, without colour and in colour.
    pub warnings: [String; 2],
    /// The nodes' files and compiled SQL.
    pub lookup: FileLookup,
    steps: Vec<RecordedStep>,
}

impl Replay {
    /// Reports the run: `emit` receives every event.
    pub fn emit(self, emit: &mut dyn FnMut(&Event)) {
        let outcomes = self.steps.into_iter().map(RecordedStep::into_outcome);
        scheduler::replay(self.info, outcomes, emit);
    }
}

impl RecordedRequest {
    /// Returns the recorded run, and renews its artifacts. Returns `None` if there is no record of this
    /// request or if anything changed.
    #[must_use]
    pub fn replay(&self, request: &Request) -> Option<Replay> {
        let stored = record::read(&self.path()).filter(|stored| self.is_of(&stored.head))?;
        let body = stored.body()?;
        let started = clock().ok()?;
        let threads = body.info.threads();
        if !body.conditions.is_quiet() || !body.conditions.hold(started, threads) {
            return None;
        }
        let invocation_id = uuid::Uuid::new_v4().to_string();
        let env = BTreeMap::new();
        let generated = generated_at();
        let origin = ArtifactOrigin { invocation_id: &invocation_id, started, generated, env: &env };
        let renewed = self.renewed(&body, &origin, threads)?;
        let RecordBody { info, warnings, nodes, .. } = body;
        let info = info.info(request.command, invocation_id.clone(), nodes.len())?;
        for artifact in renewed {
            artifact.write().ok()?;
        }
        let mut files: HashMap<NodeId, NodeFile> = HashMap::with_capacity(nodes.len());
        let mut steps = Vec::with_capacity(nodes.len());
        for RecordedNode { step, path, code } in nodes {
            files.insert(step.node().clone(), NodeFile { path, compiled_code: code });
            steps.push(step);
        }
        let lookup: FileLookup = Arc::new(move |id| files.get(id).cloned());
        Some(Replay { info, artifacts: self.target_path.clone(), warnings, lookup, steps })
    }

    /// Returns the artifacts to renew, or `None` if any of them or the compiled SQL changed.
    fn renewed(
        &self,
        body: &RecordBody,
        origin: &ArtifactOrigin<'_>,
        threads: usize,
    ) -> Option<Vec<Renewed>> {
        let are_unchanged = parallel::in_parallel(&body.compiled, threads, FEWEST, |(path, stamp)| {
            stamp::of(&self.target_path.join(path)).is_some_and(|now| hex(now) == *stamp)
        });
        if are_unchanged.contains(&false) {
            return None;
        }
        let renewed = parallel::in_parallel(&body.artifacts, threads, 1, |(name, digest)| {
            let renewal = Renewal::of(&self.target_path.join(name))?;
            if renewal.digest() == *digest { renewal.prepare(origin) } else { None }
        });
        renewed.into_iter().collect()
    }
}
