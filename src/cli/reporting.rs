//! Reporting: the sinks that receive a run's events, and the exit code.

use std::{
    io::{IsTerminal, stdout},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use super::{
    args::Global, colour::stdout_in_colour, environment::command_line, failure::NODE_FAILED,
    log_format::LogFormat, streams,
};
use crate::{
    artifact::Invocation,
    plan::Step,
    report::{
        EventSink, FileLookup, JsonLines, Level, Reporter, RunResult, RunResults, SourcesJson, Terminal,
        TerminalStyle,
    },
    workspace::{LoadOptions, Request, recorded_args},
};

/// Returns the exit code for a run's result.
pub(super) fn exit_code(result: &RunResult) -> ExitCode {
    if result.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NODE_FAILED) }
}

/// The inputs of a run's reporter.
pub(super) struct Reporting<'a> {
    pub(super) global: &'a Global,
    pub(super) options: &'a LoadOptions,
    pub(super) request: &'a Request,
    /// The folder for artifacts.
    pub(super) artifacts: &'a Path,
    pub(super) database: &'a str,
}

impl Reporting<'_> {
    /// Creates the reporter of a run with these `planned` steps, or of a replayed run if `None`.
    pub(super) fn reporter(self, lookup: FileLookup, planned: Option<Vec<Arc<Step>>>) -> Reporter {
        let lines = self.lines(&lookup);
        let invocation = Invocation {
            database: self.database.to_owned(),
            args: recorded_args::record(self.options, self.request, &command_line()),
            ..Invocation::default()
        };
        let sources = SourcesJson::new(self.artifacts.join("sources.json"), invocation.clone());
        let path = self.artifacts.join("run_results.json");
        let results = match planned {
            Some(planned) => RunResults::new(path, invocation, lookup, planned),
            None => RunResults::new(path, invocation, lookup, Vec::new()).replayed(),
        };
        let mut sinks: Vec<Box<dyn EventSink>> = vec![lines, Box::new(sources)];
        // As in dbt, freshness results have their own file, and `retry` refers to the last build.
        if self.request.command != "freshness" {
            sinks.insert(1, Box::new(results));
        }
        Reporter::new(sinks)
    }

    /// Returns the sink of the log lines on stdout or stderr.
    fn lines(&self, lookup: &FileLookup) -> Box<dyn EventSink> {
        let quiet = self.global.quiet;
        let mut style = TerminalStyle::new(*chrono::Local::now().offset());
        style.colour = stdout_in_colour();
        style.quiet = quiet;
        let lookup = Arc::clone(lookup);
        match self.global.log_format {
            LogFormat::Json => {
                let least = if quiet { Level::Warn } else { Level::Info };
                Box::new(JsonLines::new(Box::new(streams::stdout()), least, std::process::id(), lookup))
            }
            LogFormat::Text if quiet => Box::new(Terminal::plain(Box::new(streams::stderr()), style, lookup)),
            LogFormat::Text if stdout().is_terminal() => Box::new(Terminal::live(style, lookup)),
            LogFormat::Text => Box::new(Terminal::plain(Box::new(streams::stdout()), style, lookup)),
        }
    }
}
