//! Failures that stop a command, shown on stderr with an exit code.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::{colour::stderr_in_colour, streams::stderr};
use crate::{
    compile::Compiled,
    diag::{Diagnostic, Severity, render},
    engine::{self, EngineError},
    lake::LakeError,
    secret::scrubbed,
    workspace::WorkspaceError,
};

/// The exit code if a node failed or was skipped because of a failure.
pub(super) const NODE_FAILED: u8 = 1;
/// The exit code if nothing could run: usage, project or environment errors.
pub(super) const COULD_NOT_RUN: u8 = 2;

/// The reason why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Errors in the user's files.
    Findings(Vec<Diagnostic>),
    /// Errors in nodes, without which other nodes could run.
    NodeErrors(Vec<Diagnostic>),
    /// Any other error, with an optional hint.
    Message { message: String, hint: Option<String> },
    /// The reader of our output closed the pipe.
    BrokenPipe,
}

impl Failure {
    pub(super) fn message(message: impl Into<String>) -> Self {
        Self::Message { message: message.into(), hint: None }
    }

    pub(super) fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Message { message: message.into(), hint: Some(hint.into()) }
    }

    /// Shows the failure on stderr and returns the exit code.
    pub(super) fn report(self, quiet: bool) -> ExitCode {
        match self {
            Self::BrokenPipe => return ExitCode::SUCCESS,
            Self::Findings(findings) => show(&findings, quiet),
            Self::NodeErrors(findings) => {
                show(&findings, quiet);
                say(
                    "hint: `--static-analysis baseline` runs everything but these nodes and what reads them\n",
                );
            }
            Self::Message { message, hint } => {
                let hint = hint.map_or(String::new(), |hint| format!("\nhint: {hint}\n"));
                let text = format!("error: {message}\n{hint}");
                // Nothing can be done if stderr is closed.
                let _ = stderr().write_all(text.as_bytes());
            }
        }
        ExitCode::from(COULD_NOT_RUN)
    }
}

/// The maximum number of findings to show; the others are only counted.
const SHOWN: usize = 500;

/// Shows findings on stderr, followed by their count. `quiet` omits warnings.
pub(super) fn show(findings: &[Diagnostic], quiet: bool) {
    say(&text(findings, quiet, stderr_in_colour()));
}

/// Shows findings about hooks and operations, which run before or after the nodes.
pub(super) fn show_of_hooks(findings: &[Diagnostic], quiet: bool) {
    for finding in findings.iter().filter(|found| found.is_error() || !quiet) {
        say(&format!("{}\n\n", render::to_string(finding, stderr_in_colour())));
    }
}

/// Says text on stderr that may have colour.
pub(super) fn say(text: &str) {
    // Nothing is left to do if stderr is gone.
    let _ = anstream::stderr().write_all(scrubbed(text).as_bytes());
}

/// Findings as they are shown.
pub(super) fn text(findings: &[Diagnostic], quiet: bool, colour: bool) -> String {
    let (mut text, errors) = listed(findings, quiet, colour);
    if errors > 0 {
        let count = format!("{}: nothing was run\n", counted(errors));
        text.push_str(&count);
    }
    text
}

/// Shows the errors of nodes that fail alone.
pub(super) fn show_of_nodes(compiled: &Compiled) {
    let findings: Vec<Diagnostic> =
        compiled.errors_by_node().flat_map(|(_, findings)| findings).cloned().collect();
    if findings.is_empty() {
        return;
    }
    let (text, errors) = listed(&findings, true, stderr_in_colour());
    let nodes = match compiled.errors_by_node().count() {
        1 => "1 node".to_owned(),
        nodes => format!("{nodes} nodes"),
    };
    say(&format!("{text}{} in {nodes}; what doesn't read them isn't affected\n\n", counted(errors)));
}

/// Returns findings as they are shown, and the number of errors among them.
fn listed(findings: &[Diagnostic], quiet: bool, colour: bool) -> (String, usize) {
    let (mut errors, mut shown) = (0, 0);
    let mut text = String::new();
    for finding in findings {
        if finding.severity == Severity::Error {
            errors += 1;
        } else if quiet {
            continue;
        }
        shown += 1;
        if shown <= SHOWN {
            text.push_str(&render::to_string(finding, colour));
            text.push_str("\n\n");
        }
    }
    if shown > SHOWN {
        let more = format!("… and {} more\n\n", shown - SHOWN);
        text.push_str(&more);
    }
    (text, errors)
}

fn counted(errors: usize) -> String {
    let plural = if errors == 1 { "" } else { "s" };
    format!("{errors} error{plural}")
}

/// Warns on stderr about something the command continues without.
pub(super) fn warn(message: &str) {
    // Nothing can be done if stderr is closed.
    let _ = writeln!(stderr(), "warning: {message}");
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(findings: Vec<Diagnostic>) -> Self {
        Self::Findings(findings)
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        Self::message(error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(found) = cause {
            if found.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
                return Self::BrokenPipe;
            }
            cause = found.source();
        }
        Self::message(engine::message(&error))
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Diagnostics(findings) => Self::Findings(findings),
            WorkspaceError::Lake(error) => error.into(),
            WorkspaceError::Engine(error) => error.into(),
            WorkspaceError::Io(error) => error.into(),
            WorkspaceError::Other { message, hint } => Self::Message { message, hint },
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
        } else {
            Self::message(error.to_string())
        }
    }
}
