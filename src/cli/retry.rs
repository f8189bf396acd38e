//! `retry`: runs the last command again for nodes that failed, were withheld or never ran.

use std::{io::Write, process::ExitCode};

use super::{
    args::{Global, RunArgs, SeedArgs, SnapshotArgs},
    build,
    failure::Failure,
    recorded_args::{recorded, recorded_global},
    request::CommandRequest,
    streams::stdout,
    target::target_path,
};
use crate::report::LastRun;

pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let path = target_path(global)?.join("run_results.json");
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
    let request = match command {
        "build" => CommandRequest::build(&args),
        "run" => CommandRequest::run(&args.test.run),
        "seed" => CommandRequest::seed(&seed),
        "snapshot" => CommandRequest::snapshot(&snapshot),
        "test" => CommandRequest::test(&args.test),
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
    build::run(&global, &request.again(&last)).await
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
