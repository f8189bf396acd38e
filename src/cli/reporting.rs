//! Reporting: the sinks that receive a run's events, and the exit code.

use std::{
    io::{IsTerminal, stdout},
    process::ExitCode,
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    args::{Global, LogFormat},
    colour::stdout_in_colour,
    failure::{Failure, NODE_FAILED},
    openlineage, recorded_args,
    request::CommandRequest,
    streams,
    vars::command_line_vars,
};
use crate::{
    artifact::{Invocation, in_database},
    lineage::Lineage,
    manifest::Node,
    plan::Step,
    project::Project,
    report::{
        Datasets, EventSink, FileLookup, JsonLines, Level, NodeFile, OpenLineage, Reporter, RunResult,
        RunResults, SourcesJson, TargetPath, Terminal, TerminalStyle, Transport, is_ephemeral,
    },
    run::worker::Worker,
};

/// Returns the exit code for a run's result.
pub(super) fn exit_code(result: &RunResult) -> ExitCode {
    if result.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NODE_FAILED) }
}

/// The inputs of a run's reporter.
pub(super) struct Reporting<'a> {
    pub(super) global: &'a Global,
    pub(super) request: &'a CommandRequest<'a>,
    pub(super) target: &'a TargetPath,
    pub(super) lookup: FileLookup,
    pub(super) database: &'a str,
}

impl Reporting<'_> {
    /// Creates the reporter of a run with these `planned` steps, or of a replayed run if `None`.
    pub(super) fn reporter(self, planned: Option<Vec<Arc<Step>>>) -> Result<Reporter, Failure> {
        let vars = command_line_vars(self.global)?;
        Ok(reporter(self, &vars, planned))
    }
}

fn reporter(
    Reporting { global, request, target, lookup, database }: Reporting<'_>,
    vars: &Map<String, Value>,
    planned: Option<Vec<Arc<Step>>>,
) -> Reporter {
    let terminal = stdout().is_terminal();
    let mut look = TerminalStyle::new(*chrono::Local::now().offset());
    look.colour = stdout_in_colour();
    look.quiet = global.quiet;
    let lines: Box<dyn EventSink> = match global.log_format {
        LogFormat::Json => {
            let least = if global.quiet { Level::Warn } else { Level::Info };
            Box::new(JsonLines::new(
                Box::new(streams::stdout()),
                least,
                std::process::id(),
                Arc::clone(&lookup),
            ))
        }
        LogFormat::Text if global.quiet => {
            Box::new(Terminal::plain(Box::new(streams::stderr()), look, Arc::clone(&lookup)))
        }
        LogFormat::Text if terminal => Box::new(Terminal::live(look, Arc::clone(&lookup))),
        LogFormat::Text => Box::new(Terminal::plain(Box::new(streams::stdout()), look, Arc::clone(&lookup))),
    };
    let invocation = Invocation {
        database: database.to_owned(),
        args: recorded_args::record(global, request, vars),
        ..Invocation::default()
    };
    let sources = SourcesJson::new(target.path().join("sources.json"), invocation.clone());
    let path = target.path().join("run_results.json");
    let results = match planned {
        Some(planned) => RunResults::new(path, invocation, lookup, planned),
        None => RunResults::new(path, invocation, lookup, Vec::new()).replayed(),
    };
    let mut sinks: Vec<Box<dyn EventSink>> = vec![lines, Box::new(sources)];
    // As in dbt, freshness results have their own file, and `retry` refers to the last build.
    if request.command != "freshness" {
        sinks.insert(1, Box::new(results));
    }
    Reporter::new(sinks)
}

/// Returns the sink for lineage events, if the environment requests them.
pub(super) fn lineage_events(
    worker: &Arc<Worker>,
    project: &Project,
    lookup: &FileLookup,
) -> Option<Box<dyn EventSink>> {
    let wanted = openlineage::wanted()?;
    let lineage = Lineage::between(&worker.manifest, &worker.compiled, &|node| !is_ephemeral(node));
    let root = worker.tables.lake().root_display();
    let datasets =
        Datasets::new(&worker.manifest, &lineage, (&root, &project.root), &project.settings.dialect);
    let transport = Transport::start(wanted.endpoint);
    let sink = OpenLineage::new(wanted.namespace, wanted.parent, datasets, Arc::clone(lookup), transport);
    Some(Box::new(sink))
}

/// Returns the lookup of the nodes' files and compiled SQL.
pub(super) fn lookup(worker: &Arc<Worker>, database: &str) -> FileLookup {
    let (worker, database) = (Arc::clone(worker), database.to_owned());
    Arc::new(move |id| {
        let node = worker.manifest.nodes.get(id)?;
        let compiled = &worker.compiled;
        // The SQL that reads a seed is generated.
        let has_sql = matches!(node, Node::Model(_) | Node::Snapshot(_));
        let model = || compiled.models.get(id).filter(|_| has_sql).map(|model| &model.sql);
        let test = || compiled.tests.get(id).map(|test| &test.probe.sql);
        let unit_test = || compiled.unit_tests.get(id).map(|test| &test.sql);
        let sql = model().or_else(test).or_else(unit_test);
        Some(NodeFile {
            path: Some(node.path().to_owned()),
            compiled_code: sql.map(|sql| in_database(sql, worker.manifest.named_by(id), &database)),
        })
    })
}
