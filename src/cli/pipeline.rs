//! The pipeline of the commands that run nodes: compile everything, then run the plan and report progress.

use std::{env, path::Path, process::ExitCode};

use super::{
    args::Global,
    colour::stderr_in_colour,
    environment::{self, command_line},
    failure::{self, Failure},
    loading::{load_with, prepare},
    log_format::LogLevel,
    openlineage,
    reporting::{Reporting, exit_code},
    signal::Cancellable,
};
use crate::{
    diag::Diagnostic,
    report::{Reporter, RunResult, SinkError},
    workspace::{
        Ending, Executed, LoadOptions, Prepared, RecordedRequest, Replay, Request, Workspace, recorded_args,
    },
};

/// Runs a request with the options of this command line.
pub(super) async fn run(global: &Global, request: Request) -> Result<ExitCode, Failure> {
    run_with(global, &global.load_options()?, request).await
}

/// Runs a request with these options.
pub(super) async fn run_with(
    global: &Global,
    options: &LoadOptions,
    request: Request,
) -> Result<ExitCode, Failure> {
    // Before anything else, so that no signal interrupts a write.
    let command = Cancellable::begin();
    let flags = recorded_args::record(options, &request, &command_line());
    let options = &LoadOptions { flags, ..options.clone() };
    let mut pipeline = Pipeline { global, options, request, command };
    loop {
        if let Some(code) = Box::pin(pipeline.once()).await? {
            return Ok(code);
        }
    }
}

struct Pipeline<'a> {
    global: &'a Global,
    options: &'a LoadOptions,
    request: Request,
    command: Cancellable,
}

impl Pipeline<'_> {
    /// Runs the request. Returns `None` if it must be run again.
    async fn once(&mut self) -> Result<Option<ExitCode>, Failure> {
        let recorded = self.recorded();
        if let Some(replay) = recorded.as_ref().and_then(|recorded| recorded.replay(&self.request)) {
            return Ok(Some(self.report(replay)));
        }
        self.request.watch = recorded.is_some();
        let (workspace, mut warnings) = load_with(self.options)?;
        let Some(prepared) = self.prepared(&workspace).await? else {
            return Ok(Some(self.command.cancelled()));
        };
        warnings.extend(prepared.diagnostics.iter().cloned());
        let run = workspace.begin(prepared, &self.request, self.command.cancel.clone()).await?;
        for failed in &run.unrepaired {
            failure::warn(&failed.to_string());
        }
        let planned = run.steps().cloned().collect();
        let mut reporter =
            self.reporting(&run.artifacts, &run.info.target).reporter(run.lookup(), Some(planned));
        reporter.extend(
            openlineage::wanted()
                .map(|wanted| run.lineage_events(wanted.endpoint, wanted.namespace, wanted.parent)),
        );
        self.command.set_running(true);
        match run.start_hooks().await {
            Ok(more) => failure::show_of_hooks(&more, self.options.quiet),
            Err(findings) => {
                run.end().await;
                failure::show_of_hooks(&findings, self.options.quiet);
                return Ok(Some(ExitCode::from(failure::NODE_FAILED)));
            }
        }
        let Executed { steps, hooks } = run.execute(&mut |event| reporter.event(event)).await;
        self.command.set_running(false);
        let (result, lost) = finish(reporter);
        let contradicted = run.record_samples().await?;
        if !contradicted.is_empty() {
            warn_of_samples(&contradicted);
            // Models of other sources are up to date by now.
            return Ok(None);
        }
        let failed_hook = hooks.is_err();
        failure::show_of_hooks(&hooks.unwrap_or_else(|findings| findings), self.options.quiet);
        if failed_hook {
            return Ok(Some(ExitCode::from(failure::NODE_FAILED)));
        }
        if let Some(recorded) = recorded.filter(|_| lost.is_empty()) {
            let is_success = result.exit_code() == 0;
            run.record(recorded, Ending { steps, is_success, warnings: self.shown(&warnings) }).await;
        }
        Ok(Some(exit_code(&result)))
    }

    /// Returns the request to answer from a record, if the user and the environment permit it.
    fn recorded(&self) -> Option<RecordedRequest> {
        let is_wanted = self.global.wants_partial_parse()
            && matches!(self.global.log_level, LogLevel::Error | LogLevel::Warn)
            && !openlineage::is_mentioned()
            && !environment::is_crash_test();
        if !is_wanted {
            return None;
        }
        RecordedRequest::new(self.options, &self.request, &env::current_exe().ok()?)
    }

    /// Prepares the request. Returns `None` if it was cancelled.
    async fn prepared(&self, workspace: &Workspace) -> Result<Option<Prepared>, Failure> {
        let prepared = tokio::select! {
            biased;
            () = self.command.cancel.cancelled() => return Ok(None),
            prepared = prepare(workspace, &self.request, self.options.quiet) => prepared?,
        };
        Ok(Some(prepared).filter(|_| !self.command.cancel.is_cancelled()))
    }

    fn reporting<'b>(&'b self, artifacts: &'b Path, database: &'b str) -> Reporting<'b> {
        Reporting { global: self.global, options: self.options, request: &self.request, artifacts, database }
    }

    /// Reports a recorded run.
    fn report(&self, replay: Replay) -> ExitCode {
        failure::say(&replay.warnings[usize::from(stderr_in_colour())]);
        let lookup = replay.lookup.clone();
        let mut reporter = self.reporting(&replay.artifacts, &replay.info.target).reporter(lookup, None);
        replay.emit(&mut |event| reporter.event(event));
        exit_code(&finish(reporter).0)
    }

    /// Returns the warnings as they were shown, without colour and in colour.
    fn shown(&self, warnings: &[Diagnostic]) -> [String; 2] {
        [false, true].map(|colour| failure::text(warnings, self.options.quiet, colour))
    }
}

/// Finishes the sinks, and warns about those that failed.
fn finish(reporter: Reporter) -> (RunResult, Vec<SinkError>) {
    let (result, lost) = reporter.finish();
    for sink in &lost {
        failure::warn(&sink.to_string());
    }
    (result, lost)
}

fn warn_of_samples(contradicted: &[String]) {
    for name in contradicted {
        failure::warn(&format!(
            "the columns of {name} were inferred from a sample of its files, but other files have different \
             values or columns; reading all files, and building the source's readers again"
        ));
    }
}
