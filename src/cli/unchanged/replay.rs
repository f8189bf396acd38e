//! Replay: answers a command from the record of the last run, if nothing that it read has changed.

use std::{
    collections::{BTreeMap, HashMap},
    process::ExitCode,
    sync::Arc,
};

use chrono::Utc;

use super::{
    record::{self, RecordBody, RecordedNode},
    recorded_request::{RecordedRequest, hex},
};
use crate::{
    artifact::{
        ArtifactOrigin,
        renewal::{Renewal, Renewed},
    },
    cli::{
        args::Global,
        clock::clock,
        colour::stderr_in_colour,
        failure::{self, Failure},
        reporting::{Reporting, exit_code},
        request::CommandRequest,
    },
    name::NodeId,
    parallel,
    report::{FileLookup, NodeFile, TargetPath},
    run::scheduler,
    stamp,
};

/// The minimum number of files per thread: fewer aren't worth a thread.
const FEWEST: usize = 1024;

/// Reports the recorded run again, as a run of its own. Returns `None`, before reporting anything, if there
/// is no record of this command or if anything changed.
pub(in crate::cli) fn replay(
    recorded: &RecordedRequest,
    global: &Global,
    request: &CommandRequest<'_>,
) -> Option<Result<ExitCode, Failure>> {
    let stored = record::read(&recorded.path()).filter(|stored| recorded.is_of(&stored.head))?;
    let body = stored.body()?;
    let started = clock().ok()?;
    let threads = body.info.threads();
    if !body.conditions.is_quiet() || !body.conditions.hold(started, threads) {
        return None;
    }
    let invocation_id = uuid::Uuid::new_v4().to_string();
    let env = BTreeMap::new();
    let origin = ArtifactOrigin { invocation_id: &invocation_id, started, generated: Utc::now(), env: &env };
    let renewed = renewed(recorded, &body, &origin, threads)?;
    let RecordBody { info, warnings, nodes, .. } = body;
    let target = info.target().to_owned();
    let info = info.info(request.command, invocation_id.clone(), nodes.len())?;
    for artifact in renewed {
        artifact.write().ok()?;
    }
    failure::say(&warnings[usize::from(stderr_in_colour())]);
    let mut files: HashMap<NodeId, NodeFile> = HashMap::with_capacity(nodes.len());
    let mut steps = Vec::with_capacity(nodes.len());
    for RecordedNode { step, path, code } in nodes {
        files.insert(step.node().clone(), NodeFile { path, compiled_code: code });
        steps.push(step);
    }
    let lookup: FileLookup = Arc::new(move |id| files.get(id).cloned());
    let target_path = TargetPath::new(recorded.target_path.clone());
    let reporting = Reporting { global, request, target: &target_path, lookup, database: &target };
    Some(reporting.reporter(None).map(|mut reporter| {
        let outcomes = steps.into_iter().map(crate::run::unchanged::steps::RecordedStep::into_outcome);
        scheduler::replay(info, outcomes, &mut |event| reporter.event(event));
        let (result, lost) = reporter.finish();
        for sink in lost {
            failure::warn(&sink.to_string());
        }
        exit_code(&result)
    }))
}

/// Returns the artifacts to renew, or `None` if any of them or the compiled SQL changed.
fn renewed(
    recorded: &RecordedRequest,
    body: &RecordBody,
    origin: &ArtifactOrigin<'_>,
    threads: usize,
) -> Option<Vec<Renewed>> {
    let stands = parallel::in_parallel(&body.compiled, threads, FEWEST, |(path, stamp)| {
        stamp::of(&recorded.target_path.join(path)).is_some_and(|now| hex(now) == *stamp)
    });
    if stands.contains(&false) {
        return None;
    }
    let renewed = parallel::in_parallel(&body.artifacts, threads, 1, |(name, digest)| {
        let renewal = Renewal::of(&recorded.target_path.join(name))?;
        if renewal.digest() == *digest { renewal.prepare(origin) } else { None }
    });
    renewed.into_iter().collect()
}
