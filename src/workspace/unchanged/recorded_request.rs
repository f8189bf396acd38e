//! Requests that the record of an earlier run may answer, and the record that a run leaves.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::record::{self, RecordBody, RecordHead, RecordedInfo, RecordedNode};
use crate::{
    artifact::renewal::Renewal,
    compile::Compiled,
    event::RunInfo,
    jinja::Jinja,
    manifest::Manifest,
    project::ProjectState,
    report::FileLookup,
    run::{
        observed::ObservedState,
        unchanged::{
            conditions::{Conditions, TablesState, WatchedTables},
            steps::RecordedStep,
        },
    },
    stamp,
    workspace::{options::LoadOptions, request::Request, target::cores},
};

/// The name of the record's file in the target path.
const FILE: &str = "partial_parse.cache";

/// The artifacts that describe the project.
const ARTIFACTS: [&str; 2] = ["manifest.json", "graph_summary.json"];

/// A request that the record of an earlier run may answer.
pub struct RecordedRequest {
    /// The project's folder.
    root: PathBuf,
    pub(super) target_path: PathBuf,
    /// Everything in the command that affects the run, as one text.
    text: String,
    /// A digest of the project's files before any was parsed.
    files: u128,
    /// The environment variables that templates may read.
    env: BTreeMap<String, String>,
}

impl RecordedRequest {
    /// Creates the request, as made by the running binary in the file `program`. Returns `None` if it always
    /// has something to do, or if changes can't be detected.
    #[must_use]
    pub fn new(options: &LoadOptions, request: &Request, program: &Path) -> Option<Self> {
        if !request.may_be_idle() || !options.buffers.is_empty() {
            return None;
        }
        let root = options.project_dir.canonicalize().ok()?;
        let state = ProjectState::of(&root)?;
        let target_path = options.target_path.clone().unwrap_or(state.target);
        let text = text(options, request, program, (&root, &target_path))?;
        Some(Self { root, target_path, text, files: state.digest, env: options.env.clone() })
    }

    /// Returns the path of the record.
    pub(super) fn path(&self) -> PathBuf {
        self.target_path.join(FILE)
    }

    /// Returns whether a record belongs to the same command, files and environment.
    pub(super) fn is_of(&self, head: &RecordHead) -> bool {
        head.files == hex(self.files)
            && head.request == salted(&head.salt, &self.text)
            && head.env == self.environment(&head.salt, &head.env_vars)
    }

    /// Records a run for the next one if nothing is left to do and everything that the run read can be
    /// watched. Otherwise, the next run is a full one.
    pub(in crate::workspace) fn record(self, run: Done<'_>) {
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
            (run.manifest, run.compiled, run.observed),
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
            warnings: run.warnings,
            artifacts: artifacts.into_iter().collect::<Option<_>>()?,
            compiled: compiled.collect::<Option<_>>()?,
            nodes: nodes.collect(),
        };
        let head = RecordHead {
            request: salted(&salt, &self.text),
            files: hex(self.files),
            env: self.environment(&salt, &env_vars),
            env_vars,
            salt,
        };
        // Check this last: the run may not have seen files that changed after it began.
        (ProjectState::of(&self.root)?.digest == self.files).then_some((head, body))
    }

    /// Returns a digest of these environment variables, salted so that their values can't be guessed from it.
    fn environment(&self, salt: &str, names: &[String]) -> String {
        let values: Vec<_> = names.iter().map(|name| (name, self.env.get(name))).collect();
        salted(salt, &format!("{values:?}"))
    }
}

/// A finished run.
pub(in crate::workspace) struct Done<'a> {
    pub(in crate::workspace) manifest: &'a Manifest,
    pub(in crate::workspace) jinja: &'a Jinja,
    pub(in crate::workspace) compiled: &'a Compiled,
    pub(in crate::workspace) observed: &'a ObservedState,
    /// The tables, and their state before any was read.
    pub(in crate::workspace) tables: Option<(WatchedTables, TablesState)>,
    /// The steps to report again, or `None` if the next run has something to do.
    pub(in crate::workspace) steps: Option<Vec<RecordedStep>>,
    pub(in crate::workspace) info: RunInfo,
    /// The time as of which it was planned.
    pub(in crate::workspace) started: chrono::DateTime<chrono::Utc>,
    /// The warnings shown before the run, without colour and in colour.
    pub(in crate::workspace) warnings: [String; 2],
    pub(in crate::workspace) lookup: FileLookup,
    /// The files of compiled SQL, relative to the target path.
    pub(in crate::workspace) written: Vec<PathBuf>,
}

/// Returns everything in a request that affects the run: the binary, the options and the folders. Returns
/// `None` if the binary can't be inspected.
fn text(options: &LoadOptions, request: &Request, program: &Path, places: (&Path, &Path)) -> Option<String> {
    let build = (env!("CARGO_PKG_VERSION"), stamp::of(program)?, program);
    let nodes = (request.command, &request.selection);
    let how = (request.fail_fast, request.retain, options.quiet, options.threads, cores());
    let settings = (&options.target, &options.vars, options.static_analysis);
    Some(format!("{:?}", (build, places, nodes, how, settings)))
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
