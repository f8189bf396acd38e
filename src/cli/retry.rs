//! `retry`: runs the last command again for nodes that failed, were withheld or never ran.

use std::{io::Write, process::ExitCode};

use super::{args::Global, failure::Failure, pipeline, streams::stdout};
use crate::workspace::{last_run, recorded_args};

pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let last = last_run(&global.artifacts_path()?)?;
    let command = recorded_args::command(&last.args);
    let Some(mut request) = recorded_args::request(&last.args) else {
        let message = format!("the last command, `{command}`, can't be retried");
        return Err(Failure::hinted(message, "`retry` repeats build, run, seed, snapshot and test"));
    };
    if last.unfinished().is_empty() {
        if !global.quiet {
            writeln!(stdout(), "Nothing to retry: every node of the last `{command}` ended well.")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let options = recorded_args::options(global.load_options()?, &last.args);
    request.again = Some(last);
    pipeline::run_with(global, &options, request).await
}
