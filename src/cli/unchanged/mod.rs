//! Unchanged runs: a command that finds nothing changed since it last ran tells again how that run ended, without parsing
//! the project.
//!
//! ```text
//! files, flags, environment ──▶ Request ──▶ record of the last run ──▶ conditions hold ──▶ replay
//!                                  └── no record, or anything else than it was ──▶ the whole run ──▶ new record
//! ```
//!
//! - [`Request`]: what was asked for, and the state of the project's files; start here
//! - `record`: what a run leaves for the next one, in `partial_parse.cache`
//! - `replay`: telling it again
//! - `settle`: what a run that built something leaves for the next one

mod record;
mod replay;
mod settle;

use std::{
    env,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use self::record::{Body, Head, RecordedInfo, RecordedNode};
pub(super) use self::{replay::replay, settle::Ended};
use super::{
    args::{Global, LogLevel},
    asked::{Asked, Freshness},
    context::cores,
    failure, openlineage,
};
use crate::{
    artifact::renew::Renewal,
    compile::Compiled,
    diag::Diagnostic,
    event::RunInfo,
    jinja::Jinja,
    manifest::Manifest,
    project::ProjectState,
    report::Lookup,
    run::{
        planning::Rebuild,
        seen::Seen,
        unchanged::{
            conditions::{Conditions, TablesState, WatchedTables},
            steps::RecordedStep,
        },
    },
    stamp,
};

/// The record's file in the target path.
const FILE: &str = "partial_parse.cache";

/// The artifacts that say what the project is.
const ARTIFACTS: [&str; 2] = ["manifest.json", "graph_summary.json"];

/// A command that may be answered by the record of an earlier one.
pub(super) struct Request {
    /// The project's folder.
    root: PathBuf,
    target_path: PathBuf,
    /// All of the command that decides what it does, as one text.
    text: String,
    /// A digest of the project's files as they were before any was parsed.
    files: u128,
}

impl Request {
    /// The request of this command, or `None` if it always has to do something, or if it can't be told whether anything
    /// changed.
    pub(super) fn new(global: &Global, asked: &Asked<'_>) -> Option<Self> {
        let is_plain = asked.builds()
            && asked.again.is_none()
            && asked.rebuild == Rebuild::Stale
            && asked.event_time.is_none()
            && asked.freshness == Freshness::Nobody;
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
        let text = text(global, asked, (&root, &target_path))?;
        Some(Self { root, target_path, text, files: state.digest })
    }

    fn path(&self) -> PathBuf {
        self.target_path.join(FILE)
    }

    /// Whether a record is that of the same command, on the same files and in the same environment.
    fn is_of(&self, head: &Head) -> bool {
        head.files == hex(self.files)
            && head.request == salted(&head.salt, &self.text)
            && head.env == environment(&head.salt, &head.env_vars)
    }

    /// Leaves a record of a run for the next one, if it did nothing and all that it looked at can be looked at again.
    /// What can't be recorded is run again.
    pub(super) fn record(self, run: Done<'_>) {
        let path = self.path();
        let written = self.records(run).and_then(|(head, body)| record::write(&path, &head, &body).ok());
        if written.is_none() {
            // One that is there speaks of another state.
            let _ = std::fs::remove_file(path);
        }
    }

    fn records(&self, run: Done<'_>) -> Option<(Head, Body)> {
        let steps = run.steps?;
        let asked = run.jinja.asked();
        if asked.volatile {
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
        let env_vars: Vec<String> = asked.env_vars.into_iter().collect();
        let body = Body {
            conditions,
            info: RecordedInfo::new(run.info),
            warnings: [false, true].map(|colour| {
                run.warnings.iter().map(|shown| failure::text(shown, run.quiet, colour)).collect()
            }),
            artifacts: artifacts.into_iter().collect::<Option<_>>()?,
            compiled: compiled.collect::<Option<_>>()?,
            nodes: nodes.collect(),
        };
        let head = Head {
            request: salted(&salt, &self.text),
            files: hex(self.files),
            env: environment(&salt, &env_vars),
            env_vars,
            salt,
        };
        // Last of all: what changed since the run began must not be taken for what it saw.
        (ProjectState::of(&self.root)?.digest == self.files).then_some((head, body))
    }
}

/// A run that is over.
pub(super) struct Done<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) jinja: &'a Jinja,
    pub(super) compiled: &'a Compiled,
    pub(super) seen: &'a Seen,
    /// The tables, and their state before any was read.
    pub(super) tables: Option<(WatchedTables, TablesState)>,
    /// What it told, or what one after it would, if there is nothing to do.
    pub(super) steps: Option<Vec<RecordedStep>>,
    pub(super) info: RunInfo,
    /// When it was planned.
    pub(super) started: chrono::DateTime<chrono::Utc>,
    /// The warnings that were shown before it, each time some were.
    pub(super) warnings: Vec<Vec<Diagnostic>>,
    pub(super) quiet: bool,
    pub(super) lookup: Lookup,
    /// The files of compiled SQL, relative to the target path.
    pub(super) written: Vec<PathBuf>,
}

/// All of a command that decides what it does: the binary, the flags, the places.
fn text(global: &Global, asked: &Asked<'_>, places: (&Path, &Path)) -> Option<String> {
    let binary = env::current_exe().ok()?;
    let build = (env!("CARGO_PKG_VERSION"), stamp::of(&binary)?, binary);
    let select = asked.select;
    let nodes = (asked.command, &select.select, &select.exclude, select.indirect_selection);
    let how = (asked.fail_fast, asked.keep, global.quiet, global.threads, cores());
    let settings = (&global.target, &global.vars);
    Some(format!("{:?}", (build, places, nodes, how, settings)))
}

/// A digest of these environment variables, whose values must not be guessed from it.
fn environment(salt: &str, names: &[String]) -> String {
    let values: Vec<_> = names.iter().map(|name| (name, env::var_os(name))).collect();
    salted(salt, &format!("{values:?}"))
}

fn salted(salt: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update("\n").chain_update(text).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}
