//! `retry`: runs the last command again for nodes that failed, were withheld or never ran.

use std::{
    collections::BTreeSet,
    io::{Write, stdout},
    process::ExitCode,
};

use super::{
    args::{Global, RunArgs, SeedArgs, SnapshotArgs},
    asked::Asked,
    build,
    context::artifacts,
    failure::{self, Failure},
    flags::{recorded, recorded_global},
};
use crate::{
    manifest::{Manifest, Node},
    name::NodeId,
    report::LastRun,
};

pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let path = artifacts(global)?.join("run_results.json");
    let last = LastRun::read(&path).map_err(|error| {
        Failure::hinted(
            format!("can't read the results of the last run, {}: {error}", path.display()),
            "run the command itself again",
        )
    })?;
    let Some(last) = last else {
        let message = format!("there is no last run to retry: {} is not there", path.display());
        return Err(Failure::hinted(message, "headwater build"));
    };
    let command = last.args.get("which").and_then(serde_json::Value::as_str).unwrap_or_default();
    let args = recorded(&last.args);
    let (seed, snapshot) = (seed(&args.test.run), snapshot(&args.test.run));
    let asked = match command {
        "build" => Asked::build(&args),
        "run" => Asked::run(&args.test.run),
        "seed" => Asked::seed(&seed),
        "snapshot" => Asked::snapshot(&snapshot),
        "test" => Asked::test(&args.test),
        other => {
            let message = format!("the last command, `{other}`, is none that can be retried");
            return Err(Failure::hinted(message, "`retry` knows build, run, seed, snapshot and test"));
        }
    };
    let unfinished = last.unfinished();
    if unfinished.is_empty() {
        if !global.quiet {
            writeln!(stdout(), "Nothing to retry: every node of the last `{command}` ended well.")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let global = recorded_global(global, &last.args);
    build::run(&global, &asked.again(&last)).await
}

/// Returns the arguments that `seed` shares with `run`.
fn seed(run: &RunArgs) -> SeedArgs {
    SeedArgs {
        select: run.select.clone(),
        fail_fast: run.fail_fast,
        force: run.rebuild.force,
        full_refresh: run.rebuild.full_refresh,
    }
}

/// Returns the arguments that `snapshot` shares with `run`.
fn snapshot(run: &RunArgs) -> SnapshotArgs {
    SnapshotArgs { select: run.select.clone(), fail_fast: run.fail_fast, force: run.rebuild.force }
}

/// Returns the nodes to retry: the unfinished ones, and the `selected` tests on them. A version is published
/// if all its tests pass, not only those that failed last time. Warns on stderr about nodes that no longer
/// exist.
pub(super) fn nodes(
    unfinished: &BTreeSet<NodeId>,
    selected: BTreeSet<NodeId>,
    manifest: &Manifest,
) -> BTreeSet<NodeId> {
    let (mut nodes, gone): (BTreeSet<NodeId>, Vec<&NodeId>) = (
        unfinished.iter().filter(|id| manifest.nodes.contains_key(*id)).cloned().collect(),
        unfinished.iter().filter(|id| !manifest.nodes.contains_key(*id)).collect(),
    );
    for id in gone {
        failure::warn(&format!("{id} is not in the project any more and is not retried"));
    }
    let judges = |id: &NodeId| {
        matches!(manifest.nodes.get(id), Some(Node::Test(_) | Node::UnitTest(_)))
            && manifest.graph.parents(id).into_iter().any(|parent| unfinished.contains(parent))
    };
    nodes.extend(selected.into_iter().filter(judges));
    nodes
}
