//! Requests that the record of an earlier run may answer, and the record that a run leaves.

use std::{
    env,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::record::{self, RecordBody, RecordHead, RecordedInfo, RecordedNode};
use crate::{
    artifact::renewal::Renewal,
    cli::{
        args::{Global, LogLevel},
        failure, openlineage,
        request::{CommandRequest, FreshnessChecks},
        target::cores,
    },
    compile::Compiled,
    diag::Diagnostic,
    event::RunInfo,
    jinja::Jinja,
    manifest::Manifest,
    project::ProjectState,
    report::FileLookup,
    run::{
        observed::ObservedState,
        planning::Rebuild,
        unchanged::{
            conditions::{Conditions, TablesState, WatchedTables},
            steps::RecordedStep,
        },
    },
    stamp,
};

/// The name of the record's file in the target path.
const FILE: &str = "partial_parse.cache";

/// The artifacts that describe the project.
const ARTIFACTS: [&str; 2] = ["manifest.json", "graph_summary.json"];

/// A command that the record of an earlier run may answer.
pub(in crate::cli) struct RecordedRequest {
    /// The project's folder.
    root: PathBuf,
    pub(super) target_path: PathBuf,
    /// Everything in the command that affects the run, as one text.
    text: String,
    /// A digest of the project's files before any was parsed.
    files: u128,
}

impl RecordedRequest {
    /// Creates the request for a command. Returns `None` if the command always has something to do, or if
    /// changes can't be detected.
    pub(in crate::cli) fn new(global: &Global, request: &CommandRequest<'_>) -> Option<Self> {
        let is_plain = request.builds()
            && request.again.is_none()
            && request.rebuild == Rebuild::Stale
            && request.event_time.is_none()
            && request.freshness == FreshnessChecks::Off;
        let is_wanted = global.wants_partial_parse()
            && matches!(global.log_level, LogLevel::Error | LogLevel::Warn)
            && !openlineage::is_mentioned()
            && env::var_os("HEADWATER_FAULT").is_none();
        if !is_plain || !is_wanted {
            return None;
        }
        let root = global.project_dir.canonicalize().ok()?;
        let state = ProjectState::of(&root)?;
        let target_path = match &global.target_path {
            Some(path) => std::path::absolute(path).ok()?,
            None => state.target,
        };
        let text = text(global, request, (&root, &target_path))?;
        Some(Self { root, target_path, text, files: state.digest })
    }

    /// Returns the path of the record.
    pub(super) fn path(&self) -> PathBuf {
        self.target_path.join(FILE)
    }

    /// Returns whether a record belongs to the same command, files and environment.
    pub(super) fn is_of(&self, head: &RecordHead) -> bool {
        head.files == hex(self.files)
            && head.request == salted(&head.salt, &self.text)
            && head.env == environment(&head.salt, &head.env_vars)
    }

    /// Records a run for the next one if nothing is left to do and everything that the run read can be
    /// watched. Otherwise, the next run is a full one.
    pub(in crate::cli) fn record(self, run: Done<'_>) {
        let path = self.path();
        let written = self.records(run).and_then(|(head, body)| record::write(&path, &head, &body).ok());
        if written.is_none() {
            // An existing record describes another state.
            let _ = std::fs::remove_file(path);
        }
    }

    fn records(&self, run: Done<'_>) -> Option<(RecordHead, RecordBody)> {
        let steps = run.steps?;
        let inputs = run.jinja.external_inputs();
        if inputs.volatile {
            return None;
        }
        let conditions = Conditions::of(
            run.tables?,
            (run.manifest, run.compiled, run.seen),
            run.started,
            run.info.threads,
        )?;
        let artifacts = ARTIFACTS.map(|name| {
            let renewal = Renewal::of(&self.target_path.join(name))?;
            Some((name.to_owned(), renewal.digest()))
        });
        let compiled = run.written.into_iter().map(|path| {
            let stamp = stamp::of(&self.target_path.join(&path))?;
            Some((path, hex(stamp)))
        });
        let nodes = steps.into_iter().map(|step| {
            let file = (run.lookup)(step.node()).unwrap_or_default();
            RecordedNode { step, path: file.path, code: file.compiled_code }
        });
        let salt = uuid::Uuid::new_v4().simple().to_string();
        let env_vars: Vec<String> = inputs.env_vars.into_iter().collect();
        let body = RecordBody {
            conditions,
            info: RecordedInfo::new(run.info),
            warnings: [false, true].map(|colour| {
                run.warnings.iter().map(|shown| failure::text(shown, run.quiet, colour)).collect()
            }),
            artifacts: artifacts.into_iter().collect::<Option<_>>()?,
            compiled: compiled.collect::<Option<_>>()?,
            nodes: nodes.collect(),
        };
        let head = RecordHead {
            request: salted(&salt, &self.text),
            files: hex(self.files),
            env: environment(&salt, &env_vars),
            env_vars,
            salt,
        };
        // Check this last: the run may not have seen files that changed after it began.
        (ProjectState::of(&self.root)?.digest == self.files).then_some((head, body))
    }
}

/// A finished run.
pub(in crate::cli) struct Done<'a> {
    pub(in crate::cli) manifest: &'a Manifest,
    pub(in crate::cli) jinja: &'a Jinja,
    pub(in crate::cli) compiled: &'a Compiled,
    pub(in crate::cli) seen: &'a ObservedState,
    /// The tables, and their state before any was read.
    pub(in crate::cli) tables: Option<(WatchedTables, TablesState)>,
    /// The steps to report again, or `None` if the next run has something to do.
    pub(in crate::cli) steps: Option<Vec<RecordedStep>>,
    pub(in crate::cli) info: RunInfo,
    /// The time as of which it was planned.
    pub(in crate::cli) started: chrono::DateTime<chrono::Utc>,
    /// The warnings shown before the run, one list for each time.
    pub(in crate::cli) warnings: Vec<Vec<Diagnostic>>,
    pub(in crate::cli) quiet: bool,
    pub(in crate::cli) lookup: FileLookup,
    /// The files of compiled SQL, relative to the target path.
    pub(in crate::cli) written: Vec<PathBuf>,
}

/// Returns everything in a command that affects the run: the binary, the flags and the folders. Returns
/// `None` if the binary can't be inspected.
fn text(global: &Global, request: &CommandRequest<'_>, places: (&Path, &Path)) -> Option<String> {
    let binary = env::current_exe().ok()?;
    let build = (env!("CARGO_PKG_VERSION"), stamp::of(&binary)?, binary);
    let select = request.select;
    let nodes = (request.command, &select.select, &select.exclude, select.indirect_selection);
    let how = (request.fail_fast, request.keep, global.quiet, global.threads, cores());
    let settings = (&global.target, &global.vars);
    Some(format!("{:?}", (build, places, nodes, how, settings)))
}

/// Returns a digest of these environment variables, salted so that their values can't be guessed from it.
fn environment(salt: &str, names: &[String]) -> String {
    let values: Vec<_> = names.iter().map(|name| (name, env::var_os(name))).collect();
    salted(salt, &format!("{values:?}"))
}

fn salted(salt: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update("\n").chain_update(text).finalize();
    digest.iter().fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Formats a digest.
pub(super) fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}
